"""Predictions that are missing, damaged or not those of the score."""

import gzip
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from run_records import run_record, save_predicted

from electra_bench import registry
from electra_bench.records import read_record, write_record
from electra_bench.reports.collect.records import collect
from electra_bench.reports.render.html import to_html
from electra_bench.reports.render.markdown import to_markdown
from electra_bench.reports.render.write import build_table
from electra_bench.tasks.metrics.weighted import WeightedMetric

SIZE = 80


@pytest.fixture
def runs(tmp_path):
    """Two models with three seeds each, the first clearly better."""
    random = np.random.default_rng(0)
    targets = list(random.choice(["yes", "no"], SIZE))
    for label, share in (("good", 0.9), ("bad", 0.5)):
        for seed in range(3):
            right = random.random(SIZE) < share
            predictions = [
                t if r else {"yes": "no", "no": "yes"}[t]
                for t, r in zip(targets, right, strict=True)
            ]
            record = run_record(label, "cola", seed, 100 * float(right.mean()))
            folder = tmp_path / "runs" / f"{label}-{seed}"
            save_predicted(folder, record, list(map(str, targets)), predictions)
    return tmp_path / "runs"


def build(runs):
    table = build_table(collect([str(runs)]))
    return table, {table.cell(row, "model"): row for row in table.rows}


def predictions_of(runs, run):
    return runs / run / "predictions" / "cola-dev.jsonl.gz"


def rewrite(path, change):
    """Changes the lines of a predictions file and the hash in the record."""
    with gzip.open(path, "rt") as file:
        lines = [json.loads(line) for line in file]
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in change(lines))
    run_dir = path.parents[1]
    record = read_record(str(run_dir / "record.json"))
    [result] = record.results
    result = replace(result, predictions_sha256=None)
    write_record(str(run_dir), replace(record, results=(result,)))


def test_predictions_give_intervals_tests_and_ranks(runs):
    table, rows = build(runs)
    score = table.cell(rows["good"], "cola")
    assert score.interval[0] < score.mean < score.interval[1] <= 100
    [difference] = table.differences
    assert difference.significant
    assert difference.test == "crossed bootstrap"
    assert [table.cell(rows[name], "rank") for name in ("good", "bad")] == [1, 2]
    assert table.best("cola") == {0}
    assert any("start from one checkpoint" in note for note in table.notes)
    page = to_html(table, str(runs))
    assert "Significant differences: 1" in page
    assert f"[{score.interval[0]:.1f}, {score.interval[1]:.1f}]" in page
    assert "good is better than bad by" in to_markdown(table)


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    run_dir = path.parents[1]
    record = read_record(str(run_dir / "record.json"))
    [result] = record.results
    result = replace(result, predictions_sha256=None)
    write_record(str(run_dir), replace(record, results=(result,)))


def flipped(lines):
    return [line | {"prediction": line["target"]} for line in lines]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "predictions missing"),
        (lambda path: path.write_bytes(b"other"), "predictions changed since the run"),
        (cut, "predictions damaged"),
        (lambda p: rewrite(p, lambda lines: lines[1:]), "predictions of 79 of 80"),
        (lambda p: rewrite(p, lambda lines: lines[:-1] + lines[:1]), "repeat an id"),
        (lambda p: rewrite(p, flipped), "predictions score 100.00"),
        (lambda p: rewrite(p, lambda lines: [[]] * SIZE), "predictions damaged"),
        (
            lambda p: rewrite(p, lambda ls: [x | {"target": None} for x in ls]),
            "predictions without targets",
        ),
    ],
    ids=[
        "missing",
        "changed",
        "cut",
        "fewer",
        "repeated",
        "other",
        "form",
        "unlabelled",
    ],
)
def test_what_cannot_be_used_costs_the_interval_and_nothing_else(runs, damage, said):
    before, rows = build(runs)
    damage(predictions_of(runs, "good-1"))
    table, rows_now = build(runs)
    score = table.cell(rows_now["good"], "cola")
    assert score.interval is None
    assert said in score.no_interval
    assert "(1 of 3)" in score.no_interval
    assert score.value == before.cell(rows["good"], "cola").value
    assert table.differences == ()
    assert table.cell(rows_now["good"], "rank") is None
    assert table.cell(rows_now["bad"], "cola").interval is not None
    note = f"1 cell has no interval: {score.no_interval}."
    assert note in table.notes
    for text in (to_html(table, str(runs)), to_markdown(table).replace("\\", "")):
        assert score.no_interval in text


