"""Saving the configuration of a run so that it can be repeated."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gin
from gin import config_parser

from electra_bench.config.parse import Parsed


def snapshot(
    parsed: Parsed,
    selectors: Iterable[str],
    plugins: Sequence[str],
    values: Mapping[str, Any],
) -> str:
    """The operative configuration as a gin file.

    gin shortens selectors as far as they are unique at the moment; here they are written
    in full, so that a plugin installed later cannot make an old snapshot ambiguous.

    Args:
        parsed: what was parsed, for the comments on what overrode what.
        selectors: full names of everything registered with gin.
        plugins: modules that were loaded with `--plugin` or `import`.
        values: keys to values that hold instead of what is bound, as when one command
            makes several runs.
    """
    full = {}
    for selector in selectors:
        parts = selector.split(".")
        for start in range(len(parts)):
            full.setdefault(".".join(parts[start:]), []).append(selector)
    lines = []
    for line in gin.operative_config_str(max_line_length=10**6).splitlines():
        if line.startswith("#") or not line:
            continue
        # "import x" and macros (UPPER = value) carry no selector.
        key, separator, value = line.partition(" = ")
        if separator and "." in key:
            scope, selector, parameter = config_parser.parse_binding_key(key)
            names = full.get(selector, [selector])
            selector = names[0] if len(names) == 1 else selector
            key = (f"{scope}/" if scope else "") + f"{selector}.{parameter}"
        if key in values:
            value = repr(values[key])
        lines.append(key + separator + value)
    header = [
        f"# {new.key} ({new.place}) overrides {old.place}"
        for new, old in parsed.overridden
    ]
    imports = [f"# plugin: {plugin}" for plugin in plugins]
    return "\n".join([*header, *imports, "", *lines]) + "\n"
