"""Documents to a folder of pre-training examples, over several processes.

One process (the caller's) reads, the workers tokenise and build examples, the caller writes
what they return in the order of the documents. Blocks of documents are the unit of work, so
one large file is spread like many small ones, and nothing depends on the number of
processes. Only a fixed number of blocks is on the way at any time.
"""

import contextlib
import functools
import json
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from electra_bench.data.examples.build_progress import BuildProgress
from electra_bench.data.examples.builder import ExampleBuilder, Examples, document_draws
from electra_bench.data.examples.store import ExampleWriter
from electra_bench.data.text.streams import Document, ReadReport
from electra_bench.system.atomic import complete_folder
from electra_bench.system.ordered_map import ordered_map

MANIFEST = "manifest.json"
SPLITS = ("train", "validation")
BLOCK_CHARS = 1 << 19


class Tokenizer(Protocol):
    """What building needs of a tokenizer; it must be picklable."""

    def encode_batch(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Token ids of all lines, rank 1, and row splits, [lines + 1]."""


@dataclass
class Counts:
    """What was made of one split.

    Attributes:
        documents: documents.
        lines: lines that are not empty.
        tokens: tokens of the text, without [CLS] and [SEP].
        dropped_tokens: those of them cut off because an example was full.
        examples: examples.
    """

    documents: int = 0
    lines: int = 0
    tokens: int = 0
    dropped_tokens: int = 0
    examples: int = 0

    def add(self, other: "Counts") -> None:
        """Adds another part's counts."""
        self.documents += other.documents
        self.lines += other.lines
        self.tokens += other.tokens
        self.dropped_tokens += other.dropped_tokens
        self.examples += other.examples


class Settings(NamedTuple):
    """What determines the examples of a document, beside its text and the tokenizer.

    Attributes:
        max_seq_length: tokens of an example, at most.
        seed: of the draws.
        holdout: fraction of documents that form the validation split, in [0, 1).
        vocab_size: number of token ids.
        cls_id: id of [CLS].
        sep_id: id of [SEP].
        make_builder: from the length, the ids of [CLS] and [SEP] and their type to what
            makes the examples; worker processes get it pickled.
    """

    max_seq_length: int
    seed: int
    holdout: float
    vocab_size: int
    cls_id: int
    sep_id: int
    make_builder: Callable[[int, int, int, type], ExampleBuilder] = ExampleBuilder

    @property
    def dtype(self) -> type:
        """The smallest type that token ids fit in."""
        return np.uint16 if self.vocab_size <= 1 << 16 else np.int32

    def builder(self) -> ExampleBuilder:
        """A builder without a document."""
        return self.make_builder(
            self.max_seq_length, self.cls_id, self.sep_id, self.dtype
        )


def settings_for(
    vocabulary: Any,
    max_seq_length: int,
    seed: int,
    holdout: float = 0.0,
    make_builder: Callable[[int, int, int, type], ExampleBuilder] = ExampleBuilder,
) -> Settings:
    """Settings with the special tokens of a vocabulary."""
    special = vocabulary.special_ids
    return Settings(
        max_seq_length,
        seed,
        holdout,
        special.size,
        special.cls,
        special.sep,
        make_builder,
    )


def tokenizer_of(vocabulary: Any) -> Tokenizer:
    """What workers need of a vocabulary.

    That is its `tokenizer` if it has one that encodes batches: the vocabulary itself is
    seqio's, and a worker that unpickles it loads TensorFlow.
    """
    tokenizer = getattr(vocabulary, "tokenizer", None)
    return tokenizer if hasattr(tokenizer, "encode_batch") else vocabulary


def split_of(document_id: str, holdout: float) -> str:
    """The split of a document: a hash decides, the seed does not.

    Args:
        document_id: see `Document`; repeats of a text fall into the same split.
        holdout: fraction of documents for validation.
    """
    return SPLITS[position(document_id) < holdout]


def position(document_id: str) -> float:
    """Where a document's hash lies in [0, 1)."""
    return int(document_id, 16) / 16 ** len(document_id)


def holdout_threshold(document_ids: Iterable[str], holdout: float) -> float:
    """The fraction to hold out, so that a small corpus has a validation split, too.

    Args:
        document_ids: of a corpus; read until one is found that is held out.
        holdout: fraction that was asked for, in [0, 1).

    Returns:
        `holdout`; if that holds out no document, but there are two different ones, as
        much as holds out one.
    """
    if holdout == 0.0:
        return 0.0
    smallest: list[float] = []
    for document_id in document_ids:
        here = position(document_id)
        if here < holdout:
            return holdout
        if here not in smallest:
            smallest = sorted([*smallest, here])[:2]
    # What lies at the threshold is not held out: half-way to the next.
    return sum(smallest) / 2 if len(smallest) == 2 else 0.0


class _Made(NamedTuple):
    """What a worker returns for one block: examples, or the tokens of a part."""

    examples: Mapping[str, Examples]
    counts: Mapping[str, Counts]
    tokens: tuple[np.ndarray, np.ndarray] | None = None


def examples_of_documents(
    tokenizer: Tokenizer, settings: Settings, documents: Sequence[Document]
) -> tuple[dict[str, Examples], dict[str, Counts]]:
    """Examples of whole documents by split.

    Args:
        tokenizer: tokenises.
        settings: see `Settings`.
        documents: whole ones, in order.
    """
    lines = "\n".join(document.text for document in documents).split("\n")
    values, splits = tokenizer.encode_batch(lines)
    values = values.astype(settings.dtype)
    ends = splits.tolist()
    builders = {split: settings.builder() for split in SPLITS}
    counts = {split: Counts() for split in SPLITS}
    line = 0
    for document in documents:
        split = split_of(document.id, settings.holdout)
        first, line = line, line + document.text.count("\n") + 1
        builder = builders[split]
        builder.begin(document_draws(settings.seed, document.id))
        builder.add(values, ends[first + 1 : line + 1], ends[first])
        builder.close_example()
        count = counts[split]
        count.documents += 1
        count.lines += line - first
        count.tokens += ends[line] - ends[first]
    examples = {split: builder.take() for split, builder in builders.items()}
    for split, builder in builders.items():
        counts[split].dropped_tokens = builder.num_dropped
        counts[split].examples = len(examples[split].lengths)
    return examples, counts


@functools.cache
def _unpickled(tokenizer: bytes) -> Tokenizer:
    """A worker's tokenizer, made once."""
    return pickle.loads(tokenizer)


def _work_pickled(
    tokenizer: bytes, settings: Settings, block: Sequence[Document]
) -> _Made:
    return _work(_unpickled(tokenizer), settings, block)


def _work(tokenizer: Tokenizer, settings: Settings, block: Sequence[Document]) -> _Made:
    part = block[0]
    if part.start and part.end:
        return _Made(*examples_of_documents(tokenizer, settings, block))
    values, splits = tokenizer.encode_batch(part.lines)
    return _Made({}, {}, (values.astype(settings.dtype), splits))


def _blocks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Blocks of whole documents; parts of a long one come alone."""
    block: list[Document] = []
    chars = 0
    for document in documents:
        if not (document.start and document.end):
            if block:
                yield block
            yield [document]
            block, chars = [], 0
            continue
        block.append(document)
        chars += len(document.text)
        if chars >= BLOCK_CHARS:
            yield block
            block, chars = [], 0
    if block:
        yield block


class _LongDocument:
    """Builds examples of a document that comes in parts."""

    def __init__(self, settings: Settings):
        self._builder = settings.builder()
        self._settings = settings

    def add(self, part: Document, values, splits) -> _Made:
        builder = self._builder
        if part.start:
            builder.begin(document_draws(self._settings.seed, part.id))
        dropped = builder.num_dropped
        ends = splits.tolist()
        builder.add(values, ends[1:], ends[0])
        if part.end:
            builder.close_example()
        examples = builder.take()
        split = split_of(part.id, self._settings.holdout)
        counts = Counts(
            documents=int(part.start),
            lines=len(ends) - 1,
            tokens=len(values),
            dropped_tokens=builder.num_dropped - dropped,
            examples=len(examples.lengths),
        )
        return _Made({split: examples}, {split: counts})


def made_examples(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    settings: Settings,
    processes: int,
) -> Iterator[tuple[Mapping[str, Examples], Mapping[str, Counts]]]:
    """Examples and counts by split, in the order of the documents.

    Args:
        documents: see `iter_documents`.
        tokenizer: tokenises.
        settings: see `Settings`.
        processes: workers; 1 works in the calling process.

    Raises:
        RuntimeError: a worker died.
    """
    if processes == 1:
        work = functools.partial(_work, tokenizer, settings)
    else:
        work = functools.partial(_work_pickled, pickle.dumps(tokenizer), settings)
    preload = [__name__, type(tokenizer).__module__]
    results = ordered_map(work, _blocks(documents), processes, preload)
    long_document = _LongDocument(settings)
    with contextlib.closing(results):
        for block, made in results:
            if made.tokens is not None:
                made = long_document.add(block[0], *made.tokens)
            yield made.examples, made.counts


def build_corpus_folder(
    make_examples: Callable[
        [], Iterable[tuple[Mapping[str, Examples], Mapping[str, Counts]]]
    ],
    folder: str,
    facts: Mapping[str, object],
    report: ReadReport,
    *,
    name: str,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Writes examples as they are made; the folder is complete or absent.

    Args:
        make_examples: starts the making; called once.
        folder: `train` and `validation` (see `ExampleStore`) and the manifest.
        facts: what determines the content, for the manifest.
        report: counts of the reader.
        name: of the corpus, for progress and messages.
        overwrite: whether an existing folder is replaced.

    Returns:
        The manifest.

    Raises:
        ValueError: no text at all.
    """
    started = time.monotonic()
    counts = {split: Counts() for split in SPLITS}
    with complete_folder(folder, overwrite, inventory=True) as partial:
        with contextlib.ExitStack() as stack:
            progress = stack.enter_context(BuildProgress(name, report))
            writers = {
                split: stack.enter_context(ExampleWriter(os.path.join(partial, split)))
                for split in SPLITS
            }
            for examples, more in make_examples():
                for split, made in examples.items():
                    if len(made.lengths):
                        _write(writers[split], made)
                    counts[split].add(more[split])
                progress.update(sum(count.examples for count in counts.values()))
        if not any(count.examples for count in counts.values()):
            message = f"corpus {name!r} has no text"
            if report.skipped:
                message += f"; {report.skipped} skipped: {report.reasons[0]}"
            raise ValueError(message)
        seconds = time.monotonic() - started
        manifest = {
            **facts,
            "splits": {split: asdict(count) for split, count in counts.items()},
            "text_bytes": report.text_bytes,
            "skipped": report.skipped,
            "skipped_reasons": report.reasons,
            "seconds": round(seconds, 3),
            "mb_per_s": round(report.text_bytes / 1e6 / max(seconds, 1e-9), 3),
        }
        path = os.path.join(partial, MANIFEST)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1)
            file.write("\n")
    return manifest


def _write(writer: ExampleWriter, examples: Examples) -> None:
    writer.append_rows("input_ids", examples.input_ids, examples.lengths)
    writer.append_rows("segment_ids", examples.segment_ids, examples.lengths)


def read_manifest(folder: str) -> dict[str, Any] | None:
    """The manifest of a complete folder; None if it holds none, or a foreign one.

    Raises:
        ValueError: a manifest that cannot be read.
    """
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    ours = isinstance(manifest, dict) and {"splits", "text_bytes"} <= set(manifest)
    return manifest if ours else None
