"""What has become of every cell of a suite."""

import fcntl
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from electra_bench.records import RecordError, read_record
from electra_bench.suites.attempts import ENDED, Attempts
from electra_bench.suites.cell import Cell, shown
from electra_bench.suites.suite import Suite

DONE, RUNNING, FAILED, MISSING = "done", "running", "failed", "missing"
STATES = (DONE, RUNNING, FAILED, MISSING)


class CellStatus(NamedTuple):
    """A cell's state.

    Attributes:
        name: its id.
        state: `done`: its folder holds a valid record; `running`; `failed`: its last
            attempt did; `missing`: anything else.
        reason: why it failed or is missing.
        score: of fine-tuning, the main one on the first split; None if there is none.
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


def statuses(suite: Suite) -> list[CellStatus]:
    """The state of every cell, from records, locks and the log of attempts."""
    attempts = Attempts(suite.workdir)
    found: dict[str, CellStatus] = {}
    for cell in suite.cells:
        last = attempts.last(cell.cell_id) or {}
        state, reason, score = _state(suite, cell, last, found)
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
    return list(found.values())


def _state(
    suite: Suite,
    cell: Cell,
    last: Mapping[str, Any],
    found: Mapping[str, CellStatus],
) -> tuple[str, str, float | None]:
    """State, reason and score."""
    if is_locked(suite.lock(cell)):
        return RUNNING, "", None
    if os.path.isfile(cell.record):
        try:
            record = read_record(cell.record)
        except RecordError as error:
            return FAILED, str(error), None
        if record.status == "done":
            scored = cell.task is not None and record.results
            return DONE, "", record.results[0].main_score if scored else None
    if last.get("event") == ENDED and last.get("reason"):
        return FAILED, last["reason"], None
    for name in cell.waits_for:
        if name in found and found[name].state != DONE:
            return MISSING, f"waits for {name}, which is {found[name].state}", None
    if not last:
        return MISSING, "not started", None
    gone = last["event"] == ENDED
    return MISSING, "its record is gone" if gone else "interrupted", None


def is_locked(path: str) -> bool:
    """Whether a living process holds the lock on a file."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
