"""Records with named fields: TSV, CSV, JSON lines and Parquet."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow.parquet
from etils import epath

from electra_bench.data.readers import split_files
from electra_bench.data.readers.tables import read_fields
from electra_bench.data.text.json_lines import json_value

LONGEST_FIELD = 2**31 - 1


class Record(NamedTuple):
    """One record.

    Attributes:
        where: names file and line, or row, in messages.
        fields: name to value; in TSV and CSV also number of the column, from 0.
        problem: why there are no fields; empty if there are.
        places: where the items of its lists stand, if each has a line of its own.
    """

    where: str
    fields: Mapping[str | int, Any]
    problem: str = ""
    places: tuple[str, ...] = ()


def read_records(path: epath.Path, header: bool = True) -> list[Record]:
    """Reads a file; its name says of what format.

    In TSV quotes are text, in CSV they enclose fields, which may hold commas and line
    ends. A row with another number of columns than the header or, without one, than most
    rows have is a record with a problem; so is a line that holds no JSON object, and one of
    TSV or JSON that is not UTF-8.

    Args:
        path: ends in .tsv, .csv, .jsonl, .ndjson or .parquet, all but Parquet perhaps
            followed by .gz or .xz.
        header: whether the first line of a TSV or CSV file names the columns.

    Raises:
        ValueError: another name, or the whole file is not as it should be; says where.
    """
    read = _READERS.get(split_files.extension(path))
    if read is None:
        raise ValueError(
            f"{path}: a file of records must end in one of {', '.join(_READERS)}"
        )
    records = list(read(path, header))
    if not records:
        raise ValueError(f"{path}: no rows")
    return records


class _Row(NamedTuple):
    """A row of TSV or CSV; see `Record`."""

    where: str
    cells: list[str]
    problem: str = ""


def _tab_separated(path: epath.Path, header: bool) -> Iterator[Record]:
    rows = [
        _Row(f"{path}, line {line}", fields, problem)
        for line, fields, problem in read_fields(path)
        if fields or problem
    ]
    return _named(rows, header)


def _comma_separated(path: epath.Path, header: bool) -> Iterator[Record]:
    # A field may be a long document; the module's own limit is 131,072 characters.
    csv.field_size_limit(LONGEST_FIELD)
    text = split_files.read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [_Row(f"{path}, line {reader.line_num}", row) for row in reader if row]
    except csv.Error as error:
        # Where quotes do not match, nobody knows where rows begin.
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    return _named(rows, header)


def _named(rows: list[_Row], header: bool) -> Iterator[Record]:
    names: list[str] = []
    if header:
        (where, names, problem), *rows = rows
        if problem:
            raise ValueError(f"{where}: {problem}")
        _check_names(names, where)
    widths = Counter(len(row.cells) for row in rows if not row.problem)
    width = len(names) or max(widths, key=widths.get, default=0)
    for where, cells, problem in rows:
        if not problem and len(cells) != width:
            problem = f"got {len(cells)} columns, expected {width}"
        if problem:
            yield Record(where, {}, problem)
            continue
        named = zip(names, cells, strict=True) if header else ()
        yield Record(where, {**dict(enumerate(cells)), **dict(named)})


def _check_names(names: list[str], where: str) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{where}: two columns are called {sorted(twice)[0]!r}")


def json_records(path: epath.Path, header: bool = False) -> Iterator[Record]:
    """The objects of a file, one a line.

    Args:
        path: the file.
        header: without effect; names stand in every line.

    Raises:
        ValueError: the file cannot be read.
    """
    del header
    for number, line, problem in split_files.read_lines(path):
        where = f"{path}, line {number}"
        if problem:
            yield Record(where, {}, problem)
            continue
        if not line.strip():
            continue
        try:
            fields = json_value(line)
        except json.JSONDecodeError as error:
            problem = f"expected one JSON object a line: {error.msg}"
            yield Record(where, {}, problem)
            continue
        if isinstance(fields, dict):
            yield Record(where, fields)
        else:
            problem = f"expected a JSON object, got {type(fields).__name__}"
            yield Record(where, {}, problem)


def _parquet(path: epath.Path, header: bool) -> Iterator[Record]:
    del header
    with path.open("rb") as file:
        split_files.refuse_pointer(path, file.read(len(split_files.LFS_POINTER)))
    try:
        rows = pyarrow.parquet.read_table(str(path)).to_pylist()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not Parquet: {error}") from error
    for number, fields in enumerate(rows, start=1):
        yield Record(f"{path}, row {number}", fields)


_READERS: dict[str, Callable[[epath.Path, bool], Iterator[Record]]] = {
    ".tsv": _tab_separated,
    ".csv": _comma_separated,
    ".jsonl": json_records,
    ".ndjson": json_records,
    ".parquet": _parquet,
}
