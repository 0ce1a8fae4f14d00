"""What has become of every cell of a suite."""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from electra_bench.records import RecordError, RunRecord, read_record
from electra_bench.suites.attempts import ENDED, Attempts
from electra_bench.suites.cell import Cell, in_order, shown
from electra_bench.suites.suite import Suite
from electra_bench.system.locks import is_locked

DONE, OUTDATED, RUNNING = "done", "outdated", "running"
FAILED, MISSING = "failed", "missing"
STATES = (DONE, OUTDATED, RUNNING, FAILED, MISSING)
# A cell and the records of those that it waits for, to why its own does not count; empty
# if it does.
Outdated = Callable[[Cell, Mapping[str, RunRecord]], str]


class CellStatus(NamedTuple):
    """A cell's state.

    Attributes:
        name: its id.
        state: `done`: its folder holds a valid record; `outdated`: of another
            configuration or run; `running`; `failed`: its last attempt did, or its record
            says so or cannot be used; `missing`: anything else.
        reason: why it is not done.
        score: of fine-tuning that is done, the main one on the first split; None if there
            is none.
        attempts: how often it was started.
        seconds: of its last attempt; None if that has not ended.
        log: path of its log.
        record: path of its record.
        command: of its last attempt, or of the first to come.
    """

    name: str
    state: str
    reason: str
    score: float | None
    attempts: int
    seconds: float | None
    log: str
    record: str
    command: str


def statuses(suite: Suite, outdated: Outdated = lambda *_: "") -> list[CellStatus]:
    """The state of every cell, from records, locks and the log of attempts.

    Args:
        suite: the suite.
        outdated: why the record of a cell does not count; without it all do.
    """
    attempts = Attempts(suite.workdir)
    found: dict[str, CellStatus] = {}
    records: dict[str, RunRecord] = {}
    for cell in in_order(suite.cells):
        last = attempts.last(cell.cell_id) or {}
        state, reason = _state(suite, cell, last, found)
        score = None
        if state == DONE:
            record = records[cell.cell_id] = read_record(cell.record)
            state, reason = _compared(cell, records, found, outdated)
            scored = state == DONE and cell.task is not None and record.results
            score = record.results[0].main_score if scored else None
        found[cell.cell_id] = CellStatus(
            cell.cell_id,
            state,
            reason,
            score,
            attempts.count(cell.cell_id),
            last.get("seconds"),
            suite.log(cell),
            cell.record,
            attempts.command(cell.cell_id)
            or shown(cell.arguments(suite.name, suite.plugins)),
        )
    return [found[cell.cell_id] for cell in suite.cells]


def _state(
    suite: Suite,
    cell: Cell,
    last: Mapping[str, Any],
    found: Mapping[str, CellStatus],
) -> tuple[str, str]:
    """State and reason, if records are believed."""
    if is_locked(suite.lock(cell)):
        return RUNNING, ""
    if os.path.isfile(cell.record):
        try:
            status = read_record(cell.record).status
            if status == "done":
                return DONE, ""
            return FAILED, last.get("reason") or f"its record's status is {status!r}"
        except RecordError as error:
            return FAILED, str(error)
    if last.get("event") == ENDED and last.get("reason"):
        return FAILED, last["reason"]
    for name in cell.waits_for:
        if name in found and found[name].state != DONE:
            return MISSING, f"waits for {name}, which is {found[name].state}"
    if not last:
        return MISSING, "not started"
    gone = last["event"] == ENDED
    return MISSING, "its record is gone" if gone else "interrupted"


def _compared(
    cell: Cell,
    records: Mapping[str, RunRecord],
    found: Mapping[str, CellStatus],
    outdated: Outdated,
) -> tuple[str, str]:
    """State and reason of a cell that has a record."""
    for name in cell.waits_for:
        if name in found and found[name].state == OUTDATED:
            return OUTDATED, f"builds on {name}, which is outdated"
    if not all(name in records for name in cell.waits_for):
        # It depends on what that will be.
        return DONE, ""
    try:
        reason = outdated(cell, records)
    except (ValueError, OSError) as error:
        return DONE, f"not compared: {error}"
    return (OUTDATED, reason) if reason else (DONE, "")
