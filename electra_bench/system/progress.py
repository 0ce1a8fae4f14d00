"""How long work shows that it is getting on: a bar on a terminal, lines elsewhere."""

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

# rich is imported where something is shown: this folder needs Python alone.
if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


class ProgressDisplay(contextlib.AbstractContextManager):
    """A bar with columns of its own, or a line every ten seconds, on standard error."""

    # Without a terminal, seconds between lines.
    INTERVAL_S = 10.0

    def __init__(
        self, name: str, *columns: "ProgressColumn", total: float | None, **task: Any
    ):
        """Starts the clock.

        Args:
            name: of the work.
            *columns: between the bar and the times.
            total: units of work; None if unknown yet.
            **task: what the columns show at first.
        """
        from rich.console import Console

        self.name = name
        self.start = self._shown = time.monotonic()
        self._columns = columns
        self._task = {"total": total, **task}
        self._console = Console(stderr=True)
        self._bar: Progress | None = None

    def __enter__(self):
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                *self._columns,
                *self.time_columns(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._id = self._bar.add_task(self.name, **self._task)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()

    def time_columns(self) -> "Sequence[ProgressColumn]":
        """The last columns: time so far, and time left by the speed of the last seconds."""
        from rich.progress import TextColumn, TimeElapsedColumn, TimeRemainingColumn

        return TimeElapsedColumn(), TextColumn("eta"), TimeRemainingColumn()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return max(time.monotonic() - self.start, 1e-9)

    def show(self, line: str, *, last: bool = False, **task: Any) -> None:
        """Shows the state.

        Args:
            line: for where there is no bar.
            last: a line that is shown in any case.
            **task: `completed` and what the columns show.
        """
        if self._bar:
            self._bar.update(self._id, **task)
            return
        now = time.monotonic()
        if last or now - self._shown >= self.INTERVAL_S:
            self._shown = now
            self.write(line)

    def write(self, line: str) -> None:
        """Shows a line after the name, above a bar."""
        self._console.print(f"{self.name}: {line}", highlight=False, soft_wrap=True)
