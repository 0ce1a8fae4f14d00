"""Two runs or two models side by side."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from run_records import run_record, save_predicted, save_records, task_result
from scipy.stats import binomtest

from electra_bench.reports.compare.comparison import compare
from electra_bench.reports.compare.tables import to_json, to_tables
from electra_bench.reports.render.markdown import to_markdown
from electra_bench.reports.render.terminal import console, print_table

SIZE = 60


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Models `small` and `large` with three seeds each, and whether they are right."""
    folder = tmp_path_factory.mktemp("compare")
    random = np.random.default_rng(0)
    targets = list(map(str, random.choice(["yes", "no"], SIZE)))
    known = {}
    for label, share in (("small", 0.6), ("large", 0.85)):
        for seed in range(3):
            right = random.random(SIZE) < share
            predictions = [
                t if r else "wrong <b>" for t, r in zip(targets, right, strict=True)
            ]
            record = run_record(
                label,
                "cola",
                seed,
                100 * float(right.mean()),
                hparams={"lr": 1e-3 if label == "small" else 3e-4, "SEED": seed},
                packages={"numpy": "2.0" if label == "small" else "2.1", "scipy": "1"},
                code_version="1.0+abc",
            )
            save_predicted(folder / f"{label}-{seed}", record, targets, predictions)
            known[label, seed] = right
    return folder, known


def printed(comparison, width=160):
    file = io.StringIO()
    for table in to_tables(comparison):
        print_table(table, console(file, width))
    return file.getvalue()


def test_two_runs(runs):
    folder, known = runs
    one, other = known["small", 0], known["large", 0]
    names = (str(folder / "small-0"), str(folder / "large-0"))
    comparison = compare(names, [])
    [scores] = comparison.scores
    assert [side.name for side in comparison.sides] == ["small-0", "large-0"]
    assert scores.difference == pytest.approx(100 * (one.mean() - other.mean()))
    assert scores.interval[0] < scores.difference < scores.interval[1]
    only_one, only_other = int(np.sum(one & ~other)), int(np.sum(other & ~one))
    assert scores.better == (only_one, only_other)
    assert scores.equal == SIZE - only_one - only_other
    assert scores.test == "McNemar"
    expected = binomtest(only_one, only_one + only_other).pvalue
    assert scores.p_value == pytest.approx(expected)
    for example in scores.examples:
        place = int(example.id)
        assert (one[place], other[place]) == (example.better == 0, example.better == 1)
        [answer] = example.predictions[example.better]
        assert answer == example.target
    assert {e.better for e in scores.examples} == {0, 1}
    assert "these runs differ, not that others" in printed(comparison)


def test_two_models_over_all_seeds(runs):
    folder, known = runs
    comparison = compare(("small", "large"), [str(folder)], examples=2)
    [scores] = comparison.scores
    means = [
        100 * np.mean([known[label, seed].mean() for seed in range(3)])
        for label in ("small", "large")
    ]
    assert [score.mean for score in scores.scores] == pytest.approx(means)
    assert scores.difference == pytest.approx(means[0] - means[1])
    assert scores.test == "crossed bootstrap"
    assert len(scores.examples) == 4
    assert all(len(e.predictions[0]) == 3 for e in scores.examples)
    settings = {one.name: one.values for one in comparison.configuration}
    assert settings == {
        "label": (("'small'",), ("'large'",)),
        "lr": (("0.001",), ("0.0003",)),
    }
    [package] = comparison.environment
    assert package == ("package numpy", (("'2.0'",), ("'2.1'",)))


def test_a_run_may_be_compared_with_a_model_or_be_named_by_its_id(runs):
    folder, _ = runs
    with_folder = compare((str(folder / "small-0"), "large"), [str(folder)])
    with_id = compare(("small-cola-0", "large"), [str(folder)])
    assert with_folder.scores == with_id.scores
    assert len(with_id.sides[0].runs) == 1


def test_forms(runs):
    folder, _ = runs
    comparison = compare(("small", "large"), [str(folder)])
    content = json.loads(to_json(comparison))
    [scores] = content["scores"]
    assert scores["p_adjusted"] == comparison.scores[0].p_value
    assert content["configuration"][0]["name"] == "label"
    markdown = "\n".join(map(to_markdown, to_tables(comparison)))
    rows = [line for line in markdown.splitlines() if line.startswith("| cola ")]
    assert len(rows) == 1
    assert "<b>" not in markdown
    text = printed(comparison)
    for said in ("package numpy", f"{scores['difference']:+.1f}"):
        assert said in text
    assert "| better: large |" in markdown


def test_what_does_not_compare_is_named(tmp_path):
    one = run_record("a", "cola", 0, 60.0)
    other = replace(
        run_record("b", "cola", 0, 62.0, result={"task_version": 2}),
        results=(task_result("cola", 62.0, task_version=2), task_result("rte", 50.0)),
    )
    save_records(tmp_path, [one, other])
    comparison = compare(("a", "b"), [str(tmp_path)])
    assert comparison.scores == ()
    assert comparison.only == ((0, "cola v1"), (1, "cola v2"), (1, "rte"))
    assert "Only a has cola v1." in printed(comparison)


def test_without_predictions_the_scores_remain(tmp_path):
    records = [
        run_record(label, "cola", 0, s) for label, s in (("a", 60.0), ("b", 62.0))
    ]
    save_records(tmp_path, records)
    [scores] = compare(("a", "b"), [str(tmp_path)]).scores
    assert (scores.difference, scores.interval) == (-2.0, None)
    assert scores.no_test == "no predictions (1 of 1)"


@pytest.mark.parametrize("name", ["smal", "{runs}/small-9"])
def test_a_misspelt_name_lists_near_ones(runs, name):
    folder, _ = runs
    with pytest.raises(ValueError, match="near: .*small"):
        compare((name.format(runs=folder), "large"), [str(folder)])


def test_a_label_with_slashes_stays_whole(tmp_path):
    labels = ("<script>alert(1)</script>", "google/electra-small")
    save_records(tmp_path, [run_record(label, "cola", 0, 60.0) for label in labels])
    comparison = compare(labels, [str(tmp_path)])
    assert tuple(side.name for side in comparison.sides) == labels
    comparison = compare((f"{tmp_path}/000/", labels[1]), [str(tmp_path)])
    assert tuple(side.name for side in comparison.sides) == ("000", labels[1])


def test_a_label_with_several_protocols_is_refused(tmp_path):
    save_records(
        tmp_path,
        [
            run_record("a", "cola", 0, 60.0),
            run_record("a", "cola", 1, 60.0, protocol="fixed"),
            run_record("b", "cola", 0, 60.0),
        ],
    )
    with pytest.raises(ValueError, match="2 rows that do not compare"):
        compare(("a", "b"), [str(tmp_path)])


def test_a_run_does_not_differ_from_itself(runs):
    folder, _ = runs
    comparison = compare((f"{folder}/small-0", f"{folder}/small-0/"), [])
    [scores] = comparison.scores
    assert (scores.difference, scores.p_value, scores.better) == (0.0, 1.0, (0, 0))
    assert comparison.configuration == comparison.environment == ()


def test_folders_that_claim_one_run_id_are_refused(tmp_path):
    record = run_record("a", "cola", 0, 60.0)
    one, other = save_records(tmp_path, [record, replace(record, collapsed=True)])
    with pytest.raises(ValueError, match="are both run 'a-cola-0'"):
        compare((str(one), str(other)), [])
