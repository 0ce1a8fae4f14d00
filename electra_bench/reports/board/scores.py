"""Rows, columns and scores of a leaderboard, and what can be said of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from electra_bench.records import RunRecord
from electra_bench.reports.board import cells as board_cells
from electra_bench.reports.board import references as published
from electra_bench.reports.board import row_names
from electra_bench.reports.board.cells import ColumnKey, Entry
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.records import Records
from electra_bench.reports.statistics.aggregate import best_first, mean_or_none
from electra_bench.reports.statistics.bootstrap import Bootstrap, Resampled
from electra_bench.reports.statistics.pairs import differences, tests_of_columns
from electra_bench.reports.table import Difference, RunScores, Score

MEAN = "mean"


class Board:
    """What the records alone say: rows in their order, columns and scores.

    Attributes:
        known: all records, with the runs that others build on.
        used: records of the wanted kinds and labels.
        left_out: what cannot be used, and why.
        cells: all scores.
        columns: name to column, in their order.
        newest: task to its newest version, installed or scored.
        stale: columns whose task has a newer version.
        in_mean: columns that count: one a task, of the newest version and of its own
            split, and all of one direction, since a mean over both says nothing.
        opposite: columns that would count were they of that direction.
        beside: columns that would count were there no other one of their task.
        means: name to the columns that a mean is over: `MEAN` over all of `in_mean`, and
            those of the literature over a part of them. Empty for a single column.
        rows: all rows, best first; those without a mean last.
        shown: the first of them.
    """

    def __init__(
        self,
        records: Sequence[RunRecord],
        tasks: Sequence[str] | None,
        labels: Sequence[str] | None,
        kinds: Sequence[str],
        max_rows: int,
        further_metrics: Mapping[str, Sequence[str]] | None = None,
    ):
        """Chooses records, see `select` for the arguments, and orders the rows."""
        self.known = Records.of(records)
        chosen = board_cells.select(records, tasks, labels, kinds, further_metrics)
        self.used, self.cells, self.left_out = chosen
        columns = board_cells.columns_of(self.cells, tasks)
        names = board_cells.column_names(columns)
        self.columns = {name: column for column, name in names.items()}
        self.newest: dict[str, int] = {}
        for column in columns:
            known = self.newest.get(column.task, published.newest_version(column.task))
            self.newest[column.task] = max(known, column.version or 0)
        self.stale = frozenset(
            c
            for c in columns
            if c.version is not None and c.version < self.newest[c.task]
        )
        counting = [
            c
            for c in columns
            if c not in self.stale and c.is_main and not published.is_beside(c)
        ]
        one_a_task = self._one_a_task(counting)
        self.beside = frozenset(counting) - frozenset(one_a_task)
        self.in_mean = [c for c in one_a_task if c.higher_is_better] or one_a_task
        self.opposite = frozenset(one_a_task) - frozenset(self.in_mean)
        self.means: dict[str, Sequence[ColumnKey]] = {}
        if len(columns) > 1 and self.in_mean:
            self.means = {MEAN: self.in_mean, **published.named_means(self.in_mean)}
        self._scores = self.known.once(
            _scores,
            self.stale,
            None if labels is None else tuple(labels),
            kinds if isinstance(kinds, str) else tuple(kinds),
            tuple((task, tuple(m)) for task, m in (further_metrics or {}).items()),
        )
        rows = dict.fromkeys(row for row, _ in self.cells)
        self.rows = sorted(rows, key=self._place)
        self.shown = self.rows[:max_rows]

    def _one_a_task(self, columns: Sequence[ColumnKey]) -> list[ColumnKey]:
        """Of the columns of a task the one that most rows have.

        So one run on a part of the data, or on other data, takes nobody's mean.
        """
        rows = Counter(column for _, column in self.cells)

        def preference(column: ColumnKey) -> tuple:
            return rows[column], column.subset is None, column.num_examples or 0

        # The last of a task stays; of those that are alike it is the first column.
        best_last = sorted(reversed(columns), key=preference)
        chosen = {(c.task, c.higher_is_better): c for c in best_last}
        return [column for column in columns if column in chosen.values()]

    def _place(self, row: RowKey) -> tuple:
        lower = self.mean_is_lower_better
        return *best_first(self.mean(row), lower_is_better=lower), row.name

    @property
    def mean_is_lower_better(self) -> bool:
        """Whether the mean is over columns where lower is better."""
        return any(not column.higher_is_better for column in self.in_mean)

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Names of the columns where lower is better, that of the means among them."""
        means = self.means if self.mean_is_lower_better else ()
        lower = (n for n, c in self.columns.items() if not c.higher_is_better)
        return (*means, *lower)

    @cached_property
    def row_names(self) -> list[str]:
        """Names of all rows, for tables where the protocol stands beside."""
        return row_names.row_names(self.rows)

    @cached_property
    def short_names(self) -> list[str]:
        """Names of the shown rows, all different."""
        return row_names.short_names(self.shown)

    @property
    def tasks(self) -> dict[str, str]:
        """Name of a column to the task that it has scores of."""
        return {name: column.task for name, column in self.columns.items()}

    def names_of(self, columns: Collection[ColumnKey]) -> list[str]:
        """Names of some of the columns, in the order of the columns."""
        return [name for name, column in self.columns.items() if column in columns]

    @property
    def rank_by(self) -> str | None:
        """The column that orders the rows; None if none can."""
        if self.means:
            return MEAN
        return next(iter(self.columns)) if self.in_mean else None

    def score(self, row: RowKey, column: ColumnKey) -> Score:
        """The score of a cell."""
        return self._scores.get((row, column), Score(None))

    def mean(self, row: RowKey, name: str = MEAN) -> float | None:
        """A mean over columns; None if one is missing."""
        in_mean = self.means.get(name, self.in_mean)
        return mean_or_none([self.score(row, column).value for column in in_mean])

    def contaminated(self, row: RowKey, columns: Iterable[ColumnKey]) -> set[ColumnKey]:
        """Those of some columns whose task the pre-training of a row has seen."""
        mark = board_cells.CONTAMINATED
        return {column for column in columns if mark in self.score(row, column).marks}

    def columns_behind(self, name: str) -> Sequence[ColumnKey]:
        """The columns that a mean is over, or the one of that name."""
        return self.means.get(name) or [self.columns[name]]

    def records(self, row: RowKey) -> list[RunRecord]:
        """The runs of a row in the shown columns, each once."""
        entries = (e for c in self.columns.values() for e in self.cell(row, c))
        return list({e.record.run_id: e.record for e in entries}.values())

    def cell(self, row: RowKey, column: ColumnKey) -> Sequence[Entry]:
        """The scores of the runs of a cell."""
        return self.cells.get((row, column), [])

    def runs(
        self, row: RowKey, columns: Iterable[ColumnKey] | None = None
    ) -> dict[str, RunScores]:
        """Names of some columns, or of all, to the runs of a row in them."""
        wanted = self.columns.values() if columns is None else set(columns)
        return {
            name: self.score(row, column).runs
            for name, column in self.columns.items()
            if column in wanted
        }


