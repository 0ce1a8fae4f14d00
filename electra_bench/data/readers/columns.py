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
from electra_bench.data.readers.bad_rows import BadRows, note
from electra_bench.data.readers.cells import DOCUMENT_START, between_tabs, words_of
from electra_bench.data.readers.forms import AS_NAMED, Form
from electra_bench.data.readers.labelled_source import (
    LabelledSource,
    Sentence,
    numbered_on,
)
from electra_bench.data.readers.records import Record
from electra_bench.data.readers.tables import TableLine
from electra_bench.data.readers.tag_schemes import NO_SPANS, FindSpans, Span, read_tags
from electra_bench.data.readers.tag_schemes import spans as conlleval_spans
from electra_bench.system.near_names import near_and_all

# The same in CoNLL-U, perhaps with a name: `# newdoc id = blog-1`.
NEW_DOCUMENT = re.compile(r"#\s*newdoc\b(?:\s+id\s*=\s*(.*\S))?")
# The mark of scores behind tags that contradict one another.
MENDED = "tags mended"
# What stands for a value that is not given.
UNSPECIFIED = "_"
# Of a word in CoNLL-U: ID, FORM, LEMMA, UPOS and six more.
CONLLU_COLUMNS = 10
FORM, UPOS = 1, 3
CONLLU_ID = re.compile(r"[0-9]+([-.][0-9]+)?")


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

    Reads IOB2 and BIOES. Where tags contradict one another, a span goes on over an
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


def original_spans(tags: Sequence[str]) -> list[Span]:
    """Type, first and last word of every span, as `spans` finds them."""
    return [(kind, start, end) for start, end, kind in spans(tags)]


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
    path: epath.Path,
    num_columns: int,
    labels: Sequence[str],
    scheme: str | None = None,
    find_spans: FindSpans = conlleval_spans,
) -> list[Sentence]:
    """Reads a column file; blank lines separate sentences.

    Args:
        path: the file.
        num_columns: columns of every line, see `read_columns`: the word first, its tag
            last. A file without tags has one column fewer, or the words only.
        labels: the BIOES tags that may occur.
        scheme: that the tags are in, see `read_tags`; None finds it.
        find_spans: what tags mean, perhaps such as contradict one another.

    Raises:
        ValueError: no such scheme, empty, or, unless the sentence is to be skipped, a line
            that is not UTF-8 or has another number of columns or an unknown tag; names file
            and line.

    Source: google-research/electra finetune/tagging/tagging_tasks.py,
    `_get_labeled_sentences`. Differs: the original takes any number of columns.
    """
    file = read_columns(path)
    if file.width not in (num_columns, num_columns - 1, 1):
        raise ValueError(f"{path}: got {file.width} columns, expected {num_columns}")
    tags = num_columns - 1
    has_tags = file.width == num_columns and not file.is_unspecified(tags)
    column = tags if has_tags else None
    return _sentences(path, file, 0, column, labels, scheme, find_spans)


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
    return _sentences(path, file, FORM, tags, labels, NO_SPANS, conlleval_spans)


def _sentences(
    path: epath.Path,
    file: ColumnFile,
    words: int,
    tags: int | None,
    labels: Sequence[str],
    scheme: str | None,
    find_spans: FindSpans,
) -> list[Sentence]:
    """The sentences that can be used; words and perhaps tags are in a column each."""
    whole = [record for record in file.sentences if not record.problem]
    written = [
        [""] * len(record.places) if tags is None else record.fields[tags]
        for record in whole
    ]
    found = read_tags(written, scheme, find_spans)
    read = zip(written, found.sentences, strict=True)
    usable, first_problem, bad = [], "", BadRows("raise")
    for number, record in enumerate(file.sentences):
        where, fields, problem, places, document = record
        if not problem:
            given, (encoded, odd, mended) = next(read)
            unknown = odd or [i for i, tag in enumerate(encoded) if tag not in labels]
            if tags is None or not unknown:
                sentence = Sentence(number, tuple(fields[words]), encoded)
                usable.append(sentence._replace(group=document))
                for i in mended:
                    said = contradiction(places[i], given[i], encoded[i], found.scheme)
                    note(MENDED, said)
                continue
            first = unknown[0]
            tag, in_bioes = given[first], encoded[first]
            read_as = "" if tag == in_bioes else f" ({in_bioes} in BIOES)"
            where = places[first]
            problem = f"unknown tag {tag!r}{read_as}; {near_and_all(in_bioes, labels)}"
        bad.add(f"{where}: {problem}")
        first_problem = first_problem or f"{where.split(', ')[-1]}: {problem}"
    if not usable:
        raise ValueError(
            f"{path}: no sentence can be used; the first problem: {first_problem}"
        )
    bad.check(str(path), len(usable))
    return usable


def contradiction(where: str, written: str, read: str, scheme: str) -> str:
    """What is noted of a tag that contradicts others, or the scheme of its file."""
    return f"{where}: {written!r} contradicts {scheme}, read as {read}"


