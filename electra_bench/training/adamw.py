"""AdamW as BERT and ELECTRA use it."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from electra_bench.config.ranges import NotNegative, Positive, Rate, Share
from electra_bench.config.roles import Given, PerTask, Result
from electra_bench.core.variables import variable_name
from electra_bench.registry import optimizers, training
from electra_bench.training.choices import chosen
from electra_bench.training.layerwise import layer_rates
from electra_bench.training.optimizer import Shared, SlotOptimizer
from electra_bench.training.schedules import WarmupShape, linear, warmup_length


@optimizers.register("adamw")
def adamw(
    variables: Given[Sequence[tf.Variable]],
    total_steps: Given[int],
    num_layers: Given[int | None] = None,
    *,
    peak_lr: PerTask[Positive[float]],
    warmup_steps: Result[NotNegative[float]] = 0,
    warmup_proportion: Result[Share[float]] = 0.0,
    warmup_shape: Result[WarmupShape] = "multiplied",
    decay_power: Result[NotNegative[float]] = 1.0,
    weight_decay: Result[NotNegative[float]] = 0.01,
    layer_decay: Result[Positive[float] | None] = None,
    layer_decay_gap: Result[bool] = True,
    clip_norm: Result[NotNegative[float]] = 1.0,
    clip_sums_rows: Result[bool] = False,
    bias_correction: Result[bool] = False,
    beta_1: Result[Rate[float]] = 0.9,
    beta_2: Result[Rate[float]] = 0.999,
    epsilon: Result[NotNegative[float]] = 1e-6,
) -> "AdamW":
    """Builds the optimizer and its slots.

    Unlike other optimizers it has what they share, and the schedule `linear`, under its own
    name: so every configuration and record since the first one says it.

    Args:
        variables: what to train.
        total_steps: updates until the learning rate is 0.
        num_layers: of the encoder; needed with `layer_decay`.
        peak_lr: learning rate, see `schedules.linear`.
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
    warmup = warmup_length(total_steps, warmup_steps, warmup_proportion)
    if chosen("schedule") == "linear":
        learning_rate = linear(
            peak_lr,
            total_steps,
            warmup,
            warmup_shape=warmup_shape,
            decay_power=decay_power,
        )
    else:
        learning_rate = training.get("schedule")(
            peak_lr, total_steps, warmup_steps=warmup, warmup_proportion=0.0
        )
    names = [variable_name(variable) for variable in variables]
    shared = Shared(
        tuple(variables),
        layer_rates(names, num_layers, layer_decay, gap=layer_decay_gap),
        learning_rate,
        weight_decay,
        clip_norm,
        clip_sums_rows,
    )
    return AdamW(shared, bias_correction, (beta_1, beta_2), epsilon)


class AdamW(SlotOptimizer):
    """Moving means of the gradient and of its square, see `adamw`."""

    SLOTS = ("adam_m", "adam_v")

    def __init__(
        self,
        shared: Shared,
        bias_correction: bool,
        betas: tuple[float, float],
        epsilon: float,
    ):
        """Creates the slots.

        Args:
            shared: what the run gives to any optimizer.
            bias_correction: see `adamw`.
            betas: decay of the first and second moment.
            epsilon: see `adamw`.
        """
        super().__init__(shared)
        self._bias_correction = bias_correction
        self._betas = betas
        self._epsilon = epsilon

    def update(
        self,
        variable: tf.Variable,
        gradient: tf.Tensor,
        rate: tf.Tensor,
        slots: Mapping[str, tf.Variable],
        step: tf.Tensor,
    ) -> None:
        """One fused operation; epsilon is outside the root."""
        # With powers of 0 it corrects no bias.
        powers = [tf.constant(0.0)] * 2
        if self._bias_correction:
            done = tf.cast(step, tf.float32) + 1.0
            powers = [tf.pow(beta, done) for beta in self._betas]
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=slots["adam_m"].handle,
            v=slots["adam_v"].handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=self._betas[0],
            beta2=self._betas[1],
            epsilon=self._epsilon,
            grad=gradient,
        )
