"""A model that has seen a task in pre-training beside models that have not."""

import itertools

import pytest
from run_records import run_record, save_predicted

from electra_bench.reports.collect.records import collect
from electra_bench.reports.cost import cost
from electra_bench.reports.render.write import build_table
from electra_bench.reports.wins import wins

RIGHT = {"seen": 90, "fair": 70, "weak": 20}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))


def collected(folder, contaminated, num_seeds=None):
    """Records with predictions on two tasks.

    Args:
        folder: where to write them.
        contaminated: label to the tasks that its pre-training has seen.
        num_seeds: label to the number of its runs where that is not three.
    """
    for label, task in itertools.product(RIGHT, ("cola", "rte")):
        for seed in range((num_seeds or {}).get(label, 3)):
            right = RIGHT[label] + seed
            record = run_record(
                label,
                task,
                seed,
                float(right),
                total_flops=1e15 + RIGHT[label],
                train_flops=0.0,
                contaminated={t: "in its corpus" for t in contaminated.get(label, ())},
            )
            answers = ["yes"] * right + ["no"] * (100 - right)
            run = folder / "runs" / record.run_id
            save_predicted(run, record, ["yes"] * 100, answers)
    return collect([str(folder / "runs")])


def labels(table, places):
    return {table.rows[place][table.columns.index("model")] for place in places}


def column(table, name):
    return {table.cell(row, "model"): table.cell(row, name) for row in table.rows}


def claims(table, name):
    return {
        (table.name(d.better), table.name(d.worse))
        for d in table.differences
        if d.significant and d.column == name
    }


def noted(table):
    return [note for note in table.notes if note.startswith("Contaminated")]


def test_its_lead_where_it_has_seen_the_task_is_no_claim(tmp_path):
    table = build_table(collected(tmp_path, {"seen": ["cola"]}))
    assert claims(table, "cola") == claims(table, "mean") == {("fair", "weak")}
    assert claims(table, "rte") == {
        ("seen", "fair"),
        ("seen", "weak"),
        ("fair", "weak"),
    }
    assert labels(table, table.best("cola")) == {"fair"}
    assert labels(table, table.best("rte")) == {"seen"}
    assert column(table, "rank") == {"seen": None, "fair": 1, "weak": 2}
    [note] = noted(table)
    assert note.startswith("Contaminated: seen in cola, mean. There a lead")


def test_a_row_that_is_worse_although_it_has_seen_the_task_is_worse(tmp_path):
    table = build_table(collected(tmp_path, {"weak": ["cola"]}))
    assert {("seen", "weak"), ("fair", "weak")} <= claims(table, "cola")
    assert column(table, "rank") == {"seen": 1, "fair": 2, "weak": None}


def test_rows_that_have_all_seen_a_task_are_compared_as_usual(tmp_path):
    table = build_table(collected(tmp_path, dict.fromkeys(RIGHT, ["cola"])))
    assert len(claims(table, "cola")) == 3
    assert labels(table, table.best("cola")) == {"seen"}
    assert column(table, "rank") == {"seen": 1, "fair": 2, "weak": 3}
    assert noted(table) == []


@pytest.mark.parametrize(
    "seen, of_mean, ranks",
    [
        # Different tasks: neither of the means is fair.
        ({"seen": ["cola"], "fair": ["rte"], "weak": []}, set(), [None, None, 1]),
        (
            {"seen": ["cola", "rte"], "fair": ["rte"], "weak": ["rte"]},
            {("fair", "weak")},
            [None, 1, 2],
        ),
    ],
)
def test_a_mean_is_fair_if_both_rows_have_seen_the_same(tmp_path, seen, of_mean, ranks):
    records = collected(tmp_path, seen)
    table = build_table(records)
    assert claims(table, "mean") == of_mean
    assert column(table, "rank") == dict(zip(RIGHT, ranks, strict=True))
    on_front = column(cost(replicates=100)(records), "front, pretrain FLOPs")
    expected = ["front" if rank else None for rank in ranks]
    assert on_front == dict(zip(RIGHT, expected, strict=True))


def test_beside_a_fair_row_of_one_run_there_is_no_rank_either(tmp_path):
    seen = {"seen": ["cola"], "weak": ["cola"]}
    table = build_table(collected(tmp_path, seen, num_seeds={"fair": 1}))
    assert column(table, "rank") == {"seen": None, "fair": None, "weak": None}


@pytest.mark.parametrize(
    "seen, expected",
    [
        ({}, {"seen", "fair", "weak"}),
        ({"seen": ["cola"]}, {"fair", "weak"}),
        (dict.fromkeys(RIGHT, ["cola"]), {"seen", "fair", "weak"}),
    ],
)
def test_it_is_not_on_the_front_of_costs(tmp_path, seen, expected):
    table = cost(replicates=100)(collected(tmp_path, seen))
    on_front = column(table, "front, pretrain FLOPs")
    assert {label for label, place in on_front.items() if place} == expected
    named = "; ".join(f"{label} in cola" for label in RIGHT if label in seen)
    assert [note.split(". ")[0] for note in noted(table)] == (
        [f"Contaminated: {named}"] if seen else []
    )


def test_a_front_is_of_the_rows_that_have_a_place_on_it(tmp_path):
    """A fair row without a mean keeps nobody from the front."""
    seen = {"seen": ["cola"], "weak": ["cola"]}
    records = [
        record
        for record in collected(tmp_path, seen)
        if (record.label, record.results[0].task) != ("fair", "rte")
    ]
    on_front = column(cost(replicates=100)(records), "front, pretrain FLOPs")
    assert on_front == {"seen": "front", "weak": "front", "fair": None}


def test_its_leads_are_no_wins(tmp_path):
    table = wins(replicates=100)(collected(tmp_path, {"seen": ["cola", "rte"]}))
    assert column(table, "wins") == {"seen": 0, "fair": 2, "weak": 0}
    [note] = noted(table)
    assert note.startswith("Contaminated: seen in cola, rte. ")
