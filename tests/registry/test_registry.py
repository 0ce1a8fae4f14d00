"""Names, origins, and what happens when two things want the same name."""

import subprocess
import sys
from importlib import metadata

import pytest

from electra_bench import registry
from electra_bench.registry import Registry, UnknownName


def test_unknown_names_list_near_ones():
    with pytest.raises(UnknownName, match=r"no models 'elektra'; near: \['electra'\]"):
        registry.models.get("elektra")


def test_a_taken_name_says_by_whom():
    things = Registry("registry_test_things", gin_names=False)
    things.add("a", object())
    with pytest.raises(ValueError, match="'a' is taken by"):
        things.add("a", object())


def test_a_declared_name_cannot_be_taken_by_another_module():
    def electra():
        pass

    with pytest.raises(ValueError, match="'electra' is (declared|taken) by"):
        registry.models.add("electra", electra)


@pytest.mark.parametrize(
    ("kind", "name", "owner"),
    [
        ("schedules", "adamw", "optimizers, by electra_bench.training.adamw:adamw"),
        ("optimizers", "mirrored", "strategies, by "),
        ("strategies", "schedule", "training, by "),
        ("training", "linear", "schedules, by electra_bench.training.schedules:linear"),
    ],
)
def test_names_that_share_a_gin_module_are_taken_by_one_of_them(kind, name, owner):
    with pytest.raises(ValueError, match=rf"^training\.{name} is of {owner}"):
        registry.REGISTRIES[kind].add(name, lambda: None)
    assert name not in registry.REGISTRIES[kind].names()


@pytest.mark.parametrize("kind", sorted(registry.REGISTRIES))
def test_declared_names_are_registered_by_their_modules(kind):
    names = registry.REGISTRIES[kind]
    for entry in metadata.entry_points(group=f"electra_bench.{kind}"):
        names.load(entry.name)
        assert entry.name in names.loaded()
        assert names.origin(entry.name).target == entry.value


def test_listing_names_imports_no_builder():
    code = (
        "import sys; from electra_bench import registry;"
        "[r.names() for r in registry.REGISTRIES.values()];"
        "print(sorted({'tensorflow', 'seqio', 'numpy'} & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_plugins_load_from_files_and_say_what_is_missing(tmp_path):
    path = tmp_path / "registry_test_plugin.py"
    path.write_text("LOADED = True\n")
    registry.load_plugin(str(path))
    assert sys.modules["registry_test_plugin"].LOADED
    with pytest.raises(FileNotFoundError, match="no module or file 'no_such_plugin'"):
        registry.load_plugin("no_such_plugin")
    with pytest.raises(FileNotFoundError, match="no file 'gone.py'"):
        registry.load_plugin("gone.py")
