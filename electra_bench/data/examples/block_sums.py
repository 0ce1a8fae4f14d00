"""Files of values with a checksum for every block, so that a flipped bit is never read.

A file that was written with sums has them beside it: CRC-32 of every block, little-endian
uint32, under its name and `.crc32`. They are made of what is written, not of what lies on
the disk later. A block is compared when it is read for the first time: reading a whole
file first would take a start longer than a step.
"""

import os
import zlib

import numpy as np

BLOCK_BYTES = 1 << 16
SUFFIX = ".crc32"
SUMS = np.dtype("<u4")
MEND = (
    "make the examples anew, after `electra-bench cache rm` or with `electra-bench corpus "
    "build --overwrite`"
)


class DamagedExamples(ValueError):
    """A file of examples that is not as it was written; says which, and what to do."""


class SummedFile:
    """A file that is written from its start to its end, with the sums of its blocks."""

    def __init__(self, path: str):
        """Makes the file."""
        self._path = path
        self._file = open(path, "wb")  # noqa: SIM115
        self._sums: list[int] = []
        self._sum = self._filled = 0

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        self._file.write(data)
        rest = memoryview(data)
        while rest:
            part = rest[: BLOCK_BYTES - self._filled]
            rest = rest[len(part) :]
            self._sum = zlib.crc32(part, self._sum)
            self._filled += len(part)
            if self._filled == BLOCK_BYTES:
                self._end_block()

    def _end_block(self) -> None:
        self._sums.append(self._sum)
        self._sum = self._filled = 0

    def close(self) -> None:
        """Closes the file and writes its sums."""
        if self._filled:
            self._end_block()
        self._file.close()
        np.array(self._sums, SUMS).tofile(self._path + SUFFIX)


class CheckedValues:
    """The values of a file, memory-mapped; a block is checked when it is first read.

    Files of earlier versions have no sums and are read as they are.
    """

    def __init__(self, path: str, dtype: np.dtype):
        """Opens the file; reads none of its values yet.

        Args:
            path: the file.
            dtype: of its values.

        Raises:
            DamagedExamples: no whole number of values, or sums of another size.
        """
        self._path = path
        size = os.path.getsize(path)
        if size % dtype.itemsize:
            raise DamagedExamples(
                f"{path}: {size:,} bytes are no whole number of values, so it was cut "
                f"short; {MEND}"
            )
        # An empty file cannot be mapped.
        self._values = np.memmap(path, dtype, mode="r") if size else np.empty(0, dtype)
        self._bytes = self._values.view(np.uint8)
        self._sums = _sums(path, size)
        self._is_read = np.zeros(len(self._sums), bool)
        self._unread = len(self._sums)

    def __len__(self) -> int:
        return len(self._values)

    def part(self, start: int, stop: int) -> np.ndarray:
        """The values from `start` to before `stop`; a view of the file.

        Raises:
            DamagedExamples: they are not what was written.
        """
        if self._unread and start < stop:
            item = self._values.itemsize
            first = int(start) * item // BLOCK_BYTES
            last = (int(stop) * item - 1) // BLOCK_BYTES
            for block in range(first, last + 1):
                if not self._is_read[block]:
                    self._check(block)
        return self._values[start:stop]

    def all(self) -> np.ndarray:
        """All values; a view of the file.

        Raises:
            DamagedExamples: see `part`.
        """
        return self.part(0, len(self))

    def _check(self, block: int) -> None:
        start = block * BLOCK_BYTES
        content = self._bytes[start : start + BLOCK_BYTES]
        if zlib.crc32(content.data) != self._sums[block]:
            raise DamagedExamples(
                f"{self._path}: bytes {start:,} to {start + len(content):,} are not what "
                f"was written; {MEND}"
            )
        self._is_read[block] = True
        self._unread -= 1


def _sums(path: str, size: int) -> np.ndarray:
    """The sums of a file's blocks; none if it was written without.

    Raises:
        DamagedExamples: they are not as many as its blocks.
    """
    if not os.path.exists(path + SUFFIX):
        return np.empty(0, SUMS)
    sums = np.fromfile(path + SUFFIX, SUMS)
    if len(sums) != -(-size // BLOCK_BYTES):
        raise DamagedExamples(
            f"{path}: {size:,} bytes are not the {len(sums):,} blocks that were written; "
            f"{MEND}"
        )
    return sums
