"""Folders that are complete or absent."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def complete_folder(path: str, overwrite: bool = False) -> Iterator[str]:
    """A folder that appears under its name only when the `with` block has ended well.

    Args:
        path: the folder's name.
        overwrite: whether a folder of this name is replaced; otherwise the first wins and
            what was written is thrown away.

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
        if overwrite and os.path.isdir(path):
            _replace(path, partial)
            return
        try:
            os.rename(partial, path)  # also onto an empty folder
        except OSError:
            if not os.path.isdir(path) or not os.listdir(path):
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace(path: str, new: str) -> None:
    parent, name = os.path.split(path)
    old = tempfile.mkdtemp(prefix=f".{name}-old-", dir=parent)
    os.rename(path, os.path.join(old, name))
    os.rename(new, path)
    shutil.rmtree(old)
