"""Hashes of a task's raw examples and of what makes examples of them.

seqio keys its cache by the task's name, so a replaced file, source or preprocessor would
go unnoticed. These hashes see them all, for any seqio task.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import seqio
import tensorflow as tf
from absl import logging

from electra_bench import registry
from electra_bench.data.readers.labelled_source import GROUP, LabelledSource
from electra_bench.system.behaviour import Untold, behaviour_sha256

# Examples that are read at once.
BATCH = 4096


def data_sha256(task: seqio.Task, split: str) -> str:
    """The hash of a split's raw examples, in the order of the source.

    A source that knows the hash of its data says so with a method `data_sha256(split)`.
    Any other is read through, so two of them with equal examples have equal hashes; names,
    types and lengths count. What examples belong to does not: it is nothing that a model
    is asked.

    Args:
        task: a seqio task.
        split: one of its splits.
    """
    return raw_hashes(task, split).data


class RawHashes(NamedTuple):
    """Hashes of a split's raw examples.

    Attributes:
        data: see `data_sha256`.
        groups: of what they belong to; empty if `data` has it.
    """

    data: str
    groups: str


class OnceRead(seqio.DataSource):
    """One split of a source, so that what is hashed is what is used.

    The project's own sources read a split whole, so theirs is read once. Others (lines of
    text, TFDS) read whenever a dataset is gone through, and some draw anew in the same one:
    their hash is taken once more when the examples are made.
    """

    def __init__(self, source: seqio.DataSource, split: str):
        """Reads nothing yet."""
        super().__init__(splits=[split])
        self._source = source
        self._dataset: tf.data.Dataset | None = None

    def hashes(self) -> RawHashes:
        """Those of what its dataset gives now."""
        [split] = self.splits
        known = getattr(self._source, "data_sha256", None)
        if known is not None:
            return RawHashes(known(split), "")
        return _hashes(self.get_dataset(split))

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """Whether it can be dealt out to any number of shards: it is never asked to."""
        return False

    def list_shards(self, split: str) -> Sequence[str]:
        """One shard."""
        return [split]

    def get_dataset(
        self, split: str, shuffle: bool = False, **_unused: object
    ) -> tf.data.Dataset:
        """The examples in the order of the source."""
        if self._dataset is not None:
            return self._dataset
        dataset = self._source.get_dataset(split, shuffle=False)
        if isinstance(self._source, LabelledSource):
            self._dataset = dataset
        return dataset


def raw_hashes(task: seqio.Task, split: str) -> RawHashes:
    """Both hashes, of one reading.

    Args:
        task: a seqio task.
        split: one of its splits.
    """
    return OnceRead(task.source, split).hashes()


def _hashes(dataset: tf.data.Dataset) -> RawHashes:
    digest, groups = hashlib.sha256(), hashlib.sha256()
    for example in raw_examples(dataset):
        digest.update(b"example")
        for name in sorted(example):
            if name == GROUP:
                _update_value(groups, example[name])
                continue
            _update(digest, name.encode())
            _update_value(digest, example[name])
    return RawHashes(digest.hexdigest(), groups.hexdigest())


def raw_examples(dataset: tf.data.Dataset) -> Iterator[Mapping[str, Any]]:
    """Examples as numpy has them, by the names of their parts.

    They are read in batches where that gives the same ones.

    Args:
        dataset: of a task's source.
    """
    if not all(
        isinstance(spec, tf.TensorSpec) and spec.shape.rank in (0, 1)
        for spec in _leaves(dataset.element_spec).values()
    ):
        yield from map(_leaves, dataset.as_numpy_iterator())
        return
    # One by one they take ten times as long.
    for batch in dataset.ragged_batch(BATCH):
        leaves = _leaves(batch)
        for values in zip(*map(_rows, leaves.values()), strict=True):
            yield dict(zip(leaves, values, strict=True))


def _leaves(example: Any, name: str = "") -> dict[str, Any]:
    """The parts of an example by name, whatever it is made of.

    Most sources give a dict. A line of text is a part without a name, and what lies in a
    dict or a tuple has the names on the way to it.
    """
    if isinstance(example, Mapping):
        parts = example.items()
    elif isinstance(example, tuple):
        parts = enumerate(example)
    else:
        return {name: example}
    leaves: dict[str, Any] = {}
    for key, part in parts:
        leaves |= _leaves(part, f"{name}/{key}" if name else str(key))
    return leaves


def _rows(values: tf.Tensor | tf.RaggedTensor) -> Sequence[Any]:
    if not isinstance(values, tf.RaggedTensor):
        return values.numpy()
    flat, ends = values.flat_values.numpy(), values.row_splits.numpy()
    return [flat[start:end] for start, end in itertools.pairwise(ends)]


def _update(digest: Any, data: bytes) -> None:
    digest.update(len(data).to_bytes(8, "little"))
    digest.update(data)


def _update_value(digest: Any, value: Any) -> None:
    if isinstance(value, bytes):
        # What the lines below would do, which are slow for millions of texts.
        _update(digest, b"object ()")
        _update(digest, value)
        return
    # as_numpy_iterator gives ragged features as objects of its own.
    if hasattr(value, "to_list"):
        value = np.asarray(value.to_list(), dtype=object)
    array = np.asarray(value)
    _update(digest, f"{array.dtype} {array.shape}".encode())
    if array.dtype != object:
        _update(digest, np.ascontiguousarray(array).tobytes())
        return
    for item in array.ravel():
        _update(digest, item if isinstance(item, bytes) else repr(item).encode())


def preprocessing_sha256(task: seqio.Task) -> str:
    """The hash of a task's preprocessors and of the features it must emit.

    Args:
        task: a seqio task.

    Raises:
        Untold: see `behaviour_sha256`.
    """
    features = {
        name: (feature.dtype.name, feature.rank, feature.add_eos, feature.required)
        for name, feature in task.output_features.items()
    }
    return behaviour_sha256([*task.preprocessors, features])


def making(
    task: seqio.Task, vocabulary: Any, module: str, features: Sequence[Any]
) -> dict[str, Any] | None:
    """What a cache's key says of the code that makes a task's examples.

    Args:
        task: a seqio task. If its source says the hash of its data itself, which may be
            that of a file, the source's attributes count: they say how it is read.
        vocabulary: of the run; None if there is none.
        module: name of the module that makes and writes the examples.
        features: what the preprocessors will ask for, see `tasks/features/choices.py`.

    Returns:
        Hashes of the preprocessing and of all other code; None, and a warning, if there
        are none, see `behaviour_sha256`.
    """
    source = task.source
    bound = vars(source) if hasattr(source, "data_sha256") else None
    things = [type(source), bound, type(vocabulary), *features]
    modules = [module]
    if task.name in registry.tasks.names():
        # A task that was registered in code needs no builder.
        builder = registry.tasks.get(task.name).builder
        modules += [builder.partition(":")[0]] if builder else []
    try:
        return {
            "preprocessing": preprocessing_sha256(task),
            "code": behaviour_sha256(things, modules),
        }
    except Untold as error:
        logging.warning("%s: examples are made anew every time: %s", task.name, error)
        return None
