"""From rows of example stores to padded batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch
from electra_bench.core.batch import NO_LABEL, own_rows
from electra_bench.data.examples.batch_plan import Rows
from electra_bench.data.examples.made_ahead import made_ahead
from electra_bench.data.examples.packing import packed
from electra_bench.data.examples.padded_lengths import LENGTH_MULTIPLE
from electra_bench.data.examples.store import ExampleStore


def signature(
    batch_size: int | None = None,
    seq_length: int | None = None,
    is_packed: bool = False,
) -> Batch:
    """Shapes and dtypes of batches; None where they differ between batches."""
    num_rows = None if is_packed else 0
    tokens = tf.TensorSpec([batch_size, seq_length], tf.int32)
    return Batch(
        input_ids=tokens,
        input_mask=tokens,
        segment_ids=tokens,
        labels=tf.TensorSpec([batch_size, None], tf.int32),
        values=tf.TensorSpec([batch_size, None], tf.float32),
        task_id=tf.TensorSpec([batch_size], tf.int32),
        example_id=tf.TensorSpec([batch_size], tf.int32),
        place=tf.TensorSpec([batch_size], tf.int32),
        rows=tf.TensorSpec([batch_size, num_rows, 0], tf.int32),
    )


class BatchPlan(Protocol):
    """Rows of every step."""

    def __getitem__(self, step: int) -> Rows: ...


def pad_rows(
    rows: Sequence[np.ndarray], length: int, dtype: type, fill: float = 0
) -> np.ndarray:
    """Stacks rows of different lengths, `dtype` [rows, length]."""
    padded = np.full((len(rows), length), fill, dtype)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def make_batch(
    stores: Sequence[ExampleStore],
    rows: Rows,
    pad_to: Sequence[int] = (),
) -> Batch:
    """Reads and pads the rows of one step.

    Args:
        stores: one a task.
        rows: what to read.
        pad_to: lengths, ascending, of which the first that no row exceeds is taken; none
            pads to the longest row.

    Returns:
        NumPy arrays.

    Raises:
        ValueError: a row is longer than the last of `pad_to`.
    """
    chosen = _Chosen(stores, rows)
    lengths = chosen.lengths("input_ids")
    seq = _padded_length(lengths, pad_to)
    of_labels = chosen.lengths("labels")
    # Labels that run along the tokens are padded like them.
    along = np.array_equal(of_labels, lengths)
    num_labels = seq if along else int(of_labels.max(initial=0))
    num_values = int(chosen.lengths("values").max(initial=0))
    return Batch(
        input_ids=chosen.padded("input_ids", seq, np.int32),
        input_mask=(np.arange(seq) < lengths[:, None]).astype(np.int32),
        segment_ids=chosen.padded("segment_ids", seq, np.int32),
        labels=chosen.padded("labels", num_labels, np.int32, NO_LABEL),
        values=chosen.padded("values", num_values, np.float32),
        task_id=rows.tasks.astype(np.int32),
        example_id=rows.indices.astype(np.int32),
        **own_rows(len(rows.indices)),
    )


def make_packed_batch(
    stores: Sequence[ExampleStore], rows: Rows, pad_to: Sequence[int]
) -> Batch:
    """A batch whose examples share rows of the encoder, in the order of their places.

    Args:
        stores: one a task.
        rows: what to read.
        pad_to: the only length, of a row and of what examples are padded to.

    Raises:
        ValueError: an example is longer than that.
    """
    lengths = _Chosen(stores, rows).lengths("input_ids")
    [room] = pad_to
    found = packed(lengths, rows.tasks, room)
    ordered = Rows(*(column[found.order] for column in rows))
    return make_batch(stores, ordered, pad_to)._replace(
        place=found.place,
        rows=np.zeros([len(lengths), found.num_rows, 0], np.int32),
    )


def padded_length(
    stores: Sequence[ExampleStore], rows: Rows, pad_to: Sequence[int]
) -> int:
    """Tokens that the rows of a step are padded to; args and errors: see `make_batch`."""
    return _padded_length(_Chosen(stores, rows).lengths("input_ids"), pad_to)


def _padded_length(lengths: np.ndarray, pad_to: Sequence[int]) -> int:
    longest = max(1, int(lengths.max()))
    seq = next((length for length in pad_to if length >= longest), longest)
    if pad_to and seq > pad_to[-1]:
        raise ValueError(
            f"a row has {longest} tokens, and batches are padded to {pad_to[-1]} at most"
        )
    return seq


class _Chosen:
    """Rows of several stores, read feature by feature."""

    def __init__(self, stores: Sequence[ExampleStore], rows: Rows):
        self._size, self._parts = len(rows.indices), []
        for task, store in enumerate(stores):
            places = np.flatnonzero((rows.tasks == task) & (rows.indices >= 0))
            if places.size:
                self._parts.append((store, places, rows.indices[places]))

    def lengths(self, feature: str) -> np.ndarray:
        """Length of every row, 0 without the feature: int64 [rows]."""
        found = np.zeros(self._size, np.int64)
        for store, places, indices in self._having(feature):
            found[places] = store.lengths(feature)[indices]
        return found

    def padded(
        self, feature: str, width: int, dtype: type, fill: float = 0
    ) -> np.ndarray:
        """The rows, [rows, width]."""
        found: np.ndarray = np.full([self._size, width], fill, dtype)
        for store, places, indices in self._having(feature):
            found[places] = store.rows(feature, indices, width, dtype, fill)
        return found

    def _having(self, feature: str):
        return (part for part in self._parts if feature in part[0].features)


class StepBatches:
    """The batches of a training from any step on, made ahead of their use.

    Attributes:
        waited_s: seconds that were spent waiting for one.
    """

    def __init__(self, make: Callable[[int], Batch], spec: Batch, num_steps: int):
        """Makes nothing yet.

        Args:
            make: the batch of a step, counted from 0.
            spec: see `signature`.
            num_steps: steps in all.
        """
        self._make = make
        self._spec = spec
        self._num_steps = num_steps
        self.waited_s = 0.0

    def __call__(self, first_step: int) -> tf.data.Dataset:
        """Those of `first_step` and of all that follow."""

        def batches() -> Iterator[Batch]:
            steps = range(first_step, self._num_steps)
            return made_ahead(self._make, steps, waited=self._add)

        return tf.data.Dataset.from_generator(batches, output_signature=self._spec)

    def _add(self, seconds: float) -> None:
        self.waited_s += seconds


def evaluation_batches(store: ExampleStore, batch_size: int) -> Iterator[Batch]:
    """Every row of a store once, grouped by length, the last batch filled up.

    The rows of a result are put in order again by `example_id`, which here is the row
    of the store.
    """
    lengths = store.lengths("input_ids")
    order = np.argsort(lengths, kind="stable")
    longest = max(1, int(lengths.max(initial=0)))
    # An encoder may have no positions beyond the longest row.
    pad_to = (*range(LENGTH_MULTIPLE, longest, LENGTH_MULTIPLE), longest)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        filled = np.pad(chosen, (0, batch_size - len(chosen)), constant_values=-1)
        yield make_batch([store], Rows.of(filled), pad_to)
