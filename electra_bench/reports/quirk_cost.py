"""What the quirks of the original code cost: code_v1, fixed, and every quirk alone."""

import contextlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board.cells import ColumnKey
from electra_bench.reports.board.one_task import changes
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.board.scores import Board
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.records import IN_TABLES
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.bootstrap import REPLICATES, Bootstrap
from electra_bench.reports.statistics.pairs import PairTest, compared
from electra_bench.reports.table import Bounded, NothingToShow, Score, Table, Value

BASE, FIXED = "code_v1", "fixed"


@reports.register("quirk_cost")
def quirk_cost(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
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
        board = Board(records, tasks, labels, kinds, max_rows)
        models = _models(board)
        if not models:
            raise NothingToShow(
                f"no model has runs under {BASE} and under {FIXED} or {BASE} with one "
                "change"
            )
        bootstrap = Bootstrap.of(records, replicates)
        tests = _differences(board, models, bootstrap, correction)
        names = dict(zip(board.rows, board.row_names, strict=True))
        rows, runs = [], []
        for of_base, others in models.items():
            bases: dict[str, Score] = {}
            for row in (of_base, *others):
                cells: list[Value] = []
                of_differences = {}
                for name, column in board.columns.items():
                    score = bootstrap.score(column, board.cell(row, column))
                    base = bases.setdefault(name, score)
                    cells += [score, None]
                    if row != of_base:
                        cells[-1] = tests.get((row, column)) or _untested(score, base)
                        of_differences[f"{name}, difference"] = score.runs + base.runs
                rows.append((names[of_base], row.protocol, changes(row), *cells))
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
                "A score is the mean over runs, a difference the one to that under "
                f"{BASE}, in points, with its 95 % interval.",
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


def _models(board: Board) -> dict[RowKey, list[RowKey]]:
    """Row of a model under `BASE` to those under `FIXED`, and `BASE` with one change."""
    models = {}
    for base in board.shown:
        same = (
            row
            for row in board.shown
            if _model(row) == _model(base) and _is_single(row)
        )
        others = sorted(same, key=lambda row: (row.protocol != FIXED, row.changes))
        if others and (base.protocol, base.changes) == (BASE, "{}"):
            models[base] = others
    return models


def _model(row: RowKey) -> tuple[str, float | None]:
    return row.name, row.fraction


def _is_single(row: RowKey) -> bool:
    """Whether a row follows `FIXED`, or `BASE` with one change."""
    count = len(json.loads(row.changes))
    return (row.protocol, count) in ((FIXED, 0), (f"{BASE}*", 1))


def _differences(
    board: Board,
    models: Mapping[RowKey, Sequence[RowKey]],
    bootstrap: Bootstrap,
    correction: str,
) -> dict[tuple[RowKey, ColumnKey], Bounded]:
    """(row, column) to its tested difference to the row of the same model under `BASE`."""
    tests = {}
    pairs = [(row, base) for base, others in models.items() for row in others]
    for (row, base), column in itertools.product(pairs, board.columns.values()):
        # The cell of the score says why.
        with contextlib.suppress(Unusable):
            own = bootstrap.resampled(board.cell(row, column))
            of_base = bootstrap.resampled(board.cell(base, column))
            tests[row, column] = compared(own, of_base)
    p_values = [test.p_value for test in tests.values()]
    adjusted = significance.adjusted(p_values, correction)
    return {k: _tested(tests[k], p) for k, p in zip(tests, adjusted, strict=True)}


def _tested(test: PairTest, p_value: float) -> Bounded:
    remark = f"p = {p_value:.2g}"
    if test.runs_only:
        remark += ", of these runs only"
    elif p_value <= significance.SIGNIFICANCE_LEVEL:
        remark += " *"
    ends = test.estimate.low, test.estimate.high
    return Bounded(test.estimate.value, ends, True, remark)


def _untested(own: Score, base: Score) -> Bounded | None:
    if own.mean is None or base.mean is None:
        return None
    return Bounded(own.mean - base.mean, None, True, "no interval")
