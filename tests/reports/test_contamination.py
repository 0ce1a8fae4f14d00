"""A model that has seen a task in pre-training beside models that have not."""

import itertools

import pytest
from run_records import run_record, save_predicted

from electra_bench.reports.collect import collect
from electra_bench.reports.cost import cost
from electra_bench.reports.write import build_table

RIGHT = {"seen": 90, "fair": 70, "weak": 20}
WHY = {"cola": "its corpus has the sentences"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))


def collected(folder, contaminated):
    """Records with predictions: (label, share of right answers) on two tasks."""
    for label, task, seed in itertools.product(RIGHT, ("cola", "rte"), range(3)):
        right = RIGHT[label] + seed
        fields = {"total_flops": 1e15 + RIGHT[label], "train_flops": 0.0}
        if label in contaminated:
            fields["contaminated"] = WHY
        record = run_record(label, task, seed, float(right), **fields)
        answers = ["yes"] * right + ["no"] * (100 - right)
        run = folder / "runs" / record.run_id
        save_predicted(run, record, ["yes"] * 100, answers)
    return collect([str(folder / "runs")])


def labels(table, places):
    return {table.rows[place][table.columns.index("model")] for place in places}


def ranks(table):
    return {table.cell(row, "model"): table.cell(row, "rank") for row in table.rows}


def claims(table, column):
    return {
        (table.name(d.better), table.name(d.worse))
        for d in table.differences
        if d.significant and d.column == column
    }


def test_its_lead_where_it_has_seen_the_task_is_no_claim(tmp_path):
    table = build_table(collected(tmp_path, {"seen"}))
    assert claims(table, "cola") == claims(table, "mean") == {("fair", "weak")}
    assert claims(table, "rte") == {
        ("seen", "fair"),
        ("seen", "weak"),
        ("fair", "weak"),
    }
    assert labels(table, table.best("cola")) == {"fair"}
    assert labels(table, table.best("rte")) == {"seen"}
    assert ranks(table) == {"seen": None, "fair": 1, "weak": 2}
    [note] = [note for note in table.notes if note.startswith("Contaminated")]
    assert note.startswith("Contaminated: seen in cola, mean. There a lead")


def test_a_row_that_is_worse_although_it_has_seen_the_task_is_worse(tmp_path):
    table = build_table(collected(tmp_path, {"weak"}))
    assert {("seen", "weak"), ("fair", "weak")} <= claims(table, "cola")
    assert ranks(table) == {"seen": 1, "fair": 2, "weak": None}


def test_rows_that_have_all_seen_a_task_are_compared_as_usual(tmp_path):
    table = build_table(collected(tmp_path, set(RIGHT)))
    assert len(claims(table, "cola")) == 3
    assert labels(table, table.best("cola")) == {"seen"}
    assert ranks(table) == {"seen": 1, "fair": 2, "weak": 3}
    assert not any(note.startswith("Contaminated") for note in table.notes)


@pytest.mark.parametrize(
    "contaminated, expected",
    [
        (set(), {"seen", "fair", "weak"}),
        ({"seen"}, {"fair", "weak"}),
        (set(RIGHT), {"seen", "fair", "weak"}),
    ],
)
def test_it_is_not_on_the_front_of_costs(tmp_path, contaminated, expected):
    table = cost(replicates=100)(collected(tmp_path, contaminated))
    on_front = {
        table.cell(row, "model")
        for row in table.rows
        if table.cell(row, "front, pretrain FLOPs") == "front"
    }
    assert on_front == expected
