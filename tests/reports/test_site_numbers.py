"""Every number of the pages about tasks and costs, computed again from the files alone.

Nothing of electra_bench.reports is imported here; pages are read as a browser would.
"""

import gzip
import html
import itertools
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
from recomputed import (
    compared,
    compared_means,
    estimated,
    holm,
    mean_of,
    runs_of_files,
)
from site_records import MODELS, UNTRAINED, save_site_runs

DASH = "–"
METRICS = {"chunk": "tag_accuracy", "rte": "accuracy"}
# Rows of the leaderboard by a name that they alone have.
ROWS = {
    "small code_v1 pre-trained": {"label": "small", "protocol": "code_v1"},
    "small code_v1 after 0.5": {"label": "small", "pretrain_fraction": 0.5},
    "small fixed": {"label": "small", "protocol": "fixed"},
    "small code_v1*": {"label": "small", "protocol": "code_v1*"},
    "wide": {"label": "wide"},
    "<b>mlm</b>": {"label": "<b>mlm</b>"},
    UNTRAINED: {"label": UNTRAINED},
}


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


def row_runs(site, name, task):
    """The runs of a row; unless it says otherwise those without a part of pre-training."""
    return runs_of(site, task, **{"pretrain_fraction": None, **ROWS[name]})


def cell(site, name, task):
    """A cell for the statistics."""
    return runs_of_files(
        [
            (folder / r["results"][0]["predictions_path"], main_score(r))
            for r, folder in row_runs(site, name, task)
        ],
        METRICS[task],
    )


def main_score(record):
    [result] = record["results"]
    return result["metrics"][result["main_metric"]]


def check_score(text, scores, interval=None):
    """Checks a cell: mean, deviation, number of runs, perhaps an interval."""
    parts = [
        f"{statistics.mean(scores):.1f}",
        f"±{statistics.stdev(scores):.1f}, n={len(scores)}",
        bracketed(interval) if interval else "",
    ]
    assert text.replace("\n", "") == "".join(parts)


def bracketed(interval):
    low, high = interval
    return f"[{low:.1f}, {high:.1f}]"


def test_every_number_leads_to_records(site):
    """By the list of runs below its table, or by the record beside it."""
    for page in site[0].glob("*.html"):
        content = page.read_text("utf-8")
        for row in itertools.chain.from_iterable(tables(content)):
            if "run" in row:
                assert os.path.isfile(site[0] / row["run"][1][0])
                continue
            for name, (text, links) in row.items():
                # Models, and how much of pre-training they have seen, are names of rows.
                is_name = name in ("model", "pre-training")
                if is_name or not re.match(r"[+-]?\d", text):
                    continue
                [link] = links
                listed = re.search(
                    f'<section id="{link.removeprefix("#")}">(.*?)</section>',
                    content,
                    re.DOTALL,
                )
                records = re.findall(r'href="([^"]*record.json)"', listed[1])
                assert records, (page.name, row["model"], name)
                assert all(os.path.isfile(site[0] / one) for one in records)
                assert "<code>electra-bench " in listed[1]


def listed_runs(content, link):
    """The run_ids of a list below a table."""
    listed = content.partition(f'<section id="{link.removeprefix("#")}">')[2]
    return re.findall(r">([^<]*)</a>", listed.partition("</section>")[0])


