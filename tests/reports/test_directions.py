"""Tasks with an error rate: what tells better from worse goes the other way round."""

import csv
import io
import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from recomputed import compared, estimated, holm, mean_of, runs_of_files
from run_records import run_record, save_predicted, save_records

from electra_bench import registry
from electra_bench.reports.collect.records import collect
from electra_bench.reports.compare.comparison import compare
from electra_bench.reports.compare.tables import to_json as compared_json
from electra_bench.reports.compare.tables import to_tables
from electra_bench.reports.leaderboard import leaderboard
from electra_bench.reports.render.files import to_csv, to_json
from electra_bench.reports.render.html import to_html
from electra_bench.reports.render.latex import to_latex
from electra_bench.reports.render.markdown import to_markdown
from electra_bench.reports.render.write import build_table
from electra_bench.tasks.metrics.weighted import WeightedMetric

SIZE = 80
# Shares of right answers; the labels' order is not theirs.
SHARES = {"b-good": 0.95, "c-fair": 0.92, "a-poor": 0.5}
BY_QUALITY = list(SHARES)


def error_rate(targets, predictions):
    """A plugin's metric: the share of wrong answers."""
    right = np.array([t == p for t, p in zip(targets, predictions, strict=True)], float)
    measured = WeightedMetric(
        right, lambda w: 100 * (w @ (1 - right)) / w.sum(-1), limits=(0.0, 100.0)
    )
    return {"error_rate": measured}


@pytest.fixture
def metric(monkeypatch):
    """The metric, as if a plugin were installed."""
    metrics = registry.metrics
    monkeypatch.setitem(metrics._things, "error_rate", error_rate)
    origin = registry.Origin(None, None, "test")
    monkeypatch.setitem(metrics._origins, "error_rate", origin)


@pytest.fixture
def card(monkeypatch):
    """The card of `mistakes`, as if a plugin were installed."""
    card = replace(
        registry.tasks.get("rte"),
        name="mistakes",
        main_metric="error_rate",
        higher_is_better=False,
        references=(),
    )
    monkeypatch.setitem(registry.tasks._things, "mistakes", card)


def of_errors(error, **changes):
    """Fields of a result with an error rate."""
    fields = {
        "metrics": {"error_rate": error},
        "main_metric": "error_rate",
        "higher_is_better": False,
        "floor": 50.0,
    }
    return fields | changes


