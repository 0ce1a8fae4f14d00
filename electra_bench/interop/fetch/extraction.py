"""Archives to folders, without trust in what they hold.

One rule for zip and tar: an archive that names anything but files and folders, or a place
outside, is refused as a whole. tarfile's filter "data" would let links pass, and zipfile
has none; here no link is ever made, so none can lead outside.
"""

import contextlib
import functools
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

from electra_bench.data.text import streams
from electra_bench.system.atomic import complete_folder

# ELECTRA-Large, the largest, is below 2 GB; texts of GLUE pack to a fifth.
MAX_UNPACKED_BYTES = 20_000_000_000
MAX_RATIO = 100
# Below this any ratio is harmless.
SMALL_BYTES = 10_000_000
MAX_MEMBERS = 100_000

# The last one: a way of packing that zipfile does not know.
DAMAGED = (*streams.DAMAGED, zipfile.BadZipFile, NotImplementedError)


class ArchiveError(ValueError):
    """An archive that is damaged, hostile, or not the one that was expected."""


class _Member(NamedTuple):
    name: str
    size: int
    # "file", "folder", or what it is instead.
    kind: str
    open: Callable[[], BinaryIO]


def extract(
    archive: str, name: str, folder: str, root: str, overwrite: bool = False
) -> None:
    """Unpacks a part of an archive; the folder is complete or absent.

    Args:
        archive: a zip or tar file, the latter also packed with gzip or xz.
        name: of the archive, for messages.
        folder: folder to make.
        root: folder in the archive whose content is unpacked.
        overwrite: whether an existing folder is replaced.

    Raises:
        ArchiveError: names the member that is not allowed, or says what is damaged.
    """
    with complete_folder(folder, overwrite) as partial:
        try:
            packed = os.path.getsize(archive)
            with contextlib.closing(_members(archive)) as members:
                _unpack(members, partial, PurePosixPath(root), packed)
        except DAMAGED as error:
            raise ArchiveError(f"{name} is damaged: {error}") from error
        except ArchiveError as error:
            raise ArchiveError(f"{name}: {error}") from error
        if not os.listdir(partial):
            raise ArchiveError(f"{name} holds no folder {root!r} with files")


def _members(archive: str) -> Generator[_Member, None, None]:
    """What an archive holds; each can be opened until the next one is asked for."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield from _zip_members(file)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as file:
            yield from _tar_members(file)
    else:
        raise ArchiveError("neither a zip nor a tar archive")


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        # The upper half holds Unix's mode, if anything.
        kind = stat.S_IFMT(info.external_attr >> 16)
        is_other = kind not in (0, stat.S_IFREG, stat.S_IFDIR)
        kind = _kind(not is_other, info.is_dir(), kind == stat.S_IFLNK)
        if info.flag_bits & 1:
            kind = "encrypted"
        # zipfile never reads more than the size that is stated here.
        read = functools.partial(archive.open, info)
        yield _Member(info.filename, info.file_size, kind, read)


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    for info in archive:
        is_usual = info.isreg() or info.isdir()
        kind = _kind(is_usual, info.isdir(), info.islnk() or info.issym())
        read = functools.partial(archive.extractfile, info)
        yield _Member(info.name, info.size, kind, read)
    # A packed stream tells only at its end whether all of it was right.
    while archive.fileobj.read(1 << 20):
        pass


def _kind(is_usual: bool, is_folder: bool, is_link: bool) -> str:
    if is_usual:
        return "folder" if is_folder else "file"
    return "a link" if is_link else "a special file"


def _unpack(
    members: Iterator[_Member], folder: str, root: PurePosixPath, packed: int
) -> None:
    limit = min(MAX_UNPACKED_BYTES, max(SMALL_BYTES, MAX_RATIO * packed))
    unpacked = 0
    for number, member in enumerate(members):
        if number == MAX_MEMBERS:
            raise ArchiveError(f"holds more than {MAX_MEMBERS:,} members")
        path = _checked_path(member)
        # Before it is read: what is passed over is unpacked as well.
        unpacked += member.size
        if unpacked > limit:
            raise ArchiveError(
                f"unpacks to more than {limit:,} bytes with member {member.name!r}"
            )
        if member.kind != "file" or not path.is_relative_to(root):
            continue
        target = os.path.join(folder, path.relative_to(root))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            with member.open() as source, open(target, "xb") as file:
                shutil.copyfileobj(source, file)
        except FileExistsError as error:
            raise ArchiveError(f"names member {member.name!r} twice") from error


def _checked_path(member: _Member) -> PurePosixPath:
    path = PurePosixPath(member.name)
    # Backslashes and colons lead elsewhere on Windows only, and are in no public set.
    if path.is_absolute() or ".." in path.parts or set("\\:\0") & set(member.name):
        raise ArchiveError(f"member {member.name!r} does not stay in the folder")
    if member.kind not in ("file", "folder"):
        raise ArchiveError(
            f"member {member.name!r} is {member.kind}, expected files and folders only"
        )
    return path
