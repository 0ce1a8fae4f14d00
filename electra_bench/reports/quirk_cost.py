"""What the quirks of the original code cost: code_v1, fixed, and every quirk alone."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.cells import ColumnKey
from electra_bench.reports.board.one_task import changes
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.board.scores import Board, board_of
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.bootstrap import REPLICATES, Bootstrap
from electra_bench.reports.statistics.pairs import PairTest, compared
from electra_bench.reports.table import (
    SIGNIFICANCE_LEVEL,
    Bounded,
    NothingToShow,
    Score,
    Table,
    Value,
)

BASE, FIXED = "code_v1", "fixed"
# (row, column) to its test against the row of the same model under `BASE`.
Tests = Mapping[tuple[RowKey, ColumnKey], PairTest]


class Model(NamedTuple):
    """A model under the original's protocol and under others.

    Attributes:
        name: its label, and how much pre-training it has seen where that differs.
        base: the row under `BASE`.
        others: rows under `FIXED`, and under `BASE` with one change.
    """

    name: str
    base: RowKey
    others: list[RowKey]


@reports.register("quirk_cost")
def quirk_cost(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
    max_rows: int = 200,
    correction: str = "holm",
    replicates: int = REPLICATES,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Args:
        tasks: tasks to show, in this order; None shows all, see `columns_of`.
        labels: models to show; None shows all.
        kinds: kinds of run that count.
        max_rows: of the leaderboard, the best so many are looked at.
        correction: for the number of tests: `holm` or `bh`.
        replicates: bootstrap samples.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        board = board_of(records, tasks, labels, kinds, max_rows)
        models = _models(board)
        if not models:
            raise NothingToShow(
                f"no model has runs under {BASE} and under {FIXED} or {BASE} with one "
                "change"
            )
        bootstrap = Bootstrap(records, replicates)
        tests = _tests(board, models, bootstrap)
        p_values = [test.p_value for test in tests.values()]
        adjusted = dict(
            zip(tests, significance.adjusted(p_values, correction), strict=True)
        )
        rows, runs = [], []
        for model in models:
            of_base: dict[str, Score] = {}
            for row in (model.base, *model.others):
                cells: list[Value] = []
                of_differences = {}
                for name, column in board.columns.items():
                    score = bootstrap.score(board.cell(row, column))
                    base = of_base.setdefault(name, score)
                    cells.append(score)
                    if row == model.base:
                        cells.append(None)
                        continue
                    test = tests.get((row, column))
                    p_adjusted = adjusted.get((row, column), 1.0)
                    cells.append(_difference(score, base, test, p_adjusted))
                    of_differences[f"{name}, difference"] = score.runs + base.runs
                rows.append((model.name, row.protocol, changes(row), *cells))
                runs.append(of_differences)
        bootstrap.save()
        return Table(
            columns=("model", "protocol", "change", *_with_differences(board.columns)),
            rows=tuple(rows),
            metrics=_with_differences(board.columns),
            lower_is_better=_with_differences(
                name for name in board.columns if name in board.lower_is_better
            ),
            title="What the quirks cost",
            # A row is set against its own model only, in the columns of differences.
            differences=(),
            notes=(
                f"A model under {BASE}, which has all quirks of the original code, under "
                f"{FIXED}, and under {BASE} with one change.",
                "A score is a median, a difference that of the mean over runs to the one "
                f"under {BASE}, in points, with its 95 % interval.",
                f"{len(tests)} tests; p-values are for all of them together "
                f"({significance.METHODS[correction]}), * is significant at the 5 % level.",
            ),
            runs=tuple(runs),
            tasks=board.tasks,
        )

    return build


def _with_differences(names: Iterable[str]) -> tuple[str, ...]:
    """Names of columns, each followed by that of its differences."""
    return tuple(c for name in names for c in (name, f"{name}, difference"))


def _models(board: Board) -> list[Model]:
    names = dict(zip(board.rows, board.row_names, strict=True))
    bases = {
        (row.label, row.fraction): row
        for row in board.shown
        if row.protocol == BASE and row.changes == "{}"
    }
    models = []
    for (label, fraction), base in bases.items():
        others = [
            row
            for row in board.shown
            if (row.label, row.fraction) == (label, fraction) and _is_single(row)
        ]
        if others:
            others.sort(key=lambda row: (row.protocol != FIXED, row.changes))
            models.append(Model(names[base], base, others))
    return models


def _is_single(row: RowKey) -> bool:
    """Whether a row follows `FIXED`, or `BASE` with one change."""
    count = len(json.loads(row.changes))
    return (row.protocol, count) in ((FIXED, 0), (f"{BASE}*", 1))


def _tests(board: Board, models: Sequence[Model], bootstrap: Bootstrap) -> Tests:
    tests = {}
    for model in models:
        for row in model.others:
            for column in board.columns.values():
                sides = [board.cell(side, column) for side in (row, model.base)]
                if not all(sides):
                    continue
                try:
                    own, base = map(bootstrap.resampled, sides)
                    tests[row, column] = compared(own, base)
                except Unusable:
                    # The cell of the score says why.
                    continue
    return tests


def _difference(
    own: Score, base: Score, test: PairTest | None, p_adjusted: float
) -> Bounded | None:
    if test is not None:
        estimate = test.estimate
        remark = f"p = {p_adjusted:.2g}"
        if test.runs_only:
            remark += ", of these runs only"
        elif p_adjusted <= SIGNIFICANCE_LEVEL:
            remark += " *"
        return Bounded(estimate.value, (estimate.low, estimate.high), True, remark)
    if own.mean is None or base.mean is None:
        return None
    return Bounded(own.mean - base.mean, None, True, "no interval")
