"""Records of a folder, read again only where a file changed.

The index holds what the files hold, by path, size, times and inode of the file; deleting
it costs time only. Long fields of which a table rarely needs anything are parsed on use.
"""

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from electra_bench.data.cache_dir import cache_dir
from electra_bench.records import RecordError, RunRecord, read_content, record_of
from electra_bench.records.run_record import SCHEMA_VERSION
from electra_bench.reports.store import Store

# Goes up when entries are written otherwise, or more is asked of them.
FORMAT = 2
# Records in memory that are not in the index yet.
SAVE_EVERY = 5000
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
        self._unsaved = 0

    def record(self, path: str) -> RunRecord:
        """One record.

        Args:
            path: its real path.

        Raises:
            RecordError: see `read_record`.
        """
        saved = self._known.pop(path, b"").decode().split("\n")
        state = _state(path)
        is_new = saved[0] != state
        if is_new:
            content = read_content(path)
            record_of(content, path)
            rare = [json.dumps(content.pop(name, {})) for name in RARELY_USED]
            frequent = json.dumps(content)
        else:
            _, frequent, *rare = saved
            content = json.loads(frequent)
        # Many runs share packages: one text for all of them.
        deferred = {
            name: self._texts.setdefault(text, Deferred(text))
            for name, text in zip(RARELY_USED, rare, strict=True)
        }
        record = record_of(content, path, deferred)
        if is_new:
            lines = [state, frequent, *rare]
            self._store.put(path, "\n".join(lines).encode())
            self._unsaved += 1
            if self._unsaved % SAVE_EVERY == 0:
                self._store.save()
        return record

    def save(self) -> None:
        """Keeps what was read, forgets files that are gone."""
        self._store.save(gone=self._known)


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
