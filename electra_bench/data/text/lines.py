"""Files in which every line stands for itself: a text or a JSON object; also pipes."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from electra_bench.data.text import csv_rows, json_lines, packing, streams
from electra_bench.data.text.files import open_file
from electra_bench.data.text.formats import content_format, file_format
from electra_bench.data.text.streams import Text
from electra_bench.system.atomic import atomic_file

# Stands for standard input or output.
PIPE = "-"


@contextlib.contextmanager
def _opened(path: str) -> Iterator[tuple[streams.Peekable, str]]:
    """The unpacked content of a file or of standard input, and its name for messages."""
    is_pipe = path == PIPE
    name = "standard input" if is_pipe else path
    file = contextlib.nullcontext(sys.stdin.buffer) if is_pipe else open_file(path)
    with file as raw, streams.damage_named(name):
        yield streams.unpacked(raw, name), name


def read_objects(
    path: str, reading: streams.Reading
) -> Iterator[tuple[streams.Line, dict[str, Any]]]:
    """The JSON objects of a file, one a line; blank lines are passed over.

    Args:
        path: a file, packed (see `streams.unpacked`) or not, an address such as gs://, or
            `-` for standard input.
        reading: what to do about lines that hold no object.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line or the file cannot be read, and errors are raised.
    """
    with _opened(path) as (stream, name):
        yield from json_lines.json_objects(stream, name, reading)


def read_texts(path: str, format: str, reading: streams.Reading) -> Iterator[Text]:
    """Texts to be scored, one a line, none of them blank.

    Args:
        path: see `read_objects`.
        format: `text`, or `jsonl` or `csv` with the text in `reading.text_field` and
            perhaps an `id`; `auto` tells by the file's name and how it begins.
        reading: what to do about blank lines and others that cannot be scored.
    """
    with _opened(path) as (stream, name):
        found = file_format(path, format)
        if found == "auto":
            found = content_format(stream, name, reading.text_field)
        if found == "jsonl":
            texts = json_lines.json_texts(stream, name, reading)
        elif found == "csv":
            texts = csv_rows.csv_texts(stream, name, reading)
        else:
            lines = streams.numbered_lines(stream, name, reading)
            texts = (Text(line.number, line.where, line.text) for line in lines)
        for text in texts:
            if text.text.strip():
                yield text
            else:
                reading.wrong(f"{text.where}: empty, so there is nothing to score")


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
        path: a file, packed as its name says (.gz, .xz, .bz2, .zst), or `-` for standard
            output.

    Yields:
        What writes an object.
    """
    if path == PIPE:
        sys.stdout.flush()
        yield lambda record: _write(sys.stdout.buffer, record)
        sys.stdout.buffer.flush()
        return
    opener = packing.OPENERS.get(os.path.splitext(path)[1])
    with atomic_file(path, opener) as file:
        yield lambda record: _write(file, record)


def _write(file: BinaryIO, record: Mapping[str, Any]) -> None:
    line = json.dumps(record, ensure_ascii=False) + "\n"
    file.write(line.encode("utf-8", "replace"))
