"""What the reports about one task share: its cells, and columns that say what differs."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.reports.board import cells as board_cells
from electra_bench.reports.board.cells import ColumnKey, Entry
from electra_bench.reports.board.row_keys import RowKey, changed_to
from electra_bench.reports.board.row_names import seen_of_pretraining
from electra_bench.reports.collect.cards import counted_score
from electra_bench.reports.statistics.aggregate import best_first, mean_or_none
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
    """The cells of one task, those with the best means first, and what is left out.

    Raises:
        NothingToShow: no run has the task.
    """
    _, of_all, left_out = board_cells.select(records, (task,), labels, kinds)
    columns = sorted({column for _, column in of_all if column.task == task}, key=str)
    names = board_cells.column_names(columns)
    cells = [
        TaskCell(row, column, names[column], entries)
        for (row, column), entries in of_all.items()
        if column.task == task and entries
    ]
    if not cells:
        raise NothingToShow(f"no run has a score of {task}")
    return sorted(cells, key=_place), left_out


def _place(cell: TaskCell) -> tuple:
    mean = mean_or_none([counted_score(entry.result) for entry in cell.entries])
    place = best_first(mean, lower_is_better=not cell.column.higher_is_better)
    return cell.scored_on, *place, *map(str, cell.row)


def all_lower_are_better(cells: Sequence[TaskCell]) -> bool:
    """Whether lower is better in all the columns that cells stand in."""
    return not any(cell.column.higher_is_better for cell in cells)


Condition = Callable[[TaskCell], Value]
# Column name to its value for a cell.
CONDITIONS: Mapping[str, Condition] = {
    "protocol": lambda cell: cell.row.protocol,
    "pre-training": lambda cell: seen_of_pretraining(cell.row.fraction),
    "scored on": lambda cell: cell.scored_on,
    "protocol changes": lambda cell: changes(cell.row),
}


def changes(row: RowKey) -> str | None:
    """The changes of a row to its protocol in words; None without any."""
    words = [
        f"{parameter}: {' → '.join(map(str, [*change[:-1], changed_to(change)]))}"
        for parameter, change in json.loads(row.changes).items()
    ]
    return ", ".join(words) or None


def conditions(cells: Sequence[TaskCell]) -> dict[str, Condition]:
    """The conditions in which cells differ, which need a column."""
    return {n: c for n, c in CONDITIONS.items() if len(set(map(c, cells))) > 1}
