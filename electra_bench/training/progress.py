"""How training and scoring show that they are getting on."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from rich import progress

from electra_bench.system.progress import ProgressDisplay
from electra_bench.training.peak import peak_flops_per_s

# From this share of the time on it is shown.
WAITS = 0.01
# From this share of what is computed on it is shown.
PADS = 0.01


class _Then(NamedTuple):
    """When something was shown last, and what had been done."""

    time: float
    step: int
    tokens: int
    positions: float
    waited_s: float


class _Numbers(ProgressDisplay):
    """A count of what is done, and numbers beside it."""

    def __init__(
        self, name: str, count: progress.ProgressColumn, total: int, completed: int
    ):
        column = progress.TextColumn("{task.fields[numbers]}")
        super().__init__(
            name, count, column, total=total, completed=completed, numbers=""
        )


class TrainingProgress(_Numbers):
    """Shows step, loss, how fast it is, what it waits for and pads, and the time left."""

    def __init__(
        self,
        name: str,
        first_step: int,
        num_steps: int,
        tokens: int,
        step_flops: float | None = None,
    ):
        """Starts the clock.

        Args:
            name: of the run.
            first_step: updates done before.
            num_steps: updates in all.
            tokens: seen before.
            step_flops: of one update; None if unknown.
        """
        super().__init__(name, progress.MofNCompleteColumn(), num_steps, first_step)
        self._first_step = first_step
        self._num_steps = num_steps
        self._step_flops = step_flops
        self._positions = 0.0
        self._last = _Then(self.start, first_step, tokens, 0.0, 0.0)

    def computed(self, positions: float) -> None:
        """Counts tokens and padding that went through the model."""
        self._positions += positions

    def update(
        self, step: int, tokens: int, values: Mapping[str, float], waited_s: float = 0.0
    ) -> dict[str, float]:
        """Shows the state after `step`.

        Args:
            step: updates done.
            tokens: seen so far.
            values: what is logged; `loss` is shown.
            waited_s: seconds spent waiting for batches so far.

        Returns:
            Since the last call: tokens a second, the share of the time that was spent
            waiting for batches, the share of padding in what was computed and, where FLOPs
            are known, the share of what the device can do.
        """
        now = _Then(time.monotonic(), step, tokens, self._positions, waited_s)
        last, self._last = self._last, now
        seconds = max(now.time - last.time, 1e-9)
        new, positions = tokens - last.tokens, now.positions - last.positions
        speed = {
            "tokens_per_s": new / seconds,
            "waiting_share": (waited_s - last.waited_s) / seconds,
            "padding_share": 1.0 - new / max(positions, new, 1.0),
        }
        loss = values.get("loss", float("nan"))
        numbers = f"loss {loss:.4f}  {speed['tokens_per_s']:,.0f} tokens/s"
        if self._step_flops:
            flops_per_s = self._step_flops * (step - last.step) / seconds
            speed["peak_share"] = flops_per_s / peak_flops_per_s()
            numbers += f"  {100 * speed['peak_share']:.0f} % of peak"
        if speed["waiting_share"] >= WAITS:
            numbers += f"  {100 * speed['waiting_share']:.0f} % waiting for data"
        if speed["padding_share"] >= PADS:
            numbers += f"  {100 * speed['padding_share']:.0f} % padding"
        steps_per_s = (step - self._first_step) / self.elapsed
        left = (self._num_steps - step) / max(steps_per_s, 1e-9)
        self.show(
            f"step {step}/{self._num_steps}  {numbers}  {steps_per_s:.2f} steps/s  "
            f"eta {left:,.0f} s",
            last=step == self._num_steps,
            completed=step,
            numbers=numbers,
        )
        return speed


class ScoringProgress(_Numbers):
    """Shows passes, tokens/s and the time left."""

    def __init__(self, name: str, num_passes: int, num_tokens: int):
        """Starts the clock.

        Args:
            name: what is scored.
            num_passes: rows that are to go through the encoder.
            num_tokens: tokens of them.
        """
        super().__init__(name, progress.TaskProgressColumn(), num_tokens, 0)
        self._num_passes = num_passes
        self._num_tokens = num_tokens
        self._passes = self._tokens = 0

    def update(self, passes: int, tokens: int) -> None:
        """Counts what is done and shows the state.

        Args:
            passes: further rows that went through the encoder.
            tokens: of them.
        """
        self._passes += passes
        self._tokens += tokens
        tokens_per_s = self._tokens / self.elapsed
        passed = f"{self._passes:,}/{self._num_passes:,} passes"
        numbers = f"{passed}  {tokens_per_s:,.0f} tokens/s"
        left = (self._num_tokens - self._tokens) / max(tokens_per_s, 1e-9)
        done = 100 * self._tokens / max(self._num_tokens, 1)
        self.show(
            f"{done:.1f} %  {numbers}  eta {left:,.0f} s",
            completed=self._tokens,
            numbers=numbers,
        )
