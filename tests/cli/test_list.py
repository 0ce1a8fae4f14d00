import json
import subprocess
import sys

import pytest
from run_records import run_record, save_records

from electra_bench.cli import main, names
from electra_bench.registry import REGISTRIES

PLUGIN = '''"""A plugin of a test."""
from electra_bench.registry import reports

@reports.register("{name}")
def report(top: int = 3, *, tasks):
    """Lists the best.

    Args:
        top: how many.
        tasks: which.
    """
'''


def call(argv, capsys):
    status = main.main(argv)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("kind", sorted(REGISTRIES))
def test_json_is_an_array_of_objects_with_names(kind, capsys):
    status, out, _ = call(["list", kind, "--json"], capsys)
    objects = json.loads(out)
    assert status == 0
    assert [o["name"] for o in objects] == REGISTRIES[kind].names()
    assert all(o["origin"] for o in objects)


def test_tasks_show_their_cards(capsys):
    _, out, _ = call(["list", "tasks", "--json"], capsys)
    cola = next(o for o in json.loads(out) if o["name"] == "cola")
    assert cola["kind"] == "classification"
    assert cola["metric"] == cola["main_metric"]
    assert cola["distribution"] == "electra-bench"
    _, out, _ = call(["list", "tasks"], capsys)
    assert "cola" in out


def test_singular_is_accepted(capsys):
    assert call(["list", "report"], capsys)[1] == call(["list", "reports"], capsys)[1]


def test_unknown_kind_has_near_ones(capsys):
    status, _, err = call(["list", "taks"], capsys)
    assert status == 2
    assert "near: ['tasks'" in err


def call_elsewhere(argv):
    """In a process of its own: what a plugin registers stays registered."""
    run = subprocess.run(
        [sys.executable, "-m", "electra_bench", *argv], capture_output=True, text=True
    )
    return run.returncode, run.stdout


def test_plugin_adds_names(tmp_path, capsys):
    path = tmp_path / "plugin_of_test.py"
    path.write_text(PLUGIN.format(name="top"))
    argv = ["list", "reports", "--json", "--plugin", str(path)]
    status, out = call_elsewhere(argv)
    assert status == 0
    assert "top" in [o["name"] for o in json.loads(out)]
    status, _, err = call(["list", "reports", "--plugin", "no_such.py"], capsys)
    assert status == 2
    assert "no_such.py" in err


def test_a_broken_card_does_not_hide_the_others(monkeypatch, capsys):
    def broken(name):
        raise ImportError("half installed")

    monkeypatch.setattr(REGISTRIES["tasks"], "get", broken)
    status, out, _ = call(["list", "tasks", "--json"], capsys)
    assert status == 0
    assert all("half installed" in o["error"] for o in json.loads(out))


def test_runs_of_a_folder(tmp_path, capsys):
    save_records(tmp_path, [run_record("a", "cola", s, 60.0 + s) for s in range(2)])
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "record.json").write_text("{")
    status, out, _ = call(["list", "runs", str(tmp_path), "--json"], capsys)
    good, also, bad = json.loads(out)
    assert status == 0
    assert (good["name"], also["seed"]) == ("a-cola-0", 1)
    assert good["scores"] == ["cola dev accuracy 60.0"]
    assert "cannot be read" in bad["error"]
    assert "a-cola-0" in call(["list", "runs", str(tmp_path)], capsys)[1]
    assert call(["list", "runs"], capsys)[0] == 2
    assert call(["list", "runs", str(tmp_path / "absent")], capsys)[0] == 2


def test_nothing_to_list_is_said(tmp_path, capsys):
    assert call(["list", "runs", str(tmp_path)], capsys)[1] == "no runs\n"
    status, out, _ = call(["list", "runs", str(tmp_path), "--json"], capsys)
    assert (status, json.loads(out)) == (0, [])


def test_describe_builder_has_what_gin_can_set(tmp_path):
    path = tmp_path / "plugin_of_test.py"
    path.write_text(PLUGIN.format(name="top"))
    argv = ["describe", "report", "top", "--plugin", str(path), "--json"]
    status, out = call_elsewhere(argv)
    described = json.loads(out)
    assert status == 0
    assert described["summary"] == "Lists the best."
    assert described["parameters"] == [
        {
            "name": "top",
            "gin": "reports.top.top",
            "required": False,
            "default": 3,
            "type": "int",
        },
        {"name": "tasks", "gin": "reports.top.tasks", "required": True},
    ]


@pytest.mark.parametrize(
    ("kind", "name", "parameter"),
    [
        ("suite", "grid", "suites.grid.seeds"),
        ("training", "loop", "training.loop.keep"),
        ("feature", "words", "features.words.limit"),
    ],
)
def test_describe_knows_what_a_class_is_made_of(kind, name, parameter, capsys):
    status, out, _ = call(["describe", kind, name, "--json"], capsys)
    found = [one["gin"] for one in json.loads(out)["parameters"]]
    assert status == 0 and parameter in found
    assert not {"args", "kwargs"} & {one.rpartition(".")[2] for one in found}


def test_describe_prints_a_card(capsys):
    status, out, _ = call(["describe", "task", "cola"], capsys)
    assert status == 0
    assert "licence" in out
    assert "main_metric" in out


def test_describe_unknown_has_near_names(capsys):
    status, _, err = call(["describe", "report", "leaderbord"], capsys)
    assert status == 2
    assert "near: ['leaderboard']" in err


def test_describe_run_says_what_overrode_what(tmp_path, capsys):
    [folder] = save_records(tmp_path, [run_record("a", "cola", 0, 60.0)])
    (folder / "config.gin").write_text(
        "# SEED (command line) overrides gin/runs/finetune.gin:3\n\nSEED = 1\n"
    )
    status, out, _ = call(["describe", "run", str(folder), "--json"], capsys)
    described = json.loads(out)
    assert status == 0
    assert described["name"] == "a-cola-0"
    assert described["overrides"] == [
        "SEED (command line) overrides gin/runs/finetune.gin:3"
    ]
    assert "overrides" in call(["describe", "run", str(folder)], capsys)[1]
    status, _, err = call(["describe", "run", str(tmp_path)], capsys)
    assert status == 2
    assert "holds no record.json" in err


def test_every_registry_has_a_kind():
    assert set(REGISTRIES) <= set(names.KINDS)
