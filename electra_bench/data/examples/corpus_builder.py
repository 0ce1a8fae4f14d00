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
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from electra_bench.data.examples.block_sums import FILE_NAME, MEND
from electra_bench.data.examples.build_progress import BuildProgress
from electra_bench.data.examples.builder import ExampleBuilder, Examples, document_draws
from electra_bench.data.examples.store import ExampleWriter
from electra_bench.data.text.streams import Document, ReadReport
from electra_bench.system.atomic import complete_folder, write_json
from electra_bench.system.ordered_map import ordered_map

MANIFEST = "manifest.json"
SPLITS = ("train", "validation")
BLOCK_CHARS = 1 << 19


class Tokenizer(Protocol):
    """What building needs of a tokenizer; it must be picklable."""

    def encode_batch(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Token ids of all lines, rank 1, and row splits, [lines + 1]."""


class Measures(Protocol):
    """A tokenizer that also counts what text loses; others are not asked."""

    def losses(
        self,
        texts: Sequence[str],
        ids: np.ndarray,
        splits: np.ndarray,
        rows: Sequence[int],
    ) -> dict[str, int]:
        """Of some lines the counts that `Counts` has of them."""


@dataclass
class Counts:
    """What was made of one split.

    Attributes:
        documents: documents.
        lines: lines that are not empty.
        tokens: tokens of the text, without [CLS] and [SEP].
        dropped_tokens: those of them cut off because an example was full.
        examples: examples.
        characters: of the text without blanks, if the tokenizer counts them; the others
            are some of these.
        unknown: in words that become [UNK].
        in_runs: in such words that are too long to be divided.
        marks: stripped of a mark that their script needs.
        dotted: Turkish letters of which lower-casing makes others.
    """

    documents: int = 0
    lines: int = 0
    tokens: int = 0
    dropped_tokens: int = 0
    examples: int = 0
    characters: int = 0
    unknown: int = 0
    in_runs: int = 0
    marks: int = 0
    dotted: int = 0

    def add(self, other: "Counts") -> None:
        """Adds another part's counts."""
        self.add_named(asdict(other))

    def add_named(self, counts: Mapping[str, int]) -> None:
        """Adds some of another part's counts."""
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)


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
    ids = special.size, special.cls, special.sep
    return Settings(max_seq_length, seed, holdout, *ids, make_builder)


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


# Examples and counts by split.
Made = tuple[Mapping[str, Examples], Mapping[str, Counts]]


class _Maker:
    """Makes examples of documents, whole or in parts, one after the other."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._builders = {split: settings.builder() for split in SPLITS}
        self._counts = {split: Counts() for split in SPLITS}

    def add(self, part: Document, values: np.ndarray, splits: Sequence[int]) -> None:
        """Adds what comes next of a document: tokens, and where lines start and end."""
        split = split_of(part.id, self._settings.holdout)
        builder, count = self._builders[split], self._counts[split]
        if part.start:
            builder.begin(document_draws(self._settings.seed, part.id))
            count.documents += 1
        builder.add(values, splits[1:], splits[0])
        if part.end:
            builder.close_example()
        count.lines += len(splits) - 1
        count.tokens += splits[-1] - splits[0]

    def add_losses(self, split: str, losses: Mapping[str, int]) -> None:
        """Adds what the text of a split loses."""
        self._counts[split].add_named(losses)

    def take(self) -> Made:
        """The examples made since the last call."""
        examples = {split: builder.take() for split, builder in self._builders.items()}
        counts, self._counts = self._counts, {split: Counts() for split in SPLITS}
        for split, builder in self._builders.items():
            counts[split].examples = len(examples[split].lengths)
            counts[split].dropped_tokens = builder.num_dropped
            builder.num_dropped = 0
        return examples, counts


def examples_of_documents(
    tokenizer: Tokenizer, settings: Settings, documents: Sequence[Document]
) -> Made:
    """Examples of whole documents by split.

    Args:
        tokenizer: tokenises.
        settings: see `Settings`.
        documents: whole ones, in order.
    """
    lines = "\n".join(document.text for document in documents).split("\n")
    values, splits = tokenizer.encode_batch(lines)
    ids: np.ndarray = values.astype(settings.dtype)
    ends = splits.tolist()
    maker = _Maker(settings)
    rows: dict[str, list[int]] = {split: [] for split in SPLITS}
    line = 0
    for document in documents:
        first, line = line, line + document.text.count("\n") + 1
        maker.add(document, ids, ends[first : line + 1])
        rows[split_of(document.id, settings.holdout)] += range(first, line)
    for split, chosen in rows.items():
        maker.add_losses(split, _losses(tokenizer, lines, values, splits, chosen))
    return maker.take()


def _losses(
    tokenizer: Tokenizer,
    lines: Sequence[str],
    values: np.ndarray,
    splits: np.ndarray,
    rows: Sequence[int],
) -> Mapping[str, int]:
    """What some lines lose, if the tokenizer counts it; see `Measures`."""
    measure = getattr(tokenizer, "losses", None)
    return measure(lines, values, splits, rows) if measure else {}


@functools.cache
def _unpickled(tokenizer: bytes) -> Tokenizer:
    """A worker's tokenizer, made once."""
    return pickle.loads(tokenizer)


