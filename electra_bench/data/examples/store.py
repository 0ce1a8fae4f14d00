"""Examples on disk with random access: memory-mapped rows of every feature.

A store is a list of shard directories. A shard holds, for every numeric feature, the values
of all rows one after the other (`<feature>.<dtype>.values`) and where each row ends
(`<feature>.ends`, int64); everything else about a row (strings, lists) is one JSON line in
`rest.jsonl`, and the sums of all files' blocks (`block_sums.py`). Memory-mapped arrays
were chosen over ArrayRecord because batches are read by index: see
docs/design/example_store.md.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from electra_bench.data.examples.block_sums import (
    MEND,
    CheckedValues,
    DamagedExamples,
    SummedFile,
    read_sums,
    write_sums,
)

# What is not numeric: JSON, as a feature of bytes.
REST = "rest"
# Values that are counted in one go.
COUNTED = 1 << 20


class _Column:
    """The files of a feature of one shard that is being written."""

    def __init__(self, directory: str, feature: str, dtype: np.dtype):
        self.dtype = dtype
        self.num_rows = self._size = 0
        name = "rest.jsonl" if feature == REST else f"{feature}.{dtype.name}.values"
        self._files = {
            one: SummedFile(os.path.join(directory, one))
            for one in (name, f"{feature}.ends")
        }
        self._values, self._ends = self._files.values()

    def append(self, values: np.ndarray, lengths: np.ndarray) -> None:
        self._values.write(np.ascontiguousarray(values).tobytes())
        self._ends.write((self._size + np.cumsum(lengths, dtype=np.int64)).tobytes())
        self._size += len(values)
        self.num_rows += len(lengths)

    def close(self) -> dict[str, list[int]]:
        """The sums of its files, by name."""
        return {name: file.close() for name, file in self._files.items()}


class ExampleWriter(contextlib.AbstractContextManager):
    """Writes one shard. Use as a context manager, or call `close`.

    Rows come either whole (`append`) or feature by feature in bulk (`append_rows`); every
    feature must end up with the same number of rows.
    """

    def __init__(self, directory: str):
        """Makes the directory, which must not exist.

        Raises:
            FileExistsError: it exists.
        """
        os.makedirs(directory)
        self._directory = directory
        self._columns: dict[str, _Column] = {}

    def append(self, example: Mapping[str, Any]) -> None:
        """Appends one row: int32, uint16 and float32 arrays of rank 1, or JSON values."""
        rest = {}
        for feature, value in example.items():
            if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
                self.append_rows(feature, value, np.array([len(value)]))
            else:
                rest[feature] = value
        if rest:
            line = json.dumps(rest, ensure_ascii=False).encode() + b"\n"
            self.append_rows(REST, np.frombuffer(line, np.uint8), np.array([len(line)]))

    def append_rows(
        self, feature: str, values: np.ndarray, lengths: np.ndarray
    ) -> None:
        """Appends several rows of one feature.

        Args:
            feature: its name.
            values: the rows one after the other, rank 1; the dtype of the first call is
                the feature's.
            lengths: length of every row, int [rows]; sums to `len(values)`.

        Raises:
            ValueError: another dtype than before.
        """
        if feature not in self._columns:
            self._columns[feature] = _Column(self._directory, feature, values.dtype)
        column = self._columns[feature]
        if values.dtype != column.dtype:
            raise ValueError(
                f"feature {feature!r} was {column.dtype}, got {values.dtype}"
            )
        column.append(values, lengths)

    def close(self) -> int:
        """Closes the files and returns the number of rows.

        Raises:
            ValueError: features with different numbers of rows.
        """
        sums: dict[str, list[int]] = {}
        for column in self._columns.values():
            sums |= column.close()
        write_sums(self._directory, sums)
        rows = {name: column.num_rows for name, column in self._columns.items()}
        if len(set(rows.values())) > 1:
            raise ValueError(f"features have different numbers of rows: {rows}")
        return max(rows.values(), default=0)

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Shard:
    def __init__(self, directory: str):
        self.values: dict[str, CheckedValues] = {}
        self.ends: dict[str, np.ndarray] = {}
        sums = read_sums(directory)
        for name in sorted(os.listdir(directory)):
            path = os.path.join(directory, name)
            of_file = None if sums is None else sums.get(name, ())
            if name.endswith(".values"):
                feature, dtype, _ = name.rsplit(".", 2)
                self.values[feature] = CheckedValues(path, np.dtype(dtype), of_file)
            elif name.endswith(".ends"):
                # All of them are needed at once to plan batches.
                ends = CheckedValues(path, np.dtype(np.int64), of_file).all()
                self.ends[name.removesuffix(".ends")] = ends
            elif name == "rest.jsonl":
                self.values[REST] = CheckedValues(path, np.dtype(np.uint8), of_file)
        self.num_rows = max(map(len, self.ends.values()), default=0)
        self._check(directory)

    def _check(self, directory: str) -> None:
        """A file that was cut short would be read as empty rows."""
        for feature, ends in self.ends.items():
            due = int(ends[-1]) if len(ends) else 0
            found = len(self.values.get(feature, ()))
            if (len(ends), found) != (self.num_rows, due):
                raise DamagedExamples(
                    f"{directory}: feature {feature!r} has {len(ends):,} of "
                    f"{self.num_rows:,} rows and {found:,} of {due:,} values: a file was "
                    f"cut short; {MEND}"
                )

    def row(self, feature: str, index: int) -> np.ndarray:
        ends = self.ends[feature]
        start = ends[index - 1] if index else 0
        return self.values[feature].part(start, ends[index])

    def rows(self, feature: str, indices: np.ndarray, *form: Any) -> np.ndarray:
        ends = self.ends[feature]
        starts = np.where(indices > 0, ends[indices - 1], 0)
        return self.values[feature].parts(starts, ends[indices], *form)


class ExampleStore:
    """Rows of one or more shards, in order, read by index."""

    def __init__(self, directories: Sequence[str]):
        """Opens the shards; of the files it reads where rows end.

        Whatever is read later is compared with its checksum and may raise
        `DamagedExamples`.

        Raises:
            FileNotFoundError: no such directory.
            DamagedExamples: a file was cut short, or rows end elsewhere than was written.
        """
        self._shards = [_Shard(directory) for directory in directories]
        self._starts = np.cumsum([0, *(shard.num_rows for shard in self._shards)])
        self._lengths: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def features(self) -> list[str]:
        """Names of the numeric features."""
        return sorted(set(self._shards[0].values) - {REST}) if self._shards else []

    def lengths(self, feature: str) -> np.ndarray:
        """Length of every row of a feature, int64 [rows]."""
        if feature not in self._lengths:
            parts = [np.diff(shard.ends[feature], prepend=0) for shard in self._shards]
            self._lengths[feature] = np.concatenate(parts)
        return self._lengths[feature]

    def counts(self, feature: str, size: int) -> np.ndarray:
        """How often each of the values 0 to `size - 1` occurs, int64 [size]."""
        total = np.zeros(size, np.int64)
        for shard in self._shards:
            values = shard.values[feature].all()
            # By parts: bincount makes an int64 copy.
            for start in range(0, len(values), COUNTED):
                part = values[start : start + COUNTED]
                total += np.bincount(part, minlength=size)
        return total

    def num_distinct(self, feature: str) -> int:
        """How many different values occur in a feature."""
        values = [shard.values[feature].all() for shard in self._shards]
        return len(np.unique(np.concatenate(values)))

    def row(self, feature: str, index: int) -> np.ndarray:
        """One row of one numeric feature; a view of the file."""
        shard, place = self._place(index)
        return shard.row(feature, place)

    def rows(
        self, feature: str, indices: np.ndarray, width: int, dtype: type, fill: float
    ) -> np.ndarray:
        """Rows of one numeric feature, filled up behind their ends: [rows, width].

        Args:
            feature: its name.
            indices: the rows, int64 [rows].
            width: of the longest of them, or more.
            dtype: of the result.
            fill: what stands behind the ends.

        Raises:
            ValueError: a row is longer.
        """
        found: np.ndarray = np.empty([len(indices), width], dtype)
        numbers = np.searchsorted(self._starts, indices, side="right") - 1
        for number in np.unique(numbers):
            chosen = numbers == number
            places = indices[chosen] - self._starts[number]
            shard = self._shards[number]
            found[chosen] = shard.rows(feature, places, width, dtype, fill)
        return found

    def _place(self, index: int) -> tuple[_Shard, int]:
        """The shard that holds a row, and its number there."""
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._shards[number], index - int(self._starts[number])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """All of one row, as it was given to `ExampleWriter.append`.

        Raises:
            IndexError: no such row.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of a store with {len(self)} rows")
        shard, place = self._place(index)
        example: dict[str, Any] = {
            feature: np.array(shard.row(feature, place))
            for feature in shard.values
            if feature != REST
        }
        if REST in shard.values:
            example |= json.loads(shard.row(REST, place).tobytes())
        return example


