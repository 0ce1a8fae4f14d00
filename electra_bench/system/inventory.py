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
# Larger files are not read to open a folder; those of examples have sums of their own for
# every block, which are compared as they are read.
READ_BYTES = 64 << 20


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


def damages(folder: str, *, all: bool = False) -> list[str]:
    """What is wrong with the files of a folder.

    Args:
        folder: a folder.
        all: whether every file is read; otherwise of those above `READ_BYTES` only the size
            is compared.

    Returns:
        A clause for every file that is missing or not as it was written.
    """
    try:
        due = {
            name: (int(facts["bytes"]), str(facts["sha256"]))
            for name, facts in _read(folder)["files"].items()
        }
    except FileNotFoundError:
        return [f"{FILE_NAME} is missing"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"{FILE_NAME} cannot be read"]
    there = dict(_files(folder))
    found = []
    for name, (size, sha256) in due.items():
        if name not in there:
            found.append(f"{name} is missing")
        elif (has := os.path.getsize(there[name])) != size:
            found.append(f"{name} has {has:,} bytes, not {size:,}")
        elif (all or size <= READ_BYTES) and _sha256(there[name]) != sha256:
            found.append(f"{name} has another content than was written")
    return found


def damages_if_listed(folder: str, *, all: bool = False) -> list[str]:
    """As `damages`; none of a folder without a list, as those of earlier versions.

    A file of that name which is whole and says something else is of somebody else.
    """
    if not os.path.isfile(os.path.join(folder, FILE_NAME)):
        return []
    try:
        is_ours = _read(folder).keys() >= {"made", "files"}
    except AttributeError:
        is_ours = False
    except ValueError:
        is_ours = True
    return damages(folder, all=all) if is_ours else []


def damage_of_export(folder: str) -> str:
    """What is wrong with a folder that was made to be given away, and what to do; or ""."""
    found = damages_if_listed(folder, all=True)
    if not found:
        return ""
    return (
        f"{folder} is damaged: {', '.join(found)}; remove it and export it again, or, if "
        f"it was changed on purpose, remove its {FILE_NAME}"
    )


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
