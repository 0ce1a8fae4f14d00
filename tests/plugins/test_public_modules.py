"""What docs/plugins.md promises to plugins is there, and the worked ones need no more."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import ROOT

PAGE = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
PROMISED = {
    module: re.findall(r"`(\w+)`", names)
    for module, names in re.findall(
        r"^\| `(electra_bench[\w.]*)` \| (.*) \|$", PAGE, re.M
    )
}
FOR_TESTS = ("cli.main", "conformance.specimens", "training.checkpoints")
FILES = [
    path.relative_to(ROOT)
    for path in sorted((ROOT / "plugins").rglob("*.py"))
    if "build" not in path.parts
]


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of all that a file imports of the project."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module, alias.name


def is_promised(module: str, name: str) -> bool:
    if f"{module}.{name}" in PROMISED:
        return True  # the module itself
    return name in PROMISED.get(module, ())


@pytest.mark.parametrize("module", PROMISED)
def test_what_is_promised_is_there(module):
    found = importlib.import_module(module)
    assert [name for name in PROMISED[module] if not hasattr(found, name)] == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_worked_plugins_import_what_is_promised(path):
    other = {
        (module, name)
        for module, name in imported(ROOT / path)
        if module.partition(".")[0] == "electra_bench" and not is_promised(module, name)
    }
    if "tests" in path.parts:
        allowed = tuple(f"electra_bench.{module}" for module in FOR_TESTS)
        other = {
            (module, name)
            for module, name in other
            if not f"{module}.{name}".startswith(allowed)
        }
    assert other == set()


def test_the_list_is_read_and_so_are_the_plugins():
    rows = re.findall(r"^\| `electra_bench\b.*$", PAGE, re.M)
    assert len(rows) == len(PROMISED) > 20
    assert "Table" in PROMISED["electra_bench.reports.table"]
    assert len({path.parts[1] for path in FILES}) >= 5
    for module in FOR_TESTS:
        assert f"`electra_bench.{module}`" in PAGE
