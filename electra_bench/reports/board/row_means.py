"""The mean score of each row of the leaderboard with its interval, for plots."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.reports.board.cells import ColumnKey
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.board.scores import Board
from electra_bench.reports.collect.lineage import ancestors
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.records import Records
from electra_bench.reports.plot import Point
from electra_bench.reports.statistics.aggregate import mean_or_none
from electra_bench.reports.statistics.bootstrap import Bootstrap
from electra_bench.reports.statistics.pairs import mean_over_columns
from electra_bench.reports.table import Bounded, RunScores

# What such a mean is, for notes.
MEANING = (
    "A score is the mean over runs, first over those of one pre-training, then over tasks, "
    "since the interval is of that; the leaderboard shows medians. A row that lacks a task "
    "has none."
)


class RowMean(NamedTuple):
    """A row and its mean.

    Attributes:
        row: of the leaderboard.
        records: its runs.
        score: mean over columns of means over runs, or over pre-trainings where these have
            several runs; None if a column is missing.
        contaminated: columns whose task its pre-training has seen.
        runs: name of a column to the runs in it.
    """

    row: RowKey
    records: list[RunRecord]
    score: Bounded | None
    contaminated: tuple[ColumnKey, ...]
    runs: Mapping[str, RunScores]

    def points(self, x: float | None, name: str = "") -> list[Point]:
        """The score as a point with its error bar; none without a score, or without x."""
        if self.score is None or x is None:
            return []
        low, high = self.score.interval or (None, None)
        return [Point(x, self.score.value, low, high, name)]


def mean_over(board: Board) -> str:
    """What the means are over."""
    return f"mean over {', '.join(board.names_of(board.in_mean)) or 'no column'}"


def row_means(
    board: Board, records: Sequence[RunRecord], replicates: int
) -> list[RowMean]:
    """The means of the shown rows, in their order."""
    bootstrap = Bootstrap(records, replicates)
    means = [
        RowMean(
            row,
            board.records(row),
            _mean(board, row, bootstrap),
            board.contaminated(row, board.in_mean),
            board.runs(row, board.in_mean),
        )
        for row in board.shown
    ]
    bootstrap.save()
    return means


def _mean(board: Board, row: RowKey, bootstrap: Bootstrap) -> Bounded | None:
    scores = [board.score(row, column).mean for column in board.in_mean]
    mean = mean_or_none(scores)
    if mean is None:
        return None
    try:
        cells = [bootstrap.resampled(board.cell(row, c)) for c in board.in_mean]
    except Unusable as reason:
        return Bounded(mean, remark=f"no interval: {reason}")
    found = mean_over_columns(cells)
    return Bounded(found.value, (found.low, found.high))


def built_on(runs: Sequence[RunRecord], records: Records) -> RunScores:
    """The runs that some runs build on, each once."""
    earlier = (one for run in runs for one in ancestors(run, records) if one)
    return tuple((run_id, None) for run_id in dict.fromkeys(r.run_id for r in earlier))


def pretrain_wall_s(runs: Sequence[RunRecord], records: Records) -> int | None:
    """Seconds of the runs that some runs build on, a mean over these; 0 without any.

    None if one of them is not among the records or has no time.
    """
    totals = []
    for run in runs:
        earlier = list(ancestors(run, records))
        if not (earlier or run.is_untrained):
            return None
        seconds = [None if one is None else one.wall_s for one in earlier]
        known = [wall_s for wall_s in seconds if wall_s is not None]
        if len(known) < len(seconds):
            return None
        totals.append(sum(known))
    mean = mean_or_none(totals)
    return None if mean is None else round(mean)
