"""Small sizes, cards and batches that models, objectives and kinds are checked with."""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench import config, registry
from electra_bench.config.signature import signature_of
from electra_bench.core import Batch, Encoder, Seed, SpecialIds, TaskKind, Variables
from electra_bench.core.batch import NO_LABEL, own_rows
from electra_bench.models.factory import encoder_factory
from electra_bench.records import TaskCard

SPECIAL = SpecialIds(size=60, pad=0, unk=1, cls=2, sep=3, mask=4)
# For parameters of models that have no default and that nothing binds.
SIZES = {
    "hidden_size": 32,
    "num_layers": 2,
    "num_heads": 2,
    "ffn_size": 64,
    "embedding_size": 16,
}
ROWS, SEQ = 8, 24
LABELS = ("a", "b", "c")


def bind_sizes(model: str) -> None:
    """Makes a model small where gin does not say otherwise."""
    parameters = signature_of(registry.models.get(model)).parameters
    sizes = {name: size for name, size in SIZES.items() if name in parameters}
    config.bind_unbound(f"models.{model}", sizes)


def encoder(
    model: str, variables: Variables, role: str = "encoder", **asked
) -> Encoder:
    """A small encoder of a registered model.

    Args:
        model: its name.
        variables: creates its variables.
        role: what it is for.
        **asked: what an objective asks for, see `EncoderFactory`.
    """
    bind_sizes(model)
    return encoder_factory(model, variables, SPECIAL.size)(role, **asked)


def card(kind: str, labels: tuple[str, ...] = LABELS) -> TaskCard:
    """The card of a task that does not exist."""
    fields: dict[str, Any] = dict.fromkeys(
        ("summary", "builder", "main_metric", "source", "licence", "citation"), ""
    )
    fields |= {"name": "things", "version": 1, "kind": kind, "splits": {}}
    return TaskCard(**fields, labels=labels, label_range=(0.0, 1.0))


def texts(rows: int = ROWS, seq: int = SEQ) -> Batch:
    """Random tokens in rows of different lengths, two segments each, without labels."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(10, seq + 1, rows)
    mask = (np.arange(seq) < lengths[:, None]).astype(np.int32)
    ids = rng.integers(5, SPECIAL.size, [rows, seq]) * mask
    segments = (np.arange(seq) >= lengths[:, None] // 2).astype(np.int32) * mask
    ids[:, 0] = SPECIAL.cls
    ids[np.arange(rows), lengths - 1] = SPECIAL.sep
    tokens = (tf.constant(x, tf.int32) for x in (ids, mask, segments))
    labels, values = tf.zeros([rows, 0], tf.int32), tf.zeros([rows, 0])
    task, example = tf.zeros([rows], tf.int32), tf.range(rows)
    return Batch(*tokens, labels, values, task, example, **own_rows(rows))


def labelled(kind: TaskKind, rows: int = ROWS, seq: int = SEQ) -> Batch:
    """Random texts with labels as a kind has them."""
    plain = texts(rows, seq)
    mask, segments = plain.input_mask.numpy(), plain.segment_ids.numpy()
    labels, values = kind.sample_targets(mask, segments, np.random.default_rng(1))
    labels, values = tf.constant(labels, tf.int32), tf.constant(values, tf.float32)
    return plain._replace(labels=labels, values=values)


@functools.cache
def labels_run_along(kind: TaskKind) -> bool:
    """Whether an example of a kind has as many labels as tokens."""
    lengths = [SEQ, SEQ + 1]
    return lengths == [labelled(kind, 1, seq).labels.shape[1] for seq in lengths]


def example(batch: Batch, row: int, kind: TaskKind) -> dict[str, np.ndarray]:
    """A row's features as `decode` of a kind gets them, without padding."""
    length = int(batch.input_mask[row].numpy().sum())
    labels = batch.labels[row].numpy()
    return {
        "input_ids": batch.input_ids[row, :length].numpy(),
        "segment_ids": batch.segment_ids[row, :length].numpy(),
        "labels": labels[:length] if labels_run_along(kind) else labels,
        "values": batch.values[row].numpy(),
        "example_id": np.array([row], np.int32),
    }


def rows_of(whole: Batch, first: int, last: int) -> Batch:
    """Some rows of a batch."""
    return Batch(*(tensor[first:last] for tensor in whole))


def with_rows_of_padding(whole: Batch, count: int) -> Batch:
    """The batch with rows that only fill it up."""
    fill = Batch(*(tf.zeros_like(tensor[:count]) for tensor in whole))
    fill = fill._replace(labels=fill.labels + NO_LABEL, example_id=fill.example_id - 1)
    return Batch(*(tf.concat(parts, 0) for parts in zip(whole, fill, strict=True)))


def with_columns_of_padding(whole: Batch, count: int) -> Batch:
    """The batch with longer rows; labels too, where there are any."""
    columns = [[0, 0], [0, count]]
    fields = ("input_ids", "input_mask", "segment_ids")
    padded = {name: tf.pad(getattr(whole, name), columns) for name in fields}
    if whole.labels.shape[1]:
        padded["labels"] = tf.pad(whole.labels, columns, constant_values=NO_LABEL)
    return whole._replace(**padded)


def encode(model: Encoder, batch: Batch, seed: Seed | None = None):
    """What an encoder returns; with a seed, as in training."""
    tokens = batch.input_ids, batch.input_mask, batch.segment_ids
    given = Seed.of(0) if seed is None else seed
    return model(*tokens, seed=given, training=seed is not None)
