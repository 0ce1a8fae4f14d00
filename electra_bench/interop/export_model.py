"""Giving a model away, to the original or to Hugging Face."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from electra_bench import config
from electra_bench.interop.huggingface import write_model
from electra_bench.interop.huggingface_names import TASK_HEADS
from electra_bench.records import TaskCard
from electra_bench.records.run_folder import config_of, model_files
from electra_bench.system.atomic import new_folder, write_text
from electra_bench.training.checkpoint_files import (
    find_checkpoint,
    open_reader,
    step_of_checkpoint,
    write_tensors,
)
from electra_bench.training.checkpoints import slot_names
from electra_bench.vocabularies.files import read_file, wordpiece_tokens
from electra_bench.vocabularies.load import vocabulary_beside
from electra_bench.vocabularies.whole_tokens import num_pieces

QUERY = "electra/encoder/layer_0/attention/self/query/kernel"
# Part of a checkpoint to the architecture that holds it.
ARCHITECTURES = {
    "discriminator": "ElectraForPreTraining",
    "generator": "ElectraForMaskedLM",
    "encoder": "ElectraModel",
    **{kind: f"Electra{head.architecture}" for kind, head in TASK_HEADS.items()},
}


class ExportError(ValueError):
    """A model that cannot be written in the form that was asked for."""


class Exported(NamedTuple):
    """What was written for Hugging Face's transformers.

    Attributes:
        architecture: the class that reads it.
        left_out: variables of heads that have no counterpart there, such as the one that
            tells whether there is an answer.
    """

    architecture: str
    left_out: tuple[str, ...]


class TrainedModel(NamedTuple):
    """A checkpoint to give away.

    Attributes:
        prefix: of the checkpoint.
        tensors: names to values, without the optimizer's slots.
        hparams: gin keys to values of the run that made it.
        vocab: path of its vocabulary file; None if there is none.
    """

    prefix: str
    tensors: dict[str, np.ndarray]
    hparams: Mapping[str, Any]
    vocab: str | None

    @classmethod
    def read(cls, path: str) -> "TrainedModel":
        """Reads a run's folder.

        Raises:
            FileNotFoundError: no checkpoint there.
            DamagedCheckpoint: none is as it was written.
            ValueError: the run's configuration is not.
        """
        prefix = find_checkpoint(path)
        reader = open_reader(prefix)
        shapes = reader.get_variable_to_shape_map()
        names = shapes.keys() - slot_names(shapes) - {"global_step"}
        gin_file = _configuration(path)
        hparams = config.literals(Path(gin_file).read_text("utf-8")) if gin_file else ()
        return cls(
            prefix,
            {name: np.asarray(reader.get_tensor(name)) for name in sorted(names)},
            dict(hparams),
            vocabulary_beside(path),
        )

    def bound(self, selector: str, scope: str = "") -> dict[str, Any]:
        """Parameters of a builder, those of a scope first."""
        found: dict[str, Any] = {}
        for prefix in (f"{selector}.", f"{scope}/{selector}."):
            found |= {
                key.removeprefix(prefix): value
                for key, value in self.hparams.items()
                if key.startswith(prefix)
            }
        return found

    def tokens(self) -> list[str]:
        """The tokens of its vocabulary.

        Raises:
            ExportError: there is none.
        """
        if self.vocab is None:
            raise ExportError(
                f"{self.prefix} has whole tokens, and no vocab.txt beside it, which has "
                "their ids"
            )
        return wordpiece_tokens(read_file(self.vocab), self.vocab)


def _configuration(folder: str) -> str | None:
    try:
        return config_of(folder)
    except FileNotFoundError:
        return next(iter(model_files(folder)), None)


def _first_file(folder: str, *names: str) -> str | None:
    paths = (os.path.join(folder, name) for name in names)
    return next(filter(os.path.isfile, paths), None)


def export_tf1(source: TrainedModel, output: str) -> str:
    """Writes the original's checkpoint: its names, no slots, and `global_step`.

    Args:
        source: what to give away.
        output: folder to make, see `new_folder`; `vocab.txt` goes there too.

    Returns:
        The prefix.
    """
    step = step_of_checkpoint(source.prefix) or 0
    name = f"model.ckpt-{step}"
    global_step = {"global_step": np.asarray(step, np.int64)}
    newest = f'model_checkpoint_path: "{name}"\n'
    with new_folder(output, sign="checkpoint", inventory=True) as folder:
        write_tensors(os.path.join(folder, name), source.tensors | global_step)
        write_text(os.path.join(folder, "checkpoint"), newest)
        copy_vocabulary(source, folder)
    return os.path.join(output, name)


def export_huggingface(
    source: TrainedModel, output: str, part: str, card: TaskCard | None = None
) -> Exported:
    """Writes an ELECTRA model for Hugging Face's transformers.

    Args:
        source: what to give away.
        output: folder to make, see `new_folder`.
        part: one of `ARCHITECTURES`.
        card: of the task whose head goes with it.

    Returns:
        The architecture, and what Hugging Face has no place for.

    Raises:
        ExportError: the checkpoint lacks the part, or its head is not Hugging Face's.
    """
    if part in TASK_HEADS and (card is None or card.kind != part):
        found = "none" if card is None else repr(card.kind)
        raise ExportError(
            f"{source.prefix} has no head of kind {part!r}; that of its task is {found}"
        )
    tensors, sizes = _encoder(source, part == "generator")
    left_out: list[str] = []
    if part in ("discriminator", "generator"):
        head = _below(source.tensors, f"{part}_predictions/")
        if not head:
            raise ExportError(
                f"{source.prefix} has no {part}_predictions/..., so no {part}"
            )
        tensors |= head
    elif part in TASK_HEADS:
        tensors |= _task_head(source, part, card)
        scope, dense = f"task_specific/{card.name}", TASK_HEADS[part].dense
        known = tuple(f"{scope}/{layer}/" for layer in dense)
        heads = _below(source.tensors, "task_specific/")
        left_out = [name for name in heads if not name.startswith(known)]
    if source.vocab and source.vocab.endswith(".model"):
        raise ExportError(
            f"{source.vocab} is SentencePiece, which ElectraTokenizer does not read"
        )
    text = source.bound("vocabularies.wordpiece")
    whole = text.get("whole_tokens") or {}
    tokens = source.tokens() if whole else []
    with new_folder(output, sign="model.safetensors", inventory=True) as folder:
        write_model(
            folder,
            architecture=ARCHITECTURES[part],
            sizes=sizes,
            tensors=tensors,
            labels=card.labels if part == "tagging" else (),
            text=text,
            tokens=tokens,
        )
        copy_vocabulary(source, folder)
        pieces = tokens[: num_pieces(tokens, whole)]
        if len(pieces) < len(tokens):
            # To transformers all tokens of the file are pieces of words.
            lines = "".join(f"{piece}\n" for piece in pieces)
            write_text(os.path.join(folder, "vocab.txt"), lines)
    return Exported(ARCHITECTURES[part], tuple(sorted(left_out)))


def _below(tensors: Mapping[str, np.ndarray], scope: str) -> dict[str, np.ndarray]:
    return {name: value for name, value in tensors.items() if name.startswith(scope)}


def _encoder(
    source: TrainedModel, is_generator: bool
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Tensors of an encoder, below `electra/`, and parameters that give its shapes."""
    tensors = _below(source.tensors, "electra/")
    own = _below(source.tensors, "generator/") if is_generator else {}
    if own:
        tensors = _below(tensors, "electra/embeddings/") | {
            name.replace("generator/", "electra/", 1): value
            for name, value in own.items()
        }
    bound = source.bound("models.electra", "generator" if own else "discriminator")
    if not bound:
        raise ExportError(
            f"{source.prefix}: the model's sizes are not known; expected config.gin or "
            "model.gin in the run's folder"
        )
    # A narrower encoder keeps the size of its heads, see `models.electra.scaled`.
    hidden, full_hidden = (x[QUERY].shape[0] for x in (tensors, source.tensors))
    heads = max(1, int(hidden / (full_hidden / bound["num_heads"])))
    return tensors, {
        **bound,
        "hidden_size": hidden,
        "num_layers": sum(name.endswith("self/query/kernel") for name in tensors),
        "num_heads": heads,
        "ffn_size": tensors["electra/encoder/layer_0/output/dense/kernel"].shape[0],
        "embedding_size": tensors["electra/embeddings/word_embeddings"].shape[1],
        "max_positions": tensors["electra/embeddings/position_embeddings"].shape[0],
        "segment_types": tensors["electra/embeddings/token_type_embeddings"].shape[0],
    }


def _task_head(
    source: TrainedModel, part: str, card: TaskCard
) -> dict[str, np.ndarray]:
    """A head that is one dense layer there and here."""
    scope, head = f"task_specific/{card.name}", TASK_HEADS[part]
    try:
        kernels, biases = (
            [source.tensors[f"{scope}/{layer}/{weights}"] for layer in head.dense]
            for weights in ("kernel", "bias")
        )
    except KeyError as error:
        raise ExportError(f"{source.prefix} has no {error.args[0]}") from error
    if f"{scope}/qa_hidden/kernel" in source.tensors:
        raise ExportError(
            f"{source.prefix}: the last token of an answer depends on the first, which "
            "Hugging Face's head cannot do; train with kinds.span_qa.joint_prediction="
            "False, or write --part encoder"
        )
    return {
        f"{head.layer}/kernel": np.concatenate(kernels, axis=1),
        f"{head.layer}/bias": np.concatenate(biases),
    }


def copy_vocabulary(source: TrainedModel, output: str) -> None:
    """Puts the vocabulary's file beside the model."""
    if source.vocab:
        shutil.copy(source.vocab, output)
