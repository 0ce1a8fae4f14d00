import statistics

import pytest
from run_records import run_record

from electra_bench.reports.collect.records import Records
from electra_bench.reports.leaderboard import leaderboard
from electra_bench.reports.statistics import aggregate


def test_over_seeds_agrees_with_the_standard_library():
    scores = [71.25, 68.5, 90.0, 70.125, 55.0, 71.0]
    score = aggregate.over_seeds([(str(i), s) for i, s in enumerate(scores)])
    assert score.value == score.mean == statistics.mean(scores)
    assert score.median == statistics.median(scores)
    assert score.sd == pytest.approx(statistics.stdev(scores), rel=1e-12)
    assert (score.count, score.low, score.high) == (6, 55.0, 90.0)


def test_one_run_has_no_spread():
    score = aggregate.over_seeds([("a", 3.0)])
    assert (score.value, score.count, score.sd) == (3.0, 1, None)


def test_an_undefined_score_counts_as_the_floor():
    runs = [("a", 3.0), ("b", None), ("c", 6.0)]
    score = aggregate.over_seeds(runs, floor=0.0)
    assert (score.value, score.median, score.count, score.low) == (3.0, 3.0, 3, 0.0)
    assert score.marks == ("1 undefined, counted as the floor",)
    unknown = aggregate.over_seeds(runs)
    assert (unknown.value, unknown.count) == (None, 0)
    assert unknown.marks == ("1 undefined, no floor known",)


def test_runs_of_one_cluster_are_one_number():
    runs = [("a", 1.0), ("b", 3.0), ("c", 8.0)]
    assert aggregate.over_seeds(runs, clusters=["p", "p", "q"]).value == 5.0


def test_a_mean_with_a_missing_task_is_missing():
    assert aggregate.mean_or_none([1.0, 2.0, 6.0]) == 3.0
    assert aggregate.mean_or_none([1.0, None]) is None
    assert aggregate.mean_or_none([]) is None


def test_means_and_medians_over_seeds_count_undefined_scores():
    scores = (None, 60.0, 90.0)
    records = [run_record("a", "cola", s, score) for s, score in enumerate(scores)]
    # The floor of these records is 50.
    assert aggregate.mean_over_seeds(records, "cola") == pytest.approx(200 / 3)
    assert aggregate.median_over_seeds(records, "cola") == 60.0
    bare = [run_record("a", "own", 0, None, result={"floor": None}), *records]
    assert aggregate.median_over_seeds(bare, "own") is None
    assert aggregate.mean_over_seeds(bare, "own") is None


def test_median_over_seeds_refuses_to_mix_versions():
    records = [run_record("a", "cola", seed, 60.0 + seed) for seed in range(3)]
    assert aggregate.median_over_seeds(records, "cola", "accuracy") == 61.0
    assert aggregate.median_over_seeds(records, "cola") == 61.0
    assert aggregate.median_over_seeds(records, "rte", "accuracy") is None
    records.append(run_record("a", "cola", 3, 60.0, result={"task_version": 2}))
    with pytest.raises(ValueError, match="do not compare"):
        aggregate.median_over_seeds(records, "cola", "accuracy")


def test_by_label_keeps_the_order_of_appearance():
    records = [run_record(label, "cola", 0, 1.0) for label in ("b", "a", "b")]
    groups = aggregate.by_label(records)
    assert [(label, len(runs)) for label, runs in groups] == [("b", 2), ("a", 1)]


def test_a_mean_over_seeds_is_that_of_the_leaderboard():
    """Two runs of one pre-training are one number beside the run of another one."""
    scores = ((60.0, "p"), (70.0, "p"), (80.0, "q"))
    runs = [
        run_record("a", "cola", seed, score, parent_run_id=parent)
        for seed, (score, parent) in enumerate(scores)
    ]
    [row] = leaderboard()(Records.of(runs)).rows
    cell = leaderboard()(Records.of(runs)).cell(row, "cola")
    assert aggregate.mean_over_seeds(runs, "cola") == cell.value == 72.5


def test_trials_are_in_no_row():
    hparams = {"runs.finetune.held_out": 0.1}
    trial = run_record("a", "cola", 0, 90.0, run_id="trial", hparams=hparams)
    run = run_record("a", "cola", 0, 60.0)
    assert aggregate.by_label([trial, run]) == [("a", [run])]
    # Alone they are what is asked for.
    assert aggregate.by_label([trial]) == [("a", [trial])]
