"""What `list` and `describe` say of a name; imports nothing of a builder's."""

import dataclasses
import os
from importlib import metadata
from typing import Any

from electra_bench.registry import REGISTRIES
from electra_bench.system.near_names import near_and_all

DISTRIBUTION = "electra-bench"

# plural: singular; both are accepted.
KINDS = {kind: names.singular for kind, names in REGISTRIES.items()}
KINDS |= {"plugins": "plugin", "runs": "run"}


def known_kind(kind: str) -> str:
    """The plural of a kind.

    Raises:
        ValueError: no such kind; lists near ones.
    """
    for plural, singular in KINDS.items():
        if kind in (plural, singular):
            return plural
    raise ValueError(f"no kind {kind!r}; {near_and_all(kind, KINDS)}")


def check_directory(directory: str) -> None:
    """Checks that a folder exists.

    Raises:
        FileNotFoundError: it does not.
    """
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"no directory {directory!r}")


def entry(kind: str, name: str) -> dict[str, Any]:
    """What is known of a registered name without importing a builder.

    Cards of tasks and mixtures are read; one that cannot be imported is named in `error`.

    Raises:
        KeyError: no such name; lists near ones.
    """
    registry = REGISTRIES[kind]
    origin = registry.origin(name)
    known: dict[str, Any] = {"name": name}
    if kind in ("tasks", "mixtures"):
        try:
            known |= card(registry.get(name))
        except Exception as error:  # a plugin's module may raise anything
            known["error"] = f"{type(error).__name__}: {error}"
    else:
        known["version"] = origin.version
    known["distribution"] = origin.distribution
    known["distribution_version"] = origin.version
    known["origin"] = origin.target
    return known


def card(thing: Any) -> dict[str, Any]:
    """The fields of a TaskCard or of another description."""
    if not dataclasses.is_dataclass(thing):
        return {"summary": first_line(getattr(thing, "__doc__", None))}
    fields = dataclasses.asdict(thing)
    fields.pop("name", None)
    if "main_metric" in fields:
        fields["metric"] = fields["main_metric"]
    return fields


def first_line(doc: str | None) -> str:
    """The summary of a docstring."""
    return (doc or "").strip().partition("\n")[0]


def plugin_points() -> list[tuple[str, metadata.EntryPoint]]:
    """The names that other distributions than this one declare, with their registries."""
    return [
        (kind, point)
        for kind in REGISTRIES
        for point in metadata.entry_points(group=f"electra_bench.{kind}")
        if point.dist.name != DISTRIBUTION
    ]


def plugins() -> list[dict[str, Any]]:
    """Distributions other than this one that declare names, and which."""
    found: dict[str, dict[str, Any]] = {}
    for kind, point in plugin_points():
        plugin = found.setdefault(
            point.dist.name,
            {
                "name": point.dist.name,
                "version": point.dist.version,
                "summary": point.dist.metadata.get("Summary"),
                "provides": {},
            },
        )
        plugin["provides"].setdefault(kind, []).append(point.name)
    return sorted(found.values(), key=lambda plugin: plugin["name"])
