"""AdamW as BERT and ELECTRA use it."""

import re
from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

from electra_bench.core.variables import variable_name
from electra_bench.registry import training
from electra_bench.training import schedules
from electra_bench.training.clipping import Gradient, clip_by_global_norm
from electra_bench.training.layerwise import layer_rates

# Patterns of names that are not decayed; embeddings are.
NOT_DECAYED = ("LayerNorm", "layer_norm", "bias")


@training.register("adamw")
def adamw(
    variables: Sequence[tf.Variable],
    total_steps: int,
    num_layers: int | None = None,
    *,
    peak_lr: float,
    warmup_steps: float = 0,
    warmup_proportion: float = 0.0,
    warmup_shape: Literal["multiplied", "separate"] = "multiplied",
    decay_power: float = 1.0,
    weight_decay: float = 0.01,
    layer_decay: float | None = None,
    layer_decay_gap: bool = True,
    clip_norm: float = 1.0,
    clip_sums_rows: bool = False,
    bias_correction: bool = False,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-6,
) -> "AdamW":
    """Builds the optimizer and its slots.

    Args:
        variables: what to train.
        total_steps: updates until the learning rate is 0.
        num_layers: of the encoder; needed with `layer_decay`.
        peak_lr: learning rate, see `schedule.learning_rate`.
        warmup_steps: steps of linear warm-up.
        warmup_proportion: the same as a fraction of `total_steps`; the longer one holds.
        warmup_shape: `multiplied` lets the decay run during the warm-up, as the original
            does, so that the rate never reaches `peak_lr`; `separate` does not.
        decay_power: exponent of the polynomial decay.
        weight_decay: decoupled: added to the update, times the learning rate.
        layer_decay: factor of the learning rate from one layer to the next below;
            None gives all variables the same rate.
        layer_decay_gap: whether the factor between head and top layer is applied twice,
            as in the original.
        clip_norm: largest global norm of the gradients; 0 for no clipping.
        clip_sums_rows: whether the norm adds up repeated rows of a sparse gradient; the
            original does not.
        bias_correction: whether the moments are corrected for their start at 0; the
            original does not.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: added to the root of the second moment.

    Returns:
        The optimizer.

    Raises:
        ValueError: a number is out of range, or a variable has no layer-wise rate.

    Source: Loshchilov and Hutter 2019; Clark et al. 2020, appendices A and B;
    google-research/electra model/optimization.py. Differs: the update that follows t
    others uses the rate of t; the original leaves open whether that of t or of t + 1.
    """
    if total_steps < 1:
        raise ValueError(f"training.adamw needs total_steps >= 1, got {total_steps}")
    warmup = schedules.warmup_length(total_steps, warmup_steps, warmup_proportion)
    settings = {
        "peak": peak_lr,
        "total_steps": total_steps,
        "warmup": warmup,
        "decay_power": decay_power,
        "shape": warmup_shape,
    }
    names = [variable_name(variable) for variable in variables]
    rates = dict.fromkeys(names, 1.0)
    if layer_decay is not None:
        if num_layers is None:
            raise ValueError("training.adamw.layer_decay needs num_layers, got None")
        rates = layer_rates(names, num_layers, layer_decay, gap=layer_decay_gap)
    schedules.learning_rate(0, **settings)  # finds a wrong setting now, not in a step
    return AdamW(
        variables,
        rates,
        settings,
        weight_decay=weight_decay,
        clip_norm=clip_norm,
        clip_sums_rows=clip_sums_rows,
        bias_correction=bias_correction,
        betas=(beta_1, beta_2),
        epsilon=epsilon,
    )


def is_decayed(name: str) -> bool:
    """Whether weight decay applies to the variable of this name."""
    return not any(re.search(pattern, name) for pattern in NOT_DECAYED)


class AdamW(tf.Module):
    """See `adamw`."""

    def __init__(
        self,
        variables: Sequence[tf.Variable],
        rates: dict[str, float],
        schedule_settings: dict,
        *,
        weight_decay: float,
        clip_norm: float,
        clip_sums_rows: bool,
        bias_correction: bool,
        betas: tuple[float, float],
        epsilon: float,
    ):
        """Creates the slots `<variable>/adam_m` and `<variable>/adam_v`, all 0.

        Args:
            variables: what to train.
            rates: factor of the learning rate by variable name.
            schedule_settings: arguments of `schedule.learning_rate` but the step.
            weight_decay: see `adamw`.
            clip_norm: see `adamw`.
            clip_sums_rows: see `adamw`.
            bias_correction: see `adamw`.
            betas: decay of the first and second moment.
            epsilon: see `adamw`.

        Raises:
            ValueError: two variables have the same name.
        """
        super().__init__()
        if len(rates) != len(variables):
            raise ValueError(
                f"variables need different names, got {len(variables)} with "
                f"{len(rates)} names"
            )
        self._trained = tuple(variables)
        self._rates = rates
        self._schedule = schedule_settings
        self._weight_decay = weight_decay
        self._clip_norm = clip_norm
        self._clip_sums_rows = clip_sums_rows
        self._bias_correction = bias_correction
        self._betas = betas
        self._epsilon = epsilon
        self.slots: dict[str, tf.Variable] = {}
        for variable in variables:
            for slot in ("adam_m", "adam_v"):
                name = f"{variable_name(variable)}/{slot}"
                self.slots[name] = _slot(variable, name)

    def learning_rate(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of the update after `step` others, float32 scalar."""
        return schedules.learning_rate(step, **self._schedule)

    def apply(self, gradients: Sequence[Gradient], step: tf.Tensor) -> tf.Tensor:
        """Updates the variables, inside a `tf.function`, in replica context.

        Every replica updates its own copy, from gradients that are the same on all.

        Args:
            gradients: one a variable, in their order; None leaves a variable alone.
            step: number of updates done before, int32 scalar.

        Returns:
            The global norm of the gradients before clipping.
        """
        gradients, norm = clip_by_global_norm(
            gradients, self._clip_norm, sum_rows=self._clip_sums_rows
        )
        rate = self.learning_rate(step)
        powers = [tf.constant(0.0), tf.constant(0.0)]
        if self._bias_correction:
            done = tf.cast(step, tf.float32) + 1.0
            powers = [tf.pow(beta, done) for beta in self._betas]
        for variable, gradient in zip(self._trained, gradients, strict=True):
            if gradient is not None:
                self._update(variable, gradient, rate, powers)
        return norm

    def _update(
        self,
        variable: tf.Variable,
        gradient: tf.Tensor,
        rate: tf.Tensor,
        powers: Sequence[tf.Tensor],
    ) -> None:
        name = variable_name(variable)
        rate *= self._rates[name]
        if self._weight_decay > 0 and is_decayed(name):
            tf.raw_ops.AssignSubVariableOp(
                resource=variable.handle, value=rate * self._weight_decay * variable
            )
        # One fused operation. With powers of 0 it corrects no bias; epsilon is outside
        # the root.
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self.slots[f"{name}/adam_m"].handle,
            v=self.slots[f"{name}/adam_v"].handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=self._betas[0],
            beta2=self._betas[1],
            epsilon=self._epsilon,
            grad=gradient,
        )


def _slot(variable: tf.Variable, name: str) -> tf.Variable:
    return tf.Variable(
        tf.zeros(variable.shape),
        name=name,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
