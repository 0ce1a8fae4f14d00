"""A file of things that are only kept to save time: a table of keys and bytes.

SQLite, because two builds may use it at the same time and a killed one leaves it whole. A
file that is no database any more is thrown away, and a value whose checksum is wrong does
not count; what they held is made again.
"""

import contextlib
import hashlib
import io
import os
import pickle
import sqlite3
import zlib
from typing import Any

# Seconds to wait for another process that writes.
PATIENCE = 60
CHECKSUM_BYTES = 4
SELECT = "SELECT value FROM things WHERE key = ?"
INSERT = "INSERT OR REPLACE INTO things VALUES (?, ?)"
CREATE = """
CREATE TABLE IF NOT EXISTS things (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID
"""


def key_of(*content: Any) -> str:
    """A key that equal contents share: 64 hexadecimal digits.

    Args:
        *content: plain values, arrays, and tuples, dicts and dataclasses of them.
    """
    buffer = io.BytesIO()
    # Protocol 4 writes arrays alike whether or not they can be changed, and `fast` values
    # alike whether or not they are one object.
    pickler = pickle.Pickler(buffer, protocol=4)
    pickler.fast = True
    pickler.dump(content)
    return hashlib.sha256(buffer.getbuffer()).hexdigest()


class Store:
    """Keys and bytes in one file, which exists from the first `put` on."""

    def __init__(self, path: str):
        """Names the file; its folder is made when needed."""
        self._path = path
        self._pending: dict[str, bytes] = {}
        self._reader: sqlite3.Connection | None = None

    def get(self, key: str) -> bytes | None:
        """What was put under a key; None if nothing was or the file is unusable."""
        if key in self._pending:
            return self._pending[key]
        try:
            if self._reader is None and os.path.isfile(self._path):
                self._reader = self._connect()
            reader = self._reader
            found = reader.execute(SELECT, (key,)).fetchall() if reader else []
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:
            self._discard()
            return None
        stored = found[0][0] if found else b""
        checksum, value = stored[:CHECKSUM_BYTES], stored[CHECKSUM_BYTES:]
        return value if checksum == _checksum(value) else None

    def put(self, key: str, value: bytes) -> None:
        """Keeps a value; it is in the file after `save`."""
        self._pending[key] = value

    def save(self) -> None:
        """Writes what was put since the last time.

        A folder that cannot be written to is no error: nothing is kept then.
        """
        if not self._pending:
            return
        rows = [(key, _checksum(v) + v) for key, v in self._pending.items()]
        # The second time without what was no database.
        for _ in range(2):
            try:
                os.makedirs(os.path.dirname(self._path), exist_ok=True)
                with contextlib.closing(self._connect()) as connection, connection:
                    connection.execute(CREATE)
                    connection.executemany(INSERT, rows)
                self._pending.clear()
                return
            except (OSError, sqlite3.OperationalError):
                return
            except sqlite3.DatabaseError:
                self._discard()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=PATIENCE)

    def _discard(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._path)


def _checksum(value: bytes) -> bytes:
    return zlib.crc32(value).to_bytes(CHECKSUM_BYTES, "big")
