"""The mean score of each row of the leaderboard with its interval, for plots."""

from collections.abc import Sequence

from electra_bench.records import RunRecord
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.board.scores import Board
from electra_bench.reports.collect.lineage import ancestors
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.records import Records
from electra_bench.reports.plot import Point
from electra_bench.reports.statistics.aggregate import mean_or_none
from electra_bench.reports.statistics.bootstrap import Bootstrap
from electra_bench.reports.statistics.pairs import mean_over_columns
from electra_bench.reports.table import Bounded, RunScores, axis_of_scores

# What such a mean is, for notes.
MEANING = (
    "A score is the mean over runs, first over those of one pre-training, then over tasks. "
    "A row that lacks a task has none."
)


def mean_over(board: Board) -> str:
    """What the means are over."""
    return f"mean over {', '.join(board.names_of(board.in_mean)) or 'no column'}"


def axis_of_means(board: Board) -> str:
    """Name of a picture's axis with the means."""
    return axis_of_scores("mean score", lower_is_better=board.mean_is_lower_better)


def of_board(
    board: Board, records: Sequence[RunRecord], replicates: int
) -> list[Bounded | None]:
    """The means of the shown rows, in their order; None where a column is missing.

    It is a mean over columns of means over runs, or over pre-trainings where these have
    several runs.
    """
    bootstrap = Bootstrap.of(records, replicates)
    means = [_mean(board, row, bootstrap) for row in board.shown]
    bootstrap.save()
    return means


def _mean(board: Board, row: RowKey, bootstrap: Bootstrap) -> Bounded | None:
    mean = board.mean(row)
    if mean is None:
        return None
    try:
        cells = [bootstrap.resampled(board.cell(row, c)) for c in board.in_mean]
    except Unusable as reason:
        return Bounded(mean, remark=f"no interval: {reason}")
    found = mean_over_columns(cells)
    return Bounded(found.value, (found.low, found.high))


def point_of(mean: Bounded, x: float, name: str = "") -> Point:
    """A mean as a point with its error bar."""
    low, high = mean.interval or (None, None)
    return Point(x, mean.value, low, high, name)


def built_on(runs: Sequence[RunRecord], records: Records) -> RunScores:
    """The runs that some runs build on, each once."""
    earlier = (one for run in runs for one in ancestors(run, records) if one)
    return tuple((run_id, None) for run_id in dict.fromkeys(r.run_id for r in earlier))


def pretrain_wall_s(runs: Sequence[RunRecord], records: Records) -> int | None:
    """Seconds of the runs that some runs build on, a mean over these; 0 without any.

    None if one of them is not among the records or has no time.
    """
    totals: list[float | None] = []
    for run in runs:
        seconds = [
            None if one is None else one.wall_s for one in ancestors(run, records)
        ]
        known = [wall_s for wall_s in seconds if wall_s is not None]
        is_known = len(known) == len(seconds) and (known or run.is_untrained)
        totals.append(sum(known) if is_known else None)
    mean = mean_or_none(totals)
    return None if mean is None else round(mean)
