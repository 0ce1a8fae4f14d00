"""How building a corpus shows that it is getting on."""

import contextlib
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from electra_bench.data.text_streams import ReadReport


class BuildProgress(contextlib.AbstractContextManager):
    """Shows bytes read, examples made and the time left: a bar, or lines."""

    # Without a terminal, seconds between lines.
    INTERVAL_S = 10.0

    def __init__(self, name: str, report: ReadReport):
        """Starts the clock.

        Args:
            name: what is built.
            report: what the reader counts.
        """
        self._name = name
        self._report = report
        self._start = self._shown = time.monotonic()
        self._console = Console(stderr=True)
        self._bar: Progress | None = None

    def __enter__(self) -> "BuildProgress":
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TextColumn("{task.fields[examples]:,} examples"),
                TimeElapsedColumn(),
                TextColumn("eta"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                f"examples of {self._name}", total=None, examples=0
            )
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, num_examples: int) -> None:
        """Shows the state."""
        report = self._report
        if self._bar:
            self._bar.update(
                self._task,
                total=report.total_bytes or None,
                completed=report.read_bytes,
                examples=num_examples,
            )
            return
        now = time.monotonic()
        if now - self._shown < self.INTERVAL_S:
            return
        self._shown = now
        elapsed = now - self._start
        read = report.read_bytes / max(report.total_bytes, 1)
        left = elapsed * (1 - read) / read if read else float("nan")
        self._console.print(
            f"examples of {self._name}: {100 * read:.1f} % read  "
            f"{num_examples:,} examples  "
            f"{report.text_bytes / 1e6 / elapsed:.1f} MB/s  eta {left:,.0f} s",
            highlight=False,
            soft_wrap=True,
        )
