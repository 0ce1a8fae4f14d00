"""What the reports about one task share: its cells, and columns that say what differs."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.reports.board.cells import (
    ColumnKey,
    Entry,
    RowKey,
    column_names,
    seen_of_pretraining,
)
from electra_bench.reports.board.selection import select
from electra_bench.reports.statistics.aggregate import over_seeds
from electra_bench.reports.table import LeftOut, NothingToShow, Value


class TaskCell(NamedTuple):
    """The runs of a model that are scored alike.

    Attributes:
        row: what they share as a row of the leaderboard.
        column: the same as a column; `scored_on`: what that is called there.
        entries: their scores.
    """

    row: RowKey
    column: ColumnKey
    scored_on: str
    entries: list[Entry]


def cells_of_task(
    records: Sequence[RunRecord],
    task: str,
    labels: Sequence[str] | None,
    kinds: Sequence[str],
) -> tuple[list[TaskCell], list[LeftOut]]:
    """The cells of one task, those with the best medians first, and what is left out.

    Raises:
        NothingToShow: no run has the task.
    """
    selection = select(records, kinds=kinds, labels=labels, tasks=(task,))
    of_task = {
        k: entries for k, entries in selection.cells.items() if k[1].task == task
    }
    columns = sorted({column for _, column in of_task}, key=str)
    names = dict(zip(columns, column_names(columns), strict=True))
    cells = [
        TaskCell(row, column, names[column], entries)
        for (row, column), entries in of_task.items()
        if entries
    ]
    if not cells:
        raise NothingToShow(f"no run has a score of {task}")
    cells.sort(key=_place)
    return cells, selection.left_out


def _place(cell: TaskCell) -> tuple:
    score = over_seeds([(e.record.run_id, e.result.main_score) for e in cell.entries])
    sign = -1 if cell.column.higher_is_better else 1
    median = 0.0 if score.value is None else sign * score.value
    return cell.scored_on, score.value is None, median, *map(str, cell.row)


def all_lower_are_better(cells: Sequence[TaskCell]) -> bool:
    """Whether lower is better in all the columns that cells stand in."""
    return not any(cell.column.higher_is_better for cell in cells)


# Column name to its value for a cell.
CONDITIONS: Mapping[str, Callable[[TaskCell], Value]] = {
    "protocol": lambda cell: cell.row.protocol,
    "pre-training": lambda cell: seen_of_pretraining(cell.row.fraction),
    "scored on": lambda cell: cell.scored_on,
    "protocol changes": lambda cell: changes(cell.row),
}


def changes(row: RowKey) -> str | None:
    """The changes of a row to its protocol in words; None without any."""
    words = [
        f"{parameter}: {' → '.join(map(str, change))}"
        for parameter, change in json.loads(row.changes).items()
    ]
    return ", ".join(words) or None


def conditions(cells: Sequence[TaskCell]) -> list[str]:
    """The conditions in which cells differ, which need a column."""
    return [
        name
        for name, value in CONDITIONS.items()
        if len({value(cell) for cell in cells}) > 1
    ]