def _work(
    tokenizer: Tokenizer | bytes, settings: Settings, block: Sequence[Document]
) -> Any:
    """What is made of whole documents, or of a part of one tokens, splits and losses."""
    if isinstance(tokenizer, bytes):
        tokenizer = _unpickled(tokenizer)
    part = block[0]
    if part.start and part.end:
        return examples_of_documents(tokenizer, settings, block)
    lines = part.lines
    values, splits = tokenizer.encode_batch(lines)
    losses = _losses(tokenizer, lines, values, splits, range(len(lines)))
    return values.astype(settings.dtype), splits.tolist(), losses


def _blocks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Blocks of whole documents; parts of a long one come alone."""
    block: list[Document] = []
    chars = 0
    for document in documents:
        is_whole = document.start and document.end
        if block and (not is_whole or chars >= BLOCK_CHARS):
            yield block
            block, chars = [], 0
        if is_whole:
            block.append(document)
            chars += len(document.text)
        else:
            yield [document]
    if block:
        yield block


def made_examples(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    settings: Settings,
    processes: int,
) -> Iterator[Made]:
    """Examples and counts by split, in the order of the documents.

    Args:
        documents: see `iter_documents`.
        tokenizer: tokenises.
        settings: see `Settings`.
        processes: workers; 1 works in the calling process.

    Raises:
        RuntimeError: a worker died.
    """
    given = tokenizer if processes == 1 else pickle.dumps(tokenizer)
    work = functools.partial(_work, given, settings)
    preload = [__name__, type(tokenizer).__module__]
    results = ordered_map(work, _blocks(documents), processes, preload)
    long_document = _Maker(settings)
    with contextlib.closing(results):
        for block, made in results:
            if not (block[0].start and block[0].end):
                values, splits, losses = made
                long_document.add(block[0], values, splits)
                split = split_of(block[0].id, settings.holdout)
                long_document.add_losses(split, losses)
                made = long_document.take()
            yield made


def build_corpus_folder(
    make_examples: Callable[[], Iterable[Made]],
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
                        for feature in ("input_ids", "segment_ids"):
                            values = getattr(made, feature)
                            writers[split].append_rows(feature, values, made.lengths)
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
            "unread_share": round(report.unread_share, 4),
            **({"replaced": report.replaced} if report.replaced else {}),
            **({"titles": report.titles} if report.titles else {}),
            "seconds": round(seconds, 3),
            "mb_per_s": round(report.text_bytes / 1e6 / max(seconds, 1e-9), 3),
        }
        write_json(os.path.join(partial, MANIFEST), manifest, indent=1)
    return manifest


def read_manifest(folder: str) -> dict[str, Any] | None:
    """The manifest of a complete folder; None if it holds none, or a foreign one.

    Raises:
        ValueError: a manifest that cannot be read.
    """
    path = Path(folder, MANIFEST)
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error}); {MEND}") from error
    ours = isinstance(manifest, dict) and {"splits", "text_bytes"} <= set(manifest)
    return manifest if ours else None


def has_lost_manifest(folder: str) -> bool:
    """Whether a folder has examples, but no manifest, which is written last."""
    has_manifest = Path(folder, MANIFEST).exists()
    return not has_manifest and Path(folder, "train", FILE_NAME).is_file()
