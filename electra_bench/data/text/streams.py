"""Streams of bytes to lines and documents of text: the parts that readers share."""

import codecs
import contextlib
import hashlib
import lzma
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from electra_bench.data.text import packing
from electra_bench.data.text.reasons import Reasons, too_many

BLOCK_BYTES = 1 << 20
# Longer documents are handed on in parts, so that one 40 GB file is no problem.
PART_CHARS = 1 << 20
# A line must fit into memory; text has none of this length, decompression bombs do.
MAX_LINE_BYTES = 64 << 20
# An article's of WikiText; those of its sections are ` = = Title = = `.
_TITLE = re.compile(r"= [^=](.*[^=])? =")
# What unpacking raises.
DAMAGED = (*packing.DAMAGED, lzma.LZMAError, tarfile.TarError)

OnError = Literal["raise", "skip"]


class Document(NamedTuple):
    """A document, or a part of one that is too long to be held at once.

    Attributes:
        id: hash of the document's text (of its first part's), 16 hexadecimal digits. It
            names the text and not the file, so that the same text draws the same numbers
            and falls into the same split wherever it lies and however often.
        text: its lines, stripped, without the empty ones, joined by line feeds.
        start: whether the document begins here.
        end: whether it ends here.
    """

    id: str
    text: str
    start: bool = True
    end: bool = True

    @property
    def lines(self) -> list[str]:
        """The lines; none are empty."""
        return self.text.split("\n") if self.text else []


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
    """A text that stands for itself.

    Attributes:
        id: its id in the file, or the number of its line; any JSON value.
        where: names file and line in messages.
        text: the text.
    """

    id: Any
    where: str
    text: str


@dataclass
class ReadReport:
    """What a reader has done so far; it counts while it reads.

    Attributes:
        total_bytes: size of all files, as they lie on disk.
        read_bytes: how much of that has been read.
        text_bytes: text read, unpacked.
        files: files read to their end.
        skipped: lines and files left out because of `on_error="skip"`.
        replaced: characters that are no text and were read as "?".
        sha256: files to the hashes of what was read of them.
        lines: read or left out.
        damaged_bytes: size of the files whose rest was left out.
        titles: lines of text files that begin an article of WikiText, where documents are
            not read so.
    """

    total_bytes: int = 0
    read_bytes: int = 0
    text_bytes: int = 0
    files: int = 0
    skipped: int = 0
    replaced: int = 0
    sha256: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    damaged_bytes: int = 0
    titles: int = 0
    _reasons: Reasons = field(default_factory=Reasons)

    @property
    def reasons(self) -> list[str]:
        """Why things were left out, the first few that differ, with counts."""
        return self._reasons.said()[: Reasons.MOST]

    def count_read(self, size: int) -> None:
        """Counts bytes read from disk."""
        self.read_bytes += size

    def replace(self, count: int) -> None:
        """Counts characters that are no text."""
        self.replaced += count

    @property
    def unread_share(self) -> float:
        """Of lines or of bytes, whichever is more, those left out, from 0 to 1."""
        of_lines = min(self.skipped, self.lines) / max(self.lines, 1)
        return max(of_lines, self.damaged_bytes / max(self.total_bytes, 1))

    def skip(self, reason: str) -> None:
        """Counts something left out."""
        self.skipped += 1
        self._reasons.add(reason)

    def check(self, name: str, limit: float, parameter: str) -> None:
        """Checks, when all is read, that not too much was left out.

        Args:
            name: of what was read.
            limit: share that may be, from 0 to 1.
            parameter: what binds it.

        Raises:
            ValueError: more than that; says why.
        """
        if self.unread_share > limit:
            count = f"{self.skipped:,} of {self.lines:,} lines"
            if self.unread_share == self.damaged_bytes / max(self.total_bytes, 1):
                count = f"{self.damaged_bytes:,} of {self.total_bytes:,} bytes"
            reasons = self._reasons.by_frequency()
            raise ValueError(too_many(name, count, limit, parameter, reasons))


class DamagedFile(ValueError):
    """A file whose content cannot be unpacked or understood; names the file."""


class Reading(NamedTuple):
    """How files are read.

    Attributes:
        documents: what makes a document of a text file: lines up to a `blank_line`, the
            whole `file`, every `line`, or in `wikitext` what begins with ` = Title = `
            below a blank line. A JSON line and a file in an archive are a document each,
            whatever this says.
        text_field: the field of a JSON line that holds the text.
        on_error: `raise`, or `skip` and count lines that are not UTF-8, JSON lines that
            cannot be understood and damaged files.
        report: what has been read.
    """

    documents: str
    text_field: str
    on_error: OnError
    report: ReadReport

    def wrong(self, message: str) -> None:
        """Raises or counts.

        Raises:
            ValueError: if errors are to be raised.
        """
        if self.on_error == "raise":
            raise ValueError(message)
        self.report.skip(message)


