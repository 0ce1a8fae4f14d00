"""Ready-made pre-training examples as seqio sources."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.data import run_context
from electra_bench.data.examples.builder import Examples
from electra_bench.data.examples.corpus_builder import (
    SPLITS,
    Counts,
    read_manifest,
    settings_for,
    split_of,
)
from electra_bench.data.examples.store import ExampleStore
from electra_bench.data.examples.tfrecords import iter_examples
from electra_bench.data.text.streams import Document, ReadReport, text_id
from electra_bench.tasks.corpora.sources import CorpusSource, FileSource, Made, shard


class TFRecordSource(FileSource):
    """Examples that the original's scripts made; a document is an example here."""

    def _batches(self) -> Callable[[ReadReport], Iterator[Examples]]:
        files = self.files()
        on_error = self._options["on_error"]
        return lambda report: iter_examples(files, np.int32, on_error, report)

    def _ids(self) -> Iterator[str]:
        for batch in self._batches()(ReadReport()):
            yield from (_example_id(ids) for ids in _rows(batch.input_ids, batch))

    def made_examples(
        self,
        vocabulary: Any,
        max_seq_length: int,
        seed: int,
        processes: int,
        report: ReadReport,
    ) -> Made:
        """Examples of both splits.

        Raises:
            ValueError: ids outside the vocabulary, or longer examples.
        """
        threshold = self.threshold()
        settings = settings_for(vocabulary, max_seq_length, seed, threshold)
        for batch in self._batches()(report):
            _check_examples(batch, settings.vocab_size, max_seq_length)
            ids = batch.input_ids.astype(settings.dtype)
            batch = batch._replace(input_ids=ids)
            yield _by_split(batch, threshold)

    def get_dataset(self, split="train", shuffle=True, seed=None, shard_info=None, **_):
        """The split's examples: `input_ids` and `segment_ids`, int32 rank 1."""
        batches, threshold = self._batches(), self.threshold()

        def examples() -> Iterator[dict[str, np.ndarray]]:
            for batch in batches(ReadReport()):
                yield from _as_dicts(_by_split(batch, threshold)[0][split])

        return shard(_example_dataset(examples), shard_info)


class BuiltSource(CorpusSource):
    """Examples that `electra-bench corpus build` wrote."""

    def __init__(self, folder: str):
        """Makes a source; opens nothing yet.

        Args:
            folder: output directory of `corpus build`, also relative to the run's data
                folder.
        """
        super().__init__()
        self._folder = folder

    def folder(self) -> str:
        """The folder.

        Raises:
            FileNotFoundError: none, or one without a manifest.
        """
        base = run_context.current().data_dir
        for folder in (self._folder, base and os.path.join(base, self._folder)):
            if folder and read_manifest(folder):
                return folder
        raise FileNotFoundError(
            f"{self._folder!r} holds no examples made by electra-bench corpus build"
        )

    def reader(self) -> Callable[[ReadReport], Iterator[Document]]:
        """There are no documents.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self._folder!r} holds examples, no documents")

    def threshold(self) -> float:
        """The fraction that was asked for: what is held out was decided before."""
        return read_manifest(self.folder())["holdout"]

    def fingerprint(self) -> str:
        """Hash of the manifest without its measurements.

        Features do not count either: earlier versions did not say them, and those of a run
        are in the key that it says.
        """
        manifest = read_manifest(self.folder())
        left_out = ("seconds", "mb_per_s", "features")
        facts = {k: v for k, v in manifest.items() if k not in left_out}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def configuration(self) -> Mapping[str, Any]:
        """See `CorpusSource`."""
        return {**super().configuration, "folder": self._folder}

    def get_dataset(self, split="train", shuffle=True, seed=None, shard_info=None, **_):
        """The split's examples: `input_ids` and `segment_ids`, int32 rank 1."""
        folder = self.folder()

        def examples() -> Iterator[dict[str, np.ndarray]]:
            store = ExampleStore([os.path.join(folder, split)])
            for index in range(len(store)):
                yield {
                    name: store.row(name, index).astype(np.int32)
                    for name in ("input_ids", "segment_ids")
                }

        return shard(_example_dataset(examples), shard_info)


def _example_id(ids: np.ndarray) -> str:
    return text_id(" ".join(map(str, ids.tolist())))


def _rows(values: np.ndarray, examples: Examples) -> list[np.ndarray]:
    return np.split(values, np.cumsum(examples.lengths)[:-1])


def _as_dicts(examples: Examples) -> Iterator[dict[str, np.ndarray]]:
    if len(examples.lengths):
        ids = _rows(examples.input_ids, examples)
        segments = _rows(examples.segment_ids, examples)
        for row, segment in zip(ids, segments, strict=True):
            yield {
                "input_ids": row.astype(np.int32),
                "segment_ids": segment.astype(np.int32),
            }


def _check_examples(examples: Examples, size: int, max_seq_length: int) -> None:
    longest = int(examples.lengths.max(initial=0))
    if longest > max_seq_length:
        raise ValueError(
            f"the TFRecords hold examples of {longest} tokens, max_seq_length is "
            f"{max_seq_length}"
        )
    highest = int(examples.input_ids.max(initial=0))
    if highest >= size:
        raise ValueError(
            f"the TFRecords hold token id {highest}, the vocabulary has {size} tokens: "
            "they were made with another vocabulary"
        )


def _by_split(
    examples: Examples, threshold: float
) -> tuple[dict[str, Examples], dict[str, Counts]]:
    splits = np.array(
        [
            split_of(_example_id(ids), threshold)
            for ids in _rows(examples.input_ids, examples)
        ]
    )
    parts, counts = {}, {}
    for split in SPLITS:
        chosen = splits == split
        tokens = np.repeat(chosen, examples.lengths)
        lengths = examples.lengths[chosen]
        parts[split] = Examples(
            examples.input_ids[tokens], examples.segment_ids[tokens], lengths
        )
        number = len(lengths)
        # Without [CLS] and one [SEP], or two where there is a second segment.
        special = 2 * number + _num_pairs(parts[split])
        counts[split] = Counts(
            documents=number, tokens=int(lengths.sum()) - special, examples=number
        )
    return parts, counts


def _num_pairs(examples: Examples) -> int:
    if not len(examples.lengths):
        return 0
    last = np.cumsum(examples.lengths) - 1
    return int(examples.segment_ids[last].sum())


def _example_dataset(examples: Callable[[], Iterator]) -> tf.data.Dataset:
    spec = tf.TensorSpec([None], tf.int32)
    return tf.data.Dataset.from_generator(
        examples, output_signature={"input_ids": spec, "segment_ids": spec}
    )
