"""Taking over a model from elsewhere, as a folder that runs can start from."""

import dataclasses
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.core import Variables
from electra_bench.core.variables import variable_name
from electra_bench.interop.huggingface import (
    ForeignModel,
    ForeignModelError,
    read_model,
)
from electra_bench.interop.import_head import ForeignHead, foreign_head
from electra_bench.models.electra import electra, scaled
from electra_bench.models.flops import EncoderSizes
from electra_bench.objectives.heads import DiscriminatorHead, MaskedLMHead
from electra_bench.records import RunRecord, TaskCard, write_record
from electra_bench.records.run_folder import CONFIG, MODEL_FILE, write_gin
from electra_bench.records.run_record import FILE_NAME
from electra_bench.system.atomic import atomic_file, check_new, new_folder
from electra_bench.training.checkpoint_files import sha256_of_checkpoint
from electra_bench.training.checkpoints import Checkpoints
from electra_bench.vocabularies.files import wordpiece_of
from electra_bench.vocabularies.load import warn_of_doubts

EMBEDDINGS = "electra/embeddings/"
# Tables are padded by some hundred rows; a vocabulary that lacks more is another model's.
MAX_PADDING = 0.1


class Imported(NamedTuple):
    """What was taken over.

    Attributes:
        folder: where it lies.
        params: parameters of the encoder.
        heads: names of pre-training heads, or of the task, that came with it.
        dropped: names of tensors that have no counterpart here.
        has_vocab: whether there was a vocabulary.
        padding: rows of the table of word embeddings that belong to no token.
    """

    folder: str
    params: int
    heads: tuple[str, ...]
    dropped: tuple[str, ...]
    has_vocab: bool
    padding: int


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
        FileExistsError: `output` exists, and is not this very model taken over.
        FileNotFoundError: a file is missing.
        ForeignModelError: it does not fit; names every tensor that is missing, left over
            or of another shape, and nothing is written.
    """
    check_new(output, FILE_NAME)
    model = read_model(source)
    head = foreign_head(source, model, card)
    if head and generator is not None:
        raise ForeignModelError(
            f"{source} is a fine-tuned model, which has no generator beside it"
        )
    params, head_names = _checked(source, model, head)
    tensors = head.renamed(model.tensors) if head else dict(model.tensors)
    bindings = {f"models.electra.{name}": x for name, x in model.sizes.items()}
    dropped = list(model.dropped)
    if generator is not None:
        other = read_model(generator)
        _, more = _checked(generator, other)
        head_names += [name for name in more if name not in head_names]
        tensors |= _generator_tensors(generator, other, model)
        bindings |= _generator_bindings(other.sizes, model.sizes)
        dropped += other.dropped
    bindings |= {f"vocabularies.wordpiece.{k}": x for k, x in model.text.items()}
    vocab_sha256, padding = _vocabulary(model)
    if padding:
        bindings["models.electra.vocab_rows"] = model.vocab_size
    on_start()
    with new_folder(output, sign=FILE_NAME) as folder:
        prefix = Checkpoints(os.path.join(folder, "checkpoints")).save(0, tensors, {})
        _write_bindings(folder, MODEL_FILE, bindings)
        if head:
            bindings |= head.bindings(model.sizes.get("max_positions"))
            _write_bindings(folder, CONFIG, bindings)
        if model.vocab:
            with atomic_file(os.path.join(folder, "vocab.txt")) as file:
                file.write(model.vocabulary())
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
        write_record(folder, record)
    has_vocab = model.vocab is not None
    return Imported(
        output, params, tuple(head_names), tuple(dropped), has_vocab, padding
    )


def _vocabulary(model: ForeignModel) -> tuple[str | None, int]:
    """The hash of a model's vocabulary, and how many rows of its table have no token."""
    if model.vocab is None:
        return None, 0
    vocabulary = wordpiece_of(model.vocabulary(), model.vocab, **model.text)
    warn_of_doubts(vocabulary)
    size = vocabulary.special_ids.size
    padding = model.vocab_size - size
    if not 0 <= padding <= MAX_PADDING * model.vocab_size:
        added = len(model.further_tokens)
        raise ForeignModelError(
            f"{model.vocab} has {size - added} tokens"
            f"{f', and {added} are added' if added else ''}, config.json says "
            f"{model.vocab_size}; it may have fewer by a tenth, where the table of word "
            "embeddings is padded"
        )
    return vocabulary.sha256, padding


def _write_bindings(folder: str, name: str, bindings: Mapping[str, Any]) -> None:
    lines = [f"{key} = {value!r}\n" for key, value in bindings.items()]
    write_gin(folder, name, "".join(lines))


def _checked(
    source: str, model: ForeignModel, head: ForeignHead | None = None
) -> tuple[int, list[str]]:
    """Parameters of a model's encoder, and names of its heads.

    Raises:
        ForeignModelError: its tensors are not those that its sizes ask for.
    """
    variables, hidden = Variables(0), model.sizes["hidden_size"]
    table = np.zeros([model.vocab_size, model.sizes["embedding_size"]], np.float32)
    encoder = electra(variables, "electra", model.vocab_size, **model.sizes)
    expected = _shapes(encoder)
    params = sum(map(math.prod, expected.values()))
    heads = {
        name: _shapes(make(variables, name, hidden, *further))
        for name, make, further in (
            ("discriminator_predictions", DiscriminatorHead, ()),
            ("generator_predictions", MaskedLMHead, (table,)),
        )
        # At least a part of it.
        if any(tensor.startswith(f"{name}/") for tensor in model.tensors)
    }
    if head:
        heads[head.card.name] = head.shapes(hidden)
    for shapes in heads.values():
        expected |= shapes
    found = {name: list(tensor.shape) for name, tensor in model.tensors.items()}
    wrong = [
        *(f"{name} is missing" for name in sorted(expected.keys() - found)),
        *(f"{name} is not known" for name in sorted(found.keys() - expected)),
        *(
            f"{name} is {found[name]}, expected {shape}"
            for name, shape in expected.items()
            if found.get(name, shape) != shape
        ),
    ]
    if wrong:
        listed = "; ".join(wrong)
        raise ForeignModelError(f"{source} does not fit its config.json: {listed}")
    return params, list(heads)


def _shapes(module: tf.Module) -> dict[str, list[int]]:
    return {variable_name(v): v.shape.as_list() for v in module.variables}


def _generator_tensors(
    folder: str, generator: ForeignModel, discriminator: ForeignModel
) -> dict[str, np.ndarray]:
    """The generator's own tensors, by the names they have beside a discriminator."""
    own = {}
    for name, value in generator.tensors.items():
        if not name.startswith(EMBEDDINGS):
            own[re.sub("^electra/", "generator/", name)] = value
        elif not np.array_equal(value, discriminator.tensors.get(name)):
            raise ForeignModelError(
                f"{folder}: {name} is not the discriminator's; the two share their "
                "embeddings if they were trained together"
            )
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
