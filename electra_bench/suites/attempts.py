"""The log of attempts: a line when a cell starts, one when it ends; never rewritten."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from electra_bench.system.atomic import write_text

FILE_NAME = "attempts.jsonl"
STARTED, ENDED, INTERRUPTED = "started", "ended", "interrupted"


class Attempts:
    """The log in a suite's folder.

    A line is one `write` of a file opened to append, and is on the disk before the work
    goes on; a line that was cut when the machine went down is left out in reading.
    """

    def __init__(self, workdir: str):
        """Reads what is there; the file need not exist.

        Args:
            workdir: the suite's folder.
        """
        self.path = os.path.join(workdir, FILE_NAME)
        self.events = _read(self.path)
        self._of_cell: dict[str, list[Mapping[str, Any]]] = {}
        for event in self.events:
            self._of_cell.setdefault(event["cell_id"], []).append(event)

    def started(self, suite: str, cell_id: str, command: str) -> int:
        """Writes that a cell starts.

        Args:
            suite: name of the suite.
            cell_id: the cell.
            command: what is run.

        Returns:
            Which attempt it is, from 1, over all starts of suites in the folder.
        """
        number = self.count(cell_id) + 1
        self._append(
            event=STARTED,
            suite=suite,
            cell_id=cell_id,
            attempt=number,
            command=command,
        )
        return number

    def ended(self, suite: str, cell_id: str, attempt: int, **how: Any) -> None:
        """Writes that a cell ended by itself.

        Args:
            suite: name of the suite.
            cell_id: the cell.
            attempt: which.
            **how: status, seconds, peak_bytes, reason.
        """
        self._append(event=ENDED, suite=suite, cell_id=cell_id, attempt=attempt, **how)

    def interrupted(self, suite: str, cell_id: str, attempt: int, **how: Any) -> None:
        """Writes that a cell was stopped, because the suite was; see `ended`."""
        self._append(
            event=INTERRUPTED, suite=suite, cell_id=cell_id, attempt=attempt, **how
        )

    def count(self, cell_id: str) -> int:
        """How often the cell was started."""
        events = self._of_cell.get(cell_id, ())
        return sum(event["event"] == STARTED for event in events)

    def last(self, cell_id: str) -> Mapping[str, Any] | None:
        """The cell's last line; None for a cell that was never started."""
        return self._of_cell.get(cell_id, [None])[-1]

    def command(self, cell_id: str) -> str | None:
        """What the cell's last attempt ran; None for a cell that was never started."""
        events = self._of_cell.get(cell_id, ())
        commands = [event["command"] for event in events if "command" in event]
        return commands[-1] if commands else None

    def peak_bytes(self, cell_id: str) -> int | None:
        """The most memory that an attempt of the cell took; None if none ended."""
        events = self._of_cell.get(cell_id, ())
        peaks = [event["peak_bytes"] for event in events if event.get("peak_bytes")]
        return max(peaks, default=None)

    def _append(self, **event: Any) -> None:
        event = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **event}
        line = json.dumps(event).encode() + b"\n"
        if not os.path.exists(self.path):
            write_text(self.path, "")  # so that its name is on the disk
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line  # after a line that was cut
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)
        self.events.append(event)
        self._of_cell.setdefault(event["cell_id"], []).append(event)


def _read(path: str) -> list[dict[str, Any]]:
    if not os.path.isfile(path):
        return []
    events = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(event, dict) and {"event", "cell_id"} <= event.keys():
                events.append(event)
    return events
