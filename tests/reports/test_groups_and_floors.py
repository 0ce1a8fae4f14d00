"""Tables of examples that belong together, and of scores that are undefined."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from recomputed import estimated, runs_of_files
from run_records import run_record, save_predicted

from electra_bench.records import read_record, write_record
from electra_bench.reports.collect.records import collect
from electra_bench.reports.compare.comparison import compare
from electra_bench.reports.render.write import build_table

SIZE = 120
# Six documents of twenty examples.
DOCUMENTS = [f"d{i // 20}" for i in range(SIZE)]
STS = {"main_metric": "spearman", "floor": 0.0}


def save_classified(folder, label, seed, right, groups=DOCUMENTS, task="own"):
    """A run that answers some of the examples rightly."""
    record = run_record(label, task, seed, 100 * float(np.mean(right)))
    answers = np.where(right, "1", "0").tolist()
    path = folder / f"{label}-{task}-{seed}"
    save_predicted(path, record, ["1"] * len(right), answers, groups=groups)
    return path / "predictions" / f"{task}-dev.jsonl.gz", 100 * float(np.mean(right))


@pytest.fixture
def by_documents(tmp_path):
    """The folder of two models' runs, which documents suit differently; and files."""
    random = np.random.default_rng(0)
    files = {"a": [], "b": []}
    for label, seed in (("a", 0), ("a", 1), ("b", 0), ("b", 1)):
        tastes = np.repeat(random.uniform(0.3, 0.9, 6), 20)
        right = random.random(SIZE) < tastes
        files[label].append(save_classified(tmp_path / "runs", label, seed, right))
    return tmp_path / "runs", files


def cells(table, column):
    return {table.cell(r, "model"): table.cell(r, column) for r in table.rows}


def test_intervals_draw_documents(by_documents):
    folder, files = by_documents
    # The second table is built from the cache.
    for _ in range(2):
        table = build_table(collect([str(folder)]))
        for label, score in cells(table, "own").items():
            expected = estimated(runs_of_files(files[label], "accuracy"))
            assert score.interval == pytest.approx(expected.ends)
        assert "120 examples in 6 documents" in table.details["own"]
        assert any("whole groups of examples in own" in note for note in table.notes)


def test_a_run_of_an_earlier_version_gets_the_groups_of_the_others(by_documents):
    folder, files = by_documents
    expected = cells(build_table(collect([str(folder)])), "own")
    random = np.random.default_rng(1)
    for label in ("old", "newer"):
        right = random.random(SIZE) < 0.5
        groups = None if label == "old" else DOCUMENTS
        files[label] = [save_classified(folder, label, 0, right, groups)]
    table = build_table(collect([str(folder)]))
    found = cells(table, "own")
    assert found["a"] == expected["a"]
    told = estimated(runs_of_files(files["newer"], "accuracy"))
    assert found["newer"].interval == pytest.approx(told.ends)
    pairs = {(d.row, d.other) for d in table.differences}
    assert len(pairs) == 6
    assert not any("do not say which examples belong" in note for note in table.notes)


def test_without_groups_anywhere_the_table_says_so(tmp_path):
    right = np.arange(SIZE) % 4 > 0
    for seed in range(2):
        save_classified(tmp_path, "a", seed, np.roll(right, seed), groups=None)
    notes = build_table(collect([str(tmp_path)])).notes
    assert any(
        note.startswith("Predictions of own do not say which examples belong together")
        for note in notes
    )


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (["d"] * SIZE, "1 document is too few (1 of 1)"),
        ([f"d{i % 3}" for i in range(SIZE)], "3 documents are too few (1 of 1)"),
        (
            ["d"] * 100 + [f"d{i}" for i in range(20)],
            "21 documents of very unequal size tell as little as 1.4 (1 of 1)",
        ),
    ],
)
def test_few_groups_give_no_interval_and_say_why(tmp_path, groups, said):
    save_classified(tmp_path, "a", 0, np.arange(SIZE) % 4 > 0, groups)
    [score] = cells(build_table(collect([str(tmp_path)])), "own").values()
    assert (score.interval, score.no_interval) == (None, said)


def test_runs_that_disagree_on_what_belongs_together_have_no_interval(tmp_path):
    right = np.arange(SIZE) % 4 > 0
    for seed, size in ((0, 20), (1, 10)):
        groups = [f"d{i // size}" for i in range(SIZE)]
        save_classified(tmp_path, "a", seed, right, groups)
    [score] = cells(build_table(collect([str(tmp_path)])), "own").values()
    assert score.interval is None
    assert "runs say differently which examples belong together" in score.no_interval


