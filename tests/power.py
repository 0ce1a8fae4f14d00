"""A file layer that notices what a power cut could take: names before contents."""

import os
from pathlib import Path

import pytest


class Power:
    """Watches what is written to the disk, renamed and deleted through `os`.

    Attributes:
        losses: what a power cut at some moment would have lost, a clause each; empty as
            long as all is written in a durable order.
        renamed: names that something was put under.
    """

    def __init__(self, monkeypatch):
        """Watches from now on, to the end of the test."""
        self.losses, self.renamed = [], []
        # Inode to size and time of what is on the disk; folders with names that are not.
        self._synced, self._folders = {}, {}
        for name in ("fsync", "replace", "rename", "remove", "unlink", "mkdir"):
            watch = getattr(self, f"_{'remove' if name == 'unlink' else name}")
            real = getattr(os, name)

            def call(*args, _real=real, _watch=watch, **options):
                if not options.get("dir_fd"):
                    return _watch(_real, *args, **options)
                return _real(*args, **options)

            monkeypatch.setattr(os, name, call)

    def check(self):
        """Fails if a power cut now, or at any moment before, loses something."""
        waiting = [f"{name} may be gone" for name in self._folders.values()]
        if found := [*self.losses, *waiting]:
            pytest.fail("; ".join(found))
        assert self.renamed, "nothing was watched"

    def _fsync(self, real, descriptor):
        real(descriptor)
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        found = os.fstat(descriptor)
        self._synced[found.st_ino] = found.st_size, found.st_mtime_ns
        self._folders.pop(path, None)

    def _replace(self, real, source, target):
        inside = [Path(source), *Path(source).rglob("*")]
        for path in inside:
            found = path.lstat()
            state = found.st_size, found.st_mtime_ns
            if not path.is_symlink() and self._synced.get(found.st_ino) != state:
                self.losses.append(f"{target} comes before what {path} holds")
        real(source, target)
        self._named(target)

    _rename = _replace

    def _mkdir(self, real, path, *args, **options):
        real(path, *args, **options)
        self._named(path)

    def _remove(self, real, path, **options):
        if self._folders and not _is_partial(path):
            waiting = next(iter(self._folders.values()))
            self.losses.append(f"{path} goes before {waiting} is there")
        real(path, **options)

    def _named(self, path):
        if not _is_partial(path):
            path = os.path.realpath(path)
            self.renamed.append(path)
            self._folders.setdefault(os.path.dirname(path), path)


def _is_partial(path):
    return ".partial" in os.path.abspath(path)
