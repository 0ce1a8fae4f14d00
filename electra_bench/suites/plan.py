"""What of a suite has to be run, once every cell was checked."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from electra_bench.records.run_folder import ANSWERED, OTHER, OTHER_CODE
from electra_bench.suites.cell import Cell
from electra_bench.suites.executor import Capacity
from electra_bench.suites.memory import memory_needs
from electra_bench.suites.schedule import Job
from electra_bench.suites.suite import GB, Suite

# A state of a step; the others are those of `run_folder`.
LEFT_OUT = "left out"
# Errors that a message names.
NAMED = 3


@dataclasses.dataclass(frozen=True)
class Checked:
    """What is known of a cell before it runs.

    Attributes:
        error: why it cannot run; None if nothing speaks against it.
        missing: instead, which data its task lacks.
        state: what lies in its folder, see `run_folder`; None if that depends on a cell
            that has to run first.
        reason: why it is something else.
        code: hash of the code that it would be run by; None if unknown.
        is_done: whether it is this run and finished, if by other code.
    """

    error: str | None = None
    missing: str | None = None
    state: str | None = None
    reason: str = ""
    code: str | None = None
    is_done: bool = False


class Step(NamedTuple):
    """A cell and what is to be done about it.

    Attributes:
        job: the cell, for the schedule.
        state: `answered` by a valid record; `interrupted`: goes on; `absent`; `other`: its
            folder holds another run, which is deleted first; `other code`: goes on under
            the code here; `waits`: for another cell, on which its folder's worth depends;
            `left out`: its data is missing.
        reason: for the last two, why.
        accepted: hash of the code that a finished run of other code is taken for; None
            where there is no such run.
    """

    job: Job
    state: str
    reason: str
    accepted: str | None = None

    @property
    def cell(self) -> Cell:
        """Which cell."""
        return self.job.cell

    @property
    def runs(self) -> bool:
        """Whether the cell is to be run."""
        return self.state not in (ANSWERED, LEFT_OUT)


def plan(
    suite: Suite,
    checked: Mapping[str, Checked],
    *,
    overwrite: bool = False,
    accept_code: bool = False,
    skip_missing: bool = False,
) -> list[Step]:
    """Says what is to be done about every cell.

    Args:
        suite: the suite.
        checked: ids of cells to what is known of them.
        overwrite: delete other runs in the cells' folders.
        accept_code: take runs that other code has made.
        skip_missing: leave cells out whose task has no data.

    Raises:
        ValueError: a cell that cannot run; the message says why and how many others there
            are.
    """
    known = [(cell, checked[cell.cell_id]) for cell in suite.cells]
    _raise({cell.cell_id: one.error for cell, one in known})
    if not skip_missing:
        _raise(
            {cell.cell_id: one.missing for cell, one in known},
            "; --skip_missing leaves such tasks out",
        )
    if not overwrite:
        _raise(
            {
                cell.cell_id: f"{cell.run_dir} holds another run: {one.reason}"
                for cell, one in known
                if one.state == OTHER
            },
            "; choose another --workdir, or give --overwrite to delete it",
        )
    if not overwrite and not accept_code:
        _raise(
            {
                cell.cell_id: f"{cell.run_dir} holds this run made by other code"
                for cell, one in known
                if one.state == OTHER_CODE
            },
            "; give --accept_code to take such runs, which their records say, or "
            "--overwrite to run them again",
        )
    needs = memory_needs(suite, suite.cell_bytes)
    deleted: set[str] = set()
    steps = []
    for cell, one in known:
        state = LEFT_OUT if one.missing else one.state or "waits"
        goes_on = accept_code and state == OTHER_CODE
        accepted = one.code if goes_on and one.is_done else None
        if accepted:
            state = ANSWERED
        # What started from a run that is deleted is another run, too.
        is_other = state in (OTHER, OTHER_CODE) and not goes_on
        # What waits for a cell may turn out to be another run.
        may_be_other = one.state is None or deleted.intersection(cell.waits_for)
        if is_other or overwrite and may_be_other:
            deleted.add(cell.cell_id)
        job = Job(cell, needs(cell), cell.cell_id in deleted, goes_on)
        steps.append(Step(job, state, one.missing or one.reason, accepted))
    return steps


def check_fits(steps: Sequence[Step], capacity: Capacity, threads: int) -> None:
    """Checks that every cell fits the budget when it is alone.

    Raises:
        ValueError: one never will.
    """
    if threads > capacity.cores:
        raise ValueError(
            f"a cell has {threads} threads (runs.suite.threads), the budget is "
            f"{capacity.cores} cores"
        )
    largest = min(capacity.memory_bytes, capacity.node_bytes or capacity.memory_bytes)
    for step in steps:
        needed = step.job.memory_bytes
        if step.runs and needed > largest:
            raise ValueError(
                f"cell {step.cell.cell_id} needs about {needed / GB:.1f} GB, "
                f"the budget is {largest / GB:.1f} GB: give a larger --memory, or what "
                "cells take as runs.suite.cell_memory_gb"
            )


def _raise(found: Mapping[str, str | None], hint: str = "") -> None:
    """One error of all that was found; cells with the same sentence are counted."""
    cells: dict[str, list[str]] = {}
    for cell_id, sentence in found.items():
        if sentence:
            cells.setdefault(sentence, []).append(cell_id)
    if not cells:
        return
    parts = []
    for sentence, names in cells.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        parts.append(f"{sentence} (cell {names[0]}{more})")
    left = f"; and {len(parts) - NAMED} other errors" if len(parts) > NAMED else ""
    raise ValueError("; ".join(parts[:NAMED]) + left + hint)
