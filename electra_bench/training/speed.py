"""How fast a training was, over all of its processes."""

from collections.abc import Sequence

from electra_bench.training.peak import peak_flops_per_s


class Speed:
    """Counts what the updates of a training took, and nothing else that it does."""

    def __init__(self, state: Sequence[float] = (0, 0, 0, 0.0, 0.0)):
        """Goes on from a state.

        Args:
            state: steps, tokens, these with padding, seconds, and seconds of them spent
                waiting for batches.
        """
        self.state = list(state)

    def add(
        self, steps: int, tokens: int, positions: int, seconds: float, waited_s: float
    ) -> None:
        """Counts updates, but for the first of a stage, which is built and compiled.

        Under XLA those of a new length are compiled, too, and counted.
        """
        new = (steps, tokens, positions, seconds, waited_s)
        self.state = [old + more for old, more in zip(self.state, new, strict=True)]

    def fields(self, step_flops: float | None) -> dict[str, float]:
        """Those of a record, as far as they are known.

        Args:
            step_flops: of one update, method v2; None if unknown.
        """
        steps, tokens, positions, seconds, waited_s = self.state
        if not seconds:
            return {}
        found = {
            "tokens_per_s": tokens / seconds,
            "waiting_share": waited_s / seconds,
            "padding_share": 1.0 - tokens / positions,
        }
        if step_flops:
            found["peak_share"] = step_flops * steps / seconds / peak_flops_per_s()
        return found