def test_runs_on_other_examples_are_not_paired(runs):
    for seed in range(3):
        path = predictions_of(runs, f"bad-{seed}")
        rewrite(path, lambda lines: [x | {"id": f"new {x['id']}"} for x in lines])
    table, rows = build(runs)
    assert table.cell(rows["bad"], "cola").interval is not None
    assert table.differences == ()


def test_the_order_of_lines_does_not_matter(runs):
    before, rows = build(runs)
    rewrite(predictions_of(runs, "good-0"), lambda lines: lines[::-1])
    table, rows_now = build(runs)
    assert table.cell(rows_now["good"], "cola") == before.cell(rows["good"], "cola")


def test_single_runs_are_tested_by_mcnemar_and_decide_no_rank(runs):
    for seed in (1, 2):
        for label in ("good", "bad"):
            shutil.rmtree(runs / f"{label}-{seed}")
    table, rows = build(runs)
    [difference] = table.differences
    assert difference.test == "McNemar"
    assert difference.p_value < 0.01
    assert not difference.significant
    assert table.cell(rows["good"], "rank") is None
    assert any("decide no rank" in note for note in table.notes)


def test_the_cache_is_no_second_truth(runs, tmp_path):
    before, rows = build(runs)
    store = tmp_path / "cache" / "reports" / "replicates.db"
    assert store.is_file()
    path = predictions_of(runs, "good-1")
    path.rename(path.with_suffix(".aside"))
    table, rows_now = build(runs)
    # The file is needed, whatever the cache remembers.
    assert table.cell(rows_now["good"], "cola").interval is None
    path.with_suffix(".aside").rename(path)
    for damage in (store.unlink, lambda: store.write_bytes(b"SQLite format 3\0 cut")):
        damage()
        table, rows_now = build(runs)
        assert table.differences == before.differences
    assert store.read_bytes()[:15] == b"SQLite format 3"


def test_a_warm_cache_reads_no_predictions(runs, monkeypatch):
    before, _ = build(runs)
    monkeypatch.setattr(
        "electra_bench.reports.collect.predictions.read_answers",
        lambda *_: pytest.fail("read again"),
    )
    assert build(runs)[0].differences == before.differences


def points(targets, predictions):
    """A plugin's metric: the mean length of right answers."""
    quality = np.array(
        [len(p) * (t == p) for t, p in zip(targets, predictions, strict=True)], float
    )
    return {
        "points": WeightedMetric(
            quality, lambda weights: weights @ quality / weights.sum(-1)
        )
    }


def test_a_metric_of_a_plugin_has_intervals_once_it_is_registered(
    tmp_path, monkeypatch
):
    targets = ["a", "bb", "ccc"] * 20
    predictions = ["a", "x", "ccc"] * 20
    result = {"metrics": {"points": 4 / 3}, "main_metric": "points"}
    record = run_record("m", "own", 0, 0.0, objective="own_kind", result=result)
    save_predicted(tmp_path / "runs" / "m", record, targets, predictions)
    table, rows = build(tmp_path / "runs")
    score = table.cell(rows["m"], "own")
    assert score.no_interval == "metric points is not registered (1 of 1)"
    metrics, name = registry.metrics, "own_kind_points"
    monkeypatch.setitem(metrics._things, name, points)
    monkeypatch.setitem(metrics._origins, name, registry.Origin(None, None, "test"))
    table, rows = build(tmp_path / "runs")
    low, high = table.cell(rows["m"], "own").interval
    assert low < 4 / 3 < high