def _scores(
    known: Records,
    stale: frozenset[ColumnKey],
    labels: Sequence[str] | None,
    kinds: Sequence[str],
    further_metrics: Sequence[tuple[str, Sequence[str]]],
) -> dict[tuple[RowKey, ColumnKey], Score]:
    """The scores of all cells, see `select` for the arguments."""
    further = dict(further_metrics)
    _, cells, _ = board_cells.select(known, None, labels, kinds, further)
    found = {}
    for (row, column), entries in cells.items():
        marks = [f"old version {column.version}"] if column in stale else []
        score = board_cells.score_of(column, entries, known, marks)
        found[row, column] = replace(score, stale=column in stale)
    return found


class Tested:
    """What the predictions behind the shown rows add.

    Attributes:
        resampled: column to number of a shown row to its runs.
        reasons: (number of a row, column) to why the cell has no interval.
        tests: between rows.
        differences: the tests, with p-values for all of them together.
        replicates: bootstrap samples that were asked for.
    """

    def __init__(self, board: Board, bootstrap: Bootstrap, correction: str):
        """Reads the predictions and tests all pairs of shown rows."""
        self.resampled: dict[str, dict[int, Resampled]] = {}
        self.reasons: dict[tuple[int, str], str] = {}
        self.replicates = bootstrap.count
        current = {}
        for name, column in board.columns.items():
            cells = self.resampled[name] = {}
            for number, row in enumerate(board.shown):
                entries = board.cell(row, column)
                if not entries:
                    continue
                try:
                    cells[number] = bootstrap.resampled(entries)
                except Unusable as error:
                    self.reasons[number, name] = str(error)
            if column not in board.stale:
                current[name] = cells
        means = {name: board.names_of(c) for name, c in board.means.items()}
        self.tests = tests_of_columns(current, means, bootstrap.store)
        bootstrap.save()
        self.differences = tuple(
            replace(one, contaminated=_contaminated(board, one))
            for one in differences(self.tests, correction, board.lower_is_better)
        )

    def score(self, number: int, name: str, score: Score) -> Score:
        """A score with its interval, or with the reason for having none."""
        resampled = self.resampled[name].get(number)
        if resampled is None:
            return replace(score, no_interval=self.reasons.get((number, name)))
        return resampled.with_interval(score)

    def groups(self, name: str) -> str:
        """What samples of a column draw, see `Resampled.named_groups`."""
        named = (cell.named_groups for cell in self.resampled[name].values())
        return next(filter(None, named), "")

    def rank(self, number: int, column: str | None) -> int | None:
        """1 + the number of rows that are significantly better.

        None if never tested with several runs, and for a contaminated row beside others.
        """
        of_column = (d for d in self.differences if d.column == column)
        tests = [d for d in of_column if number in (d.row, d.other)]
        is_contaminated = any(number in d.contaminated for d in tests)
        if is_contaminated or all(d.runs_only for d in tests):
            return None
        return 1 + sum(d.significant and d.worse == number for d in tests)


def _contaminated(board: Board, test: Difference) -> tuple[int, ...]:
    """Of the two rows of a test those that have seen what the other has not."""
    columns = board.columns_behind(test.column)
    seen = {
        n: board.contaminated(board.shown[n], columns) for n in (test.row, test.other)
    }
    by_both = set.intersection(*seen.values())
    return tuple(number for number, own in seen.items() if own - by_both)
