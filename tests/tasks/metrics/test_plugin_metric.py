"""A plugin writes its metric once and has it in tables, with intervals, tests and ranks."""

import json
import subprocess
import sys

import numpy as np
import pytest
from run_records import run_record, save_predicted

from electra_bench.tasks.metrics.weighted import RESAMPLED

WEIGHTED = '''
"""A metric that is a mean over examples: one line says it, and list_form is derived."""

from electra_bench import registry
from electra_bench.tasks.metrics.weighted import mean


@registry.metrics.register("nearly")
def nearly(targets, predictions):
    """Share of the answers that are at most one step wrong."""
    steps = [abs(int(t) - int(p)) for t, p in zip(targets, predictions, strict=True)]
    return {"nearly": mean([step <= 1 for step in steps])}
'''

LISTS = '''
"""A metric as another library has it: percentages of lists, without a weighted form."""

import math

from electra_bench import registry


@registry.metrics.register("nearly")
def nearly(targets, predictions):
    """Share of the answers that are at most one step wrong."""
    if not targets:
        return {"nearly": math.nan}
    steps = [abs(int(t) - int(p)) for t, p in zip(targets, predictions, strict=True)]
    return {"nearly": 100.0 * sum(step <= 1 for step in steps) / len(steps)}
'''

FAILING = (
    LISTS
    + '''

@registry.metrics.register("of_pairs")
def of_pairs(targets, predictions):
    """Fails on what another task predicts."""
    return {"of_pairs": sum(a + b for a, b in predictions)}
'''
)


def runs(folder, metric="nearly"):
    """Three seeds of a good and of a poor model, with their predictions."""
    random = np.random.default_rng(1)
    targets = random.integers(0, 9, 150)
    for label, spread in (("good", 0.8), ("poor", 3.0)):
        for seed in range(3):
            found = np.round(targets + random.normal(0, spread, 150)).astype(int)
            score = 100.0 * float(np.mean(np.abs(targets - found) <= 1))
            result = {"metrics": {metric: score}, "main_metric": metric}
            record = run_record(
                label, "steps", seed, score, pretrain_seed=seed, result=result
            )
            sides = [list(map(str, side)) for side in (targets, found)]
            save_predicted(folder / f"{label}{seed}", record, *sides)


def leaderboard(tmp_path, monkeypatch, plugin):
    """The table and what its process loaded."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "nearly.py").write_text(plugin)
    program = (
        "import sys; from electra_bench.cli.main import main; "
        "status = main(sys.argv[1:]); print(*sys.modules); sys.exit(status)"
    )
    arguments = ["leaderboard", "build", str(tmp_path / "runs"), "--format", "json"]
    arguments += ["--plugin", str(tmp_path / "nearly.py"), "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "leaderboard.json").read_text())
    return table, set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("plugin", [WEIGHTED, LISTS], ids=["weighted", "lists"])
def test_a_metric_has_intervals_tests_and_ranks(tmp_path, monkeypatch, plugin):
    assert len(plugin.strip().splitlines()) < 40
    runs(tmp_path / "runs")
    table, loaded = leaderboard(tmp_path, monkeypatch, plugin)
    good, poor = (row["steps"] for row in table["rows"])
    for score in (good, poor):
        low, high = score["interval"]
        assert low < score["mean"] < high and high - low < 20
    [test] = table["differences"]
    assert test["significant"] and test["test"] == "crossed bootstrap"
    assert [row["rank"] for row in table["rows"]] == [1, 2]
    notes = [note for note in table["notes"] if "bootstrap samples" in note]
    assert len(notes) == (plugin == LISTS)
    assert all(f"of steps are of {RESAMPLED} bootstrap" in note for note in notes)
    assert not loaded & {"tensorflow", "seqio", "sklearn"}


def test_a_changed_metric_is_computed_again(tmp_path, monkeypatch):
    runs(tmp_path / "runs")
    leaderboard(tmp_path, monkeypatch, WEIGHTED)
    # Of another size: Python takes a file of one size and second for the same.
    changed = WEIGHTED.replace("step <= 1", "step <= 2.0")
    table, _ = leaderboard(tmp_path, monkeypatch, changed)
    reasons = {row["steps"]["no_interval"] for row in table["rows"]}
    assert all("predictions score" in reason for reason in reasons)


def test_a_metric_that_fails_costs_the_interval_only(tmp_path, monkeypatch):
    runs(tmp_path / "runs", "of_pairs")
    table, _ = leaderboard(tmp_path, monkeypatch, FAILING)
    reasons = {row["steps"]["no_interval"] for row in table["rows"]}
    assert reasons == {"predictions of another form (3 of 3)"}
