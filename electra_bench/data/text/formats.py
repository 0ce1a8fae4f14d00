"""The format of a text file: by its name, or else by how it begins."""

import csv
import json
import os
import re
from collections.abc import Sequence

from electra_bench.data.text import packing
from electra_bench.data.text.streams import DamagedFile, Peekable

FORMATS = ("auto", "text", "jsonl", "csv", "openwebtext", "tfrecord", "built")
SEPARATORS = "\t,;"
# Of a file's beginning.
_PEEK_BYTES = 1 << 16
_LINES = 10
# Columns of text in tables; prose has no first line of names with one of these.
_TEXT_COLUMNS = {
    *("abstract", "article", "body", "content", "document", "paragraph"),
    *("passage", "review", "sentence", "text"),
}
_NAME = re.compile(r"[\w .:/-]{0,40}")
_OBJECT = re.compile(r'\s*\{\s*"(\\.|[^"\\])*"\s*:')
# An object, or an array of objects, or one whose bracket stands alone.
_DOCUMENT = re.compile(rf'{_OBJECT.pattern}|\s*\[{_OBJECT.pattern}|\s*\[\s*\n\s*["\[]')
READ_AS_TEXT = "format='text' reads it as it is"


def file_format(path: str, format: str = "auto") -> str:
    """The format of a file as far as its name tells; `auto` if it does not."""
    if format != "auto":
        return format
    name = os.path.basename(path).lower()
    for ending in packing.ENDINGS:
        name = name.removesuffix(ending)
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl"
    if name.endswith((".csv", ".tsv")):
        return "csv"
    if ".tfrecord" in name:
        return "tfrecord"
    return "auto"


def content_format(stream: Peekable, name: str, text_field: str) -> str:
    """The format of a stream that is no archive: `text`, `jsonl` or `csv`.

    Lines of which one of the first few is a JSON object are JSON lines. A first line of
    names, of which one is that of the text or usual for a text, is the header of a table.

    Args:
        stream: unpacked; nothing is read of it.
        name: of the file, for messages.
        text_field: field or column of the text.

    Raises:
        DamagedFile: one JSON document, which is neither text nor lines.
    """
    beginning = stream.peek(_PEEK_BYTES)
    is_whole = len(beginning) < _PEEK_BYTES
    lines = beginning.decode("utf-8-sig", "replace").split("\n")
    lines = [line for line in lines if line.strip()][:_LINES]
    if not lines:
        return "text"
    # Of a line that is longer nobody sees whether it is an object.
    is_cut = len(lines) == 1 and not is_whole and _OBJECT.match(lines[0])
    if all(line.lstrip().startswith("{") for line in lines) and (
        is_cut or any(map(_is_object, lines))
    ):
        return "jsonl"
    if _DOCUMENT.match("\n".join(lines)):
        raise DamagedFile(
            f"{name}: one JSON document, expected text, CSV or a JSON object a line (jq "
            f"-c '.[]' writes an array so); {READ_AS_TEXT}"
        )
    return "csv" if _is_header(lines, text_field) else "text"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_header(lines: Sequence[str], text_field: str) -> bool:
    header = lines[0].rstrip("\r")
    if "\r" in header:  # the whole of a file with line ends of its own
        return False
    separator = separator_of(header)
    [names] = csv.reader([header], delimiter=separator)
    return (
        len(names) > 1
        and len({*names}) == len(names)
        and all(map(_NAME.fullmatch, names))
        and not {name.lower() for name in names}.isdisjoint(
            {text_field.lower(), *_TEXT_COLUMNS}
        )
        # Those below are not shorter.
        and all(line.count(separator) for line in lines[1:2])
    )


def separator_of(header: str) -> str:
    """What separates the columns of a table, by its first line."""
    return max(SEPARATORS, key=header.count)
