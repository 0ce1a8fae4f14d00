"""Every number of a leaderboard, computed again from records and predictions alone.

Nothing of electra_bench.reports is imported here; the table is built by the command line.
docs/design/statistics.md says what the numbers are.
"""

import gzip
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
from run_records import run_record, save_predicted, save_records

SIZE, REPLICATES = 120, 1000
LABELS = ("strong", "middle", "weak")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A table of accuracy, MCC and Spearman, with a single run and one without files."""
    folder = tmp_path_factory.mktemp("numbers")
    random = np.random.default_rng(0)
    targets = {
        "rte": random.choice(["yes", "no"], SIZE),
        "cola": random.choice(["0", "1"], SIZE),
        "sts": np.round(random.uniform(0, 5, SIZE), 2),
    }
    metric = {"rte": "accuracy", "cola": "mcc", "sts": "spearman"}
    for task, label, seed in itertools.product(targets, LABELS, range(4)):
        if label == "weak" and (task, seed) in (("rte", 3), ("cola", 3), ("cola", 2)):
            continue
        share = {"strong": 0.85, "middle": 0.75, "weak": 0.2}[label]
        share += random.normal(0, 0.03)
        target = targets[task]
        if task == "sts":
            found = np.round(share * target + random.normal(0, 1, SIZE), 3)
            score = scipy.stats.spearmanr(target, found).statistic
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
            params=14_000_000 + seed,
            train_flops=1e12,
            total_flops=1e15 + seed,
            result={
                "metrics": {metric[task]: 100 * float(score)},
                "main_metric": metric[task],
                "floor": 50.0 if task == "rte" else 0.0,
            },
        )
        run = folder / "runs" / f"{label}-{task}-{seed}"
        save_predicted(run, record, target.tolist(), found.tolist())
    bare = run_record("bare", "rte", 0, 51.25, result={"num_examples": SIZE})
    save_records(folder / "runs" / "bare", [bare])
    command = [sys.executable, "-m", "electra_bench", "leaderboard", "build"]
    command += [str(folder / "runs"), "--out", str(folder / "out")]
    environment = {"ELECTRA_BENCH_CACHE": str(folder / "cache"), "PATH": ""}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    content = json.loads((folder / "out" / "leaderboard.json").read_text("utf-8"))
    page = (folder / "out" / "leaderboard.html").read_text("utf-8")
    return content, page, Cells(folder / "runs")


class Cells:
    """What the files say: scores and replicates of every cell."""

    def __init__(self, folder: Path):
        self.scores, self.records, self.samples, self.floors = {}, {}, {}, {}
        for path in sorted(folder.rglob("record.json")):
            record = json.loads(path.read_text())
            [result] = record["results"]
            key = record["label"], result["task"]
            score = result["metrics"][result["main_metric"]]
            self.scores.setdefault(key, []).append(score)
            self.records.setdefault(key[0], []).append(record)
            self.floors[key[1]] = result["floor"]
            if result["predictions_path"]:
                file = path.parent / result["predictions_path"]
                samples = replicates(file, result["main_metric"])
                self.samples.setdefault(key, []).append(samples)


def replicates(path, metric):
    with gzip.open(path, "rt") as file:
        lines = sorted(map(json.loads, file), key=lambda line: line["id"])
    targets = np.array([line["target"] for line in lines])
    found = np.array([line["prediction"] for line in lines])
    drawn = np.random.default_rng([SIZE, 0]).integers(SIZE, size=(REPLICATES, SIZE))
    if metric == "accuracy":
        return 100 * np.mean((targets == found)[drawn], -1)
    if metric == "spearman":
        sides = [
            scipy.stats.rankdata(side[drawn], axis=-1) for side in (targets, found)
        ]
    else:
        # Of two classes, Matthews' is Pearson's correlation.
        sides = [(side == "1")[drawn].astype(float) for side in (targets, found)]
    x, y = (side - side.mean(-1, keepdims=True) for side in sides)
    return 100 * np.sum(x * y, -1) / np.sqrt(np.sum(x * x, -1) * np.sum(y * y, -1))


def seeds_part(scores, samples):
    """Variance of a mean over runs beyond that of the examples; before it is cut at 0."""
    count = len(scores)
    by_chance = np.mean(np.var(samples, axis=1)) - np.var(np.mean(samples, 0))
    total = np.var(scores, ddof=1) / count
    return max(0, total - by_chance / (count - 1)), total, count - 1


def estimated(*sides):
    """Value, error and degrees of freedom of a mean, or of a difference of two."""
    value = np.mean(sides[0][0])
    samples = np.mean(sides[0][1], 0)
    if len(sides) == 2:
        value, samples = value - np.mean(sides[1][0]), samples - np.mean(sides[1][1], 0)
    parts = [(np.var(samples), np.var(samples), SIZE - 1)]
    parts += [seeds_part(*side) for side in sides if len(side[0]) > 1]
    return welch(value, parts)


def welch(value, parts):
    variance = sum(part for part, _, _ in parts)
    freedom = variance**2 / sum(scale**2 / free for _, scale, free in parts)
    freedom = max(freedom, min(free for _, _, free in parts))
    return value, np.sqrt(variance), freedom


def ends(estimate):
    value, error, freedom = estimate
    return scipy.stats.t.interval(0.95, freedom, value, error)


def p_value(estimate):
    value, error, freedom = estimate
    return 2 * scipy.stats.t.sf(abs(value) / error, freedom)


def side(cells, label, task):
    return np.array(cells.scores[label, task]), np.array(cells.samples[label, task])


def rows_of(content):
    return {row["model"]: row for row in content["rows"]}


def test_cells(built):
    content, _, cells = built
    assert set(rows_of(content)) == {*LABELS, "bare"}
    for label, row in rows_of(content).items():
        for task in ("rte", "cola", "sts"):
            scores = cells.scores.get((label, task))
            cell = row[task]
            if scores is None:
                assert (cell["value"], cell["count"]) == (None, 0)
                continue
            assert cell["value"] == pytest.approx(np.median(scores))
            assert cell["mean"] == pytest.approx(np.mean(scores))
            assert (cell["low"], cell["high"]) == (min(scores), max(scores))
            assert cell["count"] == len(scores) == len(cell["runs"])
            assert sorted(score for _, score in cell["runs"]) == sorted(scores)
            if len(scores) > 1:
                assert cell["sd"] == pytest.approx(scipy.stats.tstd(scores))
            if label == "bare":
                assert cell["interval"] is None
                assert cell["no_interval"] == "no predictions (1 of 1)"
                continue
            low, high = ends(estimated(side(cells, label, task)))
            assert cell["interval"] == pytest.approx([low, min(high, 100)], rel=1e-6)


def test_means_medians_and_counts_of_rows(built):
    content, _, cells = built
    for label, row in rows_of(content).items():
        scores = [cells.scores.get((label, task)) for task in ("rte", "cola", "sts")]
        if None in scores:
            assert row["mean"] is None
        else:
            expected = np.mean([np.median(of_task) for of_task in scores])
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
    """(column, better written first) to estimate."""
    found = {}
    labels = [row["model"] for row in content["rows"]]
    for one, other in itertools.combinations([x for x in labels if x != "bare"], 2):
        of_tasks = []
        for task in ("cola", "rte", "sts"):
            estimate = estimated(side(cells, one, task), side(cells, other, task))
            found[task, labels.index(one), labels.index(other)] = estimate
            of_tasks.append(estimate)
        value = np.mean([estimate[0] for estimate in of_tasks])
        parts = [((e / 3) ** 2, (e / 3) ** 2, free) for _, e, free in of_tasks]
        found["mean", labels.index(one), labels.index(other)] = welch(value, parts)
    return found


def test_differences_ranks_and_detectable_differences(built):
    content, _, cells = built
    expected = expected_tests(content, cells)
    tests = {(d["column"], d["row"], d["other"]): d for d in content["differences"]}
    # "weak" has two runs of cola and more of the others, "bare" has no predictions.
    assert set(tests) == set(expected)
    p_values = [p_value(estimate) for estimate in expected.values()]
    order = np.argsort(p_values)
    steps = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    for (key, estimate), p, p_adjusted in zip(
        expected.items(), p_values, adjusted, strict=True
    ):
        test = tests[key]
        assert test["value"] == pytest.approx(estimate[0])
        assert [test["low"], test["high"]] == pytest.approx(list(ends(estimate)))
        assert test["p_value"] == pytest.approx(p, rel=1e-5)
        assert test["p_adjusted"] == pytest.approx(p_adjusted, rel=1e-5)
        assert test["significant"] == (p_adjusted <= 0.05)
    for number, row in enumerate(content["rows"]):
        better = sum(
            test["significant"]
            and number in (test["row"], test["other"])
            and (test["row"] == number) == (test["value"] < 0)
            for (column, _, _), test in tests.items()
            if column == "mean"
        )
        assert row["rank"] == (None if row["model"] == "bare" else 1 + better)
    for column in ("cola", "rte", "sts", "mean"):
        estimates = [e for (name, _, _), e in expected.items() if name == column]
        error = np.sqrt(np.mean([e**2 for _, e, _ in estimates]))
        freedom = scipy.stats.hmean([free for _, _, free in estimates])
        shown = float(content["details"][column].partition("difference ")[2])
        power = scipy.stats.nct.sf(
            scipy.stats.t.ppf(0.975, freedom), freedom, shown / error
        )
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