def test_numbers_lead_to_the_runs_that_they_are_of(site):
    def ids(runs):
        return sorted(record["run_id"] for record, _ in runs)

    content = page_of(site, "seed_variance.html")
    [row] = [r for r in tables(content)[0] if r["model"][0] == "wide"]
    for task in METRICS:
        expected = ids(runs_of(site, task, label="wide"))
        assert sorted(listed_runs(content, *row[task][1])) == expected

    content = page_of(site, "index.html")
    [row] = [r for r in tables(content)[0] if r["model"][0] == "wide"]
    expected = sorted(i for t in METRICS for i in ids(runs_of(site, t, label="wide")))
    assert sorted(listed_runs(content, *row["mean"][1])) == expected

    content = page_of(site, "cost.html")
    [row] = [r for r in tables(content)[0] if r["model"][0] == "wide"]
    assert listed_runs(content, *row["pretrain seconds"][1]) == [
        record["run_id"]
        for record, _ in site[1]
        if (record["kind"], record["label"]) == ("pretrain", "wide")
    ]

    content = page_of(site, "quirk_cost.html")
    base, fixed, _ = tables(content)[0]
    for task in METRICS:
        sides = [listed_runs(content, *row[task][1]) for row in (fixed, base)]
        difference = listed_runs(content, *fixed[f"{task}, difference"][1])
        assert difference == [*sides[0], *sides[1]]


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
        assert row["loss"][0] == f"{result['metrics']['loss']:.3g}"
        assert row["marks"][0] == ("collapsed" if record["collapsed"] else DASH)
        [link] = row["run"][1]
        assert os.path.samefile(site[0] / link, folder / "record.json")
        _, verb, config, *where = shlex.split(row["repeat it"][0])
        assert (verb, where) == ("finetune", ["--workdir", "repeated"])
        assert os.path.samefile(os.path.dirname(config), folder)


