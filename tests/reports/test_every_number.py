"""Every number of a leaderboard, computed again from records and predictions alone.

Nothing of electra_bench.reports is imported here; the table is built by the command line.
docs/design/statistics.md says what the numbers are.
"""

import itertools
import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from recomputed import (
    averaged,
    compared,
    compared_means,
    estimated,
    holm,
    joint_mean_of,
    runs_of_files,
)
from run_records import run_record, save_predicted, save_records

SIZE = 120
TASKS = {"rte": "accuracy", "cola": "mcc", "sts": "spearman"}
# Two have one run only, and not of all tasks.
SHARES = {"strong": 0.85, "middle": 0.75, "weak": 0.2, "one": 0.8, "other": 0.4}
SINGLE = ("one", "other")
# Its predictions are constant.
UNDEFINED = ("weak", 1)
# Of 1 to 12 examples.
DOCUMENTS = [f"document {int(np.sqrt(2 * i))}" for i in range(SIZE)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A table of accuracy, MCC and Spearman, with single runs and one without files.

    The examples of cola are of documents of unequal size, and a run on sts is undefined.
    """
    folder = tmp_path_factory.mktemp("numbers")
    random = np.random.default_rng(0)
    targets = {
        "rte": random.choice(["yes", "no"], SIZE),
        "cola": random.choice(["0", "1"], SIZE),
        "sts": np.round(random.uniform(0, 5, SIZE), 2),
    }
    for task, label, seed in itertools.product(targets, SHARES, range(4)):
        if label == "weak" and (task, seed) in (("rte", 3), ("cola", 3), ("cola", 2)):
            continue
        if label in SINGLE and (seed > 0 or task == "sts"):
            continue
        share = SHARES[label] + random.normal(0, 0.03)
        target = targets[task]
        if task == "sts":
            found = np.round(share * target + random.normal(0, 1, SIZE), 3)
            score = scipy.stats.spearmanr(target, found).statistic
            if (label, seed) == UNDEFINED:
                found, score = np.full(SIZE, 2.5), np.nan
        else:
            kept = random.random(SIZE) < share
            found = np.where(kept, target, random.choice(np.unique(target), SIZE))
            score = np.mean(found == target)
            if task == "cola":
                score = sklearn.metrics.matthews_corrcoef(target, found)
        record = run_record(
            label,
            task,
            seed,
            100 * float(score),
            collapsed=seed == 0 and label == "weak",
            params=14_000_000,
            train_flops=1e12,
            total_flops=1e15 + seed,
            result={
                "metrics": {TASKS[task]: 100 * float(score)},
                "main_metric": TASKS[task],
                "floor": 50.0 if task == "rte" else 0.0,
            },
        )
        run = folder / "runs" / f"{label}-{task}-{seed}"
        groups = DOCUMENTS if task == "cola" else None
        save_predicted(run, record, target.tolist(), found.tolist(), groups=groups)
    bare = run_record("bare", "rte", 0, 51.25, result={"num_examples": SIZE})
    save_records(folder / "runs" / "bare", [bare])
    content = build(folder)
    page = (folder / "out" / "leaderboard.html").read_text("utf-8")
    return content, page, Cells(folder / "runs")


def build(folder):
    """Builds the leaderboard of `runs` into `out`; returns its JSON."""
    command = [sys.executable, "-m", "electra_bench", "leaderboard", "build"]
    command += [str(folder / "runs"), "--out", str(folder / "out")]
    environment = {"ELECTRA_BENCH_CACHE": str(folder / "cache"), "PATH": ""}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return json.loads((folder / "out" / "leaderboard.json").read_text("utf-8"))


class Cells:
    """What the files say: scores, answers and records of every cell."""

    def __init__(self, folder: Path):
        self.scores, self.records, self.floors = {}, {}, {}
        self.undefined = set()
        files = {}
        for path in sorted(folder.rglob("record.json")):
            record = json.loads(path.read_text())
            [result] = record["results"]
            key = record["label"], result["task"]
            score = result["metrics"][result["main_metric"]]
            if score is None:
                score = result["floor"]
                self.undefined.add(key)
            self.scores.setdefault(key, []).append(score)
            self.records.setdefault(key[0], []).append(record)
            self.floors[key[1]] = result["floor"]
            if result["predictions_path"]:
                file = path.parent / result["predictions_path"]
                files.setdefault(key, []).append((file, score))
        self.runs = {key: runs_of_files(f, TASKS[key[1]]) for key, f in files.items()}


def rows_of(content):
    return {row["model"]: row for row in content["rows"]}


def test_cells(built):
    content, _, cells = built
    assert set(rows_of(content)) == {*SHARES, "bare"}
    for label, row in rows_of(content).items():
        for task in TASKS:
            scores = cells.scores.get((label, task))
            cell = row[task]
            if scores is None:
                assert (cell["value"], cell["count"]) == (None, 0)
                continue
            assert cell["value"] == cell["mean"] == pytest.approx(np.mean(scores))
            assert cell["median"] == pytest.approx(np.median(scores))
            assert (cell["low"], cell["high"]) == (min(scores), max(scores))
            assert cell["count"] == len(scores) == len(cell["runs"])
            is_undefined = (label, task) in cells.undefined
            shown = [0.0 if score is None else score for _, score in cell["runs"]]
            assert sorted(shown) == sorted(scores)
            assert (None in dict(cell["runs"]).values()) == is_undefined
            told = "1 undefined, counted as the floor" in cell["marks"]
            assert told == is_undefined
            if len(scores) > 1:
                assert cell["sd"] == pytest.approx(scipy.stats.tstd(scores))
            if label == "bare":
                assert cell["interval"] is None
                assert cell["no_interval"] == "no predictions (1 of 1)"
                continue
            ends = estimated(cells.runs[label, task]).ends
            assert cell["interval"] == pytest.approx(list(ends), rel=1e-6)
            low, high = cell["interval"]
            assert low <= cell["value"] <= high


def test_means_and_counts_of_rows(built):
    content, _, cells = built
    for label, row in rows_of(content).items():
        scores = [cells.scores.get((label, task)) for task in TASKS]
        if None in scores:
            assert row["mean"] is None
        else:
            expected = np.mean([np.mean(of_task) for of_task in scores])
            assert row["mean"] == pytest.approx(expected)
        records = cells.records[label]
        assert (row["collapsed"] or 0) == sum(r["collapsed"] for r in records)
        if label != "bare":
            assert row["params"] == int(np.median([r["params"] for r in records]))
            flops = [r["total_flops"] - r["train_flops"] for r in records]
            assert row["pretrain FLOPs"] == np.median(flops)
    floor = content["reference_rows"][0]
    assert {task: floor[task] for task in cells.floors} == cells.floors
    assert floor["mean"] == pytest.approx(np.mean(list(cells.floors.values())))


def expected_tests(content, cells):
    """(column, row, other row) to what a test must say."""
    found = {}
    labels = [row["model"] for row in content["rows"]]
    for (i, one), (j, other) in itertools.combinations(enumerate(labels), 2):
        of_tasks = []
        for task, metric in sorted(TASKS.items()):
            sides = [cells.runs.get((label, task)) for label in (one, other)]
            if None not in sides:
                found[task, i, j] = compared(*sides, metric)
                of_tasks.append(found[task, i, j])
        if len(of_tasks) == len(TASKS):
            found["mean", i, j] = compared_means(of_tasks)
    return found


def test_differences_ranks_and_detectable_differences(built):
    content, _, cells = built
    expected = expected_tests(content, cells)
    tests = {(d["column"], d["row"], d["other"]): d for d in content["differences"]}
    # "weak" has two runs of cola and more of the others, "bare" has no predictions.
    assert set(tests) == set(expected)
    names = {pair.name for pair in expected.values()}
    assert names == {"McNemar", "paired bootstrap", "crossed bootstrap"}
    p_values = holm([pair.p_value for pair in expected.values()])
    for (key, pair), p_adjusted in zip(expected.items(), p_values, strict=True):
        test = tests[key]
        assert test["value"] == pytest.approx(pair.estimate.value)
        assert [test["low"], test["high"]] == pytest.approx(list(pair.estimate.ends))
        assert test["p_value"] == pytest.approx(pair.p_value, rel=1e-5)
        assert test["p_adjusted"] == pytest.approx(p_adjusted, rel=1e-5)
        assert (test["test"], test["runs_only"]) == (pair.name, pair.runs_only)
        assert test["significant"] == (p_adjusted <= 0.05 and not pair.runs_only)
    of_runs = sum(test["runs_only"] for test in tests.values())
    said = f"{of_runs} more tests have one run on a side"
    assert 0 < of_runs < len(tests) and any(said in note for note in content["notes"])
    for number, row in enumerate(content["rows"]):
        better = sum(
            test["significant"]
            and number in (test["row"], test["other"])
            and (test["row"] == number) == (test["value"] < 0)
            for (column, _, _), test in tests.items()
            if column == "mean"
        )
        unranked = row["model"] in (*SINGLE, "bare")
        assert row["rank"] == (None if unranked else 1 + better)
    for column in ("cola", "rte", "sts", "mean"):
        estimates = [
            pair.estimate
            for (name, _, _), pair in expected.items()
            if name == column and not pair.runs_only
        ]
        error = np.sqrt(np.mean([one.error**2 for one in estimates]))
        freedom = scipy.stats.hmean([one.freedom for one in estimates])
        shown = float(content["details"][column].partition("difference ")[2])
        # At the level that the smallest of the p-values must reach.
        quantile = scipy.stats.t.isf(0.025 / len(expected), freedom)
        power = scipy.stats.nct.sf(quantile, freedom, shown / error)
        # It is shown with one decimal.
        assert power == pytest.approx(0.8, abs=0.05 / error)


def test_the_page_shows_the_same_numbers(built):
    content, page, _ = built
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    for row, shown in zip(content["rows"], body.split("<tr>")[1:], strict=True):
        cells = re.findall(r"<t[dh].*?</t[dh]>", shown, re.DOTALL)
        assert len(cells) == len(content["columns"])
        for name, cell in zip(content["columns"], cells, strict=True):
            text = unescape(re.sub(r"<[^>]*>", " ", cell))
            value = row[name]
            if value is None or (isinstance(value, dict) and value["value"] is None):
                assert text.split() == ["–"]
            elif isinstance(value, dict):
                assert text.split()[0] == f"{value['value']:.1f}"
                assert f"n={value['count']}" in text
                if value["sd"] is not None:
                    assert f"±{value['sd']:.1f}," in text
                if value["interval"] is not None:
                    low, high = value["interval"]
                    assert f"[{low:.1f}, {high:.1f}]" in text
                assert str(value["value"]) in cell
            elif name == "mean":
                assert text.split() == [f"{value:.1f}"]
            elif name == "pretrain FLOPs":
                assert float(text) == pytest.approx(value, rel=1e-2)
            else:
                written = f"{value:,}" if isinstance(value, int) else value
                assert text.split() == [written]
    claims = [d for d in content["differences"] if d["significant"]]
    table = page.partition('id="differences"')[2].partition("</table>")[0]
    rows = table.partition("<tbody>")[2].split("<tr>")[1:]
    assert len(rows) == len(claims) > 0
    for claim, shown in zip(claims, rows, strict=True):
        assert f">{abs(claim['value']):.2f}<" in shown
        assert f">{claim['p_adjusted']:.2g}<" in shown
        low, high = claim["low"], claim["high"]
        low, high = (low, high) if claim["value"] > 0 else (-high, -low)
        assert f">[{low:.2f}, {high:.2f}]<" in shown


def test_numbers_of_runs_that_share_pretrainings(tmp_path):
    """Two models with three pre-trainings, each fine-tuned twice on both tasks."""
    random = np.random.default_rng(1)
    sizes = {"cola": 100, "rte": 140}
    files = {}
    for label, start in itertools.product(("deep", "flat"), range(3)):
        share = random.normal(0.8 if label == "deep" else 0.6, 0.05)
        for (task, size), seed in itertools.product(sizes.items(), range(2)):
            right = random.random(size) < share + random.normal(0, 0.03)
            score = 100 * float(right.mean())
            record = run_record(
                label,
                task,
                seed,
                score,
                run_id=f"{label}-{start}-{task}-{seed}",
                parent_run_id=f"{label}-{start}",
                pretrain_seed=start,
            )
            run = tmp_path / "runs" / record.run_id
            answers = np.where(right, "1", "0").tolist()
            save_predicted(run, record, ["1"] * size, answers)
            path = run / "predictions" / f"{task}-dev.jsonl.gz"
            files.setdefault((label, task), []).append((path, score, start))
    content = build(tmp_path)
    cells = {}
    for key, of_cell in files.items():
        runs = runs_of_files([file[:2] for file in of_cell], "accuracy")
        cells[key] = averaged(runs, [start for _, _, start in of_cell])
        interval = rows_of(content)[key[0]][key[1]]["interval"]
        assert interval == pytest.approx(list(estimated(cells[key]).ends))
    rows = [row["model"] for row in content["rows"]]
    columns = {task: [cells[row, task] for row in rows] for task in sizes}
    expected = {task: estimated(*sides) for task, sides in columns.items()}
    expected["mean"] = joint_mean_of(list(columns.values()))
    assert len(content["differences"]) == len(expected)
    for test in content["differences"]:
        estimate = expected[test["column"]]
        assert test["value"] == pytest.approx(estimate.value)
        assert [test["low"], test["high"]] == pytest.approx(list(estimate.ends))
        assert test["p_value"] == pytest.approx(estimate.p_value, rel=1e-5)
