"""Text files to documents, as a stream: memory does not grow with the corpus."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from etils import epath

from electra_bench.data.run_context import check_share
from electra_bench.data.text import csv_rows, json_lines, streams
from electra_bench.data.text.archives import archive_documents, is_tar
from electra_bench.data.text.formats import FORMATS, content_format, file_format
from electra_bench.data.text.streams import (
    DamagedFile,
    Document,
    Reading,
    ReadReport,
    Text,
)
from electra_bench.system.file_hashes import HashedFile
from electra_bench.system.regular_files import refuse_special

DOCUMENTS = ("blank_line", "file", "line", "wikitext")
ON_ERROR = ("raise", "skip")


def find_files(patterns: str | Sequence[str], base: str | None = None) -> list[str]:
    """Files that are meant by names, folders and globs.

    Args:
        patterns: one or several; `**` in a glob means any number of folders; of a folder
            all files below it are taken, except hidden ones. What is there under its very
            name is no pattern, though it may look like one.
        base: folder that relative patterns are tried in if they are not found otherwise.

    Returns:
        Paths in the order of the patterns, sorted within one, each once.

    Raises:
        FileNotFoundError: nothing there, or no match.
        ValueError: a pipe or a device.
    """
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    if not patterns:
        raise FileNotFoundError("a corpus needs at least one file")
    found: dict[str, None] = {}
    for pattern in patterns:
        pattern = os.fspath(pattern)
        candidates = _matches(pattern)
        if not candidates and base and not os.path.isabs(pattern):
            candidates = _matches(pattern, base)
        if not candidates:
            what = "file matches" if glob.has_magic(pattern) else "file or folder"
            below = f" here or in {base}" if base else ""
            raise FileNotFoundError(f"no {what} {pattern!r}{below}")
        files = [file for path in candidates for file in _files_below(path)]
        if not files:
            raise FileNotFoundError(f"folder {pattern!r} holds no files")
        for file in files:
            refuse_special(file)
        found.update(dict.fromkeys(files))
    return list(found)


def _matches(pattern: str, base: str = "") -> list[str]:
    """What a pattern means below a folder."""
    whole = os.path.join(base, pattern)
    if "://" in whole:
        path = epath.Path(whole)
        if glob.has_magic(path.name):
            return sorted(os.fspath(match) for match in path.parent.glob(path.name))
        return [whole] if path.exists() else []
    if os.path.exists(whole):
        return [whole]
    # A folder that is there under its very name is no pattern, as `exp[1]` is not.
    folder = os.path.dirname(whole)
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    rest = whole.removeprefix(folder).lstrip("/")
    return sorted(glob.glob(os.path.join(glob.escape(folder), rest), recursive=True))


def _files_below(path: str) -> list[str]:
    if "://" in path:
        folder = epath.Path(path)
        if not folder.is_dir():
            return [path]
        return sorted(os.fspath(file) for file in folder.iterdir() if file.is_file())
    if not os.path.isdir(path):
        return [path]
    return sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
        if not name.startswith(".") and "/." not in folder.removeprefix(path)
    )


def open_file(path: str) -> BinaryIO:
    """Opens a local file or one at an address such as gs://.

    Raises:
        ValueError: a pipe or a device.
    """
    refuse_special(path)
    return epath.Path(path).open("rb") if "://" in path else open(path, "rb")


def file_size(path: str) -> int:
    """Size in bytes."""
    return epath.Path(path).stat().length if "://" in path else os.path.getsize(path)


def _documents_of_texts(texts: Iterable[Text]) -> Iterator[Document]:
    for _, _, text in texts:
        lines = list(filter(None, map(str.strip, text.split("\n"))))
        if lines:
            yield streams.document_part(lines, None, end=True)


def iter_documents(
    files: Sequence[str],
    format: str = "auto",
    documents: str = "blank_line",
    *,
    text_field: str = "text",
    on_error: streams.OnError = "raise",
    max_skipped: float = 1.0,
    report: ReadReport | None = None,
) -> Iterator[Document]:
    """Documents of files, in order.

    Args:
        files: as `find_files` returns them.
        format: `text`, `jsonl`, `csv` (tables whose first line names the columns),
            `openwebtext` (tar archives, nested and compressed, of .txt files), each plain
            or packed with gzip, xz, bzip2 or Zstandard; `auto` decides for every file by
            its name and how it begins.
        documents: what makes a document of a text file, see `Reading`.
        text_field: the field of a JSON line, or column, that holds the text.
        on_error: see `Reading`.
        max_skipped: share of lines, or of bytes, that may be left out, from 0 to 1; it is
            compared when all is read.
        report: counts here.

    Raises:
        ValueError: an unknown option, a file that cannot be read as it should, or more is
            left out than may be.
        FileNotFoundError: a file is gone.
    """
    _check("format", format, FORMATS[:5])
    _check("documents", documents, DOCUMENTS)
    _check("on_error", on_error, ON_ERROR)
    check_share(max_skipped)
    report = report if report is not None else ReadReport()
    reading = Reading(documents, text_field, on_error, report)
    report.total_bytes = sum(file_size(file) for file in files)
    for file in files:
        with open_file(file) as raw:
            hashed = HashedFile(raw)
            try:
                with streams.damage_named(file):
                    stream = streams.unpacked(hashed, file, report.count_read)
                    file_is = file_format(file, format)
                    yield from _documents_of(stream, file, file_is, reading)
            except DamagedFile as error:
                reading.wrong(str(error))
                report.damaged_bytes += file_size(file)
            report.sha256[file] = hashed.sha256()
        report.files += 1
    name = files[0] if len(files) == 1 else f"{len(files)} files"
    report.check(name, max_skipped, "max_skipped")


def _check(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}")


def _documents_of(
    stream: streams.Peekable, name: str, format: str, reading: Reading
) -> Iterator[Document]:
    if format == "openwebtext" or (format == "auto" and is_tar(stream)):
        yield from archive_documents(stream, name, reading)
        return
    if format == "auto":
        format = content_format(stream, name, reading.text_field)
    if format == "jsonl":
        yield from _documents_of_texts(json_lines.json_texts(stream, name, reading))
    elif format == "csv":
        yield from _documents_of_texts(csv_rows.csv_texts(stream, name, reading))
    else:
        yield from streams.text_documents(stream, name, reading, reading.documents)


def iter_lines(patterns: str | Sequence[str], **options: Any) -> Iterator[str]:
    """The lines of a corpus, stripped, without the empty ones.

    Args:
        patterns: see `find_files`.
        **options: of `iter_documents`.

    Raises:
        ValueError: see `iter_documents`.
        FileNotFoundError: see `find_files`.
    """
    for document in iter_documents(find_files(patterns), **options):
        yield from document.lines
