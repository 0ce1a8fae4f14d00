"""`electra-bench compare` as a user calls it."""

import json
import time

import pytest
from run_records import run_record, save_predicted

from electra_bench.cli import main


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    targets = ["a", "b", "a", "b", "a"] * 20
    for label, wrong in (("small", 40), ("large", 10)):
        predictions = ["c"] * wrong + targets[wrong:]
        record = run_record(label, "cola", 0, 100.0 - wrong)
        save_predicted(tmp_path / "runs" / f"{label}-0", record, targets, predictions)
    return tmp_path / "runs"


def test_prints_in_three_forms(runs, capsys):
    folders = [str(runs / "small-0"), str(runs / "large-0")]
    assert main.main(["compare", *folders]) == 0
    assert "-30.0 [" in capsys.readouterr().out
    assert main.main(["compare", "small", "large", "--runs", str(runs), "--json"]) == 0
    [scores] = json.loads(capsys.readouterr().out)["scores"]
    assert (scores["difference"], scores["better"]) == (-30.0, [0, 30])
    assert main.main(["compare", *folders, "--markdown", "--examples", "0"]) == 0
    out = capsys.readouterr().out
    assert "| cola | 60.0 (n=1) | 90.0 (n=1) | -30.0 " in out
    assert "Some examples" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["smal", "large"], "no run or model 'smal'; near: ['small'"),
        (
            ["small", "large", "--examples", "-1"],
            "--examples: expected int of at least 0, got '-1'",
        ),
        (["small"], "the following arguments are required: B"),
    ],
)
def test_wrong_arguments_are_status_2(runs, arguments, said, capsys):
    assert main.main(["compare", *arguments, "--runs", str(runs)]) == 2
    assert said in capsys.readouterr().err


def test_two_runs_take_about_two_seconds(runs, capsys):
    start = time.process_time()
    assert main.main(["compare", str(runs / "small-0"), str(runs / "large-0")]) == 0
    # Without the start of Python and its imports, which take half a second.
    assert time.process_time() - start < 1.5
