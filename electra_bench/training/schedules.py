"""Learning-rate schedules: the rate as a function of the step."""

from typing import Literal

import tensorflow as tf

from electra_bench.config.ranges import NotNegative, Share
from electra_bench.config.roles import Given, Result
from electra_bench.core import Schedule
from electra_bench.registry import schedules, training
from electra_bench.training.choices import build

WarmupShape = Literal["multiplied", "separate"]


@training.register("schedule")
def schedule(
    peak_lr: Given[float],
    total_steps: Given[int],
    *,
    name: Result[str] = "linear",
    warmup_steps: Result[NotNegative[float]] = 0,
    warmup_proportion: Result[Share[float]] = 0.0,
) -> Schedule:
    """Builds the schedule that is chosen by its registered name.

    A registered schedule is a builder of `peak_lr`, `total_steps` and `warmup`, the length
    of the warm-up in steps, which may be fractional; further parameters are gin's.

    Args:
        peak_lr: highest rate.
        total_steps: updates of the training.
        name: registered schedule.
        warmup_steps: steps of linear warm-up.
        warmup_proportion: the same as a fraction of `total_steps`; the longer one holds.

    Raises:
        UnknownName: no such schedule.
        ValueError: a number is out of range.
    """
    warmup = warmup_length(total_steps, warmup_steps, warmup_proportion)
    return build(
        schedules, name, peak_lr=peak_lr, total_steps=total_steps, warmup=warmup
    )


@schedules.register("linear")
def linear(
    peak_lr: Given[float],
    total_steps: Given[int],
    warmup: Given[float],
    *,
    warmup_shape: Result[WarmupShape] = "multiplied",
    decay_power: Result[NotNegative[float]] = 1.0,
) -> Schedule:
    """Linear warm-up and linear or polynomial decay to 0.

    The first update has rate 0 if there is a warm-up.

    Args:
        peak_lr: highest rate of `separate`; `multiplied` stays below it.
        total_steps: where the rate reaches 0.
        warmup: steps of warm-up; 0 for none.
        warmup_shape: `multiplied` lets the decay run from step 0, times the warm-up, as
            the original does, so that the rate never reaches `peak_lr`; `separate` starts
            it where the warm-up ends.
        decay_power: exponent of the decay.

    Raises:
        ValueError: unknown shape.

    Source: Clark et al. 2020, appendix A; google-research/electra model/optimization.py
    `create_optimizer`. Differs: without warm-up the rate of step 0 is the peak, not NaN.
    """

    def rate(step: tf.Tensor | int) -> tf.Tensor:
        if warmup_shape == "multiplied":
            done = tf.minimum(tf.cast(step, tf.float32), total_steps) / total_steps
        elif warmup_shape == "separate":
            done = after_warmup(step, total_steps, warmup)
        else:
            raise ValueError(
                f"warmup_shape must be 'multiplied' or 'separate', got {warmup_shape!r}"
            )
        return peak_lr * tf.pow(1.0 - done, decay_power) * warmed_up(step, warmup)

    rate(0)  # finds a wrong setting now, not in a step
    return rate


@schedules.register("constant")
def constant(
    peak_lr: Given[float], total_steps: Given[int], warmup: Given[float]
) -> Schedule:
    """Linear warm-up, then the same rate to the end.

    Args:
        peak_lr: the rate after the warm-up.
        total_steps: of no meaning here.
        warmup: steps of warm-up.
    """
    del total_steps
    return lambda step: peak_lr * warmed_up(step, warmup)


def warmup_length(
    total_steps: int, warmup_steps: float, warmup_proportion: float
) -> float:
    """The longer of the two warm-ups, in steps; may be fractional.

    Raises:
        ValueError: there is no step to train.
    """
    if total_steps < 1:
        raise ValueError(f"a schedule needs total_steps >= 1, got {total_steps}")
    return max(total_steps * warmup_proportion, warmup_steps)


def warmed_up(step: tf.Tensor | int, warmup: float) -> tf.Tensor:
    """Factor of a linear warm-up, from 0 to 1, float32 scalar; 1 without one.

    Args:
        step: updates done before.
        warmup: steps of warm-up.
    """
    if warmup <= 0:
        return tf.constant(1.0)
    return tf.minimum(1.0, tf.cast(step, tf.float32) / warmup)


def after_warmup(step: tf.Tensor | int, total_steps: int, warmup: float) -> tf.Tensor:
    """How much of what follows the warm-up is done, from 0 to 1, float32 scalar.

    Args:
        step: updates done before.
        total_steps: updates of the training.
        warmup: steps of warm-up.
    """
    rest = max(total_steps - warmup, 1e-9)
    return tf.clip_by_value((tf.cast(step, tf.float32) - warmup) / rest, 0.0, 1.0)
