import ast
import pathlib
import sys

import pytest

import electra_bench
from electra_bench.registry import load_plugin
from electra_bench.system import source_closure
from electra_bench.system.source_closure import (
    closure,
    closure_sha256,
    closure_versions,
    sources_sha256,
)

FILES = {
    "parrot/__init__.py": """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from parrot import only_for_types
        from parrot.at_import import VERSION

        def __getattr__(name):
            from parrot import lazy
            return getattr(lazy, name)
    """,
    "parrot/at_import.py": "VERSION = 1",
    "parrot/lazy.py": "from parrot import behind_lazy",
    "parrot/behind_lazy.py": "",
    "parrot/only_for_types.py": "",
    "parrot/tasks.py": '''
        """Reads things
        from nowhere in particular: this is no import."""
        import os, parrot_tools.words as words
        import numpy as np
        from . import rules
        from .inner.deep import (
            first,  # the first one (of two)
            second,
        )
        from parrot.constants import *
        from parrot.does_not_exist import anything

        def build():
            if words: from parrot import in_function
            from parrot \\
                import continued
    ''',
    "parrot/rules.py": "from .inner import sibling",
    "parrot/inner/__init__.py": "",
    "parrot/inner/deep.py": "from ..above import value\nfrom ....too_far import x",
    "parrot/inner/sibling.py": "",
    "parrot/above.py": "value = 1",
    "parrot/constants.py": "",
    "parrot/in_function.py": "",
    "parrot/continued.py": "",
    "parrot/unrelated.py": "",
    "parrot_tools/words.py": "def broken(:",
}
REACHED = {
    "parrot",
    "parrot.at_import",
    "parrot.tasks",
    "parrot.rules",
    "parrot.inner",
    "parrot.inner.deep",
    "parrot.inner.sibling",
    "parrot.above",
    "parrot.constants",
    "parrot.in_function",
    "parrot.continued",
    "parrot_tools.words",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write(tmp_path, FILES)
    monkeypatch.syspath_prepend(str(tmp_path))
    for memo in ("_all_distributions", "_holds_installed", "_packages_of_plugins"):
        getattr(source_closure, memo).cache_clear()
    return tmp_path


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.strip("\n").splitlines()
        margin = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
        path.write_text("\n".join(line[margin:] for line in lines) + "\n")


def test_every_import_statement_is_followed_and_nothing_is_imported(folder):
    before = set(sys.modules)
    assert set(closure(["parrot.tasks"])) == REACHED
    assert not {name for name in set(sys.modules) - before if "parrot" in name}


def test_a_package_counts_as_a_whole_where_it_is_used_itself(folder):
    write(folder, {"user.py": "import parrot"})
    assert set(closure(["user"])) == {
        "user",
        "parrot",
        "parrot.at_import",
        "parrot.lazy",
        "parrot.behind_lazy",
        "parrot.only_for_types",
    }


@pytest.mark.parametrize("name", sorted(REACHED))
def test_a_change_of_any_module_changes_the_hash(name, folder):
    before = closure_sha256(["parrot.tasks"])
    path = pathlib.Path(closure(["parrot.tasks"])[name])
    path.write_text(path.read_text() + "# changed\n")
    assert closure_sha256(["parrot.tasks"]) != before


def test_other_files_do_not_count(folder):
    before = closure_sha256(["parrot.tasks"])
    write(folder, {"parrot/unrelated.py": "x = 1", "parrot/lazy.py": "x = 1"})
    assert closure_sha256(["parrot.tasks"]) == before


def test_modules_alone(folder):
    alone = sources_sha256(["parrot.tasks"])
    write(folder, {"parrot/rules.py": "x = 1"})
    assert sources_sha256(["parrot.tasks"]) == alone
    write(folder, {"parrot/tasks.py": "x = 1"})
    assert sources_sha256(["parrot.tasks"]) != alone
    with pytest.raises(ModuleNotFoundError, match="'parrot.none'"):
        sources_sha256(["parrot.none"])


def test_the_hash_does_not_depend_on_where_the_files_lie(folder, monkeypatch):
    before = closure_sha256(["parrot.tasks"])
    elsewhere = folder / "elsewhere"
    write(elsewhere, FILES)
    monkeypatch.syspath_prepend(str(elsewhere))
    assert closure(["parrot.tasks"])["parrot"].startswith(str(elsewhere))
    assert closure_sha256(["parrot.tasks"]) == before


@pytest.mark.parametrize("declared", ["", "[electra_bench.tasks]\nx = plugged:X\n"])
def test_of_installed_packages_only_those_of_the_plugins_distribution_are_own(
    declared, folder, monkeypatch
):
    site = folder / "site-packages"
    write(
        site,
        {
            "plugged/__init__.py": "import plugged_data, stranger, electra_bench.records",
            "plugged_data.py": "",
            "stranger.py": "",
            "plugged-1.0.dist-info/METADATA": "Name: plugged\nVersion: 1.0",
            "plugged-1.0.dist-info/top_level.txt": "plugged\nplugged_data",
            "plugged-1.0.dist-info/entry_points.txt": declared,
            "stranger-1.0.dist-info/METADATA": "Name: stranger\nVersion: 1.0",
            "stranger-1.0.dist-info/top_level.txt": "stranger",
        },
    )
    monkeypatch.syspath_prepend(str(site))
    found = {name for name in closure(["plugged"]) if "electra_bench" not in name}
    assert found == {"plugged", "plugged_data"}
    assert "electra_bench.records.run_record" in closure(["plugged"])
    assert closure_versions(["plugged"])["stranger"] == "1.0"
    assert "plugged" not in closure_versions(["plugged"])


def test_a_single_file_and_the_modules_beside_it(folder):
    write(folder, {"single_file_plugin.py": "import beside", "beside.py": ""})
    path = folder / "single_file_plugin.py"
    try:
        load_plugin(str(path))
        assert set(closure(["single_file_plugin"])) == {"single_file_plugin", "beside"}
    finally:
        sys.modules.pop("single_file_plugin", None)
        sys.modules.pop("beside", None)


@pytest.mark.parametrize(
    "name", ["no_such_module", "parrot.no_such", "sys", "a_session"]
)
def test_a_module_without_a_source_file_is_an_error(name, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "a_session", type(sys)("a_session"))
    with pytest.raises(ModuleNotFoundError, match=f"no source file of module '{name}'"):
        closure([name])


def test_in_the_whole_package_no_import_statement_is_missed():
    root = pathlib.Path(electra_bench.__file__).parent
    paths = [path for path in root.rglob("*.py") if "gin_files" not in path.parts]
    assert len(paths) > 100
    for path in paths:
        expected = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                expected |= {(alias.name, ()) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = tuple(alias.name for alias in node.names)
                expected.add(("." * node.level + (node.module or ""), names))
        state = source_closure._state(str(path))
        assert set(source_closure._statements(True, *state)) >= expected, path
