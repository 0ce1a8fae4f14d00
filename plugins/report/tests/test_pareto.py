"""The report, and who beats whom."""

from electra_bench_pareto.report import beaten_by

from electra_bench.cli.main import main


def test_it_conforms():
    assert main(["validate", "plugin", "electra-bench-pareto"]) == 0


def test_a_model_is_beaten_by_a_better_one_that_costs_no_more():
    rows = [
        ("cheap", 1e15, 70.0),
        ("better", 2e15, 80.0),
        ("waste", 3e15, 75.0),
        ("unknown", None, 90.0),
        ("twin", 2e15, 80.0),
    ]
    found = {row[0]: beaten_by(row, rows) for row in rows}
    assert found == {
        "cheap": "-",
        "better": "-",
        "waste": "twin",
        "unknown": "unknown",
        "twin": "-",
    }
