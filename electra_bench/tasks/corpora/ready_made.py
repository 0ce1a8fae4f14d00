"""Ready-made pre-training examples as seqio sources."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.data import run_context
from electra_bench.data.examples import corpus_builder
from electra_bench.data.examples.block_sums import MEND
from electra_bench.data.examples.builder import Examples
from electra_bench.data.examples.store import ExampleStore
from electra_bench.data.examples.tfrecords import iter_examples
from electra_bench.data.text.streams import Document, ReadReport, text_id
from electra_bench.system.file_hashes import files_sha256
from electra_bench.tasks.corpora.sources import CorpusSource, FileSource, Made, NoText

# What a row is, as tf.data has it.
EXAMPLE = {
    "input_ids": tf.TensorSpec([None], tf.int32),
    "segment_ids": tf.TensorSpec([None], tf.int32),
}


class TFRecordSource(FileSource):
    """Examples that the original's scripts made; a document is an example here."""

    SPEC = EXAMPLE

    def _batches(self) -> Callable[[ReadReport], Iterator[Examples]]:
        files = self.files()
        how = self._options["on_error"], self.max_skipped
        return lambda report: iter_examples(files, np.int32, *how, report)

    def documents(self, split: str) -> Iterator[Document]:
        """See `CorpusSource`.

        Raises:
            NoText: always.
        """
        raise NoText("TFRecords hold examples, not their text")

    def _ids(self) -> Iterator[str]:
        for batch in self._batches()(ReadReport()):
            yield from map(_example_id, _rows(batch.input_ids, batch.lengths))

    def made_examples(
        self,
        vocabulary: Any,
        settings: corpus_builder.Settings,
        processes: int,
        report: ReadReport,
    ) -> Made:
        """Examples of both splits.

        Raises:
            ValueError: ids outside the vocabulary, or longer examples.
        """
        for batch in self._batches()(report):
            _check_examples(batch, settings)
            ids = batch.input_ids.astype(settings.dtype)
            yield _by_split(batch._replace(input_ids=ids), settings.holdout)

    def rows(self) -> Callable[[str], Iterator[Mapping[str, np.ndarray]]]:
        """See `CorpusSource`: examples."""
        batches, threshold = self._batches(), self.threshold()

        def examples(split: str) -> Iterator[Mapping[str, np.ndarray]]:
            for batch in batches(ReadReport()):
                ids, segments, lengths = _by_split(batch, threshold)[0][split]
                pairs = zip(_rows(ids, lengths), _rows(segments, lengths), strict=True)
                yield from (dict(zip(EXAMPLE, pair, strict=True)) for pair in pairs)

        return examples


class BuiltSource(CorpusSource):
    """Examples that `electra-bench corpus build` wrote."""

    SPEC = EXAMPLE

    def __init__(self, folder: str):
        """Makes a source; opens nothing yet.

        Args:
            folder: output directory of `corpus build`, also relative to the run's data
                folder.
        """
        super().__init__(folder=folder)
        self._folder = folder

    @staticmethod
    def find(name: str) -> str | None:
        """A folder of built examples, seen from here or from the run's data folder.

        Raises:
            ValueError: its manifest is damaged or lost.
        """
        base = run_context.current().data_dir
        candidates = [name, os.path.join(base, name)] if base else [name]
        for folder in candidates:
            if corpus_builder.has_lost_manifest(folder):
                path = os.path.join(folder, corpus_builder.MANIFEST)
                raise ValueError(f"{path}: is missing; {MEND}")
        return next(filter(corpus_builder.read_manifest, candidates), None)

    def folder(self) -> str:
        """The folder.

        Raises:
            FileNotFoundError: none, or one without a manifest.
        """
        folder = self.find(self._folder)
        if folder is None:
            raise FileNotFoundError(
                f"{self._folder!r} holds no examples made by electra-bench corpus build"
            )
        return folder

    def documents(self, split: str) -> Iterator[Document]:
        """See `CorpusSource`: the text that `corpus build` was given, if it is there."""
        folder = self.folder()
        manifest = corpus_builder.read_manifest(folder) or {}
        if "blanks_separate_docs" not in manifest:
            raise NoText(f"{folder} does not say of which files it was made")
        text = FileSource(
            manifest["files"],
            format=manifest["format"],
            # Folders of earlier versions do not say.
            documents=manifest.get("documents")
            or ("blank_line" if manifest["blanks_separate_docs"] else "file"),
            text_field=manifest["text_field"],
            holdout=manifest["holdout"],
            on_error=manifest["on_error"],
            # It was compared when the folder was made.
            max_skipped=1.0,
        )
        if files_sha256(text.files()) != manifest["data"]:
            raise NoText(f"the files that {folder} was made of are not as they were")
        return text.documents(split)

    def threshold(self) -> float:
        """The fraction that was asked for: what is held out was decided before."""
        return corpus_builder.read_manifest(self.folder())["holdout"]

    def fingerprint(self) -> str:
        """Hash of the manifest without its measurements.

        Features do not count either: earlier versions did not say them, and those of a run
        are in the key that it says.
        """
        manifest = corpus_builder.read_manifest(self.folder())
        left_out = ("seconds", "mb_per_s", "features")
        facts = {k: v for k, v in manifest.items() if k not in left_out}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def rows(self) -> Callable[[str], Iterator[Mapping[str, np.ndarray]]]:
        """See `CorpusSource`: examples."""
        folder = self.folder()

        def examples(split: str) -> Iterator[Mapping[str, np.ndarray]]:
            store = ExampleStore([os.path.join(folder, split)])
            for index in range(len(store)):
                yield {name: store.row(name, index) for name in EXAMPLE}

        return examples


def _example_id(ids: np.ndarray) -> str:
    return text_id(" ".join(map(str, ids.tolist())))


def _rows(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(lengths))[:-1]


def _check_examples(examples: Examples, settings: corpus_builder.Settings) -> None:
    longest = int(examples.lengths.max(initial=0))
    if longest > settings.max_seq_length:
        raise ValueError(
            f"the TFRecords hold examples of {longest} tokens, max_seq_length is "
            f"{settings.max_seq_length}"
        )
    highest = int(examples.input_ids.max(initial=0))
    if highest >= settings.vocab_size:
        raise ValueError(
            f"the TFRecords hold token id {highest}, the vocabulary has "
            f"{settings.vocab_size} tokens: they were made with another vocabulary"
        )


def _by_split(
    examples: Examples, threshold: float
) -> tuple[dict[str, Examples], dict[str, corpus_builder.Counts]]:
    rows = _rows(examples.input_ids, examples.lengths)
    splits = [corpus_builder.split_of(_example_id(ids), threshold) for ids in rows]
    parts, counts = {}, {}
    for split in corpus_builder.SPLITS:
        chosen = np.array(splits) == split
        tokens = np.repeat(chosen, examples.lengths)
        lengths = examples.lengths[chosen]
        segments = examples.segment_ids[tokens]
        parts[split] = Examples(examples.input_ids[tokens], segments, lengths)
        # Without [CLS] and one [SEP], or two where there is a second segment.
        num_pairs = int(segments[np.cumsum(lengths) - 1].sum())
        counts[split] = corpus_builder.Counts(
            documents=len(lengths),
            tokens=int(lengths.sum()) - 2 * len(lengths) - num_pairs,
            examples=len(lengths),
        )
    return parts, counts
