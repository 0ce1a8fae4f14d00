"""Records with named fields: TSV, CSV, JSON and Parquet."""

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow.parquet
from etils import epath

from electra_bench.data.readers import split_files
from electra_bench.data.readers.bad_rows import note, replaced_in
from electra_bench.data.readers.forms import AS_NAMED, Form, refuse_other_formats
from electra_bench.data.readers.numbers import is_number
from electra_bench.data.readers.tables import TableLine, read_fields
from electra_bench.data.text.json_lines import json_value
from electra_bench.system.regular_files import refuse_special

LONGEST_FIELD = 2**31 - 1
# Encloses fields of CSV.
QUOTE = '"'
# What separates the fields of CSV files where it is no comma.
OTHER_SEPARATORS = (";", "\t")
# The mark of scores behind a first line that is read as a row.
MAYBE_HEADER = "header as a row"


class Record(NamedTuple):
    """One record.

    Attributes:
        where: names file and line, or row, in messages.
        fields: name to value; in TSV and CSV also number of the column, from 0.
        problem: why there are no fields; empty if there are.
        places: where the items of its lists stand, if each has a line of its own.
        group: the document that it is of; empty if the file does not tell.
    """

    where: str
    fields: Mapping[str | int, Any]
    problem: str = ""
    places: tuple[str, ...] = ()
    group: str = ""


def read_records(
    path: epath.Path, header: bool = True, form: Form = AS_NAMED
) -> list[Record]:
    """Reads a file; its name says of what format, as far as `form` does not.

    In TSV quotes are text, in CSV they enclose fields, which may hold commas and line
    ends. A CSV file whose header has semicolons or tabs, but no commas, is separated by
    them. A row with another number of columns than the header or, without one, than most
    rows have is a record with a problem; so is a line that holds no JSON object, and one of
    TSV or JSON lines that is not UTF-8.

    Args:
        path: ends in .tsv, .csv, .jsonl, .ndjson, .json (an array of objects, or one a
            line) or .parquet, all but Parquet perhaps followed by .gz, .xz, .bz2 or .zst;
            in anything if `form` says what separates columns.
        header: whether the first line of a table names the columns.
        form: how it is written.

    Raises:
        ValueError: another name, a form that such files do not have, or the whole file is
            not as it should be; says where.
    """
    ending = split_files.extension(path)
    is_table = ending in _SEPARATORS
    if not is_table:
        refuse_other_formats(path, ending=ending)
    if is_table or (form.sep is not None and ending not in _OBJECTS):
        rows = list(_rows(path, ending, header, form))
        if not rows:
            raise ValueError(f"{path}: no rows")
        records = list(_named(path, rows, header))
    elif ending in _OBJECTS:
        read, may_be_bound = _OBJECTS[ending]
        unused = sorted(form.bound.keys() - may_be_bound)
        if unused:
            raise ValueError(f"{path}: {unused[0]} says nothing of a file {ending}")
        records = list(read(path, form))
    else:
        endings = ", ".join([*_SEPARATORS, *_OBJECTS])
        raise ValueError(
            f"{path}: a file of records must end in one of {endings}, or `sep` says what "
            "separates its columns"
        )
    if not records:
        raise ValueError(f"{path}: no rows")
    return records


def is_known(ending: str) -> bool:
    """Whether an ending says how a file of records is written."""
    return ending in (*_SEPARATORS, *_OBJECTS)


def _rows(
    path: epath.Path, ending: str, header: bool, form: Form
) -> Iterator[TableLine]:
    """The lines of a table that are not blank, or its rows where fields are enclosed."""
    has_quotes = ending == ".csv" and len(form.sep or ",") == 1
    quote = form.quote if form.quote is not None else QUOTE * has_quotes
    if quote:
        return _enclosed(path, header, form._replace(quote=quote))
    sep = _SEPARATORS.get(ending) if form.sep is None else form.sep
    lines = read_fields(path, form._replace(sep=sep))
    return (line for line in lines if line.fields or line.problem)


class _Lines(Iterator[str]):
    """The lines of a text for `csv.reader`, without the comments between rows.

    Attributes:
        number: of the last line, from 1.
        begins_row: whether the next line does; what a field holds is no comment.
    """

    def __init__(self, text: str, comment: str):
        self._lines = io.StringIO(text, newline="")
        self._comment = comment
        self.number = 0
        self.begins_row = True

    def __next__(self) -> str:
        while True:
            line = next(self._lines)
            self.number += 1
            is_comment = self._comment and line.startswith(self._comment)
            if not (is_comment and self.begins_row):
                self.begins_row = False
                return line


def _enclosed(path: epath.Path, header: bool, form: Form) -> Iterator[TableLine]:
    """The rows of a table in which a character encloses fields."""
    # A field may be a long document; the module's own limit is 131,072 characters.
    csv.field_size_limit(LONGEST_FIELD)
    text = split_files.read_text(path, form.encoding)
    sep = form.sep or _SEPARATORS[split_files.extension(path)]
    if header and form.sep is None and sep == ",":
        sep = _separator(next(_Lines(text, form.comment), ""))
    lines = _Lines(text, form.comment)
    reader = csv.reader(lines, delimiter=sep, quotechar=form.quote, strict=True)
    try:
        for row in reader:
            lines.begins_row = True
            if row:
                yield TableLine(lines.number, row)
    except csv.Error as error:
        # Where quotes do not match, nobody knows where rows begin.
        raise ValueError(f"{path}, line {lines.number}: {error}") from error


