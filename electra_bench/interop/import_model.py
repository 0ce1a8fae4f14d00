"""Taking over a model from elsewhere, as a folder that runs can start from."""

import dataclasses
import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from electra_bench.core import Variables
from electra_bench.core.variables import variable_name
from electra_bench.interop.huggingface import (
    ForeignModel,
    ForeignModelError,
    read_model,
)
from electra_bench.interop.import_head import foreign_head
from electra_bench.models.electra import electra, scaled
from electra_bench.models.flops import EncoderSizes
from electra_bench.objectives.heads import DiscriminatorHead, MaskedLMHead
from electra_bench.records import RunRecord, TaskCard, write_record
from electra_bench.system.atomic import write_text
from electra_bench.training.checkpoints import Checkpoints, sha256_of_checkpoint
from electra_bench.vocabularies.load import load_vocabulary

EMBEDDINGS = "electra/embeddings/"


class Imported(NamedTuple):
    """What was taken over.

    Attributes:
        folder: where it lies.
        params: parameters of the encoder.
        heads: names of pre-training heads, or of the task, that came with it.
        dropped: names of tensors that have no counterpart here.
        has_vocab: whether there was a vocabulary.
    """

    folder: str
    params: int
    heads: tuple[str, ...]
    dropped: tuple[str, ...]
    has_vocab: bool


def import_model(
    source: str,
    output: str,
    generator: str | None = None,
    contaminated: Mapping[str, str] | None = None,
    on_start: Callable[[], None] = lambda: None,
    card: TaskCard | None = None,
) -> Imported:
    """Takes over a model of Hugging Face's.

    The folder has the model's sizes (`model.gin`), its vocabulary and a checkpoint of step
    0 with the original's names, so that pre-training and fine-tuning start from it with
    fresh optimizer slots. With a task's head it is a fine-tuned run without scores: it has
    `config.gin` too, and its record names the task.

    Args:
        source: folder with config.json and model.safetensors: ELECTRA's discriminator or
            generator, BERT, or either of them with a fine-tuned head.
        output: folder to make.
        generator: folder of the generator that was trained with the discriminator, so
            that both can be trained on.
        contaminated: task to how its examples or their sources came into the model's
            training, see `RunRecord`.
        on_start: called once everything was found in order.
        card: of the task whose head comes with it; None for a pre-trained model.

    Raises:
        FileExistsError: `output` exists.
        FileNotFoundError: a file is missing.
        ForeignModelError: it does not fit; names every tensor that is missing, left over
            or of another shape, and nothing is written.
    """
    if os.path.exists(output):
        raise FileExistsError(f"{output!r} exists; choose another folder")
    model = read_model(source)
    head = foreign_head(source, model, card)
    if head and generator is not None:
        raise ForeignModelError(
            f"{source} is a fine-tuned model, which has no generator beside it"
        )
    expected = _encoder_shapes(model)
    heads = _heads(model, model.tensors)
    for shapes in heads.values():
        expected |= shapes
    if head:
        expected |= head.shapes(model.sizes["hidden_size"])
    _compare(source, expected, model.tensors)
    tensors = head.renamed(model.tensors) if head else dict(model.tensors)
    bindings = {f"models.electra.{name}": x for name, x in model.sizes.items()}
    head_names = [*heads, *([head.card.name] if head else [])]
    dropped = list(model.dropped)
    if generator is not None:
        other = read_model(generator)
        tensors |= _generator_tensors(generator, other, model)
        bindings |= _generator_bindings(other.sizes, model.sizes)
        head_names += [n for n in _heads(other, other.tensors) if n not in head_names]
        dropped += other.dropped
    bindings |= {f"vocabularies.wordpiece.{k}": x for k, x in model.text.items()}
    vocab_sha256 = _vocabulary_sha256(model)
    on_start()
    os.makedirs(output)
    prefix = Checkpoints(os.path.join(output, "checkpoints")).save(0, tensors, {})
    _write_bindings(output, "model.gin", bindings)
    if head:
        bindings |= head.bindings(model.sizes.get("max_positions"))
        _write_bindings(output, "config.gin", bindings)
    if model.vocab:
        shutil.copyfile(model.vocab, os.path.join(output, "vocab.txt"))
    inside = [s for name, s in expected.items() if name.startswith("electra/")]
    params = sum(map(math.prod, inside))
    label = os.path.basename(os.path.normpath(output))
    sha256 = sha256_of_checkpoint(prefix)
    record = RunRecord(
        f"{label}-{sha256[:8]}",
        label,
        "finetune" if head else "pretrain",
        "done",
        model="electra",
        objective=head.card.kind if head else None,
        hparams=bindings,
        params=params,
        contaminated=contaminated or {},
        vocab_sha256=vocab_sha256,
        checkpoint_sha256=sha256,
    )
    write_record(output, record)
    has_vocab = model.vocab is not None
    return Imported(output, params, tuple(head_names), tuple(dropped), has_vocab)