def read_columns(
    path: epath.Path, is_conllu: bool = False, form: Form = AS_NAMED
) -> ColumnFile:
    """The sentences of a file of columns, between blank lines.

    Every line should have as many columns as most lines have, in CoNLL-U ten. They are
    separated by tabs if most lines have one, else by blanks. In CoNLL-U ranges of words
    that are written as one (`3-4`) and words that are not written (`8.1`) are left out, as
    in evaluations of tagging. What is wrong with a sentence stands in its record. Documents
    begin at lines `-DOCSTART-`, in CoNLL-U `# newdoc`. Lines that begin with `#` are
    comments, where that is no word, see `_without_comments`.

    Args:
        path: of the file.
        is_conllu: whether it is CoNLL-U.
        form: how it is written, where not as above.

    Raises:
        ValueError: no sentence, or none that can be read.
    """
    lines = split_files.read_lines(path, form.encoding, form.comment)
    cells_of = _conllu_cells if is_conllu else _separator(lines)
    if form.sep is not None:
        cells_of = form.cells
    # A document and the lines of a sentence of it.
    sentences: list[tuple[str, list[TableLine]]] = [("", [])]
    for number, text, problem in lines:
        if not problem and not text.strip():
            sentences.append((sentences[-1][0], []))
            continue
        cells = cells_of(text)
        if is_conllu and not problem:
            problem = _conllu_problem(cells)
        if problem or _is_word(cells, is_conllu):
            sentences[-1][1].append(TableLine(number, cells, problem))
        elif (name := _document(text, is_conllu)) is not None:
            sentences.append((name or f"line {number}", []))
    readable = [n for _, lines in sentences for n in lines if not n.problem]
    sure = [line for line in readable if not _may_be_comment(line)]
    widths = Counter(len(line.fields) for line in sure or readable)
    width = (
        CONLLU_COLUMNS if is_conllu else max(widths, key=widths.__getitem__, default=0)
    )
    if not is_conllu:
        sentences = _without_comments(sentences, width)
    sentences = [(document, lines) for document, lines in sentences if lines]
    if not sentences:
        raise ValueError(f"{path}: no sentences")
    if not widths:
        _, [(number, _, problem), *_] = sentences[0]
        raise ValueError(f"{path}, line {number}: {problem}")
    by_tabs = ", separated by tabs" if cells_of in (between_tabs, _conllu_cells) else ""
    name = str(path)  # once, not for every line
    records = [
        _record(name, lines, width, f"{width}{by_tabs}")._replace(group=document)
        for document, lines in sentences
    ]
    return ColumnFile(width, records)


def _conllu_cells(text: str) -> list[str]:
    return text.split("\t")


def _separator(lines: Sequence[split_files.ReadLine]) -> Callable[[str], list[str]]:
    """How the lines of a file are cut into columns."""
    no_words = "#", DOCUMENT_START
    of_words = [t for _, t, _ in lines if t.strip() and not t.startswith(no_words)]
    has_tab = sum("\t" in text for text in of_words)
    return between_tabs if 2 * has_tab > len(of_words) else words_of


def _may_be_comment(line: TableLine) -> bool:
    # Most lines do without their words being cut.
    return (
        not line.problem and "#" in line.fields[0] and _first_word(line.fields) == "#"
    )


def _without_comments(
    sentences: Sequence[tuple[str, list[TableLine]]], width: int
) -> list[tuple[str, list[TableLine]]]:
    """Sentences without lines before their words that begin with `#` and are no words.

    A word may be `#`: such a line has as many columns as others, or it ends in a tag that
    others have, too, and lacks columns.
    """
    tags = {
        line.fields[-1]
        for _, lines in sentences
        for line in lines
        if not line.problem and len(line.fields) == width
    }

    def is_comment(line: TableLine) -> bool:
        return (
            _may_be_comment(line)
            and len(line.fields) != width
            and line.fields[-1] not in tags
        )

    return [
        (document, list(itertools.dropwhile(is_comment, lines)))
        for document, lines in sentences
    ]


def _is_word(cells: Sequence[str], is_conllu: bool) -> bool:
    if not is_conllu:
        return DOCUMENT_START not in cells[0] or _first_word(cells) != DOCUMENT_START
    return cells[0].isdigit()


def _first_word(cells: Sequence[str]) -> str:
    return next(iter(words_of(cells[0])), "")


def _conllu_problem(cells: Sequence[str]) -> str:
    """What is wrong with a line of CoNLL-U, by its ID and number of columns; or empty."""
    if cells[0].startswith("#"):
        return ""
    if len(cells) != CONLLU_COLUMNS:
        return f"got {len(cells)} columns, expected {CONLLU_COLUMNS}, separated by tabs"
    if not CONLLU_ID.fullmatch(cells[0]):
        return f"ID {cells[0]!r} is no number (3), range (3-4) or empty node (8.1)"
    return ""


def _document(text: str, is_conllu: bool) -> str | None:
    """The name of the document that a line begins; empty without one, None if none does."""
    if not is_conllu:
        return ""
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
        paths = split_files.find(files[0], list(itertools.chain(*candidates)))
        sentences = numbered_on(self._tagged(path, split) for path in paths)
        if share == "whole":
            return sentences
        wanted = share == "held_out"
        chosen = [s for s in sentences if is_held_out(s, self._seed) == wanted]
        if not chosen:
            raise ValueError(
                f"{paths[0]}: no sentence of it falls into the split {split!r}"
            )
        return chosen

    def _tagged(self, path: epath.Path, split: str) -> list[Sentence]:
        sentences = self._read(path)
        if split != UNTAGGED and not all(sentences[0].tags):
            raise ValueError(
                f"{path}: the column of tags is missing or empty, which it may be in the "
                f"split {UNTAGGED!r} only"
            )
        return sentences
