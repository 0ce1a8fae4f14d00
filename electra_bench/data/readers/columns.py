"""CoNLL column files and CoNLL-U: one word a line, with its tag."""

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers import split_files
from electra_bench.data.readers.bad_rows import BadRows
from electra_bench.data.readers.labelled_source import LabelledSource, Sentence
from electra_bench.data.readers.records import Record
from electra_bench.data.readers.tables import TableLine
from electra_bench.system.near_names import near_and_all

DOCUMENT_START = "-DOCSTART-"
# The same in CoNLL-U, perhaps with a name: `# newdoc id = blog-1`.
NEW_DOCUMENT = re.compile(r"#\s*newdoc\b(?:\s+id\s*=\s*(.*\S))?")
# What stands for a value that is not given.
UNSPECIFIED = "_"


# Of a word in CoNLL-U: ID, FORM, LEMMA, UPOS and six more.
CONLLU_COLUMNS = 10
FORM, UPOS = 1, 3


class ColumnFile(NamedTuple):
    """The sentences of a file of columns.

    Attributes:
        width: number of columns.
        sentences: a record a sentence: number of a column to the cells of its words.
    """

    width: int
    sentences: list[Record]

    def is_unspecified(self, column: int) -> bool:
        """Whether a column says nothing anywhere."""
        return all(
            cell == UNSPECIFIED
            for record in self.sentences
            if not record.problem
            for cell in record.fields[column]
        )


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
    file = read_columns(path)
    if file.width not in (num_columns, num_columns - 1, 1):
        raise ValueError(f"{path}: got {file.width} columns, expected {num_columns}")
    tags = num_columns - 1
    has_tags = file.width == num_columns and not file.is_unspecified(tags)
    return _sentences(path, file, 0, tags if has_tags else None, labels)


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
    file = read_columns(path, is_conllu=True)
    tags = None if file.is_unspecified(UPOS) else UPOS
    return _sentences(path, file, FORM, tags, labels, encode=False)


def _sentences(
    path: epath.Path,
    file: ColumnFile,
    words: int,
    tags: int | None,
    labels: Sequence[str],
    encode: bool = True,
) -> list[Sentence]:
    """The sentences that can be used; words and perhaps tags are in a column each."""
    usable, first_problem, bad = [], "", BadRows("raise")
    for number, record in enumerate(file.sentences):
        where, fields, problem, places, document = record
        if not problem:
            written = [""] * len(places) if tags is None else fields[tags]
            encoded = bioes(written) if encode and tags is not None else written
            unknown = [i for i, tag in enumerate(encoded) if tag not in labels]
            if tags is None or not unknown:
                sentence = Sentence(number, tuple(fields[words]), tuple(encoded))
                usable.append(sentence._replace(group=document))
                continue
            first = unknown[0]
            in_bioes = f" ({encoded[first]} in BIOES)" if encode else ""
            near = near_and_all(encoded[first], labels)
            where = places[first]
            problem = f"unknown tag {written[first]!r}{in_bioes}; {near}"
        bad.add(f"{where}: {problem}")
        first_problem = first_problem or f"{where.split(', ')[-1]}: {problem}"
    if not usable:
        raise ValueError(
            f"{path}: no sentence can be used; the first problem: {first_problem}"
        )
    bad.check(str(path), len(usable))
    return usable


def read_columns(path: epath.Path, is_conllu: bool = False) -> ColumnFile:
    """The sentences of a file of columns, between blank lines.

    Every line should have as many columns as most lines have, separated by white space; in
    CoNLL-U ten, separated by tabs. There ranges of words that are written as one (`3-4`)
    and words that are not written (`8.1`) are left out, as in evaluations of tagging. What
    is wrong with a sentence stands in its record. Documents begin at lines `-DOCSTART-`, in
    CoNLL-U `# newdoc`.

    Raises:
        ValueError: no sentence, or none that can be read.
    """
    # A document and the lines of a sentence of it.
    sentences: list[tuple[str, list[TableLine]]] = [("", [])]
    for number, text, problem in split_files.read_lines(path):
        cells = text.split("\t" if is_conllu else None)
        if not problem and not text.strip():
            sentences.append((sentences[-1][0], []))
        elif problem or _is_word(cells, is_conllu):
            sentences[-1][1].append(TableLine(number, cells, problem))
        elif (name := _document(text, is_conllu)) is not None:
            sentences.append((name or f"line {number}", []))
    sentences = [(document, lines) for document, lines in sentences if lines]
    if not sentences:
        raise ValueError(f"{path}: no sentences")
    widths = Counter(
        len(line.fields) for _, lines in sentences for line in lines if not line.problem
    )
    if not widths:
        _, [(number, _, problem), *_] = sentences[0]
        raise ValueError(f"{path}, line {number}: {problem}")
    width = CONLLU_COLUMNS if is_conllu else widths.most_common(1)[0][0]
    expected = f"{width}, separated by tabs" if is_conllu else f"{width}"
    name = str(path)  # once, not for every line
    records = [
        _record(name, lines, width, expected)._replace(group=document)
        for document, lines in sentences
    ]
    return ColumnFile(width, records)


def _is_word(cells: Sequence[str], is_conllu: bool) -> bool:
    if not is_conllu:
        return cells[0] != DOCUMENT_START
    is_odd = len(cells) != CONLLU_COLUMNS and not cells[0].startswith("#")
    return is_odd or cells[0].isdigit()


def _document(text: str, is_conllu: bool) -> str | None:
    """The name of the document that a line begins; empty without one, None if none does."""
    if not is_conllu:
        return "" if text.split()[0] == DOCUMENT_START else None
    found = NEW_DOCUMENT.match(text)
    return found and (found[1] or "")


def _record(path: str, lines: list[TableLine], width: int, want: str) -> Record:
    """The columns of a sentence, or what is wrong with it."""
    for number, _, problem in lines:
        if problem:
            return Record(f"{path}, line {number}", {}, problem)
    for number, cells, _ in lines:
        if len(cells) != width:
            problem = f"got {len(cells)} columns, expected {want}"
            return Record(f"{path}, line {number}", {}, problem)
    places = tuple(f"{path}, line {number}" for number, _, _ in lines)
    columns = zip(*(cells for _, cells, _ in lines), strict=True)
    return Record(places[0], dict(enumerate(columns)), places=places)


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
        self._held_out = {n for n, part in parts.items() if part.share == "held_out"}
        self._read = read
        self._extension = extension
        self._seed = seed
        super().__init__(splits=list(parts))

    @property
    def file_names(self) -> Sequence[str]:
        """Names that files can be bound to: those of files, and of held-out splits."""
        return sorted({*(p.files[0] for p in self._parts.values()), *self._held_out})

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
        if share == "rest" and bound.keys() & self._held_out:
            share = "whole"
        where = self._extension, *self._folders
        candidates = [split_files.layouts(self._task, file, *where) for file in files]
        path = split_files.find(files[0], list(itertools.chain(*candidates)))
        sentences = self._read(path)
        if split != UNTAGGED and not all(sentences[0].tags):
            raise ValueError(
                f"{path}: the column of tags is missing or empty, which it may be in the "
                f"split {UNTAGGED!r} only"
            )
        if share == "whole":
            return sentences
        wanted = share == "held_out"
        chosen = [s for s in sentences if is_held_out(s, self._seed) == wanted]
        if not chosen:
            raise ValueError(
                f"{path}: no sentence of it falls into the split {split!r}"
            )
        return chosen
