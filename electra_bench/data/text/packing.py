"""Packed streams: known by their first bytes, read to their very end or refused.

A file may hold several streams one after the other. The standard library's file objects
take a damaged one after the first for the end of the file, so streams are followed here.
"""

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from backports import zstd

# What opens a file of such a name for writing.
OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".xz": lzma.open,
    ".bz2": bz2.open,
    ".zst": zstd.open,
}
ENDINGS = tuple(OPENERS)
# What files begin with that are no text, and what they are.
_NO_TEXT = {
    b"version https://git-lfs.github.com/spec/": (
        "a pointer of Git LFS, not the data; fetch it with 'git lfs pull'"
    ),
    b"PK\x03\x04": "a zip archive, which is not read; unpack it first",
    b"7z\xbc\xaf'\x1c": "a 7-Zip archive, which is not read; unpack it first",
    b"Rar!\x1a\x07": "a RAR archive, which is not read; unpack it first",
    b"\x04\x22\x4d\x18": "packed with LZ4, which is not read; unpack it first",
    b"\x1f\x9d": "packed with compress, which is not read; unpack it first",
    b"PAR1": "Parquet, which is not read as text; write it as JSON lines",
    b"ARROW1": "Arrow, which is not read as text; write it as JSON lines",
    b"%PDF-": "a PDF, which is not read; extract its text first",
}
# So many bytes tell whether and how a stream is packed, and whether it is no text.
LONGEST_SIGNATURE = max(10, *map(len, _NO_TEXT))
_BLOCK_BYTES = 1 << 16
# The largest that Zstandard allows; `zstd --ultra --long=31` makes such files.
_LARGEST_WINDOW = {zstd.DecompressionParameter.window_log_max: 31}


class PackingError(Exception):
    """A packed stream that is damaged, or ends before its end."""


# What unpacking raises.
DAMAGED = (PackingError, zlib.error, gzip.BadGzipFile, EOFError)


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end only."""


class _Streams:
    """The content of packed streams that follow each other; zeros may stand between."""

    def __init__(self, packed: Readable, make: Callable[[], Any]):
        """Reads nothing yet.

        Args:
            packed: not empty.
            make: makes what decompresses one stream, as `lzma.LZMADecompressor`.
        """
        self._packed = packed
        self._make = make
        self._stream = make()

    def read(self, size: int) -> bytes:
        """As a file's `read`; the size must be said.

        Raises:
            PackingError: damaged, or cut.
        """
        while True:
            data = b""
            if self._stream.eof:
                data = self._stream.unused_data.lstrip(b"\0")
                while not data:
                    more = self._packed.read(_BLOCK_BYTES)
                    if not more:
                        return b""
                    data = more.lstrip(b"\0")
                self._stream = self._make()
            elif self._stream.needs_input:
                data = self._packed.read(_BLOCK_BYTES)
                if not data:
                    raise PackingError("it ends before the end of its last stream")
            try:
                content = self._stream.decompress(data, size)
            except (lzma.LZMAError, zstd.ZstdError, OSError) as error:
                raise PackingError(str(error)) from error
            if content:
                return content


def _gzip(packed: Readable) -> Readable:
    # This one follows streams itself and refuses damaged ones.
    return gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[arg-type]


def _xz(packed: Readable) -> Readable:
    return _Streams(packed, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ))


def _bzip2(packed: Readable) -> Readable:
    return _Streams(packed, bz2.BZ2Decompressor)


def _zstandard(packed: Readable) -> Readable:
    return _Streams(packed, lambda: zstd.ZstdDecompressor(options=_LARGEST_WINDOW))


_UNPACKING = {
    re.compile(rb"\x1f\x8b"): _gzip,
    re.compile(rb"\xfd7zXZ\0"): _xz,
    # The second is that of nothing, packed.
    re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"): _bzip2,
    # The second is a frame to be passed over, with which files of pzstd begin.
    re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"): _zstandard,
}


def unpacking(beginning: bytes, packed: Readable) -> Readable | None:
    """The content of a packed stream; None if it is not packed.

    Args:
        beginning: its first bytes, `LONGEST_SIGNATURE` of them if it has as many.
        packed: the whole stream, from its first byte on.
    """
    for signature, unpack in _UNPACKING.items():
        if signature.match(beginning):
            return unpack(packed)
    return None


def no_text(beginning: bytes) -> str | None:
    """What an unpacked stream is and what to do; None if it may be text.

    Args:
        beginning: its first bytes, see `unpacking`.
    """
    for signature, what in _NO_TEXT.items():
        if beginning.startswith(signature):
            return what
    return None


def unpacked_bytes(data: bytes) -> bytes | None:
    """The content of packed bytes; None if they are not packed.

    Raises:
        PackingError, or another of `DAMAGED`: damaged, or cut.
    """
    packed: BinaryIO = io.BytesIO(data)
    content = unpacking(data[:LONGEST_SIGNATURE], packed)
    if content is None:
        return None
    blocks = iter(lambda: content.read(_BLOCK_BYTES), b"")
    return b"".join(blocks)
