"""Examples on disk with random access: memory-mapped rows of every feature.

A store is a list of shard directories. A shard holds, for every numeric feature, the values
of all rows one after the other (`<feature>.<dtype>.values`) and where each row ends
(`<feature>.ends`, int64); everything else about a row (strings, lists) is one JSON line in
`rest.jsonl`. Memory-mapped arrays were chosen over ArrayRecord because batches are read by
index: see docs/design/example_store.md.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

# Values that are counted in one go.
COUNTED = 1 << 20
MEND = (
    "a file was cut short: make the examples anew, after `electra-bench cache rm` or with "
    "`electra-bench corpus build --overwrite`"
)


class ExampleWriter:
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
        self._values: dict[str, BinaryIO] = {}
        self._ends: dict[str, BinaryIO] = {}
        self._dtypes: dict[str, np.dtype] = {}
        self._size: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._rest: BinaryIO | None = None
        self._rest_end = 0

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
            if self._rest is None:
                self._rest = open(self._path("rest.jsonl"), "wb")  # noqa: SIM115
            self._rest.write(line)
            self._rest_end += len(line)
            self._append_ends("rest", np.array([self._rest_end]))

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
        if feature not in self._values:
            name = f"{feature}.{values.dtype.name}.values"
            self._values[feature] = open(self._path(name), "wb")  # noqa: SIM115
            self._dtypes[feature] = values.dtype
            self._size[feature] = 0
        if values.dtype != self._dtypes[feature]:
            raise ValueError(
                f"feature {feature!r} was {self._dtypes[feature]}, got {values.dtype}"
            )
        self._values[feature].write(np.ascontiguousarray(values).tobytes())
        ends = self._size[feature] + np.cumsum(lengths, dtype=np.int64)
        if len(ends):
            self._size[feature] = int(ends[-1])
        self._append_ends(feature, ends)

    def _append_ends(self, feature: str, ends: np.ndarray) -> None:
        if feature not in self._ends:
            self._ends[feature] = open(self._path(f"{feature}.ends"), "wb")  # noqa: SIM115
            self._rows[feature] = 0
        self._ends[feature].write(ends.astype(np.int64).tobytes())
        self._rows[feature] += len(ends)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def close(self) -> int:
        """Closes the files and returns the number of rows.

        Raises:
            ValueError: features with different numbers of rows.
        """
        for file in (*self._values.values(), *self._ends.values(), self._rest):
            if file is not None:
                file.close()
        rows = set(self._rows.values()) or {0}
        if len(rows) > 1:
            raise ValueError(f"features have different numbers of rows: {self._rows}")
        return rows.pop()

    def __enter__(self) -> "ExampleWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Shard:
    def __init__(self, directory: str):
        self.values: dict[str, np.ndarray] = {}
        self.ends: dict[str, np.ndarray] = {}
        for name in sorted(os.listdir(directory)):
            path = os.path.join(directory, name)
            if name.endswith(".values"):
                feature, dtype, _ = name.rsplit(".", 2)
                self.values[feature] = _map(path, np.dtype(dtype))
            elif name.endswith(".ends"):
                self.ends[name.removesuffix(".ends")] = _map(path, np.dtype(np.int64))
            elif name == "rest.jsonl":
                self.values["rest"] = _map(path, np.dtype(np.uint8))
        self.num_rows = max(map(len, self.ends.values()), default=0)
        self._check(directory)

    def _check(self, directory: str) -> None:
        """A file that was cut short would be read as empty rows."""
        for feature, ends in self.ends.items():
            due = int(ends[-1]) if len(ends) else 0
            found = len(self.values.get(feature, ()))
            if (len(ends), found) != (self.num_rows, due):
                raise ValueError(
                    f"{directory}: feature {feature!r} has {len(ends):,} of "
                    f"{self.num_rows:,} rows and {found:,} of {due:,} values; {MEND}"
                )

    def row(self, feature: str, index: int) -> np.ndarray:
        ends = self.ends[feature]
        start = ends[index - 1] if index else 0
        return self.values[feature][start : ends[index]]


def _map(path: str, dtype: np.dtype) -> np.ndarray:
    size = os.path.getsize(path)
    if size == 0:  # an empty file cannot be mapped
        return np.empty(0, dtype)
    if size % dtype.itemsize:
        raise ValueError(
            f"{path}: {size:,} bytes are no whole number of values; {MEND}"
        )
    return np.memmap(path, dtype, mode="r")


class ExampleStore:
    """Rows of one or more shards, in order, read by index."""

    def __init__(self, directories: Sequence[str]):
        """Opens the shards; reads nothing yet.

        Raises:
            FileNotFoundError: no such directory.
            ValueError: a file was cut short.
        """
        self._shards = [_Shard(directory) for directory in directories]
        self._starts = np.cumsum([0, *(shard.num_rows for shard in self._shards)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def features(self) -> list[str]:
        """Names of the numeric features."""
        return sorted(set(self._shards[0].values) - {"rest"}) if self._shards else []

    def lengths(self, feature: str) -> np.ndarray:
        """Length of every row of a feature, int64 [rows]."""
        return np.concatenate(
            [np.diff(shard.ends[feature], prepend=0) for shard in self._shards]
        )

    def counts(self, feature: str, size: int) -> np.ndarray:
        """How often each of the values 0 to `size - 1` occurs, int64 [size]."""
        total = np.zeros(size, np.int64)
        for shard in self._shards:
            values = shard.values[feature]
            # By parts: bincount makes an int64 copy.
            for start in range(0, len(values), COUNTED):
                part = values[start : start + COUNTED]
                total += np.bincount(part, minlength=size)
        return total

    def num_distinct(self, feature: str) -> int:
        """How many different values occur in a feature."""
        values = [shard.values[feature] for shard in self._shards]
        return len(np.unique(np.concatenate(values)))

    def row(self, feature: str, index: int) -> np.ndarray:
        """One row of one numeric feature; a view of the file."""
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._shards[shard].row(feature, index - int(self._starts[shard]))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """All of one row, as it was given to `ExampleWriter.append`.

        Raises:
            IndexError: no such row.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of a store with {len(self)} rows")
        shard_index = int(np.searchsorted(self._starts, index, side="right")) - 1
        shard = self._shards[shard_index]
        local = index - int(self._starts[shard_index])
        example: dict[str, Any] = {
            feature: np.array(shard.row(feature, local))
            for feature in shard.values
            if feature != "rest"
        }
        if "rest" in shard.values:
            example |= json.loads(shard.row("rest", local).tobytes())
        return example