class StorePart(ExampleStore):
    """Some rows of a store, as a store of their own."""

    def __init__(self, store: ExampleStore, rows: np.ndarray):
        """Copies nothing.

        Args:
            store: the whole.
            rows: numbers of the rows, int [rows].
        """
        self._whole, self._rows = store, np.asarray(rows, np.int64)
        self._lengths = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def features(self) -> list[str]:
        """Names of the numeric features."""
        return self._whole.features

    def lengths(self, feature: str) -> np.ndarray:
        """Length of every row of a feature, int64 [rows]."""
        if feature not in self._lengths:
            self._lengths[feature] = self._whole.lengths(feature)[self._rows]
        return self._lengths[feature]

    def counts(self, feature: str, size: int) -> np.ndarray:
        """How often each of the values 0 to `size - 1` occurs, int64 [size]."""
        return np.bincount(self._values(feature), minlength=size)

    def num_distinct(self, feature: str) -> int:
        """How many different values occur in a feature."""
        return len(np.unique(self._values(feature)))

    def _values(self, feature: str) -> np.ndarray:
        return np.concatenate([self._whole.row(feature, row) for row in self._rows])

    def row(self, feature: str, index: int) -> np.ndarray:
        """One row of one numeric feature; a view of the file."""
        return self._whole.row(feature, int(self._rows[index]))

    def rows(
        self, feature: str, indices: np.ndarray, width: int, dtype: type, fill: float
    ) -> np.ndarray:
        """Rows of one numeric feature, see `ExampleStore`."""
        return self._whole.rows(feature, self._rows[indices], width, dtype, fill)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """All of one row, see `ExampleStore`."""
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of a store with {len(self)} rows")
        return self._whole[int(self._rows[index])]
