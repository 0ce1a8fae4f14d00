"""What of a suite has to be run: every cell checked before the first one starts."""

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.runs.lifecycle import (
    ANSWERED,
    OTHER,
    OTHER_CODE,
    UNREADABLE,
)
from electra_bench.runs.suite import GB, Setup
from electra_bench.suites import guard
from electra_bench.suites.cell import Cell
from electra_bench.suites.executor import Capacity
from electra_bench.suites.failure import failure
from electra_bench.suites.memory import memory_needs
from electra_bench.suites.schedule import Job

# A state of a step; the others are those of `lifecycle.Found`.
LEFT_OUT = "left out"
# Errors that a message names.
NAMED = 3


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
    setup: Setup,
    *,
    overwrite: bool = False,
    accept_code: bool = False,
    skip_missing: bool = False,
) -> list[Step]:
    """Checks every cell and says what is to be done.

    Args:
        setup: the suite.
        overwrite: delete other runs in the cells' folders.
        accept_code: take runs that other code has made.
        skip_missing: leave cells out whose task has no data.

    Raises:
        ValueError, KeyError, OSError: a cell that cannot run; the message says why and how
            many others there are.
    """
    suite = setup.suite
    checked = _check(suite.cells, suite.plugins)

    def raise_errors(said: Callable[[Cell, Mapping], str | None], hint: str = ""):
        found = [(cell, said(cell, checked[cell.cell_id])) for cell in suite.cells]
        _raise_errors(found, hint)

    raise_errors(lambda cell, known: known["error"])
    if not skip_missing:
        raise_errors(
            lambda cell, known: known["missing"],
            "; --skip_missing leaves such tasks out",
        )
    if not overwrite:
        raise_errors(
            lambda cell, known: (
                f"{cell.run_dir} holds another run: {known['reason']}"
                if known["state"] in (OTHER, UNREADABLE)
                else None
            ),
            "; choose another --workdir, or give --overwrite to delete it",
        )
    if not overwrite and not accept_code:
        raise_errors(
            lambda cell, known: (
                f"{cell.run_dir} holds this run made by other code"
                if known["state"] == OTHER_CODE
                else None
            ),
            "; give --accept_code to take such runs, which their records say, or "
            "--overwrite to run them again",
        )
    needs = memory_needs(suite, setup.cell_bytes)
    deleted: set[str] = set()
    steps = []
    for cell in suite.cells:
        known = checked[cell.cell_id]
        state = LEFT_OUT if known["missing"] else known["state"] or "waits"
        goes_on = accept_code and state == OTHER_CODE
        accepted = known["code"] if goes_on and known["is_done"] else None
        if accepted:
            state = ANSWERED
        # What started from a run that is deleted is another run, too.
        is_other = state in (OTHER, UNREADABLE, OTHER_CODE) and not goes_on
        if is_other or overwrite and deleted.intersection(cell.waits_for):
            deleted.add(cell.cell_id)
        job = Job(cell, needs(cell), cell.cell_id in deleted, goes_on)
        steps.append(Step(job, state, known["missing"] or known["reason"], accepted))
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


def _check(
    cells: Sequence[Cell], plugins: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    """What `suite_check` says of every cell: fields of its `Checked`."""
    with tempfile.TemporaryDirectory(prefix="electra_bench-") as folder:
        question, answers, log, lock = (
            os.path.join(folder, name)
            for name in ("question", "answers", "log", "lock")
        )
        with open(question, "w", encoding="utf-8") as file:
            asked = [dataclasses.asdict(cell) for cell in cells]
            json.dump({"cells": asked, "plugins": list(plugins)}, file)
        module = "electra_bench.runs.suite_check"
        command = (sys.executable, "-m", module, question, answers)
        ended = guard.run(guard.Order(command, os.getcwd(), {}, log, lock))
        if ended.status:
            raise RuntimeError(
                f"the suite could not be checked: {failure(log, 0, ended.status)}"
            )
        with open(answers, encoding="utf-8") as file:
            return json.load(file)


def _raise_errors(found: Iterable[tuple[Cell, str | None]], hint: str = "") -> None:
    """One error of all that was found; cells with the same sentence are counted."""
    cells: dict[str, list[str]] = {}
    for cell, sentence in found:
        if sentence:
            cells.setdefault(sentence, []).append(cell.cell_id)
    if not cells:
        return
    parts = []
    for sentence, names in cells.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        parts.append(f"{sentence} (cell {names[0]}{more})")
    left = f"; and {len(parts) - NAMED} other errors" if len(parts) > NAMED else ""
    raise ValueError("; ".join(parts[:NAMED]) + left + hint)