def test_mcnemar_is_for_examples_that_stand_for_themselves(tmp_path):
    random = np.random.default_rng(2)
    for label in "ab":
        right = random.random(SIZE) < 0.7
        save_classified(tmp_path, label, 0, right, task="own")
        save_classified(tmp_path, label, 0, right, groups=None, task="other")
    table = build_table(collect([str(tmp_path)]))
    tests = {d.column: d.test for d in table.differences}
    assert (tests["own"], tests["other"]) == ("paired bootstrap", "McNemar")
    sides = compare(("a", "b"), [str(tmp_path)]).scores
    assert {one.column: one.test for one in sides} == {
        "own": "paired bootstrap",
        "other": "McNemar",
    }


def save_sts(folder, label, found):
    """Runs on sts with these predictions, None for a constant."""
    random = np.random.default_rng(3)
    target = np.round(random.uniform(0, 5, SIZE), 2)
    for seed, noise in enumerate(found):
        answers = np.full(SIZE, 2.5)
        score = None
        if noise is not None:
            answers = np.round(target + random.normal(0, noise, SIZE), 3)
            score = 100 * float(scipy.stats.spearmanr(target, answers).statistic)
        result = STS | {"metrics": {"spearman": score}}
        record = run_record(label, "sts", seed, score, result=result)
        save_predicted(
            folder / f"{label}-{seed}", record, target.tolist(), answers.tolist()
        )


def test_a_model_of_constant_predictors_does_not_win(tmp_path):
    """Three of five are constant; of the other two the mean is the best of the table."""
    save_sts(tmp_path, "lucky", [0.7, 0.7, None, None, None])
    save_sts(tmp_path, "steady", [1.2] * 5)
    table = build_table(collect([str(tmp_path)]))
    found = cells(table, "sts")
    assert list(found) == ["steady", "lucky"]
    lucky, steady = found["lucky"], found["steady"]
    scores = [score for _, score in lucky.runs if score is not None]
    assert min(scores) > steady.high
    assert lucky.value == pytest.approx(sum(scores) / 5)
    assert lucky.marks == ("3 undefined, counted as the floor",)
    assert lucky.interval[0] <= lucky.value <= lucky.interval[1]
    [test] = table.differences
    assert test.value == pytest.approx(steady.value - lucky.value)
    assert test.better == 0
    [one] = compare(("lucky", "steady"), [str(tmp_path)]).scores
    assert one.difference == pytest.approx(lucky.value - steady.value)
    spread = build_table(collect([str(tmp_path)]), "seed_variance")
    counted = [*scores, 0.0, 0.0, 0.0]
    values = {spread.cell(r, "model"): spread.cell(r, "sts") for r in spread.rows}
    assert values["lucky"].value == pytest.approx(scipy.stats.tstd(counted))


def test_a_sample_without_a_score_counts_as_the_floor(tmp_path):
    """One answer of 120 differs: a third of the samples do not draw it."""
    target = np.arange(SIZE, dtype=float)
    answers = np.zeros(SIZE)
    answers[-1] = 1.0
    score = 100 * float(scipy.stats.spearmanr(target, answers).statistic)
    result = STS | {"metrics": {"spearman": score}}
    record = run_record("a", "sts", 0, score, result=result)
    save_predicted(tmp_path / "a", record, target.tolist(), answers.tolist())
    files = [(tmp_path / "a" / "predictions" / "sts-dev.jsonl.gz", score)]
    expected = estimated(runs_of_files(files, "spearman"))
    [found] = cells(build_table(collect([str(tmp_path)])), "sts").values()
    assert found.interval == pytest.approx(expected.ends)


def test_without_a_floor_there_is_neither_number_nor_interval(tmp_path):
    save_sts(tmp_path, "a", [0.7, None])
    for path in tmp_path.glob("*/record.json"):
        record = read_record(str(path))
        [result] = record.results
        # Of another version than the installed card, whose floor it therefore is not.
        result = replace(result, floor=None, task_version=7)
        write_record(str(path.parent), replace(record, results=(result,)))
    [score] = cells(build_table(collect([str(tmp_path)])), "sts").values()
    assert (score.value, score.interval) == (None, None)
    assert score.marks == ("1 undefined, no floor known",)
    why = "undefined scores or samples, and no floor is known (1 of 2)"
    assert score.no_interval == why
