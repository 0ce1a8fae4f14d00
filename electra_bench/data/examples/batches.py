"""From rows of example stores to padded batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch
from electra_bench.core.batch import NO_LABEL
from electra_bench.data.examples.batch_plan import Row
from electra_bench.data.examples.store import ExampleStore

# Batches grouped by length are padded to a multiple of this: few shapes, few retraces.
LENGTH_MULTIPLE = 8


def signature(batch_size: int | None = None, seq_length: int | None = None) -> Batch:
    """Shapes and dtypes of batches; None where they differ between batches."""
    tokens = tf.TensorSpec([batch_size, seq_length], tf.int32)
    return Batch(
        input_ids=tokens,
        input_mask=tokens,
        segment_ids=tokens,
        labels=tf.TensorSpec([batch_size, None], tf.int32),
        values=tf.TensorSpec([batch_size, None], tf.float32),
        task_id=tf.TensorSpec([batch_size], tf.int32),
        example_id=tf.TensorSpec([batch_size], tf.int32),
    )


class BatchPlan(Protocol):
    """Rows of every step."""

    def __getitem__(self, step: int) -> Sequence[Row]: ...


def pad_rows(
    rows: Sequence[np.ndarray], length: int, dtype: type, fill: float = 0
) -> np.ndarray:
    """Stacks rows of different lengths, `dtype` [rows, length]."""
    padded = np.full((len(rows), length), fill, dtype)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def rounded_up(length: int, multiple: int) -> int:
    """The next multiple, at least one."""
    return max(1, -(-length // multiple)) * multiple


def make_batch(
    stores: Sequence[ExampleStore],
    rows: Sequence[Row],
    seq_length: int | None,
    multiple: int = 1,
) -> Batch:
    """Reads and pads the rows of one step.

    Args:
        stores: one a task.
        rows: what to read; a negative index makes an empty row that fills up a batch.
        seq_length: pad to this length; None pads to the longest row.
        multiple: without `seq_length`, pad on to a multiple of this: few shapes.

    Returns:
        NumPy arrays.
    """
    ids = _column(stores, rows, "input_ids")
    lengths = np.array([len(row) for row in ids])
    seq = seq_length or rounded_up(int(lengths.max()), multiple)
    labels = _column(stores, rows, "labels")
    values = _column(stores, rows, "values")
    num_labels = max((len(row) for row in labels), default=0)
    if all(len(x) == len(y) for x, y in zip(labels, ids, strict=True)):
        num_labels = seq  # labels that run along the tokens are padded like them
    num_values = max((len(row) for row in values), default=0)
    return Batch(
        input_ids=pad_rows(ids, seq, np.int32),
        input_mask=(np.arange(seq) < lengths[:, None]).astype(np.int32),
        segment_ids=pad_rows(_column(stores, rows, "segment_ids"), seq, np.int32),
        labels=pad_rows(labels, num_labels, np.int32, NO_LABEL),
        values=pad_rows(values, num_values, np.float32),
        task_id=np.array([row.task for row in rows], np.int32),
        example_id=np.array([row.index for row in rows], np.int32),
    )


def _column(
    stores: Sequence[ExampleStore], rows: Sequence[Row], feature: str
) -> list[np.ndarray]:
    nothing = np.empty(0, np.int32)
    return [
        stores[row.task].row(feature, row.index)
        if row.index >= 0 and feature in stores[row.task].features
        else nothing
        for row in rows
    ]


def training_dataset(
    make: Callable[[int], Batch], spec: Batch, first_step: int, num_steps: int
) -> tf.data.Dataset:
    """Batches of steps `first_step` to `num_steps` - 1, made ahead of their use.

    Args:
        make: the batch of a step.
        spec: see `signature`.
        first_step: step to begin with, counted from 0.
        num_steps: steps in all.
    """

    def batches() -> Iterator[Batch]:
        for step in range(first_step, num_steps):
            yield make(step)

    dataset = tf.data.Dataset.from_generator(batches, output_signature=spec)
    return dataset.prefetch(4)


def evaluation_batches(
    store: ExampleStore, batch_size: int, seq_length: int | None = None
) -> Iterator[Batch]:
    """Every row of a store once, grouped by length, the last batch filled up.

    The rows of a result are put in order again by `example_id`, which here is the row
    of the store.
    """
    order = np.argsort(store.lengths("input_ids"), kind="stable")
    for start in range(0, len(order), batch_size):
        chosen = [Row(0, int(i)) for i in order[start : start + batch_size]]
        chosen += [Row(0, -1)] * (batch_size - len(chosen))
        yield make_batch([store], chosen, seq_length, LENGTH_MULTIPLE)
