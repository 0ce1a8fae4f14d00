"""Corpora as seqio sources, and the preprocessor that builds examples of documents."""

import abc
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

from electra_bench.data import run_context
from electra_bench.data.examples.builder import Examples
from electra_bench.data.examples.corpus_builder import (
    SPLITS,
    Counts,
    Settings,
    examples_of_documents,
    holdout_threshold,
    made_examples,
    settings_for,
    split_of,
    tokenizer_of,
)
from electra_bench.data.text.files import file_format, find_files, iter_documents
from electra_bench.data.text.streams import Document, ReadReport, whole_documents
from electra_bench.system.file_hashes import file_sha256
from electra_bench.tasks.features.choices import pretraining_examples

DEFAULT_LENGTH = 128  # the original's --max-seq-length

Made = Iterator[tuple[Mapping[str, Examples], Mapping[str, Counts]]]


class CorpusSource(seqio.DataSource):
    """Documents for pre-training, in the splits `train` and `validation`.

    Which documents are held out is decided by a hash of their text. A subclass says where
    the documents come from; examples are built of them by `build_examples`, or in bulk by
    `electra_bench.tasks.corpora.examples.build_corpus`, with the same result.
    """

    def __init__(self, holdout: float = 0.01):
        """Makes a source.

        Args:
            holdout: fraction of documents for validation, in [0, 1). If it is positive and
                there are two documents, one is held out at least.

        Raises:
            ValueError: `holdout` outside [0, 1).
        """
        if not 0.0 <= holdout < 1.0:
            raise ValueError(f"holdout must be in [0, 1), got {holdout}")
        super().__init__(splits=SPLITS if holdout else SPLITS[:1])
        self._holdout = holdout
        self._thresholds: dict[str, float] = {}

    @abc.abstractmethod
    def reader(self) -> Callable[[ReadReport], Iterator[Document]]:
        """Finds the data now; the function that it returns reads it from the start.

        tf.data calls that function later and elsewhere, where the run's context is not
        known.

        Raises:
            FileNotFoundError: the data is not there.
        """

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Hash of the data and of everything that says how it is read."""

    @property
    def configuration(self) -> Mapping[str, Any]:
        """What the source was made with; equal ones are the same source."""
        return {"class": type(self).__name__, "holdout": self._holdout}

    def threshold(self) -> float:
        """Documents whose hash lies below this, in [0, 1), are held out.

        `holdout`, or more where it would hold out no document of a small corpus. Reads
        until it has found one.
        """
        if self._holdout == 0.0:
            return 0.0
        key = self.fingerprint()
        if key not in self._thresholds:
            self._thresholds[key] = holdout_threshold(self._ids(), self._holdout)
        return self._thresholds[key]

    def _ids(self) -> Iterator[str]:
        return (doc.id for doc in self.reader()(ReadReport()) if doc.start)

    def made_examples(
        self,
        vocabulary: Any,
        max_seq_length: int,
        seed: int,
        processes: int,
        report: ReadReport,
    ) -> Made:
        """Examples of both splits, see `corpus_builder.made_examples`."""
        settings = settings_for(
            vocabulary,
            max_seq_length,
            seed,
            self.threshold(),
            pretraining_examples().builder,
        )
        documents = self.reader()(report)
        return made_examples(documents, tokenizer_of(vocabulary), settings, processes)

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """True: documents are dealt out to shards."""
        return True

    def list_shards(self, split: str) -> Sequence[str]:
        """One shard, since one reader reads the files in order."""
        return [split]

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        *,
        sequence_length: Mapping[str, int] | None = None,
        use_cached: bool = False,
        num_epochs: int | None = 1,
    ) -> tf.data.Dataset:
        """The split's documents: `document`, its id, and `lines`, string [lines].

        Documents keep their order whatever `shuffle` says: they come as a stream. seqio
        shuffles the examples made of them.
        """
        del shuffle, seed, sequence_length, use_cached, num_epochs
        if split not in self.splits:
            raise ValueError(f"no split {split!r}; there are {list(self.splits)}")
        read, threshold = self.reader(), self.threshold()

        def documents() -> Iterator[dict[str, Any]]:
            for document in whole_documents(read(ReadReport())):
                if split_of(document.id, threshold) == split:
                    yield {"document": document.id, "lines": document.lines}

        dataset = tf.data.Dataset.from_generator(
            documents,
            output_signature={
                "document": tf.TensorSpec([], tf.string),
                "lines": tf.TensorSpec([None], tf.string),
            },
        )
        return shard(dataset, shard_info)


def shard(dataset: tf.data.Dataset, info: seqio.ShardInfo | None) -> tf.data.Dataset:
    """The part of a dataset that seqio asks for."""
    return dataset if info is None else dataset.shard(info.num_shards, info.index)


class FileSource(CorpusSource):
    """Documents in files of text, JSON lines or archives of text."""

    def __init__(
        self,
        files: str | Sequence[str],
        *,
        format: str = "auto",
        documents: str = "blank_line",
        text_field: str = "text",
        holdout: float = 0.01,
        on_error: str = "raise",
    ):
        """Makes a source; looks for no file yet.

        Args:
            files: names, folders or globs, also relative to the run's data folder.
            format: see `iter_documents`.
            documents: see `iter_documents`.
            text_field: see `iter_documents`.
            holdout: see `CorpusSource`.
            on_error: see `iter_documents`.
        """
        super().__init__(holdout)
        self._patterns = (files,) if isinstance(files, str) else tuple(files)
        self._options = {
            "format": format,
            "documents": documents,
            "text_field": text_field,
            "on_error": on_error,
        }

    def files(self) -> list[str]:
        """The files, see `find_files`."""
        return find_files(self._patterns, run_context.current().data_dir)

    def reader(self) -> Callable[[ReadReport], Iterator[Document]]:
        """See `CorpusSource`."""
        files = self.files()
        return lambda report: iter_documents(files, **self._options, report=report)

    def fingerprint(self) -> str:
        """Hash of the files' contents and of how they are read.

        Names of files do not count, except where they tell the format.
        """
        digest = hashlib.sha256(repr(sorted(self._options.items())).encode())
        for file in self.files():
            kind = file_format(file, self._options["format"])
            digest.update(f"{kind} {file_sha256(file)}\n".encode())
        return digest.hexdigest()

    @property
    def configuration(self) -> Mapping[str, Any]:
        """See `CorpusSource`."""
        return {**super().configuration, "files": self._patterns, **self._options}


def build_examples(
    dataset: tf.data.Dataset,
    sequence_length: Mapping[str, int] | None = None,
    *,
    seed: int = 0,
) -> tf.data.Dataset:
    """seqio preprocessor: documents to pre-training examples.

    Args:
        dataset: `document` and `lines`, see `CorpusSource`.
        sequence_length: `input_ids` gives the tokens of an example; 128 by default.
        seed: of the draws, together with the document's id.

    Returns:
        `input_ids` and `segment_ids`, int32 rank 1, with [CLS] and [SEP], not padded.

    Raises:
        ValueError: the run has no vocabulary.

    Source: see `electra_bench.data.examples.builder`.
    """
    vocabulary = run_context.current().vocabulary
    if vocabulary is None:
        raise ValueError(
            "examples need a vocabulary; set VOCAB, or run_context.use(vocabulary=...)"
        )
    length = (sequence_length or {}).get("input_ids", DEFAULT_LENGTH)
    make_builder = pretraining_examples().builder
    settings = settings_for(vocabulary, length, seed, make_builder=make_builder)
    build = functools.partial(_document_examples, vocabulary, settings)

    def examples(document: Mapping[str, tf.Tensor]) -> tf.data.Dataset:
        ids, segments, lengths = tf.numpy_function(
            build,
            [document["document"], document["lines"]],
            [tf.int32, tf.int32, tf.int64],
        )
        for values in (ids, segments, lengths):
            values.set_shape([None])
        rows = {
            "input_ids": tf.RaggedTensor.from_row_lengths(ids, lengths),
            "segment_ids": tf.RaggedTensor.from_row_lengths(segments, lengths),
        }
        return tf.data.Dataset.from_tensor_slices(rows).map(
            lambda row: {name: value + 0 for name, value in row.items()}
        )

    return dataset.flat_map(examples)


def _document_examples(
    vocabulary: Any, settings: Settings, document: bytes, lines: Sequence[bytes]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    text = "\n".join(line.decode() for line in lines)
    whole = Document(document.decode(), text)
    examples, _ = examples_of_documents(vocabulary, settings, [whole])
    ids, segments, lengths = examples[split_of(whole.id, settings.holdout)]
    return ids.astype(np.int32), segments.astype(np.int32), lengths
