"""Which records a report is made of: the choice by kind, label and task."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from electra_bench.records import RunRecord
from electra_bench.registry import tasks as task_cards
from electra_bench.reports.board.cells import Cells, cells_of, without_repeats
from electra_bench.reports.table import LeftOut, NothingToShow
from electra_bench.system.near_names import near_and_all


class Selection(NamedTuple):
    """The scores of a report.

    Attributes:
        records: of the wanted kinds and labels.
        cells: their scores, repeats left out.
        left_out: what cannot be used, and why.
    """

    records: list[RunRecord]
    cells: Cells
    left_out: list[LeftOut]


def select(
    records: Sequence[RunRecord],
    *,
    kinds: Sequence[str] = ("finetune",),
    labels: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    further_metrics: Mapping[str, Sequence[str]] | None = None,
) -> Selection:
    """Chooses records and sorts their scores into cells.

    Args:
        records: all there are.
        kinds: kinds of run that count.
        labels: rows that are wanted; None takes all.
        tasks: tasks that are wanted, only checked; None takes all.
        further_metrics: see `cells_of`.

    Raises:
        NothingToShow: no record is of the kinds.
        ValueError: a label or a task is not known, or given twice.
    """
    used = [r for r in records if r.kind in kinds]
    if not used:
        found = sorted({r.kind for r in records})
        raise NothingToShow(
            f"no record is of kind {', '.join(kinds)}; {len(records)} are of {found}"
        )
    if labels is not None:
        _check_names("label", labels, {r.label for r in used})
        used = [r for r in used if r.label in labels]
    cells, left_out = without_repeats(cells_of(used, further_metrics))
    left_out += [LeftOut(r.run_id, "it has no results") for r in used if not r.results]
    for task, metrics in (further_metrics or {}).items():
        of_task = [one for r in used for one in r.results if one.task == task]
        known = {metric for one in of_task for metric in one.metrics}
        _check_names(f"metric of {task}", metrics, known)
    if tasks is not None:
        measured = {column.task for _, column in cells}
        _check_names("task", tasks, {*measured, *task_cards.names()})
    return Selection(used, cells, left_out)


def _check_names(what: str, wanted: Sequence[str], known: set[str]) -> None:
    twice = [name for name, count in Counter(wanted).items() if count > 1]
    if twice:
        raise ValueError(f"given more than once: {what} {', '.join(map(repr, twice))}")
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"no record has the {what} {name!r}; {near_and_all(name, sorted(known))}"
            )
