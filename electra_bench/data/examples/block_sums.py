"""Files of values with a checksum for every block, so that a flipped bit is never read.

The sums of all files of a folder stand in its `crc32.json`: the name of a file to the
CRC-32 of every block. They are made of what is written, not of what lies on the disk later.
A block is compared when it is read for the first time: reading whole files first would take
a start longer than a step.
"""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

BLOCK_BYTES = 1 << 16
FILE_NAME = "crc32.json"
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

    def close(self) -> list[int]:
        """Closes the file and returns the sums of its blocks."""
        if self._filled:
            self._end_block()
        self._file.close()
        return self._sums


def write_sums(directory: str, sums: Mapping[str, Sequence[int]]) -> None:
    """Writes the sums of the blocks of a folder's files, by their names."""
    Path(directory, FILE_NAME).write_text(json.dumps(sums), "utf-8")


def read_sums(directory: str) -> dict[str, list[int]] | None:
    """What `write_sums` has written; None for a folder of an earlier version.

    Raises:
        DamagedExamples: it is not as it was written.
    """
    path = Path(directory, FILE_NAME)
    if not path.exists():
        return None
    try:
        sums = json.loads(path.read_text("utf-8"))
        return {name: [int(one) for one in of] for name, of in sums.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedExamples(f"{path} is not what was written; {MEND}") from error


class CheckedValues:
    """The values of a file, memory-mapped; a block is checked when it is first read."""

    def __init__(self, path: str, dtype: np.dtype, sums: Sequence[int] | None):
        """Opens the file; reads none of its values yet.

        Args:
            path: the file.
            dtype: of its values.
            sums: of its blocks; None leaves them unchecked.

        Raises:
            DamagedExamples: no whole number of values, or of another size than the sums.
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
        if sums is not None and len(sums) != -(-size // BLOCK_BYTES):
            raise DamagedExamples(
                f"{path}: {size:,} bytes are not the {len(sums):,} blocks that were "
                f"written; {MEND}"
            )
        self._sums = sums or ()
        self._is_read = [False] * len(self._sums)
        self._unread = len(self._sums)

    def __len__(self) -> int:
        return len(self._values)

    def part(self, start: int, stop: int) -> np.ndarray:
        """The values from `start` to before `stop`; a view of the file.

        Raises:
            DamagedExamples: they are not what was written.
        """
        self._check_parts(np.array([start]), np.array([stop]))
        return self._values[start:stop]

    def parts(
        self,
        starts: np.ndarray,
        stops: np.ndarray,
        width: int,
        dtype: type,
        fill: float,
    ) -> np.ndarray:
        """Several parts below each other, filled up behind their ends.

        Args:
            starts: first values of the parts, int64 [parts].
            stops: the values after their last ones, int64 [parts].
            width: of the longest part, or more.
            dtype: of the result.
            fill: what stands behind the ends.

        Returns:
            [parts, width].

        Raises:
            DamagedExamples: see `part`.
            ValueError: a part is longer.
        """
        longest = int((stops - starts).max(initial=0))
        if longest > width:
            raise ValueError(f"a row of {longest} values does not fit into {width}")
        self._check_parts(starts, stops)
        places = starts[:, np.newaxis] + np.arange(width)
        is_there = places < stops[:, np.newaxis]
        found: np.ndarray = np.full(places.shape, fill, dtype)
        found[is_there] = self._values[places[is_there]]
        return found

    def _check_parts(self, starts: np.ndarray, stops: np.ndarray) -> None:
        if not self._unread:
            return
        item = self._values.itemsize
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            if start >= stop:
                continue
            for block in range(
                start * item // BLOCK_BYTES, (stop * item - 1) // BLOCK_BYTES + 1
            ):
                if not self._is_read[block]:
                    self._check(block)

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
