"""Power cuts of a file system that the kernel runs, where that is allowed.

ext4 in a file of its own is shut down without its journal, as if the power went: what was
not written then never is. What is left is read from a copy of that file, since the process
still has files open in the first.

Source: `EXT4_IOC_SHUTDOWN` of Linux, fs/ext4/ext4.h.
"""

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator

from file_layer import CALLS, Tree, lay, tree_of

SHUTDOWN = 0x8004587D
WITHOUT_JOURNAL = 2
SIZE = 64 << 20  # bytes of the disk


class PowerCut(BaseException):
    """There is no power any more; nobody catches it."""


class NoDisk(Exception):
    """Such a file system cannot be had here; says why."""


def cut(before: Tree, number: int, run: Callable[[], object]) -> Tree:
    """What is there after the power went in the midst of a command.

    Args:
        before: what lies on the disk when it begins.
        number: of the call before which the power goes, see `file_layer.CALLS`; if the
            command makes fewer, it goes at its end.
        run: the command, in the folder that the process stands in.

    Raises:
        NoDisk: there is none.
    """
    with tempfile.TemporaryDirectory(dir=_memory(), ignore_cleanup_errors=True) as base:
        disk = _made(base)
        with _mounted(disk, "disk") as folder:
            lay({"lost+found": None, **before}, folder)
            os.sync()
            with _in(folder), _power_until(number, folder):
                run()
        copy = shutil.copyfile(disk, f"{disk}-copy")
        with _mounted(copy, "copy") as folder:
            left = tree_of(folder)
    return {path: x for path, x in left.items() if path != "lost+found"}


def _memory() -> str | None:
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def why_not() -> str:
    """Why there can be no such disk; empty if there can."""
    try:
        left = cut({"a": b"x"}, 0, lambda: None)
    except NoDisk as error:
        return str(error)
    return "" if left == {"a": b"x"} else "the power is not cut there"


def _made(base: str) -> str:
    path = os.path.join(base, "image")
    with open(path, "wb") as file:
        file.truncate(SIZE)
    _do("mkfs.ext4", "-q", "-F", path)
    return path


@contextlib.contextmanager
def _mounted(image: str, name: str) -> Iterator[str]:
    folder = os.path.join(os.path.dirname(image), name)
    os.mkdir(folder)
    _do("mount", "-o", "loop", image, folder)
    try:
        yield folder
    finally:
        # Though there may be files open.
        _do("umount", "--lazy", folder)


def _do(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except OSError as error:
        raise NoDisk(f"{command[0]}: {error}") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip() or error.returncode
        raise NoDisk(f"{command[0]}: {said}") from error


@contextlib.contextmanager
def _in(folder: str) -> Iterator[None]:
    before, cache = os.getcwd(), os.environ["ELECTRA_BENCH_CACHE"]
    os.chdir(folder)
    os.environ["ELECTRA_BENCH_CACHE"] = os.path.join(folder, "cache")
    try:
        yield
    finally:
        os.chdir(before)
        os.environ["ELECTRA_BENCH_CACHE"] = cache


@contextlib.contextmanager
def _power_until(number: int, folder: str) -> Iterator[None]:
    """Cuts the power before a call under `os`, or at the end."""
    real = {name: getattr(os, name) for name in CALLS}
    calls = 0

    def shut_down() -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", WITHOUT_JOURNAL))
        except OSError as error:
            raise NoDisk(f"no shutdown: {error}") from error
        finally:
            os.close(descriptor)

    def watched(name: str) -> Callable[..., object]:
        def call(*args, **options):
            nonlocal calls
            if calls == number:
                shut_down()
            calls += 1
            if calls > number:
                raise PowerCut
            return real[name](*args, **options)

        return call

    for name in CALLS:
        setattr(os, name, watched(name))
    try:
        # What is closed on the way out finds no disk.
        with contextlib.suppress(PowerCut, OSError):
            yield
    finally:
        for name, call in real.items():
            setattr(os, name, call)
    if calls <= number:
        shut_down()
