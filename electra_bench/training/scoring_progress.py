"""How scoring texts shows that it is getting on."""

import contextlib
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ScoringProgress(contextlib.AbstractContextManager):
    """Shows passes, tokens/s and the time left: a bar, or lines."""

    # Without a terminal, seconds between lines.
    INTERVAL_S = 10.0

    def __init__(self, name: str, num_passes: int, num_tokens: int):
        """Starts the clock.

        Args:
            name: what is scored.
            num_passes: rows that are to go through the encoder.
            num_tokens: tokens of them.
        """
        self._name = name
        self._num_passes = num_passes
        self._num_tokens = num_tokens
        self._passes = self._tokens = 0
        self._start = self._shown = time.monotonic()
        self._console = Console(stderr=True)
        self._bar: Progress | None = None

    def __enter__(self) -> "ScoringProgress":
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[numbers]}"),
                TimeElapsedColumn(),
                TextColumn("eta"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                self._name, total=self._num_tokens, numbers=""
            )
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, passes: int, tokens: int) -> None:
        """Counts what is done and shows the state.

        Args:
            passes: further rows that went through the encoder.
            tokens: of them.
        """
        self._passes += passes
        self._tokens += tokens
        now = time.monotonic()
        tokens_per_s = self._tokens / max(now - self._start, 1e-9)
        numbers = f"{self._passes:,} passes  {tokens_per_s:,.0f} tokens/s"
        if self._bar:
            self._bar.update(self._task, completed=self._tokens, numbers=numbers)
        elif now - self._shown >= self.INTERVAL_S:
            self._shown = now
            left = (self._num_tokens - self._tokens) / tokens_per_s
            done = 100 * self._tokens / max(self._num_tokens, 1)
            self._console.print(
                f"{self._name}: {done:.1f} %  {numbers}  eta {left:,.0f} s",
                highlight=False,
                soft_wrap=True,
            )
