"""How scoring texts shows that it is getting on."""

from rich.progress import TaskProgressColumn, TextColumn

from electra_bench.system.progress import ProgressDisplay


class ScoringProgress(ProgressDisplay):
    """Shows passes, tokens/s and the time left."""

    def __init__(self, name: str, num_passes: int, num_tokens: int):
        """Starts the clock.

        Args:
            name: what is scored.
            num_passes: rows that are to go through the encoder.
            num_tokens: tokens of them.
        """
        super().__init__(
            name,
            TaskProgressColumn(),
            TextColumn("{task.fields[numbers]}"),
            total=num_tokens,
            numbers="",
        )
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
