"""`electra-bench cache`."""

import contextlib
import fnmatch
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from electra_bench.cli import arguments, errors
from electra_bench.cli.arguments import Json, Options
from electra_bench.system import inventory
from electra_bench.system.cache_dir import cache_dir
from electra_bench.system.file_hashes import remembered
from electra_bench.system.near_names import did_you_mean

FILE_HASHES = "file_hashes"
KINDS = ("examples", "corpora", "leaks", "pydoc", FILE_HASHES, "reports", "unfinished")
# A process may be at work on what is younger.
UNFINISHED_DAYS = 1.0
DAY_S = 86400.0


class Entry(NamedTuple):
    """Something in the cache that is removed as a whole.

    Attributes:
        name: `kind/name`.
        kind: one of KINDS.
        path: a file or folder.
        bytes: size of all of it.
        used: when it was last used, seconds since the epoch; for hashes and reports, when
            it was last written.
        made: when, and the command; None where that is not noted.
    """

    name: str
    kind: str
    path: str
    bytes: int
    used: float
    made: dict[str, str] | None


@dataclass
class Cache(Json):
    """Lists, checks and removes what is kept to save time.

    examples:
      electra-bench cache ls
      electra-bench cache ls 'examples/rte-*' --json
      electra-bench cache verify
      electra-bench cache rm 'examples/rte-*' --dry_run
      electra-bench cache rm --kind corpora --unused_days 30
      electra-bench cache rm --all

    A name is one of `cache ls`, or a pattern with * and ?. The cache lies in
    ELECTRA_BENCH_CACHE, or in ~/.cache/electra_bench. Nothing in it is lost: what is
    removed is made again when it is needed.

    kinds:
      examples     examples of a task's split, as the trainer reads them
      corpora      pre-training examples of a corpus
      leaks        scored examples that are in training sets and corpora
      pydoc        texts and tasks made of the installed packages
      file_hashes  hashes of large files, by path, size and times
      reports      what reports have read and computed
      unfinished   what a killed process left

    Attributes:
        names: kind/name, or *
        kind: only of this kind, see below
        unused_days: only what was not used for N days
    """

    names: list[str] = field(default_factory=list)
    _: KW_ONLY
    kind: Annotated[str, Options(choices=KINDS)] | None = None
    unused_days: Annotated[float, Options(metavar="N")] | None = None


class Ls(Cache):
    """What there is: size, last use, what made it."""


class Verify(Cache):
    """Reads everything, and names what is broken."""


@dataclass(kw_only=True)
class Rm(Cache):
    """Removes by name, kind or age, or all.

    Attributes:
        all: everything
        dry_run: say what would be removed
    """

    all: bool = False
    dry_run: bool = False


def add_parser(subparsers) -> None:
    """Adds the verb."""
    actions = arguments.add_actions(subparsers, "cache", Cache.__doc__)
    arguments.add(actions, "ls", Ls, _list)
    arguments.add(actions, "verify", Verify, _verify)
    arguments.add(actions, "rm", Rm, _remove)


def _list(args: Cache) -> None:
    _print(_chosen(args), args.json, "in")


def _verify(args: Cache) -> int:
    entries = _chosen(args)
    errors.begin_work()
    damages = {entry.name: _damages(entry) for entry in entries}
    broken = {name: found for name, found in damages.items() if found}
    if args.json:
        objects = [{**_object(e), "damages": damages[e.name]} for e in entries]
        print(json.dumps(objects, indent=1))
    else:
        for name, found in broken.items():
            for damage in found:
                print(f"{name}: {damage}")
        whole = len(entries) - len(broken)
        print(f"{whole} of {len(entries)} are as they were written, {_size(entries)}")
        if broken:
            print("electra-bench cache rm NAME removes one; it is then made again")
    return errors.FAILED if broken else errors.DONE


