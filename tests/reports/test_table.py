import pytest

from electra_bench.reports import table as tables
from electra_bench.reports.table import Difference, Score, Table


def test_a_row_must_fit_the_columns():
    with pytest.raises(ValueError, match="1 values for 2 columns"):
        Table(("model", "a"), (("x",),))


def test_runs_are_of_all_rows_or_of_none():
    runs = ({"rte": (("a-rte-0", 60.0),)},)
    table = Table(("model", "wins"), (("a", 1),), runs=runs)
    assert table.behind(0) == runs[0]
    assert tables.run_ids(table) == {"a-rte-0"}
    with pytest.raises(ValueError, match="runs of 1 rows, the table has 2"):
        Table(("model", "wins"), (("a", 1), ("b", 0)), runs=runs)


@pytest.mark.parametrize("names", [{"rank_by": "b"}, {"metrics": ("b",)}])
def test_columns_with_a_meaning_must_exist(names):
    with pytest.raises(ValueError, match="'b' is no column"):
        Table(("model", "a"), (), **names)


def test_columns_must_differ():
    with pytest.raises(ValueError, match="must differ"):
        Table(("model", "a", "a"), ())


def test_best_is_nothing_without_a_rival():
    assert not Table(("model", "a"), (("x", 1.0), ("y", None))).best("a")
    assert Table(("model", "a"), (("x", 1.0), ("y", Score(2.0)))).best("a") == {1}


def test_best_is_the_smallest_where_lower_is_better():
    rows = (("x", 1.0), ("y", Score(2.0)), ("z", None))
    table = Table(("model", "a"), rows, metrics=("a",), lower_is_better=("a",))
    assert table.best("a") == {0}
    assert table.described == {"a": "lower is better"}
    with pytest.raises(ValueError, match="'b' is no column"):
        Table(("model", "a"), (), lower_is_better=("b",))


def difference(row, other, value, p_adjusted, **changes):
    fields = {"low": 0.0, "high": 0.0, "p_value": p_adjusted, "test": "t"}
    fields |= {"runs_only": False} | changes
    return Difference("a", row, other, value, p_adjusted=p_adjusted, **fields)


def test_best_is_what_no_row_is_significantly_better_than():
    rows = (("x", 3.0), ("y", 2.0), ("z", 1.0), ("untested", 9.0))
    tests = (
        difference(0, 1, 1.0, 0.2),
        difference(0, 2, 2.0, 0.01),
        difference(2, 1, -1.0, 0.2),
    )
    assert Table(("model", "a"), rows, differences=tests).best("a") == {0, 1}
    assert not Table(("model", "a"), rows, differences=tests[:1]).best("a")
    runs_only = (difference(0, 1, 1.0, 0.0, runs_only=True),)
    assert not Table(("model", "a"), rows, differences=runs_only).best("a")


def test_a_claim_names_the_row_with_fewer_errors_as_the_better_one():
    rows = (("x", 3.0), ("y", 1.0))
    test = difference(0, 1, 2.0, 0.01, low=0.5, high=3.5, higher_is_better=False)
    table = Table(("model", "a"), rows, differences=(test,), lower_is_better=("a",))
    assert tables.claim(table, test).startswith(
        "a: y is better than x by 2.00 [0.50, 3"
    )
    assert table.best("a") == {1}


def test_a_claim_tells_rows_of_one_label_apart():
    rows = (("a", "fixed", 3.0), ("a", "code_v1", 1.0), ("b", "fixed", 0.5))
    tests = (difference(0, 1, 2.0, 0.01), difference(1, 2, -0.5, 0.01))
    table = Table(("model", "protocol", "a"), rows, differences=tests)
    said = [tables.claim(table, test) for test in tests]
    assert said[0].startswith("a: a, fixed is better than a, code_v1 by 2.00")
    assert said[1].startswith("a: b is better than a, code_v1 by 0.50")


def test_missing_values_are_dashes():
    assert tables.text(None) == "–"
    assert tables.text(Score(None)) == "–"
    assert tables.text(0.0, metric=True) == "0.0"


def test_a_score_explains_itself():
    score = Score(70.0, 2, 1.5, 69.0, 71.0, marks=("1 collapsed",), median=70.0)
    assert tables.spread(score) == "±1.5, n=2"
    assert tables.explain(score) == (
        "mean of 2 runs, standard deviation 1.50, 69.00 to 71.00, median 70.00, "
        "1 collapsed"
    )
    assert tables.spread(Score(70.0, 1)) == "n=1"
    assert tables.explain(Score(None)) == "no score"
    one = Score(70.0, 1, interval=(68.0, 72.0))
    said = "one run, 95 % interval of this run, over examples only, 68.00 to 72.00"
    assert tables.explain(one) == said
