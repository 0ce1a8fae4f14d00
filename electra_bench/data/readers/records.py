"""Records with named fields: TSV, CSV, JSON lines and Parquet."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow.parquet
from etils import epath

from electra_bench.data.readers import split_files
from electra_bench.data.readers.bad_rows import replaced_in
from electra_bench.data.readers.tables import TableLine, read_fields
from electra_bench.data.text.json_lines import json_value
from electra_bench.system.regular_files import refuse_special

LONGEST_FIELD = 2**31 - 1


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


def read_records(path: epath.Path, header: bool = True) -> list[Record]:
    """Reads a file; its name says of what format.

    In TSV quotes are text, in CSV they enclose fields, which may hold commas and line
    ends. A row with another number of columns than the header or, without one, than most
    rows have is a record with a problem; so is a line that holds no JSON object, and one of
    TSV or JSON that is not UTF-8.

    Args:
        path: ends in .tsv, .csv, .jsonl, .ndjson or .parquet, all but Parquet perhaps
            followed by .gz, .xz, .bz2 or .zst.
        header: whether the first line of a TSV or CSV file names the columns.

    Raises:
        ValueError: another name, or the whole file is not as it should be; says where.
    """
    ending = split_files.extension(path)
    if ending in _ROWS:
        records = list(_named(path, list(_ROWS[ending](path)), header))
    elif ending in _OBJECTS:
        records = list(_OBJECTS[ending](path))
    else:
        endings = ", ".join([*_ROWS, *_OBJECTS])
        raise ValueError(f"{path}: a file of records must end in one of {endings}")
    if not records:
        raise ValueError(f"{path}: no rows")
    return records


def _tab_separated(path: epath.Path) -> Iterator[TableLine]:
    return (line for line in read_fields(path) if line.fields or line.problem)


def _comma_separated(path: epath.Path) -> Iterator[TableLine]:
    # A field may be a long document; the module's own limit is 131,072 characters.
    csv.field_size_limit(LONGEST_FIELD)
    text = split_files.read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from (TableLine(reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        # Where quotes do not match, nobody knows where rows begin.
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error


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
    file = str(path)
    for line, cells, problem in rows:
        if not problem and len(cells) != width:
            problem = f"got {len(cells)} columns, expected {width}"
        named: dict[str | int, str] = {} if problem else dict(enumerate(cells))
        if header and not problem:
            named |= zip(names, cells, strict=True)
        yield Record(f"{file}, line {line}", named, problem)


def json_records(path: epath.Path) -> Iterator[Record]:
    """The objects of a file, one a line.

    Raises:
        ValueError: the file cannot be read.
    """
    file = str(path)
    for number, line, problem in split_files.read_lines(path):
        fields: Any = {}
        if not problem:
            if not line.strip():
                continue
            try:
                fields = json_value(line, replaced_in(f"{file}, line {number}"))
            except json.JSONDecodeError as error:
                problem = f"expected one JSON object a line: {error.msg}"
        if not isinstance(fields, dict):
            problem = f"expected a JSON object, got {type(fields).__name__}"
        yield Record(f"{file}, line {number}", {} if problem else fields, problem)


def _parquet(path: epath.Path) -> Iterator[Record]:
    refuse_special(path)
    with path.open("rb") as file:
        split_files.refuse_pointer(path, file.read(len(split_files.LFS_POINTER)))
    try:
        rows = pyarrow.parquet.read_table(str(path)).to_pylist()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not Parquet: {error}") from error
    for number, fields in enumerate(rows, start=1):
        yield Record(f"{path}, row {number}", fields)


_ROWS = {".tsv": _tab_separated, ".csv": _comma_separated}
_OBJECTS = {".jsonl": json_records, ".ndjson": json_records, ".parquet": _parquet}