def save_run(folder, label, task, seed, right, *, is_error=True, cost=1e15):
    """A run with predictions, from which of its answers are right."""
    targets = ["yes", "no"] * (SIZE // 2)
    found = [t if r else "?" for t, r in zip(targets, right, strict=True)]
    score = 100 * float(np.mean(~right if is_error else right))
    record = run_record(
        label,
        task,
        seed,
        score,
        result=of_errors(score) if is_error else {},
        train_flops=1e12,
        total_flops=1e12 + cost,
    )
    save_predicted(folder / f"{label}-{task}-{seed}", record, targets, found)


def save_runs(folder, task="mistakes", is_error=True, shares=SHARES, draws=0):
    """Three runs of every model; the first one is the cheapest."""
    random = np.random.default_rng(draws)
    for place, (label, share) in enumerate(shares.items()):
        for seed in range(3):
            right = random.random(SIZE) < share
            cost = 1e15 * (place + 1)
            save_run(folder, label, task, seed, right, is_error=is_error, cost=cost)


def cells_of(folder, task, metric):
    """Label to the runs of a task, for the statistics."""
    files = {}
    for path in sorted(folder.glob(f"*-{task}-*/record.json")):
        record = json.loads(path.read_text())
        [result] = record["results"]
        file = path.parent / result["predictions_path"]
        files.setdefault(record["label"], []).append((file, result["metrics"][metric]))
    return {label: runs_of_files(of_label, metric) for label, of_label in files.items()}


def recomputed_claims(cells, labels):
    """(better, worse) of every significant difference of error rates."""
    pairs = list(itertools.combinations(labels, 2))
    tests = [compared(cells[one], cells[other], "error_rate") for one, other in pairs]
    p_values = holm([test.p_value for test in tests])
    return {
        (one, other) if test.estimate.value < 0 else (other, one)
        for (one, other), test, p in zip(pairs, tests, p_values, strict=True)
        if p <= 0.05
    }


@pytest.fixture
def errors(tmp_path, metric):
    """The folder of runs with an error rate, their table and its significant claims."""
    folder = tmp_path / "runs"
    save_runs(folder)
    table = build_table(collect([str(folder)]))
    claims = recomputed_claims(cells_of(folder, "mistakes", "error_rate"), BY_QUALITY)
    assert claims == {("b-good", "a-poor"), ("c-fair", "a-poor")}
    return folder, table, claims


def column(table, name):
    return [table.cell(row, name) for row in table.rows]


def test_rows_ranks_best_cells_and_intervals(errors):
    folder, table, claims = errors
    assert column(table, "model") == BY_QUALITY
    means = [score.value for score in column(table, "mistakes")]
    assert means == sorted(means)
    ranks = [1 + sum(label == worse for _, worse in claims) for label in BY_QUALITY]
    assert column(table, "rank") == ranks == [1, 1, 3]
    assert table.best("mistakes") == {0, 1}
    cells = cells_of(folder, "mistakes", "error_rate")
    for label, score in zip(BY_QUALITY, column(table, "mistakes"), strict=True):
        assert score.interval == pytest.approx(estimated(cells[label]).ends)


def test_wins(errors):
    folder, _, claims = errors
    table = build_table(collect([str(folder)]), "wins")
    for row in table.rows:
        name = table.cell(row, "model")
        won = sum(better == name for better, _ in claims)
        lost = sum(worse == name for _, worse in claims)
        assert (table.cell(row, "wins"), table.cell(row, "losses")) == (won, lost)


def test_files(errors):
    _, table, claims = errors
    content = json.loads(to_json(table))
    assert content["lower_is_better"] == ["mistakes"]
    assert [row["model"] for row in content["rows"]] == BY_QUALITY
    significant = [d for d in content["differences"] if d["significant"]]
    assert len(significant) == len(claims)
    assert all(d["higher_is_better"] is False for d in content["differences"])
    header, *rows = csv.reader(io.StringIO(to_csv(table)))
    shown = [(r[header.index("model")], r[header.index("rank")]) for r in rows[:3]]
    assert shown == list(zip(BY_QUALITY, "113", strict=True))


def test_a_page_has_the_smallest_in_green_and_sorts_from_below(errors, tmp_path):
    _, table, claims = errors
    page = to_html(table, str(tmp_path))
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = body.split("<tr>")[1:]
    assert ['class="best' in row for row in rows] == [True, True, False]
    [header] = re.findall(r"<th [^>]*>(?=<button[^>]*>mistakes)", page)
    assert 'aria-sort="ascending" data-first="ascending"' in header
    assert "lower is better" in header
    without_links = re.sub(r"</?a\b[^>]*>", "", page)
    for better, worse in claims:
        assert f'>{better}</td><td class="text">{worse}</td>' in without_links


def test_print_names_the_better_model(errors):
    _, table, claims = errors
    text = to_markdown(table).replace("\\", "")
    for better, worse in claims:
        assert f"mistakes: {better} is better than {worse} by " in text
    assert text.count(" is better than ") == len(claims)
    assert "; lower is better" in text
    [poor] = [x for x in to_latex(table).splitlines() if " a-poor & " in x]
    assert r"\textbf" not in poor


def test_a_mean_leaves_the_other_direction_out(errors, tmp_path):
    folder, _, _ = errors
    # By accuracy the order is another one.
    shares = {"a-poor": 0.95, "c-fair": 0.8, "b-good": 0.5}
    save_runs(folder, "rte", is_error=False, shares=shares, draws=1)
    table = build_table(collect([str(folder)]))
    assert column(table, "model") == list(shares)
    assert column(table, "mean") == [score.value for score in column(table, "rte")]
    assert table.lower_is_better == ("mistakes",)
    assert "not in the mean" in table.details["mistakes"]
    note = "The mean is over columns where higher is better, without mistakes."
    assert note in table.notes
    floor = table.floor
    assert table.cell(floor, "mean") == table.cell(floor, "rte")
    means = {(d.row, d.other): d.value for d in table.differences if d.column == "mean"}
    of_rte = {(d.row, d.other): d.value for d in table.differences if d.column == "rte"}
    assert means == of_rte and len(means) == 3
    assert table.best("mistakes") == {1, 2}
    costs = build_table(collect([str(folder)]), "cost")
    assert costs.details["score"] == "mean over rte"
    assert costs.lower_is_better == ()


def test_a_mean_of_error_rates_alone_is_one(errors):
    folder, _, _ = errors
    save_runs(folder, "slips", draws=1)
    collected = collect([str(folder)])
    table = build_table(collected)
    assert table.lower_is_better == ("mean", "mistakes", "slips")
    assert column(table, "model") == BY_QUALITY
    assert column(table, "rank") == [1, 1, 3]
    cells = [cells_of(folder, task, "error_rate") for task in ("mistakes", "slips")]
    costs = build_table(collected, "cost")
    for label, score in zip(BY_QUALITY, column(costs, "score"), strict=True):
        mean = mean_of([estimated(of_task[label]) for of_task in cells])
        assert score.value == pytest.approx(mean.value)
        assert score.interval == pytest.approx(mean.ends)


def test_the_front_is_where_errors_are_few_for_their_cost(errors):
    folder, _, _ = errors
    table = build_table(collect([str(folder)]), "cost")
    # The best model is the cheapest one.
    assert column(table, "model") == BY_QUALITY
    assert column(table, "front, pretrain FLOPs") == ["front", None, None]
    assert table.lower_is_better == ("score",)
    assert table.plots[0].y == "mean score, 0 to 100, lower is better"


def test_a_comparison_counts_right_answers_and_says_the_direction(errors):
    folder, _, _ = errors
    comparison = compare(("b-good", "a-poor"), [str(folder)])
    [scores] = comparison.scores
    assert scores.difference < 0
    assert scores.better[0] > scores.better[1]
    assert "Lower is better in mistakes." in to_tables(comparison)[0].notes
    content = json.loads(compared_json(comparison))
    assert content["scores"][0]["higher_is_better"] is False


def test_the_pages_of_a_task_start_with_the_best_model(errors):
    folder, _, _ = errors
    table = build_table(collect([str(folder)]), "task_runs", ["mistakes"])
    assert list(dict.fromkeys(column(table, "model"))) == BY_QUALITY
    assert table.lower_is_better == ("error_rate",)
    assert [name for name, _ in table.plots[0].rows] == BY_QUALITY
    assert table.plots[0].x == "error_rate, 0 to 100, lower is better"


def old(label="a", task="mistakes", seed=0, error=10.0):
    """A record of an earlier version, which does not say the direction."""
    result = of_errors(error, higher_is_better=None)
    return run_record(label, task, seed, error, result=result)


def test_where_records_do_not_say_the_card_does(card):
    records = [old("a", error=10.0), old("b", error=5.0)]
    table = leaderboard()(records)
    assert table.lower_is_better == ("mistakes",)
    assert column(table, "model") == ["b", "a"]
    # A column without runs has the direction of its card.
    other = run_record("a", "rte", 0, 60.0)
    table = leaderboard(tasks=("rte", "mistakes"))([other])
    assert "The mean is over columns where higher is better, without mistakes." in (
        table.notes
    )


def test_records_say_it_where_the_task_is_not_installed(tmp_path):
    new = run_record("a", "mistakes", 0, 10.0, result=of_errors(10.0))
    save_records(tmp_path / "new", [new])
    assert build_table(collect([str(tmp_path / "new")])).lower_is_better == (
        "mistakes",
    )
    assert leaderboard()([old()]).lower_is_better == ()
    # What disagrees does not share a column.
    table = leaderboard()([old("a"), new])
    assert "mistakes higher is better" in table.columns
    assert table.lower_is_better == ("mistakes lower is better",)


@pytest.mark.parametrize("is_error", [True, False])
def test_no_interval_leaves_the_range_of_its_metric(tmp_path, metric, is_error):
    """Two runs far apart: Student's t with one degree of freedom goes far."""
    name = "error_rate" if is_error else "accuracy"
    folder = tmp_path / "runs"
    for seed, count in enumerate((2, 14)):
        counted = np.arange(SIZE) < count
        right = ~counted if is_error else counted
        save_run(folder, "m", "own", seed, right, is_error=is_error)
    expected = estimated(cells_of(folder, "own", name)["m"])
    assert expected.ends[0] == 0
    # The second table is built from the cache.
    for _ in range(2):
        table = build_table(collect([str(folder)]))
        [score] = column(table, "own")
        assert score.interval == pytest.approx(expected.ends)
