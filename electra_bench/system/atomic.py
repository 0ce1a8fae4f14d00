"""Files and folders that are there complete or not at all, also after a power loss."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from electra_bench.system.inventory import write_inventory


def replace(partial: str, path: str) -> None:
    """Puts a written file in its place; what it holds is on the disk before its name is."""
    _sync(partial)
    os.replace(partial, path)
    _sync(os.path.dirname(path) or ".")


@contextlib.contextmanager
def atomic_file(
    path: str,
    opener: Callable[[str, str], Any] = open,
    partial: str | None = None,
) -> Iterator[BinaryIO]:
    """A file that appears under its name only when the `with` block has ended well.

    Args:
        path: its name.
        opener: makes a binary file of a name and a mode, such as `gzip.open`.
        partial: name of the file while it is written; None for one that only one process
            may write at a time.

    Yields:
        The file.
    """
    partial = partial or f"{path}.partial"
    try:
        with opener(partial, "wb") as file:
            yield file
        replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(partial)
        raise


def write_text(path: str, text: str) -> None:
    """Writes a file in UTF-8, complete or not at all; line ends stay as they are."""
    with atomic_file(path) as file:
        file.write(text.encode())


def write_json(path: str, value: Any, **options: Any) -> None:
    """Writes a value as JSON and a line end, complete or not at all.

    Args:
        path: the file.
        value: what `json.dumps` takes.
        **options: of `json.dumps`.
    """
    write_text(path, json.dumps(value, **options) + "\n")


@contextlib.contextmanager
def complete_folder(
    path: str, overwrite: bool = False, inventory: bool = False
) -> Iterator[str]:
    """A folder that appears under its name only when the `with` block has ended well.

    Args:
        path: the folder's name.
        overwrite: whether a folder of this name is replaced; otherwise the first wins and
            what was written is thrown away.
        inventory: whether it gets a list of its files, see `write_inventory`.

    Yields:
        A folder beside it to write into.
    """
    path = os.path.abspath(path)
    parent, name = os.path.split(path)
    os.makedirs(parent, exist_ok=True)
    partial = tempfile.mkdtemp(prefix=f".{name}-", dir=parent)
    try:
        # mkdtemp's folders are for their owner only.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o777 & ~umask)
        yield partial
        if inventory:
            write_inventory(partial)
        for folder, _, files in os.walk(partial, topdown=False):
            for file in files:
                _sync(os.path.join(folder, file))
            _sync(folder)
        if overwrite:
            _move_away(path)
        try:
            os.rename(partial, path)  # also onto an empty folder
        except OSError:
            if not os.path.isdir(path) or not os.listdir(path):
                raise
        _sync(parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move_away(path: str) -> None:
    parent, name = os.path.split(path)
    old = tempfile.mkdtemp(prefix=f".{name}-old-", dir=parent)
    # Another process may have done it.
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, os.path.join(old, name))
    shutil.rmtree(old)


def _sync(path: str) -> None:
    if os.path.islink(path):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
