"""Warm-up, then half a cosine down to a fraction of the peak."""

import math

import tensorflow as tf

from electra_bench.core import Schedule
from electra_bench.registry import schedules
from electra_bench.training.schedules import after_warmup, warmed_up


@schedules.register("cosine")
def cosine(
    peak_lr: float, total_steps: int, warmup: float, *, final_fraction: float = 0.0
) -> Schedule:
    """Builds the schedule.

    Args:
        peak_lr: rate at the end of the warm-up.
        total_steps: updates of the training.
        warmup: steps of linear warm-up.
        final_fraction: rate at the end, as a fraction of the peak, in [0, 1].

    Raises:
        ValueError: the fraction is out of range.

    Source: Loshchilov and Hutter 2017, section 3, without restarts.
    """
    if not 0.0 <= final_fraction <= 1.0:
        raise ValueError(
            f"training.cosine.final_fraction must be in [0, 1], got {final_fraction}"
        )

    def rate(step: tf.Tensor) -> tf.Tensor:
        left = 0.5 + 0.5 * tf.cos(math.pi * after_warmup(step, total_steps, warmup))
        factor = final_fraction + (1.0 - final_fraction) * left
        return peak_lr * warmed_up(step, warmup) * factor

    return rate