def _remove(args: Rm) -> None:
    if not (args.names or args.kind or args.all or args.unused_days is not None):
        raise errors.UsageError(
            "what is to be removed? give names, --kind, --unused_days or --all"
        )
    entries = _chosen(args)
    errors.begin_work()
    if not args.dry_run:
        for entry in entries:
            if os.path.isdir(entry.path):
                shutil.rmtree(entry.path)
            else:
                os.remove(entry.path)
    what = "would be removed from" if args.dry_run else "removed from"
    _print(entries, args.json, what)


def _chosen(args: Cache) -> list[Entry]:
    """The entries that names, kind and age leave.

    Raises:
        ValueError: a negative age, or a name that nothing has.
    """
    if args.unused_days is not None and not args.unused_days >= 0:
        raise ValueError(f"--unused_days must be 0 or more, got {args.unused_days}")
    kinds = list(KINDS)
    entries = sorted(_entries(cache_dir()), key=lambda e: (kinds.index(e.kind), e.name))
    for name in args.names:
        if not any(_is_named(entry, [name]) for entry in entries):
            near = did_you_mean(name, [entry.name for entry in entries])
            raise ValueError(
                f"nothing in {cache_dir()} is named {name!r}; {near}see "
                "electra-bench cache ls"
            )
    before = time.time() - (args.unused_days or 0.0) * DAY_S
    return [
        entry
        for entry in entries
        if args.kind in (None, entry.kind)
        and (args.unused_days is None or entry.used <= before)
        and (not args.names or _is_named(entry, args.names))
    ]


def _is_named(entry: Entry, patterns: Sequence[str]) -> bool:
    # A name may look like a pattern.
    return entry.name in patterns or any(
        fnmatch.fnmatchcase(entry.name, pattern) for pattern in patterns
    )


def _entries(folder: str) -> Iterator[Entry]:
    """All there is; of other things in the folder, nothing."""
    for kind in KINDS:
        place = os.path.join(folder, kind)
        names = sorted(os.listdir(place)) if os.path.isdir(place) else []
        if kind == FILE_HASHES and names:
            yield _entry(kind, kind, place)
            continue
        for name in names:
            path = os.path.join(place, name)
            if not name.startswith("."):
                yield _entry(f"{kind}/{name}", kind, path)
            elif time.time() - os.stat(path).st_mtime > UNFINISHED_DAYS * DAY_S:
                yield _entry(f"unfinished/{name}", "unfinished", path)


def _entry(name: str, kind: str, path: str) -> Entry:
    size = sum(file.stat().st_size for file in _files(path))
    return Entry(name, kind, path, size, os.stat(path).st_mtime, inventory.made(path))


def _files(path: str) -> list[Path]:
    """A file itself, or all files below a folder."""
    found = [Path(path)] if os.path.isfile(path) else Path(path).rglob("*")
    return [file for file in found if file.is_file()]


def _damages(entry: Entry) -> list[str]:
    match entry.kind:
        case "reports":
            return _damages_of_database(entry.path)
        case "unfinished":
            return ["was never finished"]
        case "file_hashes":
            return [
                f"{file.name} holds no hash"
                for file in _files(entry.path)
                if remembered(os.fspath(file)) is None
            ]
    return inventory.damages(entry.path, all=True)


def _damages_of_database(path: str) -> list[str]:
    try:
        with contextlib.closing(
            sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
        ) as db:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == "ok" else [found]


def _object(entry: Entry) -> dict[str, Any]:
    return {**entry._asdict(), "used": _time(entry.used)}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _size(entries: Sequence[Entry]) -> str:
    from rich import filesize

    return filesize.decimal(sum(entry.bytes for entry in entries))


def _print(entries: Sequence[Entry], as_json: bool, what: str) -> None:
    """Prints entries, and how many are in the cache, or have been removed from it."""
    if as_json:
        print(json.dumps([_object(entry) for entry in entries], indent=1))
        return
    if entries:
        from electra_bench.reports.render import terminal

        rows = [
            (e.name, _size([e]), _time(e.used)[:16], (e.made or {}).get("command"))
            for e in entries
        ]
        columns = ("name", "size", "used", "made by")
        terminal.print_grid(columns, rows, terminal.console())
    print(f"{len(entries)} {what} {cache_dir()}, {_size(entries)}")
