"""`electra-bench list`."""

import json
import os
from dataclasses import dataclass
from typing import Annotated, Any

from electra_bench.cli import arguments, names
from electra_bench.cli.arguments import Dir, Json, Options, Plugins
from electra_bench.registry import REGISTRIES


@dataclass
class List(Json, Plugins):
    """Lists what is known by name, built in or from plugins.

    examples:
      electra-bench list tasks
      electra-bench list tasks --json
      electra-bench list models --plugin my_model.py
      electra-bench list runs runs/

    Attributes:
        directory: where to look for runs
    """

    kind: Annotated[str, Options(metavar="KIND", help=", ".join(names.KINDS))]
    directory: Dir | None = None


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "list", List, run)


def run(args: List) -> None:
    """Prints a table, or an array of objects with a `name`."""
    kind = names.known_kind(args.kind)
    if (kind == "runs") != (args.directory is not None):
        raise ValueError(
            "list runs needs a directory: electra-bench list runs DIR"
            if kind == "runs"
            else f"list {kind} takes no directory, got {args.directory!r}"
        )
    args.load_plugins()
    objects = listed(kind, args.directory)
    if args.json:
        print(json.dumps(objects, indent=1, ensure_ascii=False))
        return
    _print(kind, objects)


def listed(kind: str, directory: str | None = None) -> list[dict[str, Any]]:
    """The objects that `--json` prints.

    Args:
        kind: one of `names.KINDS`.
        directory: where to look, for runs only.
    """
    if kind == "runs":
        return _runs(directory)
    if kind == "plugins":
        return names.plugins()
    return [names.entry(kind, name) for name in REGISTRIES[kind].names()]


def _runs(directory: str) -> list[dict[str, Any]]:
    from electra_bench.records import RecordError, read_record
    from electra_bench.records.run_record import CODE_UNKNOWN, FILE_NAME, find_runs
    from electra_bench.reports.table import text

    names.check_directory(directory)
    objects: list[dict[str, Any]] = []
    for folder, _ in find_runs(directory):
        path = os.path.join(folder, FILE_NAME)
        try:
            record = read_record(path)
        except RecordError as error:
            objects.append({"name": path, "path": path, "error": str(error)})
            continue
        scores = [
            f"{r.task} {r.split} {r.main_metric} {text(r.main_score, metric=True)}"
            for r in record.results
        ]
        objects.append(
            {
                "name": record.run_id,
                "label": record.label,
                "kind": record.kind,
                "status": record.status,
                "protocol": record.protocol,
                "seed": record.seed,
                "code": record.code_mark or record.code_sha256 or CODE_UNKNOWN,
                "scores": scores,
                "ended": record.ended,
                "path": path,
            }
        )
    return objects


# Columns of the terminal's table; --json has all fields.
COLUMNS = {
    "tasks": ("name", "kind", "version", "metric", "distribution", "summary"),
    "runs": ("name", "label", "kind", "status", "seed", "scores"),
    "plugins": ("name", "version", "provides"),
}


def _print(kind: str, objects: list[dict[str, Any]]) -> None:
    from electra_bench.reports.render import terminal

    wanted = COLUMNS.get(kind, ("name", "distribution", "version", "origin"))
    columns = [
        c for c in (*wanted, "error") if any(o.get(c) is not None for o in objects)
    ]
    if all(item.get("distribution") == names.DISTRIBUTION for item in objects):
        # Worth a column only where plugins stand beside the built-in names.
        columns = [c for c in columns if c != "distribution"]
    if not objects:
        print(f"no {kind}")
        return
    rows = [[_shown(item, column) for column in columns] for item in objects]
    terminal.print_grid(columns, rows, terminal.console())


def _shown(item: dict[str, Any], column: str) -> str | None:
    text = _text(item.get(column))
    if column == "summary" and text:
        first, end, _ = text.partition(". ")
        return first + end.strip()
    return text


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return None if value is None else str(value)