def _separator(header: str) -> str:
    """What separates the names of a header: a comma, if it has one, or nothing else."""
    found = max(OTHER_SEPARATORS, key=header.count)
    return found if found in header and "," not in header else ","


def _named(path: epath.Path, rows: list[TableLine], header: bool) -> Iterator[Record]:
    names: list[str] = []
    if header:
        (line, names, problem), *rows = rows
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            problem = f"two columns are called {min(twice)!r}"
        if problem:
            raise ValueError(f"{path}, line {line}: {problem}")
    widths = Counter(len(row.fields) for row in rows if not row.problem)
    width = len(names) or max(widths, key=widths.get, default=0)
    if not header:
        _note_a_header(path, [row for row in rows if len(row.fields) == width])
    file = str(path)
    for line, cells, problem in rows:
        if not problem and len(cells) != width:
            problem = f"got {len(cells)} columns, expected {width}"
        if not problem and cells == names:
            problem = "the header again"
        named: dict[str | int, str] = {} if problem else dict(enumerate(cells))
        if header and not problem:
            named |= zip(names, cells, strict=True)
        yield Record(f"{file}, line {line}", named, problem)


def _note_a_header(path: epath.Path, rows: Sequence[TableLine]) -> None:
    """Tells of a first line whose form no other has: text where all others have numbers."""
    if len(rows) < 3:
        return
    for name, *cells in zip(*(row.fields for row in rows), strict=True):
        if not is_number(name) and all(map(is_number, cells)):
            note(
                MAYBE_HEADER,
                f"{path}, line {rows[0].line}: {name!r} stands over numbers only; if this "
                "line is a header, name the columns in `columns` instead of counting them",
            )
            return


def json_records(path: epath.Path, form: Form = AS_NAMED) -> Iterator[Record]:
    """The objects of a file, one a line.

    Raises:
        ValueError: the file cannot be read.
    """
    file = str(path)
    lines = split_files.read_lines(path, form.encoding, form.comment)
    for number, line, problem in lines:
        fields: Any = {}
        if not problem:
            if not line.strip():
                continue
            try:
                fields = json_value(line, replaced_in(f"{file}, line {number}"))
            except json.JSONDecodeError as error:
                problem = f"expected one JSON object a line: {error.msg}"
        yield _object(f"{file}, line {number}", fields, problem)


def _json(path: epath.Path, form: Form) -> Iterator[Record]:
    """The objects of a file, one a line, or the entries of the array that it is."""
    lines = split_files.read_lines(path, form.encoding, form.comment)
    first = next((line.text for line in lines if line.text.strip()), "").strip()
    is_spread = split_files.extension(path) == ".json" and first in ("{", "[")
    if is_spread or first.startswith("["):
        entries = _array(path, form)
        if entries is not None:
            if form.comment:
                raise ValueError(f"{path}: comment says nothing of a JSON array")
            return iter(entries)
    return json_records(path, form)


def _array(path: epath.Path, form: Form) -> list[Record] | None:
    """The entries of a JSON array, or None if a file holds more than one value.

    Raises:
        ValueError: it holds something else, or is damaged.
    """
    text = split_files.read_text(path, form.encoding)
    try:
        value = json_value(text, replaced_in(str(path)))
    except json.JSONDecodeError as error:
        if split_files.extension(path) != ".json" or error.msg == "Extra data":
            return None
        raise ValueError(f"{path}, line {error.lineno}: {error.msg}") from error
    if not isinstance(value, list):
        raise ValueError(
            f"{path}: expected a JSON array of objects, or one object a line; got one "
            f"object with the fields {sorted(value)}"
        )
    places = (f"{path}, entry {number}" for number in itertools.count(1))
    return [_object(*of) for of in zip(places, value, strict=False)]


def _object(where: str, value: Any, problem: str = "") -> Record:
    if not isinstance(value, dict):
        problem = f"expected a JSON object, got {type(value).__name__}"
    return Record(where, {} if problem else value, problem)


def _parquet(path: epath.Path, form: Form) -> Iterator[Record]:
    del form  # all that it says is in the file
    refuse_special(path)
    with path.open("rb") as file:
        split_files.refuse_pointer(path, file.read(len(split_files.LFS_POINTER)))
    try:
        rows = pyarrow.parquet.read_table(str(path)).to_pylist()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not Parquet: {error}") from error
    for number, fields in enumerate(rows, start=1):
        yield Record(f"{path}, row {number}", fields)


_SEPARATORS = {".tsv": "\t", ".csv": ","}
# How files of an ending are read, and what their form may be bound to.
_OBJECTS: dict[str, tuple[Callable[..., Iterator[Record]], set[str]]] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), (_json, {"encoding", "comment"})),
    ".parquet": (_parquet, set()),
}
