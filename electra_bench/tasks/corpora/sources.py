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
from electra_bench.data.examples import corpus_builder
from electra_bench.data.examples.builder import Examples
from electra_bench.data.readers.labelled_source import dense
from electra_bench.data.text.files import find_files, iter_documents
from electra_bench.data.text.formats import file_format
from electra_bench.data.text.streams import Document, ReadReport, whole_documents
from electra_bench.system.file_hashes import Changed, file_sha256
from electra_bench.tasks.features.choices import pretraining_examples
from electra_bench.vocabularies.run_vocabulary import run_vocabulary

DEFAULT_LENGTH = 128  # the original's --max-seq-length

Made = Iterator[tuple[Mapping[str, Examples], Mapping[str, corpus_builder.Counts]]]


class NoText(ValueError):
    """A corpus whose documents cannot be read; says why."""


class CorpusSource(seqio.DataSource):
    """Text for pre-training, in the splits `train` and `validation`.

    Attributes:
        configuration: what the source was made with; equal ones are the same source.
    """

    # What a row is, as tf.data has it.
    SPEC: Mapping[str, tf.TensorSpec]

    def __init__(self, holdout: float = 0.01, **options: Any):
        """Makes a source.

        Args:
            holdout: fraction of documents for validation, in [0, 1). If it is positive and
                there are two documents, one is held out at least.
            **options: what else it is made with.

        Raises:
            ValueError: `holdout` outside [0, 1).
        """
        if not 0.0 <= holdout < 1.0:
            raise ValueError(f"holdout must be in [0, 1), got {holdout}")
        splits = corpus_builder.SPLITS if holdout else corpus_builder.SPLITS[:1]
        super().__init__(splits=splits)
        kind = type(self).__name__
        self.configuration = {"class": kind, "holdout": holdout, **options}

    @abc.abstractmethod
    def rows(self) -> Callable[[str], Iterator[Mapping[str, Any]]]:
        """Finds the data now; the function that it returns gives the rows of a split.

        tf.data calls that function later and elsewhere, where the run's context is not
        known.

        Raises:
            FileNotFoundError: the data is not there.
        """

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Hash of the data and of everything that says how it is read."""

    def fingerprint_as_read(self, report: ReadReport) -> str:
        """As `fingerprint`, of what a reader has read; of what lies there if it is unknown.

        Args:
            report: of the reader, which has read all.
        """
        del report
        return self.fingerprint()

    @abc.abstractmethod
    def threshold(self) -> float:
        """Documents whose hash lies below this, in [0, 1), are held out."""

    def documents(self, split: str) -> Iterator[Document]:
        """The text of a split.

        Raises:
            NoText: there are only examples made of it, or nothing is known of it.
            FileNotFoundError: the data is not there.
        """
        raise NoText(f"a {type(self).__name__} does not give its text")

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """True: rows are dealt out to shards."""
        return True

    def list_shards(self, split: str) -> Sequence[str]:
        """One shard, since one reader reads the data in order."""
        return [split]

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        **_unused: object,
    ) -> tf.data.Dataset:
        """The rows of a split, see `SPEC`.

        They keep their order whatever `shuffle` says: they come as a stream. seqio
        shuffles the examples made of them.
        """
        del shuffle, seed
        if split not in self.splits:
            raise ValueError(f"no split {split!r}; there are {list(self.splits)}")
        rows = functools.partial(self.rows(), split)
        dataset = tf.data.Dataset.from_generator(rows, output_signature=self.SPEC)
        if shard_info is None:
            return dataset
        return dataset.shard(shard_info.num_shards, shard_info.index)


class FileSource(CorpusSource):
    """Documents in files of text, JSON lines or archives of text.

    Which documents are held out is decided by a hash of their text. Examples are built of
    them by `build_examples`, or in bulk by
    `electra_bench.tasks.corpora.examples.build_corpus`, with the same result.

    Attributes:
        max_skipped: share of what is read that may be left out; of no influence on what is
            made, so it is no part of the fingerprint.
    """

    SPEC = {
        "document": tf.TensorSpec([], tf.string),
        "lines": tf.TensorSpec([None], tf.string),
    }

    def __init__(
        self,
        files: str | Sequence[str],
        *,
        format: str = "auto",
        documents: str = "blank_line",
        text_field: str = "text",
        holdout: float = 0.01,
        on_error: str = "raise",
        max_skipped: float = run_context.MAX_SKIPPED,
    ):
        """Makes a source; looks for no file yet.

        Args:
            files: names, folders or globs, also relative to the run's data folder.
            format: see `iter_documents`.
            documents: see `iter_documents`.
            text_field: see `iter_documents`.
            holdout: see `CorpusSource`.
            on_error: see `iter_documents`.
            max_skipped: see `iter_documents`.

        Raises:
            ValueError: `holdout` outside [0, 1), or `max_skipped` outside [0, 1].
        """
        run_context.check_share(max_skipped)
        self.max_skipped = max_skipped
        self._patterns = (files,) if isinstance(files, str) else tuple(files)
        self._options: dict[str, Any] = {
            "format": format,
            "documents": documents,
            "text_field": text_field,
            "on_error": on_error,
        }
        limit = {"max_skipped": max_skipped}
        super().__init__(holdout, files=self._patterns, **self._options, **limit)
        self._thresholds: dict[str, float] = {}

    def files(self) -> list[str]:
        """The files, see `find_files`."""
        return find_files(self._patterns, run_context.current().data_dir)

    def reader(self) -> Callable[[ReadReport], Iterator[Document]]:
        """Finds the files now; the function that it returns reads them from the start."""
        files = self.files()
        options = {**self._options, "max_skipped": self.max_skipped}
        return lambda report: iter_documents(files, **options, report=report)

    def documents(self, split: str) -> Iterator[Document]:
        """The documents of a split; see `CorpusSource`."""
        # Now, as long as the run's context is known.
        threshold, before, read = self.threshold(), self.fingerprint(), self.reader()
        same_files = functools.partial(self._fingerprint, self.files())

        def documents() -> Iterator[Document]:
            report = ReadReport()
            for document in read(report):
                if corpus_builder.split_of(document.id, threshold) == split:
                    yield document
            if same_files(report) != before:
                raise Changed(", ".join(self._patterns))

        return documents()

    def rows(self) -> Callable[[str], Iterator[Mapping[str, Any]]]:
        """See `CorpusSource`: documents, their ids and `lines`."""
        read, threshold = self.reader(), self.threshold()

        def documents(split: str) -> Iterator[Mapping[str, Any]]:
            for document in whole_documents(read(ReadReport())):
                if corpus_builder.split_of(document.id, threshold) == split:
                    yield {"document": document.id, "lines": document.lines}

        return documents

    def fingerprint(self) -> str:
        """Hash of the files' contents and of how they are read.

        Names of files do not count, except where they tell the format.
        """
        return self.fingerprint_as_read(ReadReport())

    def fingerprint_as_read(self, report: ReadReport) -> str:
        """See `CorpusSource`."""
        return self._fingerprint(self.files(), report)

    def _fingerprint(self, files: Sequence[str], report: ReadReport) -> str:
        digest = hashlib.sha256(repr(sorted(self._options.items())).encode())
        for file in files:
            kind = file_format(file, self._options["format"])
            sha256 = report.sha256.get(file) or file_sha256(file)
            digest.update(f"{kind} {sha256}\n".encode())
        return digest.hexdigest()

    def threshold(self) -> float:
        """`holdout`, or more where it would hold out no document of a small corpus.

        Reads until it has found one.
        """
        holdout = self.configuration["holdout"]
        if holdout == 0.0:
            return 0.0
        key = self.fingerprint()
        if key not in self._thresholds:
            found = corpus_builder.holdout_threshold(self._ids(), holdout)
            self._thresholds[key] = found
        return self._thresholds[key]

    def _ids(self) -> Iterator[str]:
        return (doc.id for doc in self.reader()(ReadReport()) if doc.start)

    def made_examples(
        self,
        vocabulary: Any,
        settings: corpus_builder.Settings,
        processes: int,
        report: ReadReport,
    ) -> Made:
        """Examples of both splits, see `corpus_builder.made_examples`."""
        tokenizer = corpus_builder.tokenizer_of(vocabulary)
        documents = self.reader()(report)
        return corpus_builder.made_examples(documents, tokenizer, settings, processes)


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
    vocabulary = run_vocabulary()
    settings = corpus_builder.settings_for(
        vocabulary,
        (sequence_length or {}).get("input_ids", DEFAULT_LENGTH),
        seed,
        make_builder=pretraining_examples().builder,
    )

    def build(document: bytes, lines: Sequence[bytes]) -> list[np.ndarray]:
        text = "\n".join(line.decode() for line in lines)
        whole = Document(document.decode(), text)
        made, _ = corpus_builder.examples_of_documents(vocabulary, settings, [whole])
        split = corpus_builder.split_of(whole.id, settings.holdout)
        ids, segments, lengths = made[split]
        return [ids.astype(np.int32), segments.astype(np.int32), lengths]

    def examples(document: Mapping[str, tf.Tensor]) -> tf.data.Dataset:
        inputs = [document["document"], document["lines"]]
        made = tf.numpy_function(build, inputs, [tf.int32, tf.int32, tf.int64])
        ids, segments, lengths = (tf.ensure_shape(values, [None]) for values in made)
        rows = {
            "input_ids": tf.RaggedTensor.from_row_lengths(ids, lengths),
            "segment_ids": tf.RaggedTensor.from_row_lengths(segments, lengths),
        }
        return tf.data.Dataset.from_tensor_slices(rows).map(dense)

    return dataset.flat_map(examples)
