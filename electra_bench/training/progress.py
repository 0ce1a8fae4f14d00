"""How a training shows that it is getting on."""

import time
from collections.abc import Mapping

from rich.progress import MofNCompleteColumn, TextColumn

from electra_bench.system.progress import ProgressDisplay


class TrainingProgress(ProgressDisplay):
    """Shows step, loss, tokens/s and the time left."""

    def __init__(self, name: str, first_step: int, num_steps: int, tokens: int):
        """Starts the clock.

        Args:
            name: of the run.
            first_step: updates done before.
            num_steps: updates in all.
            tokens: seen before.
        """
        super().__init__(
            name,
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            total=num_steps,
            completed=first_step,
            numbers="",
        )
        self._first_step = first_step
        self._num_steps = num_steps
        self._last = self.start
        self._tokens = tokens

    def warn(self, text: str) -> None:
        """Shows a warning."""
        self.write(f"warning: {text}")

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
        steps_per_s = (step - self._first_step) / self.elapsed
        left = (self._num_steps - step) / max(steps_per_s, 1e-9)
        self.show(
            f"step {step}/{self._num_steps}  {numbers}  {steps_per_s:.2f} steps/s  "
            f"eta {left:,.0f} s",
            last=step == self._num_steps,
            completed=step,
            numbers=numbers,
        )
        return tokens_per_s