class Peekable:
    """A byte stream whose beginning can be looked at before it is read."""

    def __init__(
        self, stream: packing.Readable, watch: Callable[[int], None] = lambda size: None
    ):
        """Reads nothing yet.

        Args:
            stream: has `read`.
            watch: is told how many bytes every reading of it gave.
        """
        self._stream = stream
        self._watch = watch
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """The next bytes, `size` of them unless the stream ends before."""
        while len(self._ahead) < size:
            more = self._more(size - len(self._ahead))
            if not more:
                break
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """As a file's `read`; the size must be said."""
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data or self._more(size)

    def _more(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._watch(len(data))
        return data


def unpacked(
    stream: packing.Readable,
    name: str,
    watch: Callable[[int], None] = lambda size: None,
) -> Peekable:
    """The content of a stream; gzip, xz, bzip2 and Zstandard are known by first bytes.

    Args:
        stream: has `read`.
        name: of the file, for messages.
        watch: see `Peekable`; of the stream as it is.

    Raises:
        DamagedFile: something that is known not to be text, or empty where its name says
            that it is packed.
    """
    packed = Peekable(stream, watch)
    beginning = packed.peek(packing.LONGEST_SIGNATURE)
    if not beginning and name.lower().endswith(packing.ENDINGS):
        raise DamagedFile(f"{name}: empty, which no packed file is; fetch it again")
    content = packing.unpacking(beginning, packed)
    unpacked = packed if content is None else Peekable(content)
    if what := packing.no_text(unpacked.peek(packing.LONGEST_SIGNATURE)):
        raise DamagedFile(f"{name}: {what}")
    return unpacked


@contextlib.contextmanager
def damage_named(name: str) -> Iterator[None]:
    """Turns the errors of unpacking into one that names the file.

    Raises:
        DamagedFile: the content cannot be unpacked.
    """
    try:
        yield
    except DAMAGED as error:
        raise DamagedFile(f"{name}: damaged, cannot be unpacked: {error}") from error


def decoded_lines(
    stream: Peekable, name: str, reading: Reading
) -> Iterator[list[tuple[int, str]]]:
    """Numbered lines of a UTF-8 stream, a block at a time.

    Only line feeds end lines, as in the original; a byte order mark is left out.

    Args:
        stream: unpacked bytes.
        name: of the file, for messages.
        reading: what to do about bytes that are not UTF-8.
    """
    offset = number = 0
    if stream.peek(3) == codecs.BOM_UTF8:
        offset = len(stream.read(3))
    for block in _whole_lines(stream, name):
        reading.report.text_bytes += len(block) + 1
        try:
            lines = list(enumerate(block.decode().split("\n"), number + 1))
        except UnicodeDecodeError:
            lines = _decodable(block, number, offset, name, reading)
        yield lines
        number += block.count(b"\n") + 1
        reading.report.lines += block.count(b"\n") + 1
        offset += len(block) + 1


def numbered_lines(stream: Peekable, name: str, reading: Reading) -> Iterator[Line]:
    """The lines of a UTF-8 stream one by one, see `decoded_lines`."""
    for block in decoded_lines(stream, name, reading):
        for number, line in block:
            yield Line(f"{name}: line {number}", number, line.removesuffix("\r"))


def _whole_lines(stream: Peekable, name: str) -> Iterator[bytes]:
    """Blocks of whole lines, without the last line feed of a block."""
    begun: list[bytes] = []
    size = 0
    while chunk := stream.read(BLOCK_BYTES):
        cut = chunk.rfind(b"\n")
        if cut < 0:
            begun.append(chunk)
            size += len(chunk)
            if size > MAX_LINE_BYTES:
                raise DamagedFile(
                    f"{name}: a line is longer than {MAX_LINE_BYTES >> 20} MB; "
                    "is this a text file?"
                )
            continue
        begun.append(chunk[:cut])
        yield b"".join(begun)
        begun = [chunk[cut + 1 :]]
        size = len(begun[0])
    rest = b"".join(begun)
    if rest:
        yield rest


def _decodable(
    block: bytes, before: int, offset: int, name: str, reading: Reading
) -> list[tuple[int, str]]:
    """The lines of a block, of which `before` come before it, that are UTF-8."""
    lines = []
    for number, line in enumerate(block.split(b"\n"), before + 1):
        try:
            lines.append((number, line.decode()))
        except UnicodeDecodeError as error:
            reading.wrong(
                f"{name}: not UTF-8 at byte {offset + error.start} "
                f"(line {number}, {line[error.start : error.start + 1]!r})"
            )
        offset += len(line) + 1
    return lines


def text_documents(
    stream: Peekable, name: str, reading: Reading, documents: str
) -> Iterator[Document]:
    """Documents of plain text; see `Reading.documents`."""
    is_wikitext = documents == "wikitext"
    after_blank = True
    held: list[str] = []
    held_chars = 0
    begun: str | None = None  # the document's id once a part of it is handed on
    for block in decoded_lines(stream, name, reading):
        for _, line in block:
            line = line.strip()
            is_title = after_blank and line.startswith("= ") and _TITLE.fullmatch(line)
            if is_title and not is_wikitext:
                reading.report.titles += 1
            elif is_title and (held or begun):
                yield document_part(held, begun, end=True)
                held, held_chars, begun = [], 0, None
            after_blank = not line
            if line:
                held.append(line)
                held_chars += len(line)
            if documents == "line":
                ends = bool(line)
            else:
                ends = documents == "blank_line" and not line
            if ends and (held or begun):
                yield document_part(held, begun, end=True)
                held, held_chars, begun = [], 0, None
            elif held_chars >= PART_CHARS:
                part = document_part(held, begun, end=False)
                held, held_chars, begun = [], 0, part.id
                yield part
    if held or begun:
        yield document_part(held, begun, end=True)


def document_part(lines: list[str], begun: str | None, end: bool) -> Document:
    """A document or a part of one.

    Args:
        lines: stripped, none empty.
        begun: the document's id if these are not its first lines.
        end: whether these are its last lines.
    """
    text = "\n".join(lines)
    return Document(begun or text_id(text), text, start=begun is None, end=end)


def text_id(text: str) -> str:
    """The id of a document, see `Document`."""
    return hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=8
    ).hexdigest()


def whole_documents(parts: Iterable[Document]) -> Iterator[Document]:
    """Puts the parts of long documents together again."""
    held: list[Document] = []
    for part in parts:
        held.append(part)
        if part.end:
            text = "\n".join(part.text for part in held if part.text)
            yield Document(held[0].id, text)
            held = []