def _vocabulary_sha256(model: ForeignModel) -> str | None:
    """The hash of a model's vocabulary, which must have as many tokens as the model."""
    if model.vocab is None:
        return None
    vocabulary = load_vocabulary(model.vocab, **model.text)
    size = vocabulary.special_ids.size
    if size != model.vocab_size:
        raise ForeignModelError(
            f"{model.vocab} has {size} tokens, config.json says {model.vocab_size}"
        )
    return vocabulary.sha256


def _write_bindings(folder: str, name: str, bindings: Mapping[str, Any]) -> None:
    lines = [f"{key} = {value!r}\n" for key, value in bindings.items()]
    write_text(os.path.join(folder, name), "".join(lines))


def _encoder_shapes(model: ForeignModel) -> dict[str, list[int]]:
    """Names and shapes of an encoder's variables."""
    encoder = electra(Variables(0), "electra", model.vocab_size, **model.sizes)
    return _shapes(encoder.variables)


def _shapes(variables: Iterable[Any]) -> dict[str, list[int]]:
    return {variable_name(v): v.shape.as_list() for v in variables}


def _heads(
    model: ForeignModel, tensors: Mapping[str, np.ndarray]
) -> dict[str, dict[str, list[int]]]:
    """Names and shapes of the pre-training heads of which there is at least a part."""
    hidden = model.sizes["hidden_size"]
    variables = Variables(0)
    table = np.zeros([model.vocab_size, model.sizes["embedding_size"]], np.float32)
    heads = {
        "discriminator_predictions": DiscriminatorHead(
            variables, "discriminator_predictions", hidden
        ),
        "generator_predictions": MaskedLMHead(
            variables, "generator_predictions", hidden, table
        ),
    }
    return {
        name: _shapes(head.variables)
        for name, head in heads.items()
        if any(tensor.startswith(f"{name}/") for tensor in tensors)
    }


def _compare(
    source: str, expected: Mapping[str, list[int]], found: Mapping[str, np.ndarray]
) -> None:
    missing = [f"{name} is missing" for name in sorted(set(expected) - set(found))]
    extra = [f"{name} is not known" for name in sorted(set(found) - set(expected))]
    shapes = [
        f"{name} is {list(found[name].shape)}, expected {shape}"
        for name, shape in expected.items()
        if name in found and list(found[name].shape) != shape
    ]
    wrong = [*missing, *extra, *shapes]
    if wrong:
        listed = "; ".join(wrong)
        raise ForeignModelError(f"{source} does not fit its config.json: {listed}")


def _generator_tensors(
    folder: str, generator: ForeignModel, discriminator: ForeignModel
) -> dict[str, np.ndarray]:
    """The generator's own tensors, by the names they have beside a discriminator."""
    expected = _encoder_shapes(generator)
    for head in _heads(generator, generator.tensors).values():
        expected |= head
    _compare(folder, expected, generator.tensors)
    own = {}
    for name, value in generator.tensors.items():
        if name.startswith(EMBEDDINGS):
            if not np.array_equal(value, discriminator.tensors.get(name)):
                raise ForeignModelError(
                    f"{folder}: {name} is not the discriminator's; the two share their "
                    "embeddings if they were trained together"
                )
        elif name.startswith("electra/"):
            own[name.replace("electra/", "generator/", 1)] = value
        else:
            own[name] = value
    return own


def _generator_bindings(
    generator: Mapping[str, Any], discriminator: Mapping[str, Any]
) -> dict[str, Any]:
    """What makes `objectives.electra` build this generator."""
    width = generator["hidden_size"] / discriminator["hidden_size"]
    depth = generator["num_layers"] / discriminator["num_layers"]
    bindings = {
        "objectives.electra.generator_hidden_size": width,
        "objectives.electra.generator_layers": depth,
    }
    fields = ("hidden_size", "num_layers", "num_heads", "ffn_size", "embedding_size")
    full, wanted = (
        EncoderSizes(*(sizes[field] for field in fields))
        for sizes in (discriminator, generator)
    )
    # Its builder gets the discriminator's sizes and narrows them.
    heads = wanted.heads * full.hidden // wanted.hidden
    narrowed = scaled(dataclasses.replace(full, heads=heads), width, depth)
    if narrowed != wanted:
        raise ForeignModelError(
            f"the generator has {wanted}; beside this discriminator it can only have "
            f"{narrowed}"
        )
    if heads != full.heads:
        bindings["generator/models.electra.num_heads"] = heads
    return bindings
