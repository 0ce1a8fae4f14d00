"""Saving the configuration of a run so that it can be repeated."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import gin
from gin import config_parser

from electra_bench.config.parse import Parsed


def snapshot(
    parsed: Parsed,
    selectors: Iterable[str],
    plugins: Sequence[str],
    values: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """The operative configuration as a gin file.

    gin shortens selectors as far as they are unique at the moment; here they are written
    in full, so that a plugin installed later cannot make an old snapshot ambiguous.

    Args:
        parsed: what was parsed, for the comments on what overrode what.
        selectors: full names of everything that is registered with gin by now.
        plugins: modules that were loaded with `--plugin` or `import`.
        values: see `replaced`.
    """
    full: dict[str, list[str]] = {}
    for selector in selectors:
        parts = selector.split(".")
        for start in range(len(parts)):
            full.setdefault(".".join(parts[start:]), []).append(selector)
    bindings: dict[str, str] = {}
    for line in gin.operative_config_str(max_line_length=10**6).splitlines():
        # "import x" has no value.
        key, separator, value = line.partition(" = ")
        if not separator or line.startswith("#"):
            continue
        if "." in key:  # not a macro
            scope, selector, parameter = config_parser.parse_binding_key(key)
            names = full.get(selector, [selector])
            selector = names[0] if len(names) == 1 else selector
            key = (f"{scope}/" if scope else "") + f"{selector}.{parameter}"
        bindings[key] = value
    header = [
        f"# {new.key} ({new.place}) overrides {old.place}"
        for new, old in parsed.overridden
    ]
    files = [f"# --plugin {plugin}" for plugin in plugins if plugin.endswith(".py")]
    modules = [f"import {p}" for p in plugins if not p.endswith(".py")]
    lines = [f"{key} = {value}" for key, value in bindings.items()]
    return replaced("\n".join([*header, *files, *modules, *lines]) + "\n", values)


def replaced(text: str, values: Mapping[str, Any]) -> str:
    """A snapshot with other values; what came from a macro, other parameters take, too.

    Args:
        text: the snapshot.
        values: keys to values; those that the snapshot does not have are left out.
    """
    lines = [line.partition(" = ") for line in text.splitlines()]
    bound = {key: value for key, _, value in lines}
    given = {}
    for key in bound.keys() & values.keys():
        macro = bound[key].removeprefix("%")
        given[macro if macro in bound else key] = repr(values[key])
    return "".join(
        f"{key}{separator}{given.get(key, value)}\n" for key, separator, value in lines
    )
