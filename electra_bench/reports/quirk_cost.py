"""What the quirks of the original code cost: code_v1, fixed, and every quirk alone."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.board import Board, board_of
from electra_bench.reports.board.cells import ColumnKey, row_names
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.board.task_cells import changes
from electra_bench.reports.collect.collected import as_collected
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.evidence import (
    REPLICATES,
    Evidence,
    PairTest,
    compared,
)
from electra_bench.reports.table import (
    LEVEL,
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
        board = board_of(
            records, kinds=kinds, labels=labels, tasks=tasks, max_rows=max_rows
        )
        models = _models(board)
        if not models:
            raise NothingToShow(
                f"no model has runs under {BASE} and under {FIXED} or {BASE} with one "
                "change"
            )
        evidence = Evidence(as_collected(records), replicates)
        tests = _tests(board, models, evidence)
        adjusted = dict(
            zip(
                tests,
                significance.adjusted([t.p_value for t in tests.values()], correction),
                strict=True,
            )
        )
        scores = {
            (row, column): evidence.score(board.cells.get((row, column), []))
            for model in models
            for row in (model.base, *model.others)
            for column in board.columns
        }
        evidence.save()
        rows, runs = [], []
        for model in models:
            for row in (model.base, *model.others):
                cells: list[Value] = []
                of_differences = {}
                for name, column in zip(board.names, board.columns, strict=True):
                    own, base = scores[row, column], scores[model.base, column]
                    key = (row, column)
                    cells.append(own)
                    if row == model.base:
                        cells.append(None)
                        continue
                    cells.append(
                        _difference(own, base, tests.get(key), adjusted.get(key))
                    )
                    of_differences[f"{name}, difference"] = own.runs + base.runs
                rows.append((model.name, row.protocol, changes(row), *cells))
                runs.append(of_differences)
        of_tasks = [c for name in board.names for c in (name, f"{name}, difference")]
        return Table(
            columns=("model", "protocol", "change", *of_tasks),
            rows=tuple(rows),
            metrics=tuple(of_tasks),
            lower_is_better=tuple(
                c
                for name in board.names
                if name in board.lower_is_better
                for c in (name, f"{name}, difference")
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
            tasks={
                name: column.task
                for name, column in zip(board.names, board.columns, strict=True)
            },
        )

    return build


def _models(board: Board) -> list[Model]:
    names = dict(zip(board.rows, row_names(board.rows), strict=True))
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


def _tests(board: Board, models: Sequence[Model], evidence: Evidence) -> Tests:
    tests = {}
    for model in models:
        for row in model.others:
            for column in board.columns:
                sides = [board.cells.get((side, column)) for side in (row, model.base)]
                if not all(sides):
                    continue
                try:
                    own, base = map(evidence.sampled, sides)
                    tests[row, column] = compared(own, base)
                except Unusable:
                    # The cell of the score says why.
                    continue
    return tests


def _difference(
    own: Score, base: Score, test: PairTest | None, p_adjusted: float | None
) -> Bounded | None:
    if test is not None:
        estimate = test.estimate
        remark = f"p = {p_adjusted:.2g}"
        if test.runs_only:
            remark += ", of these runs only"
        elif p_adjusted <= LEVEL:
            remark += " *"
        return Bounded(estimate.value, (estimate.low, estimate.high), True, remark)
    if own.mean is None or base.mean is None:
        return None
    return Bounded(own.mean - base.mean, None, True, "no interval")
