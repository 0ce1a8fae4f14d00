"""What of a suite has to be run: every cell checked before the first one starts."""

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench import config, registry
from electra_bench.runs.answers import ANSWERED, MODEL_FILE, OTHER
from electra_bench.runs.suite import GB, Setup
from electra_bench.suites import guard
from electra_bench.suites.attempts import Attempts
from electra_bench.suites.cell import Cell
from electra_bench.suites.executor import Capacity
from electra_bench.suites.failure import failure
from electra_bench.suites.memory import MARGIN, estimated_bytes
from electra_bench.suites.schedule import Job
from electra_bench.suites.suite import Suite

# A state of a step; the others are those of `answers.Answer`.
LEFT_OUT = "left out"
# Errors that a message names.
NAMED = 3


class Step(NamedTuple):
    """A cell and what is to be done about it.

    Attributes:
        cell: the cell.
        state: `answered` by a valid record; `interrupted`: goes on; `absent`; `other`: its
            folder holds another run, which is deleted first; `waits`: for another cell,
            on which its folder's worth depends; `left out`: its data is missing.
        reason: for the last two, why.
        memory_bytes: what it may take.
        overwrite: whether another run in its folder is deleted.
    """

    cell: Cell
    state: str
    reason: str
    memory_bytes: int
    overwrite: bool

    @property
    def runs(self) -> bool:
        """Whether the cell is to be run."""
        return self.state not in (ANSWERED, LEFT_OUT)

    @property
    def job(self) -> Job:
        """For the schedule."""
        return Job(self.cell, self.memory_bytes, self.overwrite)


def plan(
    setup: Setup, *, overwrite: bool = False, skip_missing: bool = False
) -> list[Step]:
    """Checks every cell and says what is to be done.

    Args:
        setup: the suite.
        overwrite: delete other runs in the cells' folders.
        skip_missing: leave cells out whose task has no data.

    Raises:
        ValueError, KeyError, OSError: a cell that cannot run; the message says why and how
            many others there are.
    """
    suite = setup.suite
    checked = _check(suite.cells, suite.plugins)
    _raise_errors((cell, checked[cell.cell_id]["error"]) for cell in suite.cells)
    if not skip_missing:
        _raise_errors(
            ((cell, checked[cell.cell_id]["missing"]) for cell in suite.cells),
            "; --skip_missing leaves such tasks out",
        )
    if not overwrite:
        _raise_errors(
            (
                (cell, f"{cell.run_dir} holds another run: {found['reason']}")
                for cell in suite.cells
                for found in [checked[cell.cell_id]]
                if found["state"] == OTHER
            ),
            "; choose another --workdir, or give --overwrite to delete it",
        )
    measured = _measured(suite)
    deleted: set[str] = set()
    steps = []
    for cell in suite.cells:
        found = checked[cell.cell_id]
        state = LEFT_OUT if found["missing"] else found["state"] or "waits"
        # What started from a run that is deleted is another run, too.
        if state == OTHER or overwrite and deleted.intersection(cell.waits_for):
            deleted.add(cell.cell_id)
        steps.append(
            Step(
                cell,
                state,
                found["missing"] or found["reason"],
                _memory(setup, cell, measured),
                cell.cell_id in deleted,
            )
        )
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
        if step.runs and step.memory_bytes > largest:
            raise ValueError(
                f"cell {step.cell.cell_id} needs about {step.memory_bytes / GB:.1f} GB, "
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


def _kind(cell: Cell) -> tuple[str | None, ...]:
    """What cells share that differ in their seeds only."""
    return cell.verb, cell.label, cell.task, cell.workdir


def _measured(suite: Suite) -> dict[tuple[str | None, ...], int]:
    """The most memory that cells of a kind took before."""
    attempts = Attempts(suite.workdir)
    peaks: dict[tuple[str | None, ...], int] = {}
    for cell in suite.cells:
        peak = attempts.peak_bytes(cell.cell_id)
        if peak is not None:
            peaks[_kind(cell)] = max(peak, peaks.get(_kind(cell), 0))
    return peaks


def _memory(
    setup: Setup, cell: Cell, measured: Mapping[tuple[str | None, ...], int]
) -> int:
    """What is given, what another seed of the cell took, or an estimate."""
    if setup.cell_bytes is not None:
        return setup.cell_bytes
    if _kind(cell) in measured:
        return int(MARGIN * measured[_kind(cell)])
    value = config.read(
        [*_sizes(setup.suite.cells, cell), *cell.files], cell.overrides()
    ).value
    length = value(f"runs.{cell.verb}.max_seq_length")
    if length is None and cell.task in registry.tasks.names():
        length = registry.tasks.get(cell.task).max_seq_length
    return estimated_bytes(value, cell.verb, length, value(f"runs.{cell.verb}.vocab"))


def _sizes(cells: Sequence[Cell], cell: Cell) -> Sequence[str]:
    """Gin files with the sizes of the encoder that a cell starts from."""
    if cell.needs is not None:
        [start] = (other for other in cells if other.cell_id == cell.needs)
        return start.files
    init = cell.bindings.get("INIT")
    beside = os.path.join(init, MODEL_FILE) if init else ""
    return [beside] if os.path.isfile(beside) else []
