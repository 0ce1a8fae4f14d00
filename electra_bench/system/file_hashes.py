"""Hashes of large files, computed once."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from electra_bench.system.atomic import atomic_file
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.regular_files import refuse_special

REMEMBERED_BYTES = 1 << 20  # smaller files are read again faster than looked up
# A file written this recently may change again without a new time stamp.
SETTLED_S = 2.0
HEX_DIGITS = 64


def file_sha256(path: str) -> str:
    """SHA-256 of a file's content.

    Remembered in the cache folder by path, inode, size and times.

    Args:
        path: a local file, or an address such as gs://, which is read every time.

    Raises:
        ValueError: a pipe or a device.
    """
    memo = None
    refuse_special(path)
    if "://" not in path:
        state = os.stat(path)
        settled = time.time() - state.st_mtime > SETTLED_S
        if settled and state.st_size >= REMEMBERED_BYTES:
            times = f"{state.st_mtime_ns} {state.st_ctime_ns}"
            key = f"{os.path.abspath(path)}\n{state.st_ino} {state.st_size} {times}"
            name = hashlib.sha256(key.encode()).hexdigest()[:32]
            memo = os.path.join(cache_dir(), "file_hashes", name)
            with contextlib.suppress(FileNotFoundError), open(memo) as file:
                if len(known := file.read()) == HEX_DIGITS:
                    return known
    with _open(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if memo is not None:
        # Not to be able to write it down only costs time.
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(memo), exist_ok=True)
            with atomic_file(memo) as file:
                file.write(sha256.encode())
    return sha256


def files_sha256(paths: Iterable[str]) -> str:
    """One hash of several files' contents in their order; see `file_sha256`."""
    return hashlib.sha256("\n".join(map(file_sha256, paths)).encode()).hexdigest()


def data_sha256(paths: Sequence[str]) -> str:
    """The hash of data in one file, that of the file, or in several in their order."""
    return file_sha256(paths[0]) if len(paths) == 1 else files_sha256(paths)


def _open(path: str) -> BinaryIO:
    if "://" not in path:
        return open(path, "rb")
    # Only here: it takes longer to import than most files to hash.
    from etils import epath

    return epath.Path(path).open("rb")
