"""CoNLL column files and CoNLL-U: one word a line, with its tag."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers import split_files
from electra_bench.data.readers.bad_rows import bad_row
from electra_bench.data.readers.labelled_source import LabelledSource, Sentence
from electra_bench.system.near_names import near_and_all

DOCUMENT_START = "-DOCSTART-"
# What stands for a value that is not given.
UNSPECIFIED = "_"


# Number of the line, from 1, and its columns, of every word of a sentence.
Words = Sequence[tuple[int, list[str]]]


class Block(NamedTuple):
    """The lines of a sentence in a column file.

    Attributes:
        words: their lines.
        problem: number of the first line that is not as it should be, and what is wrong
            with it; None if all are right.
    """

    words: Words
    problem: tuple[int, str] | None


def spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """First and last word and type of every span.

    Reads IOB1, IOB2 and BIOES. Where tags contradict one another, a span goes on over an
    `I` of another type and has the type of its last word.

    Source: google-research/electra finetune/tagging/tagging_utils.py, `get_span_labels`.
    Differs: types may contain hyphens.
    """
    found: list[tuple[int, int, str]] = []
    start = None
    for i, tag in enumerate(tags):
        prefix, _, _ = tag.partition("-")
        if start is not None and prefix in ("B", "S", "O"):
            found.append((start, i - 1, tags[i - 1].partition("-")[2]))
            start = None
        if start is None and prefix != "O":
            start = i
    if start is not None:
        found.append((start, len(tags) - 1, tags[-1].partition("-")[2]))
    return found


def is_span_tag(tag: str) -> bool:
    """Whether a tag is one of spans, in IOB1, IOB2 or BIOES."""
    return re.fullmatch(r"O|[BIES]-.+", tag) is not None


def bioes(tags: Sequence[str]) -> tuple[str, ...]:
    """Re-encodes tags: S- for spans of one word, otherwise B-, I-, E-.

    Source: google-research/electra finetune/tagging/tagging_utils.py, `get_tags`.
    """
    encoded = ["O"] * len(tags)
    for start, end, kind in spans(tags):
        encoded[start : end + 1] = [f"I-{kind}"] * (end + 1 - start)
        encoded[end] = f"E-{kind}"
        encoded[start] = f"B-{kind}" if end > start else f"S-{kind}"
    return tuple(encoded)


def read_sentences(
    path: epath.Path, num_columns: int, labels: Sequence[str]
) -> list[Sentence]:
    """Reads a column file; blank lines separate sentences.

    Args:
        path: the file.
        num_columns: columns of every line, separated by white space: the word first, its
            tag last. A file without tags has one column fewer, or the words only.
        labels: the BIOES tags that may occur.

    Raises:
        ValueError: empty, or, unless the sentence is to be skipped, a line that is not
            UTF-8 or has another number of columns or an unknown tag; names file and line.

    Source: google-research/electra finetune/tagging/tagging_tasks.py,
    `_get_labeled_sentences`. Differs: the original takes any number of columns.
    """
    blocks = read_blocks(path)
    width = usual_width(block.words for block in blocks)
    if width not in (num_columns, num_columns - 1, 1):
        raise ValueError(f"{path}: got {width} columns, expected {num_columns}")
    has_tags = width == num_columns and not is_unspecified(blocks, -1)

    def encoded(words: Words) -> Sequence[str]:
        tags = bioes([fields[-1] for _, fields in words])
        for (line, fields), tag in zip(words, tags, strict=True):
            _check(tag, labels, line, f"{fields[-1]!r} ({tag} in BIOES)")
        return tags

    return _sentences(path, blocks, 0, encoded if has_tags else None)


def _sentences(
    path: epath.Path,
    blocks: Sequence[Block],
    column: int,
    tags_of: Callable[[Words], Sequence[str]] | None,
) -> list[Sentence]:
    """The sentences that can be used; words are in a column, tags perhaps nowhere."""
    found, first_problem = [], ""
    for number, block in enumerate(blocks):
        try:
            if block.problem:
                raise ValueError("line {}: {}".format(*block.problem))
            tags = tags_of(block.words) if tags_of else [""] * len(block.words)
        except ValueError as error:
            bad_row(f"{path}, {error}", "raise")
            first_problem = first_problem or str(error)
            continue
        words = tuple(fields[column] for _, fields in block.words)
        found.append(Sentence(number, words, tuple(tags)))
    if not found:
        raise ValueError(
            f"{path}: no sentence can be used; the first problem: {first_problem}"
        )
    return found


def _check(tag: str, labels: Sequence[str], line: int, written: str) -> None:
    if tag not in labels:
        raise ValueError(
            f"line {line}: unknown tag {written}; {near_and_all(tag, labels)}"
        )


def read_blocks(path: epath.Path) -> list[Block]:
    """The sentences of a file whose columns white space separates.

    Every line should have as many columns as most lines have.

    Raises:
        ValueError: no sentence.
    """

    def columns(line: str) -> list[str] | None:
        fields = line.split()
        return None if fields[0] == DOCUMENT_START else fields

    grouped = _grouped(path, columns)
    usual = usual_width(block.words for block in grouped)
    return [_checked(block, usual) for block in grouped]


def usual_width(sentences: Iterable[Words]) -> int:
    """Number of columns that most lines have."""
    widths = Counter(len(fields) for words in sentences for _, fields in words)
    return widths.most_common(1)[0][0]


def is_unspecified(blocks: Sequence[Block], column: int) -> bool:
    """Whether a column says nothing anywhere."""
    return all(
        fields[column] == UNSPECIFIED
        for block in blocks
        if block.problem is None
        for _, fields in block.words
    )


def _grouped(
    path: epath.Path, columns: Callable[[str], list[str] | None]
) -> list[Block]:
    """Numbered columns of the words of every sentence; blank lines separate these.

    Lines that cannot be read are the sentences' problems.

    Args:
        path: the file.
        columns: those of a line; None if it holds no word.
    """
    blocks: list[Block] = []
    words: list[tuple[int, list[str]]] = []
    unreadable = None
    lines = split_files.read_lines(path)
    for number, line, problem in [*lines, split_files.Line(len(lines) + 1, "")]:
        if problem:
            unreadable = unreadable or (number, problem)
        elif not line.strip():
            if words or unreadable:
                blocks.append(Block(words, unreadable))
            words, unreadable = [], None
        elif (fields := columns(line)) is not None:
            words.append((number, fields))
    if not blocks:
        raise ValueError(f"{path}: no sentences")
    if not any(block.words for block in blocks):
        number, problem = blocks[0].problem
        raise ValueError(f"{path}, line {number}: {problem}")
    return blocks


def _checked(block: Block, expected: int, separated: str = "") -> Block:
    """With the first line that has another number of columns, if all can be read."""
    if block.problem:
        return block
    for number, fields in block.words:
        if len(fields) != expected:
            problem = f"got {len(fields)} columns, expected {expected}{separated}"
            return block._replace(problem=(number, problem))
    return block


# Of a word in CoNLL-U: ID, FORM, LEMMA, UPOS and six more.
CONLLU_COLUMNS = 10
FORM, UPOS = 1, 3


def read_conllu(path: epath.Path, labels: Sequence[str]) -> list[Sentence]:
    """Reads words and their universal parts of speech from CoNLL-U.

    Args:
        path: the file.
        labels: the tags that may occur.

    Raises:
        ValueError: empty, or, unless the sentence is to be skipped, a line that is not
            UTF-8 or lacks ten columns or a known tag; names file and line.

    Source: https://universaldependencies.org/format.html.
    """
    blocks = read_conllu_blocks(path)

    def checked(words: Words) -> Sequence[str]:
        for line, fields in words:
            _check(fields[UPOS], labels, line, repr(fields[UPOS]))
        return [fields[UPOS] for _, fields in words]

    has_tags = not is_unspecified(blocks, UPOS)
    return _sentences(path, blocks, FORM, checked if has_tags else None)


def read_conllu_blocks(path: epath.Path) -> list[Block]:
    """The sentences of a file in CoNLL-U, every line with its ten columns.

    Ranges of words that are written as one (`3-4`) and words that are not written (`8.1`)
    are left out, as in evaluations of tagging.

    Raises:
        ValueError: no sentence.
    """

    def columns(line: str) -> list[str] | None:
        fields = line.split("\t")
        is_wrong = len(fields) != CONLLU_COLUMNS and not line.startswith("#")
        return fields if is_wrong or fields[0].isdigit() else None

    separated = ", separated by tabs"
    grouped = _grouped(path, columns)
    return [_checked(block, CONLLU_COLUMNS, separated) for block in grouped]


# The split whose tags need not be known.
UNTAGGED = "test"


class SplitPart(NamedTuple):
    """What a split consists of.

    Attributes:
        files: names, without extension, of the files that may hold it; the first one that
            exists is taken.
        share: the whole file; "held_out", a tenth of its sentences, chosen by their
            content; or "rest", the other nine tenths.
    """

    files: tuple[str, ...]
    share: Literal["whole", "held_out", "rest"] = "whole"


def is_held_out(sentence: Sentence, seed: int) -> bool:
    """Whether a sentence belongs to the held-out tenth; equal words go together."""
    text = f"{seed}\n" + "\n".join(sentence.words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 10 == 0


class ColumnSource(LabelledSource):
    """A tagging task's splits as column files, read when a dataset is built.

    A split bound by hand is the whole of its file; if "dev" is bound, nothing is held out
    of training.
    """

    def __init__(
        self,
        task: str,
        folders: Sequence[str],
        parts: Mapping[str, SplitPart],
        read: Callable[[epath.Path], list[Sentence]],
        extension: str = ".txt",
        seed: int = 0,
    ):
        """Describes the files; reads nothing.

        Args:
            task: name of the task, the folder in the original's layout.
            folders: further folders that may hold the files.
            parts: what every split consists of.
            read: from a file to its sentences.
            extension: of the files.
            seed: chooses the held-out tenth.
        """
        self._task = task
        self._folders = tuple(folders)
        self._parts = dict(parts)
        self._read = read
        self._extension = extension
        self._seed = seed
        super().__init__(splits=list(parts))

    @property
    def file_names(self) -> Sequence[str]:
        """Names that files can be bound to: those of files, and of held-out splits."""
        held_out = (n for n, part in self._parts.items() if part.share == "held_out")
        return sorted({*(part.files[0] for part in self._parts.values()), *held_out})

    def examples(self, split: str) -> list[Sentence]:
        """The sentences of a split.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: a bad line.
        """
        files, share = self._parts[split]
        bound = run_context.current().files
        if share == "held_out" and split in bound:
            files, share = (split,), "whole"
        if share == "rest" and any(
            name in bound and part.share == "held_out"
            for name, part in self._parts.items()
        ):
            share = "whole"
        candidates = [
            path
            for file in files
            for path in split_files.layouts(
                self._task, file, self._extension, *self._folders
            )
        ]
        path = split_files.find(files[0], candidates)
        sentences = self._read(path)
        if split != UNTAGGED and not all(sentences[0].tags):
            raise ValueError(
                f"{path}: the column of tags is missing or empty, which it may be in the "
                f"split {UNTAGGED!r} only"
            )
        if share == "whole":
            return sentences
        held_out = share == "held_out"
        chosen = [s for s in sentences if is_held_out(s, self._seed) == held_out]
        if not chosen:
            raise ValueError(
                f"{path}: no sentence of it falls into the split {split!r}"
            )
        return chosen
