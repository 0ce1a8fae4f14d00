"""What all sources share that read a split at once: the seqio side of them."""

import abc
from collections.abc import Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf


class WholeFileSource(seqio.DataSource):
    """A task's splits, each read whole when a dataset is built."""

    @abc.abstractmethod
    def rows(self, split: str) -> tf.data.Dataset:
        """All examples of a split in the order of its file; their number is known.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: something is wrong in it; says where.
        """

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """Yes: rows are dealt out one by one."""
        return True

    def list_shards(self, split: str) -> Sequence[str]:
        """One shard a split."""
        return [split]

    def num_input_examples(self, split: str) -> int:
        """Number of examples; reads the file."""
        return int(self.rows(split).cardinality())

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        **_unused: object,
    ) -> tf.data.Dataset:
        """All examples of a split; see `seqio.DataSource`."""
        dataset = self.rows(split)
        if shard_info and shard_info.num_shards > 1:
            dataset = dataset.shard(shard_info.num_shards, shard_info.index)
        if not shuffle:
            return dataset
        return dataset.shuffle(max(1, int(dataset.cardinality())), seed=seed)


def dense(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Slices of ragged tensors as the dense tensors that seqio's tasks carry."""
    return {name: tf.convert_to_tensor(value) for name, value in example.items()}


def ragged(rows: Sequence[Sequence[Any]], dtype: tf.DType) -> tf.RaggedTensor:
    """Rows of different lengths; much faster than `tf.ragged.constant`."""
    flat = [value for row in rows for value in row]
    lengths = np.array([len(row) for row in rows], np.int64)
    return tf.RaggedTensor.from_row_lengths(tf.constant(flat, dtype), lengths)
