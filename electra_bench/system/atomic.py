"""Files and folders that are there complete or not at all, also after a power loss.

A name is moved only to what is on the disk, and the folder that it stands in is written to
the disk after that and before anything older is deleted. A folder that replaces another
has a moment in which neither has the name; whoever is stopped then makes it again.
"""

import contextlib
import errno
import filecmp
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any, BinaryIO

from electra_bench.system import locks
from electra_bench.system.inventory import write_inventory

# Ends the names of what is being written, which are hidden.
PARTIAL = ".partial"


def replace(partial: str, path: str) -> None:
    """Puts a written file in its place; what it holds is on the disk before its name is."""
    _sync(partial)
    os.replace(partial, path)
    _sync(os.path.dirname(path) or ".")


def make_folder(path: str) -> None:
    """Makes a folder and those above it, if they are not there; they are on the disk."""
    path = os.path.abspath(path)
    if not os.path.isdir(path):
        parent = os.path.dirname(path)
        make_folder(parent)
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):  # another process may have made it meanwhile
                raise
        _sync(parent)


def remove(path: str) -> None:
    """Removes a file, a folder with all in it, or a link but not what it leads to."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


@contextlib.contextmanager
def atomic_file(
    path: str, opener: Callable[[BinaryIO, str], Any] | None = None
) -> Iterator[BinaryIO]:
    """A file that appears under its name only when the `with` block has ended well.

    Of several processes that write it at once the last one to end wins.

    Args:
        path: its name.
        opener: makes of a binary file and a mode the one that is written to, such as
            `gzip.open`; None for the binary file itself.

    Yields:
        The file.
    """
    parent, name = os.path.split(path)
    # A new file of its own name: no link that lies there is followed.
    number, partial = tempfile.mkstemp(PARTIAL, _hidden(name), parent or ".")
    try:
        with open(number, "wb") as file:
            os.chmod(number, 0o666 & ~_umask())
            with opener(file, "wb") if opener else contextlib.nullcontext(file) as way:
                yield way
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


def write_together(folder: str, files: Mapping[str, bytes]) -> list[str]:
    """Writes files into a folder that may have others; they get their names together.

    Of several processes that do so at once the last one wins with all its files, where the
    file system has locks. Who is stopped has changed nothing, but for the moment in which
    the files get their names.

    Args:
        folder: the folder, none that is being written whole; made if it does not exist.
        files: names to contents.

    Returns:
        Their paths.

    Raises:
        IsADirectoryError: a name is that of a folder; nothing is changed.
    """
    make_folder(folder)
    paths = {name: os.path.join(folder, name) for name in files}
    for path in paths.values():
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "is a folder", path)
    with _partial_folder(folder, "files") as partial:
        for name, content in files.items():
            written = os.path.join(partial, name)
            Path(written).write_bytes(content)
            _sync(written)
        held = os.open(folder, os.O_RDONLY)
        try:
            _is_locked(held, wait=True)
            for name, path in paths.items():
                os.replace(os.path.join(partial, name), path)
            _sync(folder)
        finally:
            os.close(held)
    return list(paths.values())


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
    make_folder(parent)
    with _partial_folder(parent, name) as partial:
        yield partial
        if inventory:
            write_inventory(partial)
        for folder, _, files in os.walk(partial, topdown=False):
            for file in files:
                _sync(os.path.join(folder, file))
            _sync(folder)
        with contextlib.ExitStack() as later:
            if overwrite and os.path.lexists(path):
                _move_away(path, later.enter_context(_partial_folder(parent, name)))
            try:
                os.rename(partial, path)  # also onto an empty folder
            except OSError:
                if not os.path.isdir(path) or not os.listdir(path):
                    raise
            _sync(parent)


@contextlib.contextmanager
def new_folder(
    path: str, sign: str, varying: Set[str] = frozenset(), inventory: bool = False
) -> Iterator[str]:
    """A complete folder that may be there already only with the very same files.

    So a command that was stopped at any moment, or has ended, can be given again.

    Args:
        path: the folder's name.
        sign: a file that such a folder always has: without it, it is another one.
        varying: files that are others each time.
        inventory: whether it gets a list of its files, see `write_inventory`.

    Yields:
        A folder beside it to write into.

    Raises:
        FileExistsError: there is something else; nothing is changed.
    """
    check_new(path, sign)
    with complete_folder(path, inventory=inventory) as partial:
        yield partial
        if not _is_free(path) and not _holds(path, partial, varying):
            raise FileExistsError(
                f"{path!r} exists, and is not what would be written; choose another folder"
            )


def check_new(path: str, sign: str) -> None:
    """Checks that a folder is not there, or may be the one of `new_folder`.

    Raises:
        FileExistsError: it is there and is not.
    """
    if not _is_free(path) and not os.path.isfile(os.path.join(path, sign)):
        raise FileExistsError(f"{path!r} exists; choose another folder")


def _is_free(path: str) -> bool:
    if os.path.isdir(path) and not os.path.islink(path):
        return not os.listdir(path)
    return not os.path.lexists(path)


def _holds(folder: str, partial: str, varying: Set[str]) -> bool:
    """Whether a folder has all files of another one, with the same bytes."""
    names = {
        os.path.relpath(os.path.join(place, file), partial)
        for place, _, files in os.walk(partial)
        for file in files
    }
    same = sorted(names - varying)
    _, other, missing = filecmp.cmpfiles(folder, partial, same, shallow=False)
    return not other and not missing


@contextlib.contextmanager
def _partial_folder(parent: str, name: str) -> Iterator[str]:
    """A hidden folder that is gone afterwards; those that killed processes left go too."""
    pattern = re.compile(rf"{re.escape(_hidden(name))}\w{{8}}{re.escape(PARTIAL)}")
    for left in filter(pattern.fullmatch, os.listdir(parent)):
        _remove_unlocked(os.path.join(parent, left))
    while True:
        partial = tempfile.mkdtemp(PARTIAL, _hidden(name), parent)
        # Until it is locked another process may take it for a left one.
        try:
            held = os.open(partial, os.O_RDONLY)
        except FileNotFoundError:
            continue
        if _is_locked(held) and os.path.isdir(partial):
            break
        os.close(held)
    try:
        # mkdtemp's folders are for their owner only.
        os.chmod(partial, 0o777 & ~_umask())
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(held)


def _hidden(name: str) -> str:
    # A file system's limit is 255 bytes, and a character has up to four.
    return f".{name[:50]}-"


def _is_locked(held: int, *, wait: bool = False) -> bool:
    try:
        return locks.lock(held, wait=wait)
    except OSError:  # no file system with locks, so nobody else has it either
        return True


def _remove_unlocked(partial: str) -> None:
    # One of another user, or one that is gone meanwhile.
    with contextlib.suppress(OSError):
        held = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if locks.lock(held):
                shutil.rmtree(partial, ignore_errors=True)
        finally:
            os.close(held)


def _move_away(path: str, folder: str) -> None:
    # Another process may have done it.
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, os.path.join(folder, "old"))


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _sync(path: str) -> None:
    if os.path.islink(path):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
