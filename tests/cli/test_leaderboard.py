import json
import subprocess
import sys

import pytest
from run_records import run_record, save_records

from electra_bench.cli import main


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    records = [
        run_record(label, task, seed, 60.0 + seed)
        for label in ("small", "large")
        for task in ("cola", "rte")
        for seed in range(3)
    ]
    save_records(tmp_path / "runs", records)
    return tmp_path / "runs"


def test_prints_the_table(runs, capsys):
    assert main.main(["leaderboard", "build", str(runs)]) == 0
    out = capsys.readouterr().out
    assert "small" in out
    assert "61.0" in out


def test_writes_all_forms(runs, tmp_path, capsys):
    out = tmp_path / "report"
    assert main.main(["leaderboard", "build", str(runs), "--out", str(out)]) == 0
    pages = {"index.html", "seed_variance.html", "task-cola.html", "task-rte.html"}
    names = {path.name for path in out.iterdir()}
    assert pages <= names
    assert sorted(name for name in names if name.startswith("leaderboard.")) == [
        "leaderboard.csv",
        "leaderboard.html",
        "leaderboard.json",
        "leaderboard.md",
        "leaderboard.tex",
    ]
    assert f"electra-bench leaderboard build {runs} --out {out}" in (
        out / "leaderboard.html"
    ).read_text(encoding="utf-8")


def test_of_two_builds_at_once_the_folder_has_one_whole(runs, tmp_path):
    out = tmp_path / "out"
    arguments = ["--out", str(out), "--format", "md,csv,json,tex,html"]
    builds = [[str(runs), *arguments], [str(runs / "000"), *arguments]]
    whole = []
    for build in builds:
        assert main.main(["leaderboard", "build", *build]) == 0
        whole.append({path.name: path.read_bytes() for path in out.iterdir()})
    command = [sys.executable, "-m", "electra_bench", "leaderboard", "build"]
    started = [subprocess.Popen([*command, *build]) for build in builds]
    assert [process.wait() for process in started] == [0, 0]
    assert {path.name: path.read_bytes() for path in out.iterdir()} in whole
    assert whole[0].keys() == whole[1].keys() and whole[0] != whole[1]


def test_tasks_formats_and_gin(runs, tmp_path, capsys):
    argv = ["leaderboard", "build", str(runs), "--out", str(tmp_path), "--tasks", "rte"]
    argv += ["--format", "json", "--gin.reports.leaderboard.labels=['large']"]
    assert main.main(argv) == 0
    content = json.loads((tmp_path / "leaderboard.json").read_text(encoding="utf-8"))
    assert [row["model"] for row in content["rows"]] == ["large"]
    assert "cola" not in content["columns"]


def test_a_plugin_report(runs, tmp_path):
    plugin = tmp_path / "plugin_of_test.py"
    plugin.write_text(
        "from electra_bench.registry import reports\n"
        "from electra_bench.reports.table import Table\n"
        '@reports.register("count")\n'
        "def count():\n"
        "    return lambda records: Table(('model', 'runs'), (('all', len(records)),))\n"
    )
    argv = ["leaderboard", "build", str(runs), "--plugin", str(plugin)]
    argv += ["--report", "count"]
    # In a process of its own: what a plugin registers stays registered.
    run = subprocess.run(
        [sys.executable, "-m", "electra_bench", *argv], capture_output=True, text=True
    )
    assert run.returncode == 0
    assert "12" in run.stdout
    run = subprocess.run(
        [sys.executable, "-m", "electra_bench", *argv, "--tasks", "cola"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "has no parameter 'tasks'" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tasks", "colla"], "near: ['cola'"),
        (["--tasks", "rte,cola,rte"], "given more than once: task 'rte'"),
        (
            ["--gin.reports.leaderboard.labels=['small', 'small']"],
            "given more than once: label 'small'",
        ),
        (["--report", "leaderbord"], "near: ['leaderboard']"),
        (["--format", "pdf"], "no format 'pdf'"),
        (["--format", "html"], "--format needs --out"),
        (["--gin.reports.leaderboard.label=1"], "no parameter 'label'"),
        (["--gin.reports.leaderboard.replicates=9"], "replicates must be at least 100"),
        (
            ["--gin.reports.leaderboard.correction='none'"],
            "one of holm, bh; got 'none'",
        ),
    ],
)
def test_wrong_arguments_are_status_2(runs, arguments, said, capsys):
    assert main.main(["leaderboard", "build", str(runs), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_rows_beyond_the_shown_ones_are_in_files_only(runs, tmp_path, capsys):
    argv = ["leaderboard", "build", str(runs), "--out", str(tmp_path / "out")]
    assert main.main([*argv, "--gin.reports.leaderboard.max_rows=1"]) == 0
    assert "1 of 2 rows are not shown" in capsys.readouterr().out
    content = json.loads((tmp_path / "out" / "leaderboard.json").read_text("utf-8"))
    assert len(content["rows"]) == len(content["further_rows"]) == 1
    assert content["further_rows"][0]["cola"]["value"] == 61.0
    lines = (tmp_path / "out" / "leaderboard.csv").read_text("utf-8").splitlines()
    # Two models, the floor and the header.
    assert len([line for line in lines if "ELECTRA" not in line and line]) >= 4
    assert any(line.startswith(",small,") for line in lines)


def test_a_folder_without_records_is_status_2(tmp_path, capsys):
    assert main.main(["leaderboard", "build", str(tmp_path)]) == 2
    assert f"no record.json below {tmp_path}" in capsys.readouterr().err


def test_bad_records_are_named_and_the_rest_is_built(runs, capsys):
    (runs / "000" / "record.json").write_text('{"schema_version": 99}')
    assert main.main(["leaderboard", "build", str(runs)]) == 0
    out = capsys.readouterr().out
    assert "Left out: 1" in out
    assert str(runs / "000" / "record.json") in out
