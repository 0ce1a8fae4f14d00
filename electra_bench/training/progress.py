"""How a run shows that it is getting on: a bar on a terminal, lines elsewhere."""

import contextlib
import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class TrainingProgress(contextlib.AbstractContextManager):
    """Shows step, loss, tokens/s and the time left."""

    # Without a terminal, seconds between lines.
    INTERVAL_S = 10.0

    def __init__(self, name: str, first_step: int, num_steps: int, tokens: int):
        """Starts the clock.

        Args:
            name: of the run.
            first_step: updates done before.
            num_steps: updates in all.
            tokens: seen before.
        """
        self._name = name
        self._first_step = first_step
        self._num_steps = num_steps
        self._start = self._last = self._shown = time.monotonic()
        self._tokens = tokens
        self._console = Console(stderr=True)
        self._bar = None

    def __enter__(self) -> "TrainingProgress":
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[numbers]}"),
                TimeElapsedColumn(),
                TextColumn("eta"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                self._name,
                total=self._num_steps,
                completed=self._first_step,
                numbers="",
            )
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()

    def warn(self, text: str) -> None:
        """Shows a warning."""
        self._console.print(
            f"{self._name}: warning: {text}", highlight=False, soft_wrap=True
        )

    def update(self, step: int, tokens: int, values: Mapping[str, float]) -> float:
        """Shows the state after `step`.

        Args:
            step: updates done.
            tokens: seen so far.
            values: what is logged; `loss` is shown.

        Returns:
            Tokens a second since the last call.
        """
        now = time.monotonic()
        tokens_per_s = (tokens - self._tokens) / max(now - self._last, 1e-9)
        self._last, self._tokens = now, tokens
        loss = values.get("loss", float("nan"))
        numbers = f"loss {loss:.4f}  {tokens_per_s:,.0f} tokens/s"
        if self._bar:
            self._bar.update(self._task, completed=step, numbers=numbers)
        elif now - self._shown >= self.INTERVAL_S or step == self._num_steps:
            self._shown = now
            steps_per_s = (step - self._first_step) / (now - self._start)
            left = (self._num_steps - step) / max(steps_per_s, 1e-9)
            self._console.print(
                f"{self._name}: step {step}/{self._num_steps}  {numbers}  "
                f"{steps_per_s:.2f} steps/s  eta {left:,.0f} s",
                highlight=False,
                soft_wrap=True,
            )
        return tokens_per_s
