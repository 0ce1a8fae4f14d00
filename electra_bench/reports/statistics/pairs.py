"""Tests of differences between cells, and between means over columns of cells."""

import contextlib
import functools
import itertools
import json
from collections.abc import Callable, Container, Mapping, Sequence
from importlib import metadata
from typing import NamedTuple

from electra_bench.reports.collect.lineage import clusters
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.store import Store, key_of
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.bootstrap import Resampled
from electra_bench.reports.statistics.significance import Estimate, Runs
from electra_bench.reports.table import SIGNIFICANCE_LEVEL, Difference
from electra_bench.system.source_closure import closure_sha256


class PairTest(NamedTuple):
    """A difference of two cells before it is set against the others of its table.

    Attributes:
        estimate: the difference.
        p_value: of the test.
        name: of the test.
        runs_only: whether a side has one run, or one pre-training where the row has more,
            so that nothing is known of other seeds.
    """

    estimate: Estimate
    p_value: float
    name: str
    runs_only: bool


def compared(one: Resampled, other: Resampled) -> PairTest:
    """Tests the difference of two cells.

    Raises:
        Unusable: they answered different examples, or these are grouped differently.
    """
    one.check_same_examples(other)
    estimate = significance.estimate(one.runs, other.runs)
    fewest, most = sorted([len(one.runs.scores), len(other.runs.scores)])
    if most == 1 and one.metric == "accuracy" and not one.groups.sha256:
        right = (side.replicates[0].quality for side in (one, other))
        return PairTest(estimate, significance.mcnemar(*right), "McNemar", True)
    name = "paired bootstrap" if most == 1 else "crossed bootstrap"
    return PairTest(estimate, estimate.p_value, name, fewest == 1)


# Row number to cell.
Column = Mapping[int, Resampled]
# (row, other row) to test.
Tests = dict[tuple[int, int], PairTest]


def tests_of_columns(
    columns: Mapping[str, Column], means: Mapping[str, Sequence[str]], store: Store
) -> dict[tuple[str, int, int], PairTest]:
    """All pairs of rows in all columns, and in means over some of them.

    Args:
        columns: the cells of every column.
        means: name of a mean to the columns that it is over.
        store: where the tests of a column are kept; a cell that changes makes them anew.

    Returns:
        (column or mean, row, other row) to test.
    """
    tests: dict[str, Tests] = {
        name: _kept(store, _tests_of_column, [cells]) for name, cells in columns.items()
    }
    for mean, in_mean in means.items():
        every = [columns[name] for name in in_mean]
        tests[mean] = _kept(store, _tests_of_mean, every)
    return {
        (name, *rows): test for name, of in tests.items() for rows, test in of.items()
    }


def _kept(
    store: Store,
    function: Callable[[Sequence[Column]], Tests],
    columns: Sequence[Column],
) -> Tests:
    content = [[(row, *_told(cell)) for row, cell in of.items()] for of in columns]
    key = key_of(function.__name__, _code(), content)
    known = store.get(key)
    if known is not None:
        return {
            (row, other): PairTest(Estimate._make((*numbers, tuple(limits))), *said)
            for row, other, (*numbers, limits), *said in json.loads(known)
        }
    found = function(columns)
    store.put(
        key, json.dumps([(*rows, *test) for rows, test in found.items()]).encode()
    )
    return found


@functools.cache
def _code() -> list[str]:
    """Code and versions of everything that tests."""
    return [closure_sha256([__name__]), *map(metadata.version, ("numpy", "scipy"))]


def _told(cell: Resampled) -> tuple:
    """All that tests of a cell are made of."""
    return cell.lineages, cell.metric, cell.replicates


def _tests_of_column(columns: Sequence[Column]) -> Tests:
    [cells] = columns
    tests = {}
    for row, other in itertools.combinations(sorted(cells), 2):
        with contextlib.suppress(Unusable):
            tests[row, other] = compared(cells[row], cells[other])
    return tests


def _tests_of_mean(columns: Sequence[Column]) -> Tests:
    """Pairs that are on the same examples in all columns."""
    rows = sorted(set.intersection(*map(set, columns)))
    runs = {row: _runs_of_row([cells[row] for cells in columns]) for row in rows}
    tests = {}
    for row, other in itertools.combinations(rows, 2):
        with contextlib.suppress(Unusable):
            for cells in columns:
                cells[row].check_same_examples(cells[other])
            sides = list(zip(runs[row], runs[other], strict=True))
            tests[row, other] = _compared_means(sides)
    return tests


def _compared_means(sides: Sequence[tuple[Runs, Runs]]) -> PairTest:
    estimate = significance.mean_over_columns(sides)
    has_one_run = any(len(runs.scores) == 1 for column in sides for runs in column)
    return PairTest(estimate, estimate.p_value, "crossed bootstrap", has_one_run)


def mean_over_columns(cells: Sequence[Resampled]) -> Estimate:
    """The mean over columns of the means over runs of one row."""
    return significance.mean_over_columns([(runs,) for runs in _runs_of_row(cells)])


def _runs_of_row(cells: Sequence[Resampled]) -> list[Runs]:
    """The runs of a row's cells, with clusters that go over all of them."""
    names = iter(clusters([one for cell in cells for one in cell.lineages]))
    return [
        cell.clustered(list(itertools.islice(names, len(cell.lineages))))
        for cell in cells
    ]


def differences(
    tests: Mapping[tuple[str, int, int], PairTest],
    correction: str,
    lower_is_better: Container[str],
) -> tuple[Difference, ...]:
    """The tests of a table, with p-values that account for their number.

    Args:
        tests: (column, row, other row) to test.
        correction: `holm` or `bh`.
        lower_is_better: columns where a smaller score is the better one.
    """
    adjusted = significance.adjusted([t.p_value for t in tests.values()], correction)
    return tuple(
        Difference(
            *key,
            test.estimate.value,
            test.estimate.low,
            test.estimate.high,
            test.p_value,
            p_adjusted,
            test.name,
            test.runs_only,
            higher_is_better=key[0] not in lower_is_better,
        )
        for (key, test), p_adjusted in zip(tests.items(), adjusted, strict=True)
    )


def detectable(
    tests: Mapping[tuple[str, int, int], PairTest], column: str
) -> float | None:
    """The true difference that a table claims in a column with about 80 % probability.

    A test must reach the level of the first step of the correction, whatever the others
    find. None without tests over several runs.
    """
    estimates = [
        test.estimate
        for (name, _, _), test in tests.items()
        if name == column and not test.runs_only and test.estimate.error > 0
    ]
    if not estimates:
        return None
    return significance.detectable(estimates, SIGNIFICANCE_LEVEL / len(tests))
