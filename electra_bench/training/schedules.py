"""Learning rate as a function of the step."""

from typing import Literal

import tensorflow as tf


def warmup_length(
    total_steps: int, warmup_steps: float, warmup_proportion: float
) -> float:
    """The longer of the two warm-ups, in steps; may be fractional."""
    return max(total_steps * warmup_proportion, warmup_steps)


def learning_rate(
    step: tf.Tensor | int,
    *,
    peak: float,
    total_steps: int,
    warmup: float,
    decay_power: float = 1.0,
    shape: Literal["multiplied", "separate"] = "multiplied",
) -> tf.Tensor:
    """Linear warm-up and polynomial decay to 0, float32 scalar.

    Args:
        step: updates done before; the first one has rate 0 if there is a warm-up.
        peak: highest rate of `separate`; `multiplied` stays below it.
        total_steps: where the rate reaches 0.
        warmup: steps of warm-up; 0 for none.
        decay_power: exponent of the decay.
        shape: `multiplied`: the decay runs from step 0, times the warm-up, as in the
            original. `separate`: the decay starts where the warm-up ends.

    Raises:
        ValueError: unknown shape.

    Source: Clark et al. 2020, appendix A; google-research/electra model/optimization.py
    `create_optimizer`. Differs: without warm-up the rate of step 0 is the peak, not NaN.
    """
    step = tf.cast(step, tf.float32)
    warm = tf.minimum(1.0, step / warmup) if warmup > 0 else tf.constant(1.0)
    if shape == "multiplied":
        done = tf.minimum(step, total_steps) / total_steps
    elif shape == "separate":
        rest = max(total_steps - warmup, 1e-9)
        done = tf.clip_by_value((step - warmup) / rest, 0.0, 1.0)
    else:
        raise ValueError(
            f"training.adamw.warmup_shape must be 'multiplied' or 'separate', got {shape!r}"
        )
    return peak * tf.pow(1.0 - done, decay_power) * warm
