"""Files in which every line stands for itself: a text or a JSON object; also pipes."""

import contextlib
import gzip
import json
import lzma
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from electra_bench.data.text.files import file_format, open_file
from electra_bench.data.text.json_lines import json_object, string_field
from electra_bench.data.text.streams import (
    Reading,
    damage_named,
    decoded_lines,
    unpacked,
)
from electra_bench.system.atomic import atomic_file

# Stands for standard input or output.
PIPE = "-"
_NAMES = {PIPE: "standard input"}


class Line(NamedTuple):
    """One line of a file.

    Attributes:
        where: names file and line in messages.
        number: of the line, from 1.
        text: the line without its end.
    """

    where: str
    number: int
    text: str


class Text(NamedTuple):
    """A text to be scored.

    Attributes:
        id: its id in the file, or the number of its line; any JSON value.
        where: names file and line in messages.
        text: never blank.
    """

    id: Any
    where: str
    text: str


def read_lines(path: str, reading: Reading) -> Iterator[Line]:
    """The lines of a UTF-8 file, packed with gzip or xz or not.

    Args:
        path: a file, an address such as gs://, or `-` for standard input.
        reading: what to do about lines that are not UTF-8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line or the file cannot be read, and errors are raised.
    """
    name = _NAMES.get(path, path)
    with _opened(path) as raw, damage_named(name):
        for block in decoded_lines(unpacked(raw), name, reading):
            for number, line in block:
                yield Line(f"{name}: line {number}", number, line.removesuffix("\r"))


def read_objects(path: str, reading: Reading) -> Iterator[tuple[Line, dict[str, Any]]]:
    """The JSON objects of a file, one a line; blank lines are passed over."""
    for line in read_lines(path, reading):
        if not line.text.strip():
            continue
        record = json_object(line.text, line.where, reading)
        if record is not None:
            yield line, record


def read_texts(path: str, format: str, reading: Reading) -> Iterator[Text]:
    """Texts to be scored, one a line.

    Args:
        path: see `read_lines`.
        format: `text`, or `jsonl` with the text in the field `reading.text_field` and
            perhaps an `id`; `auto` tells by the file's name.
        reading: what to do about blank lines and others that cannot be scored.
    """
    if file_format(path, format) == "jsonl":
        for line, record in read_objects(path, reading):
            text = string_field(record, reading.text_field, line.where, reading)
            if text is not None and _is_text(text, line.where, reading):
                yield Text(record.get("id", line.number), line.where, text)
        return
    for line in read_lines(path, reading):
        if _is_text(line.text, line.where, reading):
            yield Text(line.number, line.where, line.text)


def _is_text(text: str, where: str, reading: Reading) -> bool:
    if text.strip():
        return True
    reading.wrong(f"{where}: empty, so there is nothing to score")
    return False


def _opened(path: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if path == PIPE:
        return contextlib.nullcontext(sys.stdin.buffer)
    return open_file(path)


def check_output(path: str | None, *inputs: str | None) -> None:
    """Checks that a file can be written, before any work.

    Args:
        path: the file; None and `-` are always right.
        *inputs: files that are read, which it must not replace.

    Raises:
        FileNotFoundError: its folder does not exist.
        IsADirectoryError: it is a folder.
        ValueError: it is one of the inputs.
    """
    if path is None or path == PIPE:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"no folder {folder!r} to write {path!r} into")
    if os.path.isdir(path):
        raise IsADirectoryError(f"output {path!r} is a folder")
    for file in inputs:
        if file and file != PIPE and os.path.realpath(file) == os.path.realpath(path):
            raise ValueError(f"output {path!r} would replace the input")


@contextlib.contextmanager
def json_writer(path: str) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Writes JSON objects, one a line, in UTF-8.

    A file is there complete or not at all.

    Args:
        path: a file, packed if its name ends in .gz or .xz, or `-` for standard output.

    Yields:
        What writes an object.
    """
    if path == PIPE:
        sys.stdout.flush()
        yield lambda record: _write(sys.stdout.buffer, record)
        sys.stdout.buffer.flush()
        return
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(os.path.splitext(path)[1], open)
    with atomic_file(path, opener) as file:
        yield lambda record: _write(file, record)


def _write(file: BinaryIO, record: Mapping[str, Any]) -> None:
    line = json.dumps(record, ensure_ascii=False) + "\n"
    file.write(line.encode("utf-8", "replace"))
