"""Records of a folder, read again only where a file changed.

The index holds what the files hold, by path, size, times and inode of the file; deleting
it costs time only. Long fields of which a table rarely needs anything are parsed on use.
"""

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from electra_bench.records import RecordError, RunRecord, read_content, record_of
from electra_bench.records.run_record import (
    SCHEMA_VERSION,
    known_content,
    record_of_known,
)
from electra_bench.reports.collect.store import Store
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.ordered_map import num_cores, ordered_map

# Goes up when entries are written otherwise, or more is asked of them.
FORMAT = 3
# Files that one process reads at a time.
CHUNK = 1000
# Two thirds of a record.
RARELY_USED = ("hparams", "packages", "plugins")


class Deferred(Mapping):
    """A JSON object that is parsed on first use, since few records are asked for it."""

    def __init__(self, text: str):
        """Keeps the text."""
        self._text = text

    @functools.cached_property
    def _content(self) -> dict[str, Any]:
        return json.loads(self._text)

    def __getitem__(self, key: str) -> Any:
        """The value of a key."""
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self._content)

    def __len__(self) -> int:
        """Number of keys."""
        return len(self._content)


class Index:
    """What is known of the records below one folder."""

    def __init__(self, directory: str):
        """Reads the folder's index, if there is one."""
        name = hashlib.sha256(os.path.realpath(directory).encode()).hexdigest()[:16]
        self._store = Store(os.path.join(cache_dir(), "reports", f"index-{name}.db"))
        # What is asked for is taken out; what stays belongs to files that are gone.
        self._known = self._store.all()
        self._texts: dict[str, Deferred] = {}

    def records(
        self, paths: Iterable[str]
    ) -> Iterator[tuple[str, RunRecord | RecordError]]:
        """Records in the order of their files, or why a file holds none.

        Args:
            paths: real paths.
        """
        paths = list(paths)
        self._read_together([path for path in paths if not self._has(path)])
        for path in paths:
            try:
                yield path, self._record(path)
            except RecordError as error:
                yield path, error

    def _has(self, path: str) -> bool:
        saved = self._known.get(path)
        with contextlib.suppress(RecordError):
            return saved is not None and saved.startswith(f"{_state(path)}\n".encode())
        return False

    def _read_together(self, paths: Sequence[str]) -> None:
        """Reads many files that are not in the index on all cores."""
        chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
        processes = min(num_cores(), len(chunks))
        for chunk, entries in ordered_map(_entries, chunks, max(1, processes)):
            for path, entry in zip(chunk, entries, strict=True):
                # What was known is of an older file. What holds no record is read again,
                # for its error.
                self._known.pop(path, None)
                if entry is not None:
                    self._known[path] = entry
                    self._store.put(path, entry)
            self._store.save()

    def _record(self, path: str) -> RunRecord:
        """One record, see `read_record`."""
        entry = self._known.pop(path, None) or _entry(path)
        _, frequent, *rare = entry.decode().split("\n")
        # Many runs share packages: one text for all of them.
        deferred = {
            name: self._texts.setdefault(text, Deferred(text))
            for name, text in zip(RARELY_USED, rare, strict=True)
        }
        return record_of_known(json.loads(frequent), deferred)

    def save(self) -> None:
        """Keeps what was read, forgets files that are gone."""
        self._store.save(gone=self._known)


def _entries(paths: Sequence[str]) -> list[bytes | None]:
    entries = []
    for path in paths:
        try:
            entries.append(_entry(path))
        except RecordError:
            entries.append(None)
    return entries


def _entry(path: str) -> bytes:
    """What the index keeps of a file: its state, and its record in parts.

    Raises:
        RecordError: see `read_record`.
    """
    state, content = _state(path), read_content(path)
    record_of(content, path)
    content = known_content(content)
    rare = [json.dumps(content.pop(name, {})) for name in RARELY_USED]
    return "\n".join([state, json.dumps(content), *rare]).encode()


def _state(path: str) -> str:
    """What changes with a file's content: an atomic replacement has a new inode."""
    try:
        stat = os.stat(path)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error}") from error
    numbers = (
        FORMAT,
        SCHEMA_VERSION,
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ctime_ns,
        stat.st_ino,
    )
    return " ".join(map(str, numbers))
