"""CoNLL column files and CoNLL-U as a seqio source: one word a line, with its tag."""

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import tensorflow as tf
from etils import epath

from electra_bench.data import locate, run_context
from electra_bench.data.whole_file_source import WholeFileSource, dense, ragged

DOCUMENT_START = "-DOCSTART-"
# The split whose tags need not be known.
UNTAGGED = "test"


class Sentence(NamedTuple):
    """One sentence of a column file.

    Attributes:
        line: number of the line of its first word, from 1.
        words: in their order.
        tags: of every word; those of spans in BIOES. Empty strings if the file has none.
    """

    line: int
    words: tuple[str, ...]
    tags: tuple[str, ...]


class Part(NamedTuple):
    """What a split consists of.

    Attributes:
        files: names, without extension, of the files that may hold it; the first one that
            exists is taken.
        share: the whole file; "held_out", a tenth of its sentences, chosen by their
            content; or "rest", the other nine tenths.
    """

    files: tuple[str, ...]
    share: Literal["whole", "held_out", "rest"] = "whole"


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
        num_columns: columns of every line, separated by white space; one fewer in a file
            without tags, which are the last.
        labels: the BIOES tags that may occur.

    Raises:
        ValueError: not UTF-8, empty, a line with another number of columns, or an unknown
            tag; names file and line.

    Source: google-research/electra finetune/tagging/tagging_tasks.py,
    `_get_labeled_sentences`. Differs: the original takes any number of columns.
    """
    blocks = read_blocks(path)
    line, rows = blocks[0]
    if len(rows[0]) == num_columns - 1:
        return [
            Sentence(line, tuple(row[0] for row in rows), ("",) * len(rows))
            for line, rows in blocks
        ]
    if len(rows[0]) != num_columns:
        raise ValueError(
            f"{path}, line {line}: got {len(rows[0])} columns, expected {num_columns}"
        )
    return [_sentence(path, line, rows, labels) for line, rows in blocks]


def read_blocks(path: epath.Path) -> list[tuple[int, list[list[str]]]]:
    """Line of the first word, from 1, and the columns of every word, of all sentences.

    Raises:
        ValueError: see `read_sentences`.
    """
    blocks: list[tuple[int, list[list[str]]]] = []
    rows: list[list[str]] = []
    num_columns = 0
    lines = [*locate.read_text(path).split("\n"), ""]
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            if rows:
                blocks.append((number - len(rows), rows))
            rows = []
        elif fields[0] != DOCUMENT_START:
            num_columns = num_columns or len(fields)
            if len(fields) != num_columns:
                raise ValueError(
                    f"{path}, line {number}: got {len(fields)} columns, "
                    f"expected {num_columns}"
                )
            rows.append(fields)
    if not blocks:
        raise ValueError(f"{path}: no sentences")
    return blocks


def _sentence(
    path: epath.Path, line: int, rows: list[list[str]], labels: Sequence[str]
) -> Sentence:
    tags = bioes([row[-1] for row in rows])
    for i, tag in enumerate(tags):
        if tag not in labels:
            written = f"{rows[i][-1]!r} ({tag} in BIOES)"
            raise _unknown(f"{path}, line {line + i}", written, tag, labels)
    return Sentence(line, tuple(row[0] for row in rows), tags)


def _unknown(where: str, written: str, tag: str, labels: Sequence[str]) -> ValueError:
    near = difflib.get_close_matches(tag, labels, n=3)
    return ValueError(
        f"{where}: unknown tag {written}; near: {near}; all: {list(labels)}"
    )


# Of a word in CoNLL-U: ID, FORM, LEMMA, UPOS and six more.
CONLLU_COLUMNS = 10


def read_conllu(path: epath.Path, labels: Sequence[str]) -> list[Sentence]:
    """Reads words and their universal parts of speech from CoNLL-U.

    Ranges of words that are written as one (`3-4`) and words that are not written (`8.1`)
    are left out, as in evaluations of tagging.

    Args:
        path: the file.
        labels: the tags that may occur.

    Raises:
        ValueError: not UTF-8, empty, a line without ten columns, or an unknown tag; names
            file and line.

    Source: https://universaldependencies.org/format.html.
    """
    sentences = []
    for numbered in read_conllu_blocks(path):
        for number, fields in numbered:
            if fields[3] not in labels:
                raise _unknown(
                    f"{path}, line {number}", repr(fields[3]), fields[3], labels
                )
        words = tuple(fields[1] for _, fields in numbered)
        tags = tuple(fields[3] for _, fields in numbered)
        sentences.append(Sentence(numbered[0][0], words, tags))
    return sentences


def read_conllu_blocks(path: epath.Path) -> list[list[tuple[int, list[str]]]]:
    """Line, from 1, and the ten columns of every word, of all sentences.

    Raises:
        ValueError: see `read_conllu`.
    """
    blocks: list[list[tuple[int, list[str]]]] = []
    words: list[tuple[int, list[str]]] = []
    lines = [*locate.read_text(path).split("\n"), ""]
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r")
        if not line.strip():
            if words:
                blocks.append(words)
            words = []
            continue
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != CONLLU_COLUMNS:
            raise ValueError(
                f"{path}, line {number}: got {len(fields)} columns, expected "
                f"{CONLLU_COLUMNS}, separated by tabs"
            )
        if fields[0].isdigit():
            words.append((number, fields))
    if not blocks:
        raise ValueError(f"{path}: no sentences")
    return blocks


def is_held_out(sentence: Sentence, seed: int) -> bool:
    """Whether a sentence belongs to the held-out tenth; equal words go together."""
    text = f"{seed}\n" + "\n".join(sentence.words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 10 == 0


class ColumnSource(WholeFileSource):
    """A tagging task's splits as column files, read when a dataset is built.

    Examples: `idx` int32, `id` string, `words` and `tags` strings [words]. A split bound
    by hand is the whole of its file; if "dev" is bound, nothing is held out of training.
    """

    def __init__(
        self,
        task: str,
        folders: Sequence[str],
        parts: Mapping[str, Part],
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

    def sentences(self, split: str) -> list[tuple[int, Sentence]]:
        """Numbers in the file, from 0, and sentences of a split.

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
        path = self._find(files)
        numbered = list(enumerate(self._read(path)))
        if split != UNTAGGED and not all(numbered[0][1].tags):
            raise ValueError(
                f"{path}: no tags, which only the split {UNTAGGED!r} may lack"
            )
        if share == "whole":
            return numbered
        held_out = share == "held_out"
        return [
            (i, sentence)
            for i, sentence in numbered
            if is_held_out(sentence, self._seed) == held_out
        ]

    def _find(self, files: Sequence[str]) -> epath.Path:
        return locate.find(files[0], [c for f in files for c in self._candidates(f)])

    def _candidates(self, file: str) -> list[str]:
        return locate.layouts(self._task, file, self._extension, *self._folders)

    def rows(self, split: str) -> tf.data.Dataset:
        """See `WholeFileSource`."""
        return sentence_dataset(self.sentences(split))


def sentence_dataset(sentences: Sequence[tuple[int, Sentence]]) -> tf.data.Dataset:
    """Numbers and sentences as examples, see `ColumnSource`."""
    return tf.data.Dataset.from_tensor_slices(
        {
            "idx": tf.constant([i for i, _ in sentences], tf.int32),
            "id": tf.constant([str(i) for i, _ in sentences]),
            "words": ragged([s.words for _, s in sentences], tf.string),
            "tags": ragged([s.tags for _, s in sentences], tf.string),
        }
    ).map(dense)