def test_a_task_page_says_how_much_of_pretraining_a_run_has_seen(site):
    rows = tables(page_of(site, "task-rte.html"))[0]
    seen = {(row["model"][0], row["pre-training"][0]) for row in rows}
    assert seen == {
        ("small", "untold"),
        ("small", "0.5"),
        ("wide", "untold"),
        ("<b>mlm</b>", "untold"),
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
            scores = [100 * float(run[place][number]) for run in of_runs]
            check_score(row[name][0], scores)


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
        check_score(row[name][0], scores)


def test_a_learning_curve(site):
    page = page_of(site, "task-rte.html")
    [rows] = [t for t in tables(page) if "0.5" in t[0]]
    [row] = [r for r in rows if "1" in r and r["0.5"][0] != DASH]
    for column, name in (
        ("0.5", "small code_v1 after 0.5"),
        ("1", "small code_v1 pre-trained"),
    ):
        of_runs = cell(site, name, "rte")
        check_score(row[column][0], of_runs.scores.tolist(), estimated(of_runs).ends)


def mean_score(site, name):
    """The mean over tasks of the mean over runs, as it is shown."""
    mean = mean_of([estimated(cell(site, name, task)) for task in METRICS])
    return f"{mean.value:.1f} {bracketed(mean.ends)}"


def test_costs_and_their_front(site):
    rows = tables(page_of(site, "cost.html"))[0]
    shown = {(row["model"][0], row["protocol"][0]): row for row in rows}
    flops = {label: spent for label, (_, spent, _) in MODELS.items()} | {UNTRAINED: 0}
    for name, fields in ROWS.items():
        label, protocol = fields["label"], fields.get("protocol", "code_v1")
        part = {"small code_v1 after 0.5": " after 0.5 of pre-training"}.get(name)
        part = part or (" pre-trained" if label == "small" else "")
        # The only change of all, beside the same model without it.
        part += " (bias_correction True)" if protocol == "code_v1*" else ""
        row = shown.pop((label + part, protocol))
        assert row["score"][0] == mean_score(site, name)
        assert float(row["pretrain FLOPs"][0]) == flops[label]
        assert row["pretrain seconds"][0] == f"{flops[label] / 1e13:.0f}"
        # The others cost more than the best one, or as much, and score less.
        on_front = "front" if name in ("small code_v1 after 0.5", UNTRAINED) else DASH
        assert row["front, pretrain FLOPs"][0] == on_front
        assert row["front, pretrain seconds"][0] == on_front
    assert not shown


def test_significant_wins(site):
    content = page_of(site, "wins.html")
    [rows] = tables(content)
    names = [row["model"][0] for row in rows]
    assert sorted(names) == sorted(ROWS)
    tests = {}
    for one, other in itertools.combinations(names, 2):
        of_tasks = [
            compared(cell(site, one, task), cell(site, other, task), metric)
            for task, metric in METRICS.items()
        ]
        for task, pair in zip(METRICS, of_tasks, strict=True):
            tests[task, one, other] = pair
        tests["mean", one, other] = compared_means(of_tasks)
    adjusted = holm([pair.p_value for pair in tests.values()])
    wins = dict.fromkeys(itertools.permutations(names, 2), 0)
    for ((column, one, other), pair), p in zip(tests.items(), adjusted, strict=True):
        if column != "mean" and p <= 0.05:
            wins[(one, other) if pair.estimate.value > 0 else (other, one)] += 1
    assert sum(wins.values()) > 2
    for row, name in zip(rows, names, strict=True):
        for other in names:
            expected = str(wins[name, other]) if other != name else DASH
            assert row[f"over {other}"][0] == expected
        won = sum(count for (one, _), count in wins.items() if one == name)
        lost = sum(count for (_, other), count in wins.items() if other == name)
        assert (row["wins"][0], row["losses"][0]) == (str(won), str(lost))
    # The picture has the same numbers, row by row.
    [picture] = re.findall(r"<svg.*?</svg>", content, re.DOTALL)
    texts = [text_of(t) for t in re.findall(r"<text.*?</text>", picture, re.DOTALL)]
    shown = [text for text in texts if text.isdigit() or text == "·"]
    expected = [str(wins[p] or "·") for p in itertools.permutations(names, 2)]
    assert shown == expected


def test_what_a_quirk_costs(site):
    [rows] = tables(page_of(site, "quirk_cost.html"))
    assert [r["protocol"][0] for r in rows] == ["code_v1", "fixed", "code_v1*"]
    assert rows[2]["change"][0] == "training.adamw.bias_correction: False → True"
    names = ["small code_v1 pre-trained", "small fixed", "small code_v1*"]
    pairs = {
        (name, task): compared(cell(site, name, task), cell(site, names[0], task), m)
        for name in names[1:]
        for task, m in METRICS.items()
    }
    adjusted = holm([pair.p_value for pair in pairs.values()])
    p_values = dict(zip(pairs, adjusted, strict=True))
    for row, name in zip(rows, names, strict=True):
        for task in METRICS:
            runs = cell(site, name, task)
            check_score(row[task][0], runs.scores.tolist(), estimated(runs).ends)
            if name == names[0]:
                assert row[f"{task}, difference"][0] == DASH
                continue
            estimate, p = pairs[name, task].estimate, p_values[name, task]
            low, high = estimate.ends
            star = " *" if p <= 0.05 else ""
            assert row[f"{task}, difference"][0] == (
                f"{estimate.value:+.1f} [{low:.1f}, {high:.1f}], p = {p:.2g}{star}"
            )


def test_training_curves_end_where_the_logs_end(site):
    [rows] = tables(page_of(site, "training_curves.html"))
    for label, (_, flops, size) in MODELS.items():
        [row] = [r for r in rows if r["model"][0] == label]
        assert (row["seed"][0], row["steps"][0], row["tokens"][0]) == ("0", "4", "400")
        assert float(row["loss"][0]) == pytest.approx(1.25 + flops / 1e15, abs=0.005)
        assert row["disc_auc"][0] == ("0.9" if size else DASH)


def test_standard_deviations(site):
    [rows] = tables(page_of(site, "seed_variance.html"))
    assert len(rows) == len(ROWS)
    for task in METRICS:
        expected = [
            f"{scipy.stats.tstd(cell(site, name, task).scores):.2f}" for name in ROWS
        ]
        assert sorted(row[task][0] for row in rows) == sorted(expected)


def test_sizes_of_generators(site):
    [rows] = tables(page_of(site, "generator_size.html"))
    found = {(row["generator size"][0], row["score"][0]) for row in rows}
    expected = {("0.5", mean_score(site, "wide"))}
    expected |= {
        ("0.25", mean_score(site, name)) for name in ROWS if name.startswith("small")
    }
    assert found == expected
