"""Every mistake in a configuration is found before any work, and says where."""

from collections.abc import Sequence

import gin
import pytest

from electra_bench import config
from electra_bench.registry import Registry, UnknownName

KIND = "config_test_things"
things = Registry(KIND)


@things.register("net")
def net(size, *, depth: int | None = 2, parts: Sequence[str] = ()):
    return size, depth, parts


def load(kind, name):
    if kind != KIND:
        raise UnknownName(f"no kind {kind!r}")
    things.load(name)


@pytest.fixture
def parse(tmp_path):
    def run(text, *overrides, more=()):
        path = tmp_path / "run.gin"
        path.write_text(text)
        names = []
        for number, content in enumerate(more):
            names.append(str(tmp_path / f"more{number}.gin"))
            (tmp_path / f"more{number}.gin").write_text(content)
        return config.parse(
            [str(path), *names], overrides, load, lambda module: None, [KIND]
        )

    return run


def test_bindings_reach_the_builder_looked_up_by_name(parse):
    parse(f"{KIND}.net.size = 3\n{KIND}.net.depth = %DEPTH\nDEPTH = 4")
    assert things.get("net")() == (3, 4, ())


def test_later_files_and_the_command_line_override(parse):
    parsed = parse(
        f"{KIND}.net.size = 1\nN = 1\n{KIND}.net.depth = %N",
        "N = 7",
        more=[f"{KIND}.net.size = 2"],
    )
    assert things.get("net")() == (2, 7, ())
    assert [(new.key, old.place[-10:]) for new, old in parsed.overridden] == [
        (f"{KIND}.net.size", "/run.gin:1"),
        ("N", "/run.gin:2"),
    ]


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        (f"{KIND}.net.size = 1\n{KIND}.net.size = 2", (), r"bound twice.*1 and 2"),
        (f"{KIND}.net.sise = 1", (), r"run.gin:1: .*no parameter 'sise'.*'size'"),
        (f"{KIND}.ned.size = 1", (), r"run.gin:1: no .*'ned'; near: \['net'\]"),
        ("config_test_thing.net.size = 1", (), rf"near kinds: \['{KIND}'\]"),
        (f"genrator/{KIND}.net.size = 1", (), r"no scope 'genrator'.*'generator'"),
        (f"{KIND}.net.size = %SIZE", (), r"run.gin:1: no macro SIZE"),
        ("SIZE = %gin.REQUIRED", (), r"required.*SIZE .*run.gin:1.*--gin.SIZE="),
        (f"{KIND}.net.size = 1", ("SIXE = 1",), r"nothing uses the macro SIXE"),
        (f"{KIND}.net.parts = [@{KIND}.nett]", (), r"no .*'nett'"),
        ("size = 1", (), r"binds nothing"),
        (f"{KIND}.net.parts = [@genrator/{KIND}.net]", (), r"no scope 'genrator'"),
        ("A = %B\nB = %A", (), r"macros in a circle: %A = %B = %A"),
        (f"{KIND}.net.depth = 2.0", (), r"run.gin:1: .*depth = 2.0: expected int \| N"),
        (f"{KIND}.net.depth = %D\nD = 'x'", (), r"run.gin:2: D = 'x': .*for .*depth"),
        (f"{KIND}.net.parts = 'abc'", (), r"expected Sequence\[str\]"),
    ],
)
def test_mistakes(parse, text, overrides, message):
    with pytest.raises(config.ConfigError, match=message):
        parse(text, *overrides)


def test_files_that_include_each_other(parse, tmp_path):
    other = tmp_path / "other.gin"
    other.write_text(f"include '{tmp_path / 'run.gin'}'")
    with pytest.raises(ValueError, match=r"run.gin includes itself: .*other.gin -> "):
        parse(f"include '{other}'")


def test_an_include_is_seen_from_its_file_wherever_the_command_is(
    parse, tmp_path, monkeypatch
):
    for folder, size in (("mine", 1), ("elsewhere", 2)):
        # `models/tiny.gin` is a name of the project, too.
        (tmp_path / folder / "models").mkdir(parents=True)
        for name in ("tiny.gin", "models/tiny.gin"):
            (tmp_path / folder / name).write_text(f"{KIND}.net.size = {size}")
    for name in ("tiny.gin", "models/tiny.gin"):
        (tmp_path / "mine" / "run.gin").write_text(f"  include '{name}'")
        for here in ("mine", "elsewhere"):
            monkeypatch.chdir(tmp_path / here)
            parse(f"include '{tmp_path / 'mine' / 'run.gin'}'")
            assert things.get("net")() == (1, 2, ())
            gin.clear_config()
    # The project's files include each other, whatever lies in the working directory.
    (tmp_path / "elsewhere" / "presets").mkdir()
    (tmp_path / "elsewhere" / "presets" / "default.gin").write_text("OTHER = 1")
    found = config.read(["runs/finetune.gin"], ())
    assert found.value("OTHER") is None
    assert found.value("PRESET_LEARNING_RATE") == 1e-4


def test_what_only_the_working_directory_has_is_included(parse, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "own.gin").write_text(f"{KIND}.net.size = 4")
    monkeypatch.chdir(tmp_path / "here")
    parse("include 'own.gin'")
    assert things.get("net")() == (4, 2, ())
    parse("", "include 'own.gin'")
    with pytest.raises(
        FileNotFoundError, match=r"run\.gin:2: no gin file 'owm\.gin' in"
    ):
        parse("\ninclude 'owm.gin'")


def test_missing_file_names_near_ones():
    with pytest.raises(FileNotFoundError, match=r"runs/pretrain\.gin"):
        config.find_gin_file("gin/runs/pretrian.gin")


def test_parameters_without_default_must_be_bound(parse):
    parse(f"{KIND}.net.depth = 1")
    with pytest.raises(config.ConfigError, match="net needs size"):
        config.require_bound(f"{KIND}.net", ())
    config.require_bound(f"{KIND}.net", ("size",))


def test_a_snapshot_repeats_the_run(parse, tmp_path):
    parsed = parse(f"{KIND}.net.size = %SIZE\nSIZE = 3", "SIZE = 5")
    assert things.get("net")() == (5, 2, ())
    text = config.snapshot(parsed, [f"{KIND}.net"], (), {f"{KIND}.net.depth": 6})
    assert "# SIZE (command line) overrides" in text
    gin.clear_config()
    parse(text)
    assert things.get("net")() == (5, 6, ())


def test_the_gin_folder_does_not_hide_the_library():
    assert hasattr(gin, "register")
