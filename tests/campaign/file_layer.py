"""A recording layer under `os`: what a folder holds at any moment, and after a power cut.

Before every call that moves, removes or syncs something, the folder is looked at. A killed
process leaves it as it is then. A power cut leaves of it what was synced: the content of a
file at its last `fsync`, the names in a folder at that of the folder. What was not synced
may be there or not, by chance: a name may be the new or the old one, and a content empty,
zeros, the first half, old or new.
"""

import os
import random
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CALLS = ("fsync", "replace", "rename", "remove", "unlink", "mkdir", "rmdir", "link")

# Path below the folder to content; None for a folder.
Tree = Mapping[str, bytes | None]
Names = dict[str, int]


class Moment(NamedTuple):
    """What is known just before a call.

    Attributes:
        call: the call.
        root: inode of the folder.
        names: of every folder, inode to its names and their inodes.
        contents: of every file, by inode.
        synced_names: as `names`, as of the last sync of the folder.
        synced_contents: as `contents`, as of the last sync of the file.
    """

    call: str
    root: int
    names: dict[int, Names]
    contents: dict[int, bytes]
    synced_names: dict[int, Names]
    synced_contents: dict[int, bytes]

    def killed(self) -> Tree:
        """What is there after the process was killed."""
        return self._tree(self.root, self.names.__getitem__, self.contents)

    def durable(self) -> Tree:
        """What is there after a power cut in any case."""

        def names(folder: int) -> Names:
            return self.synced_names.get(folder, {})

        contents = {x: self.synced_contents.get(x, b"") for x in self.contents}
        return self._tree(self.root, names, contents)

    def cut(self, rng: random.Random) -> Tree:
        """What is there after a power cut."""

        def names(folder: int) -> Names:
            seen, sure = self.names.get(folder, {}), self.synced_names.get(folder, {})
            drawn = {
                name: rng.choice([sure.get(name), seen.get(name)])
                for name in sorted({*seen, *sure})
            }
            return {name: inode for name, inode in drawn.items() if inode is not None}

        contents = {
            inode: self._cut_content(inode, rng) for inode in sorted(self.contents)
        }
        return self._tree(self.root, names, contents)

    def _cut_content(self, inode: int, rng: random.Random) -> bytes:
        seen, sure = self.contents[inode], self.synced_contents.get(inode)
        if seen == sure:
            return seen
        halves = [b"", seen[: len(seen) // 2], bytes(len(seen)), seen]
        return rng.choice(halves if sure is None else [*halves, sure])

    def _tree(self, folder, names, contents, path="") -> dict[str, bytes | None]:
        tree: dict[str, bytes | None] = {}
        for name, inode in names(folder).items():
            below = os.path.join(path, name)
            tree[below] = contents.get(inode)
            if inode not in contents:
                tree |= self._tree(inode, names, contents, below)
        return tree


class FileLayer:
    """Records what happens to a folder while it is used as a context manager.

    Attributes:
        moments: one before each call, and one at the end.
    """

    def __init__(self, folder: str):
        """Records below a folder; what it holds when it begins is on the disk."""
        self._folder = os.path.realpath(folder)
        self.moments: list[Moment] = []
        self._real = {name: getattr(os, name) for name in CALLS}
        # Inode to an open file, so that no number is given twice.
        self._held: dict[int, int] = {}
        self._known: dict[int, tuple[tuple[int, int], bytes]] = {}
        self._synced_names: dict[int, Names] = {}
        self._synced_contents: dict[int, bytes] = {}

    def __enter__(self) -> "FileLayer":
        _, names, contents = self._look()
        self._synced_names, self._synced_contents = names, contents
        for name in CALLS:
            setattr(os, name, self._watched(name))
        return self

    def __exit__(self, *exception: object) -> None:
        for name, real in self._real.items():
            setattr(os, name, real)
        self._note("end")
        for descriptor in self._held.values():
            os.close(descriptor)

    def _watched(self, name: str):
        def call(*args, **options):
            self._note(name)
            found = self._real[name](*args, **options)
            if name == "fsync":
                self._sync(args[0])
            return found

        return call

    def _note(self, call: str) -> None:
        known = dict(self._synced_names), dict(self._synced_contents)
        self.moments.append(Moment(call, *self._look(), *known))

    def _sync(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        _, names, contents = self._look()
        if stat.S_ISDIR(found.st_mode):
            self._synced_names[found.st_ino] = names.get(found.st_ino, {})
        elif found.st_ino in contents:
            self._synced_contents[found.st_ino] = contents[found.st_ino]

    def _look(self) -> tuple[int, dict[int, Names], dict[int, bytes]]:
        names: dict[int, Names] = {}
        for folder, _, _ in os.walk(self._folder):
            inode, within = os.stat(folder).st_ino, {}
            for entry in os.scandir(folder):
                # Sockets and links are none of ours.
                if entry.is_dir(follow_symlinks=False):
                    within[entry.name] = self._hold(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    within[entry.name] = self._hold(entry.path)
                    self._read(within[entry.name])
            names[inode] = within
        contents = {inode: content for inode, (_, content) in self._known.items()}
        return os.stat(self._folder).st_ino, names, contents

    def _hold(self, path: str) -> int:
        inode = os.stat(path).st_ino
        if inode not in self._held:
            self._held[inode] = os.open(path, os.O_RDONLY)
        return inode

    def _read(self, inode: int) -> None:
        descriptor = self._held[inode]
        found = os.fstat(descriptor)
        state = found.st_size, found.st_mtime_ns
        if inode not in self._known or self._known[inode][0] != state:
            self._known[inode] = state, os.pread(descriptor, found.st_size, 0)


def tree_of(folder: str) -> Tree:
    """All files and folders below a folder."""
    return {
        os.path.relpath(path, folder): None if path.is_dir() else path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
    }


def lay(tree: Tree, folder: str) -> None:
    """Makes a folder hold exactly a tree; the folder itself stays: one may stand in it."""
    for path in Path(folder).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, content in tree.items():
        path = Path(folder, name)
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
