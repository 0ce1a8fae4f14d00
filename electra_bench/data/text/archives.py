"""Tar archives of text files, nested and packed, read as a stream.

Nothing is ever written to disk, so the paths, links and devices that an archive may name
can do no harm; nesting and unpacked size are limited.
"""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from electra_bench.data.text import packing, streams
from electra_bench.data.text.streams import DamagedFile, Document, Peekable, Reading

MAX_DEPTH = 4
# Of one archive with all that is nested in it; OpenWebText is 40 GB.
MAX_UNPACKED_BYTES = 1 << 40
TAR_BLOCK = 512
PACKED = (*packing.ENDINGS, ".tgz", ".txz", ".tbz2", ".tar")


def is_tar(stream: Peekable) -> bool:
    """Whether a stream begins with a tar header (POSIX or GNU)."""
    return stream.peek(TAR_BLOCK)[257:262] == b"ustar"


def archive_documents(
    stream: Peekable, name: str, reading: Reading, depth: int = 1
) -> Iterator[Document]:
    """Documents of an archive: one for every .txt file in it, in the archive's order.

    Archives in the archive and packed .txt files are followed; all else is passed over.

    Args:
        stream: an unpacked tar archive.
        name: of the file, for messages.
        reading: how to read; `documents` is not used, a file is a document.
        depth: how many archives this one lies in, counted from 1.

    Raises:
        DamagedFile: no archive, damaged, nested too deeply, or too large.

    Source: google-research/electra build_openwebtext_pretraining_dataset.py, which
    unpacks to disk and shuffles the files; here they keep their order.
    """
    if depth > MAX_DEPTH:
        raise DamagedFile(f"{name}: archives are nested more than {MAX_DEPTH} deep")
    if not is_tar(stream):
        raise DamagedFile(f"{name}: not a tar archive of text files")
    left = MAX_UNPACKED_BYTES

    def limit(size: int) -> None:
        nonlocal left
        left -= size
        if left < 0:
            raise DamagedFile(f"{name}: unpacks to more than allowed")

    limited = Peekable(stream, limit)
    with (
        streams.damage_named(name),
        tarfile.open(fileobj=limited, mode="r|") as archive,
    ):
        for member in archive:
            # Links and devices are no files; extractfile would follow links.
            if member.isreg():
                raw, inside = archive.extractfile(member), f"{name}:{member.name}"
                yield from _member_documents(raw, inside, reading, depth)
            # tarfile remembers every member, which grows with the archive.
            archive.members = []
        _check_end(archive, name)


def _check_end(archive: tarfile.TarFile, name: str) -> None:
    """Reads what is left of an archive: tarfile stops where it sees no more members.

    Raises:
        DamagedFile: it is cut, or goes on.
    """
    rest: BinaryIO = archive.fileobj
    # Where there is an end it was read, and is no part of any member.
    if rest.tell() == archive.offset:
        raise DamagedFile(f"{name}: cut: the archive has no end")
    while block := rest.read(streams.BLOCK_BYTES):
        if block.strip(b"\0"):
            raise DamagedFile(f"{name}: goes on after the end of the archive")


def _member_documents(
    raw: BinaryIO, name: str, reading: Reading, depth: int
) -> Iterator[Document]:
    lower = name.lower()
    if not lower.endswith((".txt", *PACKED)):
        return
    try:
        with streams.damage_named(name):
            stream = streams.unpacked(raw, name)
            if is_tar(stream):
                yield from archive_documents(stream, name, reading, depth + 1)
            elif lower.endswith((".txt", *(f".txt{end}" for end in packing.ENDINGS))):
                yield from streams.text_documents(stream, name, reading, "file")
    except DamagedFile as error:
        reading.wrong(str(error))
