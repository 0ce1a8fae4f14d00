"""Batches whose examples share rows of the encoder, for tests."""

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch
from electra_bench.core.batch import own_rows
from electra_bench.data.examples.packing import packed


def packed_batch(batch: Batch) -> Batch:
    """The examples of a batch in the rows that a run would give them."""
    lengths = batch.input_mask.numpy().sum(-1)
    room = batch.input_ids.shape[1]
    found = packed(lengths, batch.task_id.numpy(), room)
    ordered = Batch(*(tf.gather(column, found.order) for column in batch))
    return ordered._replace(
        place=tf.constant(found.place),
        rows=tf.zeros([len(lengths), found.num_rows, 0], tf.int32),
    )


def unpacked(batch: Batch) -> Batch:
    """The same examples in the same order, each in a row of its own."""
    own = own_rows(batch.input_ids.shape[0])
    return batch._replace(**{name: tf.constant(x) for name, x in own.items()})


def num_rows(batch: Batch) -> int:
    """Rows of the encoder; all of them are needed."""
    rows = batch.place.numpy() // batch.input_ids.shape[1]
    assert set(rows) == set(range(batch.rows.shape[1]))
    return batch.rows.shape[1]


def two_a_row(batch: Batch) -> Batch:
    """The packed batch, checked that rows hold two examples on average."""
    found = packed_batch(batch)
    assert 2 * num_rows(found) == batch.input_ids.shape[0]
    assert np.all(np.diff(found.place.numpy()) > 0)
    return found
