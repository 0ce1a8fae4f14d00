"""Lion: the sign of a moving mean, with one slot a variable."""

import tensorflow as tf

from electra_bench.registry import optimizers
from electra_bench.training.optimizer import Shared, SlotOptimizer, assign, subtract


class Lion(SlotOptimizer):
    """Every element moves by the learning rate, up or down."""

    SLOTS = ("lion_m",)

    def __init__(self, shared: Shared, beta_1: float, beta_2: float):
        """Creates the slots; see `lion`."""
        super().__init__(shared)
        self._betas = beta_1, beta_2

    def update(self, variable, gradient, rate, slots, step):
        """Moves a variable and then its mean."""
        del step
        mean = slots["lion_m"]
        for_update, kept = self._betas
        direction = tf.sign(for_update * mean + (1.0 - for_update) * gradient)
        subtract(variable, rate * direction)
        assign(mean, kept * mean + (1.0 - kept) * gradient)


@optimizers.register("lion")
def lion(shared: Shared, *, beta_1: float = 0.9, beta_2: float = 0.99) -> Lion:
    """Builds the optimizer; a tenth of AdamW's learning rate is a good start.

    Args:
        shared: variables, schedule, weight decay and clipping.
        beta_1: weight of the mean in an update, in [0, 1).
        beta_2: decay of the mean, in [0, 1).

    Raises:
        ValueError: a number is out of range.

    Source: Chen et al. 2023, algorithm 2.
    """
    if not (0.0 <= beta_1 < 1.0 and 0.0 <= beta_2 < 1.0):
        raise ValueError(
            f"training.lion: beta_1 and beta_2 must be in [0, 1), got {beta_1} and {beta_2}"
        )
    return Lion(shared, beta_1, beta_2)
