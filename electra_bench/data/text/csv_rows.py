"""Tables whose first line names the columns, of which one holds texts."""

import csv
import itertools
from collections.abc import Iterator

from electra_bench.data.text.formats import READ_AS_TEXT, separator_of
from electra_bench.data.text.streams import (
    MAX_LINE_BYTES,
    DamagedFile,
    Line,
    Peekable,
    Reading,
    Text,
    numbered_lines,
)
from electra_bench.system.near_names import near_and_all


def csv_texts(stream: Peekable, name: str, reading: Reading) -> Iterator[Text]:
    """What the rows of a table have in the column `reading.text_field`.

    Columns are separated by commas, semicolons or tabs, as the first line tells. Quotes
    enclose fields, which may then hold line ends; between tabs they are text.

    Args:
        stream: unpacked bytes.
        name: of the file, for messages.
        reading: what to do about rows with another number of columns.

    Raises:
        DamagedFile: no such column, or quotes that do not match.
    """
    lines = numbered_lines(stream, name, reading)
    header = next(lines, None)
    if header is None:
        return
    # A field may be a long document; the module's own limit is 131,072 characters.
    csv.field_size_limit(MAX_LINE_BYTES)
    separator = separator_of(header.text)
    last = header

    def texts() -> Iterator[str]:
        nonlocal last
        for last in itertools.chain([header], lines):
            yield f"{last.text}\n"

    quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    rows = csv.reader(texts(), delimiter=separator, quoting=quoting, strict=True)
    try:
        columns = next(rows)
        place = _column(columns, reading.text_field, name)
        for row in rows:
            if not row:
                continue
            if len(row) != len(columns):
                found = f"{len(row)} columns, expected {len(columns)}"
                reading.wrong(f"{last.where}: {found}")
                continue
            yield Text(_id(columns, row, last), last.where, row[place])
    except csv.Error as error:
        # Where quotes do not match, nobody knows where rows begin.
        raise DamagedFile(f"{last.where}: {error}; {READ_AS_TEXT}") from error


def _column(columns: list[str], field: str, name: str) -> int:
    if field not in columns:
        raise DamagedFile(
            f"{name}: the table has no column {field!r}; {near_and_all(field, columns)}; "
            f"text_field names that of the text, {READ_AS_TEXT}"
        )
    return columns.index(field)


def _id(columns: list[str], row: list[str], line: Line) -> str | int:
    return row[columns.index("id")] if "id" in columns else line.number
