"""How a suite shows that it is getting on."""

from collections.abc import Sequence
from datetime import timedelta

from rich.progress import (
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from electra_bench.system.progress import ProgressDisplay

SHOWN = 3


class SuiteProgress(ProgressDisplay):
    """Shows cells done, running and failed, and the time left."""

    INTERVAL_S = 30.0

    def __init__(self, suite: str, total: int):
        """Starts the clock.

        Args:
            suite: its name.
            total: cells to run.
        """
        super().__init__(
            f"suite {suite}",
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            total=total,
            completed=0,
            state="",
            eta="unknown",
        )
        self._total = total

    def time_columns(self) -> Sequence[ProgressColumn]:
        """Cells end minutes apart, so the time left is the schedule's."""
        return TimeElapsedColumn(), TextColumn("eta {task.fields[eta]}")

    def update(
        self, done: int, running: Sequence[str], failed: int, left_s: float | None
    ) -> None:
        """Shows the state.

        Args:
            done: cells that ended well.
            running: cells at work.
            failed: cells that were given up, with those that wait for them.
            left_s: seconds that the rest takes; None if unknown.
        """
        names = ", ".join(running[:SHOWN]) + (", ..." if len(running) > SHOWN else "")
        state = f"{len(running)} running" + (f" ({names})" if running else "")
        if failed:
            state += f", {failed} failed"
        eta = "unknown" if left_s is None else str(timedelta(seconds=round(left_s)))
        self.show(
            f"{done}/{self._total} done, {state}, eta {eta}",
            completed=done + failed,
            state=state,
            eta=eta,
        )
