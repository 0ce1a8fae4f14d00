"""Every number of the pages about tasks and costs, computed again from the files alone.

Nothing of electra_bench.reports is imported here; pages are read as a browser would.
"""

import gzip
import html
import json
import os
import re
import shlex
import statistics
import subprocess
import sys

import pytest
import scipy.stats
import sklearn.metrics
from site_records import MODELS, UNTRAINED, save_site_runs

DASH = "–"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the pages, and the records with the folders that they are in."""
    folder = tmp_path_factory.mktemp("site")
    save_site_runs(folder / "runs")
    command = [sys.executable, "-m", "electra_bench", "leaderboard", "build"]
    command += [str(folder / "runs"), "--out", str(folder / "out"), "--format", "site"]
    environment = {"ELECTRA_BENCH_CACHE": str(folder / "cache"), "PATH": ""}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    records = [
        (json.loads(path.read_text("utf-8")), path.parent)
        for path in (folder / "runs").glob("*/record.json")
    ]
    return folder / "out", records


def tables(page):
    """The sortable tables of a page: rows of {column: (text, links)}."""
    found = []
    for table in re.findall(r'<table class="board".*?</table>', page, re.DOTALL):
        head, body = re.search(
            r"<thead>(.*)</thead>.*?<tbody>(.*)</tbody>", table, re.S
        ).groups()
        columns = [text_of(cell) for cell in re.findall(r"<th .*?</th>", head, re.S)]
        rows = []
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.S):
            cells = re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.S)
            assert len(cells) == len(columns)
            rows.append(
                {
                    name: (text_of(cell), re.findall(r'href="([^"]*)"', cell))
                    for name, cell in zip(columns, cells, strict=True)
                }
            )
        found.append(rows)
    return found


def text_of(markup):
    return html.unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def page_of(site, name):
    return (site[0] / name).read_text("utf-8")


def answers(record, folder):
    [result] = record["results"]
    with gzip.open(folder / result["predictions_path"], "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [x["target"] for x in lines], [x["prediction"] for x in lines]


def runs_of(site, task, **fields):
    return [
        (record, folder)
        for record, folder in site[1]
        if record["kind"] == "finetune"
        and record["results"][0]["task"] == task
        and all(record[name] == value for name, value in fields.items())
    ]


@pytest.mark.parametrize("task", ["rte", "chunk"])
def test_a_task_page_has_a_row_a_run(site, task):
    rows = tables(page_of(site, f"task-{task}.html"))[0]
    by_run = {row["run"][0]: row for row in rows}
    expected = runs_of(site, task)
    assert len(rows) == len(expected) == len(by_run)
    for record, folder in expected:
        row, [result] = by_run[record["run_id"]], record["results"]
        assert row["model"][0] == record["label"]
        assert row["seed"][0] == str(record["seed"])
        assert (
            row[result["main_metric"]][0]
            == f"{result['metrics'][result['main_metric']]:.1f}"
        )
        assert row["loss"][0] == f"{result['metrics']['loss']:.1f}"
        assert row["marks"][0] == ("collapsed" if record["collapsed"] else DASH)
        [link] = row["run"][1]
        assert os.path.samefile(site[0] / link, folder / "record.json")
        config = shlex.split(row["repeat it"][0])[-1]
        assert row["repeat it"][0].startswith("electra-bench finetune ")
        assert os.path.samefile(os.path.dirname(config), folder)


def test_a_task_page_says_how_much_of_pretraining_a_run_has_seen(site):
    rows = tables(page_of(site, "task-rte.html"))[0]
    seen = {(row["model"][0], row["pre-training"][0]) for row in rows}
    assert seen == {
        ("small", "all"),
        ("small", "0.5"),
        ("wide", "all"),
        ("<b>mlm</b>", "all"),
        (UNTRAINED, "none"),
    }


def test_scores_of_classes(site):
    rows = tables(page_of(site, "task-rte.html"))[1]
    expected = runs_of(site, "rte", label="wide")
    of_runs = [
        sklearn.metrics.precision_recall_fscore_support(
            *answers(*run), labels=["no", "maybe", "yes"], zero_division=0
        )
        for run in expected
    ]
    for measure, place in (("precision", 0), ("accuracy", 1), ("F1", 2)):
        [row] = [
            r for r in rows if (r["model"][0], r["measure"][0]) == ("wide", measure)
        ]
        for number, name in enumerate(("no", "maybe", "yes")):
            median = statistics.median(100 * run[place][number] for run in of_runs)
            assert row[name][0].split("\n")[0] == f"{median:.1f}"


def test_scores_of_lengths(site):
    page = page_of(site, "task-chunk.html")
    [rows] = [t for t in tables(page) if "2–3" in t[0]]
    [row] = [r for r in rows if r["model"][0] == "wide"]
    for name, (low, high) in {"1": (1, 1), "2–3": (2, 3), "4–7": (4, 7)}.items():
        scores = []
        for run in runs_of(site, "chunk", label="wide"):
            pairs = [
                t == p
                for target, found in zip(*answers(*run), strict=True)
                if low <= len(target) <= high
                for t, p in zip(target, found, strict=True)
            ]
            scores.append(100 * sum(pairs) / len(pairs))
        assert row[name][0].split("\n")[0] == f"{statistics.median(scores):.1f}"


def test_a_learning_curve(site):
    page = page_of(site, "task-rte.html")
    [rows] = [t for t in tables(page) if "0.5" in t[0]]
    [row] = [r for r in rows if "1" in r and r["0.5"][0] != DASH]
    for column, fraction in (("0.5", 0.5), ("1", None)):
        runs = runs_of(
            site, "rte", label="small", protocol="code_v1", pretrain_fraction=fraction
        )
        median = statistics.median(
            r["results"][0]["metrics"]["accuracy"] for r, _ in runs
        )
        assert row[column][0].split("\n")[0] == f"{median:.1f}"


def mean_of(site, **fields):
    return statistics.mean(
        statistics.mean(
            next(iter(r["results"][0]["metrics"].values()))
            for r, _ in runs_of(site, task, **fields)
        )
        for task in ("chunk", "rte")
    )


def test_costs_and_their_front(site):
    [rows] = tables(page_of(site, "cost.html"))
    for label in ("wide", "<b>mlm</b>"):
        [row] = [r for r in rows if r["model"][0] == label]
        assert row["score"][0].split(" ")[0] == f"{mean_of(site, label=label):.2f}"
        flops = MODELS[label][1]
        assert float(row["pretrain FLOPs"][0]) == flops
        assert row["pretrain seconds"][0] == f"{flops / 1e13:.0f}"
        # The small model costs less and scores more.
        assert row["front, pretrain FLOPs"][0] == DASH
    front = [r for r in rows if r["front, pretrain FLOPs"][0] == "front"]
    best = max(float(r["score"][0].split(" ")[0]) for r in rows)
    assert float(front[0]["score"][0].split(" ")[0]) == best
    # What costs nothing is on the front, too.
    [untrained] = front[1:]
    assert untrained["model"][0] == UNTRAINED
    assert (
        untrained["score"][0].split(" ")[0] == f"{mean_of(site, label=UNTRAINED):.2f}"
    )
    assert untrained["pretrain FLOPs"][0] == untrained["pretrain seconds"][0] == "0"


def test_what_a_quirk_costs(site):
    [rows] = tables(page_of(site, "quirk_cost.html"))
    assert [r["protocol"][0] for r in rows] == ["code_v1", "fixed", "code_v1*"]
    assert rows[2]["change"][0] == "training.adamw.bias_correction: False → True"
    scores = {
        protocol: [
            r["results"][0]["metrics"]["accuracy"]
            for r, _ in runs_of(
                site, "rte", label="small", protocol=protocol, pretrain_fraction=None
            )
        ]
        for protocol in ("code_v1", "fixed", "code_v1*")
    }
    for row in rows[1:]:
        of_row = scores[row["protocol"][0]]
        difference = statistics.mean(of_row) - statistics.mean(scores["code_v1"])
        shown = re.match(
            r"([+-][\d.]+) \[([+-]?[\d.]+), ([+-]?[\d.]+)\], p = (\S+)",
            row["rte, difference"][0],
        )
        assert float(shown[1]) == pytest.approx(difference, abs=0.0051)
        # Ends lie as far below as above.
        assert float(shown[2]) + float(shown[3]) == pytest.approx(
            2 * difference, abs=0.11
        )
        assert 0 <= float(shown[4]) <= 1


def test_training_curves_end_where_the_logs_end(site):
    [rows] = tables(page_of(site, "training_curves.html"))
    for label, (_, flops, size) in MODELS.items():
        [row] = [r for r in rows if r["model"][0] == label]
        assert row["tokens"][0] == "400"
        assert float(row["loss"][0]) == pytest.approx(1.25 + flops / 1e15, abs=0.005)
        assert row["disc_auc"][0] == ("0.9" if size else DASH)


def test_standard_deviations(site):
    [rows] = tables(page_of(site, "seed_variance.html"))
    [row] = [r for r in rows if r["model"][0] == "wide"]
    scores = [
        r["results"][0]["metrics"]["accuracy"]
        for r, _ in runs_of(site, "rte", label="wide")
    ]
    assert row["rte"][0] == f"{scipy.stats.tstd(scores):.3g}"


def test_sizes_of_generators(site):
    [rows] = tables(page_of(site, "generator_size.html"))
    sizes = {(r["model"][0].split(" ")[0], r["generator size"][0]) for r in rows}
    assert sizes == {("small", "0.25"), ("wide", "0.5")}
