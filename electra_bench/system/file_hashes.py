"""Hashes of files: of large ones computed once, or of what is read while it is read."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from electra_bench.system.atomic import write_text
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.regular_files import refuse_special

REMEMBERED_BYTES = 1 << 20  # smaller files are read again faster than looked up
# A file written this recently may change again without a new time stamp.
SETTLED_S = 2.0
READ_BYTES = 1 << 20


class Changed(ValueError):
    """Data that had another hash before they were read than after."""

    def __init__(self, what: str):
        """Says of what."""
        super().__init__(
            f"{what} changed while it was read: run the same command again"
        )


def file_sha256(path: str) -> str:
    """SHA-256 of a file's content.

    Remembered in the cache folder by path, inode, size and times.

    Args:
        path: a local file, or an address such as gs://, which is read every time.

    Raises:
        ValueError: a pipe or a device.
    """
    refuse_special(path)
    if "://" in path:
        # Only here: it takes longer to import than most files to hash.
        from etils import epath

        with epath.Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    with open(path, "rb") as file:
        memo = _memo(path, os.fstat(file.fileno()))
        if memo and (known := remembered(memo)):
            return known
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        # One that was written to in the meantime has another memo.
        if memo and memo == _memo(path, os.fstat(file.fileno())):
            _remember(memo, sha256)
    return sha256


def _memo(path: str, state: os.stat_result) -> str | None:
    """Where the hash of a file is remembered; None if it is read every time."""
    if state.st_size < REMEMBERED_BYTES or time.time() - state.st_mtime <= SETTLED_S:
        return None
    times = f"{state.st_mtime_ns} {state.st_ctime_ns}"
    key = f"{os.path.abspath(path)}\n{state.st_ino} {state.st_size} {times}"
    name = hashlib.sha256(os.fsencode(key)).hexdigest()[:32]
    return os.path.join(cache_dir(), "file_hashes", name)


def data_sha256(paths: Sequence[str]) -> str:
    """The hash of data in one file, that of the file, or in several in their order."""
    return file_sha256(paths[0]) if len(paths) == 1 else files_sha256(paths)


def remembered(memo: str) -> str | None:
    """The hash that a memo holds; None if there is none, or not as it was written."""
    try:
        with open(memo, encoding="ascii") as file:
            sha256, _, check = file.read().partition(" ")
    except (OSError, ValueError):
        return None
    return sha256 if check == _check(memo, sha256) else None


def _remember(memo: str, sha256: str) -> None:
    # Not to be able to write it down only costs time.
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(memo), exist_ok=True)
        write_text(memo, f"{sha256} {_check(memo, sha256)}")


def _check(memo: str, sha256: str) -> str:
    """What a memo ends with: of its hash and of the file that it is of."""
    return hashlib.sha256(f"{os.path.basename(memo)} {sha256}".encode()).hexdigest()


def files_sha256(
    paths: Iterable[str], read: Mapping[str, str] = MappingProxyType({})
) -> str:
    """One hash of several files' contents in their order.

    Args:
        paths: the files.
        read: hashes that are known of some, see `HashedFile`; others see `file_sha256`.
    """
    found = [read.get(path) or file_sha256(path) for path in paths]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


class HashedFile:
    """A file that is hashed as it is read: what is hashed is what was read.

    A file can be replaced after `file_sha256` has looked at it.
    """

    def __init__(self, file: BinaryIO):
        """Takes a file of which nothing was read yet."""
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """As a file's `read`; the size must be said."""
        data = self._file.read(size)
        self._digest.update(data)
        return data

    def sha256(self) -> str:
        """The hash of all that the file holds; reads what is left."""
        while self.read(READ_BYTES):
            pass
        return self._digest.hexdigest()
