"""Scores against the cost of pre-training."""

import pytest
from run_records import run_record

from electra_bench.reports.cost import cost
from electra_bench.reports.render.drawing import figure

FLOPS = {"train_flops": 1e12}


def of_cost(label, task, score, flops):
    return run_record(label, task, 0, score, total_flops=1e12 + flops, **FLOPS)


def test_without_a_row_that_has_all_tasks_there_is_no_picture():
    table = cost()([of_cost("a", "cola", 60.0, 1e15), of_cost("b", "rte", 60.0, 1e15)])
    assert [table.cell(row, "score") for row in table.rows] == [None, None]
    assert table.plots == ()


def test_rows_stand_in_the_order_of_their_scores():
    # Medians would have a before b.
    runs = {"a": (50.0, 60.0, 61.0), "b": (59.0, 59.0, 59.0)}
    table = cost()(
        [
            run_record(label, "rte", s, score, total_flops=2e12, **FLOPS)
            for label, scores in runs.items()
            for s, score in enumerate(scores)
        ]
    )
    assert [table.cell(row, "model") for row in table.rows] == ["b", "a"]


def test_costs_that_are_nearly_equal_stand_together():
    [plot] = cost()(
        [of_cost("a", "rte", 60.0, 1.000e15), of_cost("b", "rte", 70.0, 1.001e15)]
    ).plots
    left, right = figure(plot).axes[0].get_xlim()
    assert right / left == pytest.approx(4.0)


def test_a_front_of_one_model_is_no_line():
    records = [of_cost("a", "rte", 60.0, 2e15), of_cost("b", "rte", 70.0, 1e15)]
    [plot] = cost()(records).plots
    assert [series.name for series in plot.series] == ["model"]
    assert "On the Pareto front: b." in plot.description
    [plot] = cost()([*records, of_cost("c", "rte", 50.0, 1e14)]).plots
    assert "from the cheapest: c, b." in plot.description
    assert plot.series[1].joined
