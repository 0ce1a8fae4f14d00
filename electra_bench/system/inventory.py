"""Lists of the files of a folder, to tell whether they are as they were written."""

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE_NAME = "files.json"


def write_inventory(folder: str) -> None:
    """Writes the sizes and hashes of all files of a folder, and what made them."""
    files = {
        name: {"bytes": os.path.getsize(path), "sha256": _sha256(path)}
        for name, path in _files(folder)
    }
    made = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
    }
    with open(os.path.join(folder, FILE_NAME), "w", encoding="utf-8") as file:
        json.dump({"made": made, "files": files}, file, indent=1)


def made(folder: str) -> dict[str, str] | None:
    """When a folder was written, and by which command; None if that is not noted."""
    try:
        return _read(folder)["made"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def damages(folder: str, *, hashes: bool = False) -> list[str]:
    """What is wrong with the files of a folder.

    Args:
        folder: a folder.
        hashes: whether the files are read, too; otherwise only sizes are compared.

    Returns:
        A clause for every file that is missing or not as it was written.
    """
    try:
        due = _read(folder)["files"]
    except FileNotFoundError:
        return [f"{FILE_NAME} is missing"]
    except (ValueError, KeyError, TypeError):
        return [f"{FILE_NAME} cannot be read"]
    there = dict(_files(folder))
    found = []
    for name, facts in due.items():
        if name not in there:
            found.append(f"{name} is missing")
        elif os.path.getsize(there[name]) != facts["bytes"]:
            size = os.path.getsize(there[name])
            found.append(f"{name} has {size:,} bytes, not {facts['bytes']:,}")
        elif hashes and _sha256(there[name]) != facts["sha256"]:
            found.append(f"{name} has another content than was written")
    return found


def _read(folder: str) -> dict[str, dict[str, Any]]:
    return json.loads(Path(folder, FILE_NAME).read_text(encoding="utf-8"))


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Names below the folder, and paths, of all files but the inventory."""
    for place, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(place, name)
            relative = os.path.relpath(path, folder)
            if relative != FILE_NAME:
                yield relative, path


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
