"""`electra-bench describe`."""

import contextlib
import inspect
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from electra_bench.cli import arguments, names
from electra_bench.cli.arguments import Json, Options, Plugins
from electra_bench.config import types
from electra_bench.config.signature import signature_of
from electra_bench.records.run_folder import config_of
from electra_bench.registry import REGISTRIES
from electra_bench.system.near_names import near_and_all


@dataclass
class Describe(Json, Plugins):
    """Prints everything known of one name, or of one run's folder.

    examples:
      electra-bench describe task cola
      electra-bench describe model electra      what gin can set, with its defaults
      electra-bench describe run runs/cola-1    its record, and what overrode what

    Attributes:
        name: a name, or the folder of a run
    """

    kind: Annotated[str, Options(metavar="KIND", help=", ".join(names.KINDS.values()))]
    name: str


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "describe", Describe, run)


def run(args: Describe) -> None:
    """Prints fields and values, or one object."""
    kind = names.known_kind(args.kind)
    args.load_plugins()
    described = describe(kind, args.name)
    if args.json:
        print(json.dumps(described, indent=1, ensure_ascii=False, default=str))
        return
    _print(described)


def describe(kind: str, name: str) -> dict[str, Any]:
    """The object that `--json` prints.

    Args:
        kind: one of `names.KINDS`.
        name: registered name, or a run's folder.

    Raises:
        KeyError: no such name; lists near ones.
        FileNotFoundError: the folder holds no run.
    """
    if kind == "runs":
        return _run(name)
    if kind == "plugins":
        return _plugin(name)
    known = names.entry(kind, name)
    if kind in ("tasks", "mixtures"):
        return known
    return known | _builder(kind, name)


def _plugin(name: str) -> dict[str, Any]:
    plugins = {plugin["name"]: plugin for plugin in names.plugins()}
    if name not in plugins:
        raise KeyError(f"no plugin {name!r}; {near_and_all(name, plugins)}")
    return plugins[name]


def _builder(kind: str, name: str) -> dict[str, Any]:
    registry = REGISTRIES[kind]
    builder = registry.get(name)
    parameters = []
    for parameter in signature_of(builder).parameters.values():
        described = {
            "name": parameter.name,
            "gin": f"{registry.gin_module}.{name}.{parameter.name}",
            "required": parameter.default is inspect.Parameter.empty,
        }
        if not described["required"]:
            described["default"] = _plain(parameter.default)
        if parameter.annotation is not inspect.Parameter.empty:
            described["type"] = types.shown(parameter.annotation)
        parameters.append(described)
    doc = inspect.getdoc(builder) or ""
    return {"summary": names.first_line(doc), "doc": doc, "parameters": parameters}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return repr(value)


def _run(directory: str) -> dict[str, Any]:
    from electra_bench.records import read_record
    from electra_bench.records.run_record import CODE_UNKNOWN

    names.check_directory(directory)
    path = os.path.join(directory, "record.json")
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"no run in {directory!r}: it holds no record.json, which a run writes last"
        )
    read = read_record(path)
    record = asdict(read)
    if read.code_sha256 is None:
        record["code_sha256"] = CODE_UNKNOWN
    described = {"name": record["run_id"], **record, "path": path}
    # An imported model has none, and a damaged one tells nothing.
    with contextlib.suppress(FileNotFoundError, ValueError):
        config = config_of(directory)
        lines = Path(config).read_text(encoding="utf-8").splitlines()
        # The header of a saved configuration; see config/snapshot.py.
        described["overrides"] = [
            line.removeprefix("# ") for line in lines if " overrides " in line
        ]
        described["config"] = config
    return described


def _print(described: dict[str, Any]) -> None:
    from electra_bench.reports.render import terminal

    doc = described.pop("doc", None)
    parameters = described.pop("parameters", None)
    if doc:
        described.pop("summary")
    out = terminal.console()
    width = max(map(len, described)) + 2
    for key, value in described.items():
        if value not in (None, "", [], (), {}):
            out.print(terminal.field(key, _text(value), width))
    if doc:
        out.print()
        out.print(doc)
    if parameters:
        rows = [
            [
                p["gin"],
                "" if p["required"] else repr(p["default"]),
                p.get("type"),
            ]
            for p in parameters
        ]
        out.print()
        terminal.print_grid(("parameter", "default", "type"), rows, out)
        out.print("Without a default: given by gin or by the code that builds it.")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_flat(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, dict) or " " in str(item) for item in value):
            return "\n".join(_flat(item) for item in value)
        return ", ".join(map(str, value))
    return str(value)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(item)}" for key, item in value.items())
    return str(value)
