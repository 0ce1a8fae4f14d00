"""The optimizer that a run chooses, and what optimizers share."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gin
import tensorflow as tf

from electra_bench import config
from electra_bench.config.ranges import NotNegative, Positive
from electra_bench.config.roles import Given, PerTask, Result
from electra_bench.core import Gradient, Optimizer, Schedule
from electra_bench.core.variables import replicated, variable_name
from electra_bench.registry import optimizers, training
from electra_bench.training.choices import LINEAR_ONLY, build, chosen
from electra_bench.training.layerwise import layer_rates

# Parts of the names of what is not decayed; embeddings are.
NOT_DECAYED = ("LayerNorm", "layer_norm", "bias")


def build_optimizer(
    variables: Sequence[tf.Variable],
    total_steps: int,
    num_layers: int | None,
    **given: Any,
) -> Optimizer:
    """Builds the configured optimizer.

    Args:
        variables: what to train.
        total_steps: updates of the training.
        num_layers: of the encoder.
        **given: parameters that the run sets itself.

    Raises:
        ConfigError: it needs a parameter that nothing binds, or one is bound in vain.
    """
    # AdamW is older than the choice: what is shared is bound under its own name.
    part = "adamw" if chosen("optimizer") == "adamw" else "optimizer"
    for name in set(given) & set(gin.get_bindings(training.get(part))):
        raise config.ConfigError(
            f"training.{part}.{name} is bound, but this run sets it by its own {name}"
        )
    supplied = given | {
        "variables": variables,
        "total_steps": total_steps,
        "num_layers": num_layers,
    }
    if part == "adamw" and chosen("schedule") != "linear":
        # Given, so that the run's configuration does not say what has no effect.
        supplied |= LINEAR_ONLY
    return build(training, part, **supplied)


class Shared(NamedTuple):
    """What every optimizer gets.

    Attributes:
        variables: what to train.
        rates: factor of the learning rate by variable name, see `layer_rates`.
        learning_rate: of every step.
        weight_decay: decoupled: added to the update, times the learning rate.
        clip_norm: largest global norm of the gradients; 0 for no clipping.
        clip_sums_rows: see `clip_by_global_norm`.
    """

    variables: tuple[tf.Variable, ...]
    rates: Mapping[str, float]
    learning_rate: Schedule
    weight_decay: NotNegative[float]
    clip_norm: NotNegative[float]
    clip_sums_rows: bool


@training.register("optimizer")
def optimizer(
    variables: Given[Sequence[tf.Variable]],
    total_steps: Given[int],
    num_layers: Given[int | None] = None,
    *,
    name: Result[str] = "adamw",
    peak_lr: PerTask[Positive[float]],
    weight_decay: Result[NotNegative[float]] = 0.01,
    layer_decay: Result[Positive[float] | None] = None,
    layer_decay_gap: Result[bool] = True,
    clip_norm: Result[NotNegative[float]] = 1.0,
    clip_sums_rows: Result[bool] = False,
) -> Optimizer:
    """Builds the optimizer that is chosen by its registered name.

    A registered optimizer is a builder of `shared`, see `Shared`; further parameters are
    gin's. `adamw` has the parameters below, and those of the schedule, under its own name.

    Args:
        variables: what to train.
        total_steps: updates of the training.
        num_layers: of the encoder; needed with `layer_decay`.
        name: registered optimizer.
        peak_lr: highest learning rate of the schedule.
        weight_decay: decoupled: added to the update, times the learning rate.
        layer_decay: factor of the learning rate from one layer to the next below;
            None gives all variables the same rate.
        layer_decay_gap: whether the factor between head and top layer is applied twice,
            as in the original.
        clip_norm: largest global norm of the gradients; 0 for no clipping.
        clip_sums_rows: whether the norm adds up repeated rows of a sparse gradient; the
            original does not.

    Raises:
        UnknownName: no such optimizer or schedule.
        ValueError: a number is out of range, or a variable has no layer-wise rate.
    """
    names = [variable_name(variable) for variable in variables]
    shared = Shared(
        tuple(variables),
        layer_rates(names, num_layers, layer_decay, gap=layer_decay_gap),
        training.get("schedule")(peak_lr, total_steps),
        weight_decay,
        clip_norm,
        clip_sums_rows,
    )
    return build(optimizers, name, shared=shared)


def clip_by_global_norm(
    gradients: Sequence[Gradient], clip_norm: float, *, sum_rows: bool
) -> tuple[list[tf.Tensor | None], tf.Tensor]:
    """Scales all gradients so that their common norm is at most `clip_norm`.

    Args:
        gradients: dense, or `IndexedSlices` whose rows may repeat; None is kept.
        clip_norm: the largest norm; 0 leaves the gradients alone.
        sum_rows: whether repeated rows are added up before the norm is taken. The
            original does not, on CPU and GPU: where a table is used by look-ups only, its
            norm is then larger or smaller than the true one.

    Returns:
        The gradients, dense, and the norm before clipping.

    Source: google-research/electra model/optimization.py `create_optimizer`.
    """
    if sum_rows:
        gradients = [g if g is None else tf.convert_to_tensor(g) for g in gradients]
    norm = tf.linalg.global_norm(gradients)
    if clip_norm:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
    return [g if g is None else tf.convert_to_tensor(g) for g in gradients], norm


def is_decayed(name: str) -> bool:
    """Whether weight decay applies to the variable of this name."""
    return not any(part in name for part in NOT_DECAYED)


class SlotOptimizer(tf.Module, abc.ABC):
    """Clips, decays and scales; a subclass says how one variable is updated.

    Attributes:
        SLOTS: names of what it keeps for every variable.
        slots: `<variable>/<slot>` to a variable of the same shape, 0 at the start.
    """

    SLOTS: tuple[str, ...] = ()

    def __init__(self, shared: Shared):
        """Creates the slots.

        Args:
            shared: what the run gives to any optimizer.
        """
        super().__init__()
        self._shared = shared
        self.slots: dict[str, tf.Variable] = {}
        for variable in shared.variables:
            for slot in self.SLOTS:
                name = f"{variable_name(variable)}/{slot}"
                zeros = tf.zeros(variable.shape)
                self.slots[name] = replicated(zeros, name, trainable=False)

    @abc.abstractmethod
    def update(
        self,
        variable: tf.Variable,
        gradient: tf.Tensor,
        rate: tf.Tensor,
        slots: Mapping[str, tf.Variable],
        step: tf.Tensor,
    ) -> None:
        """Updates one variable and its slots, by `subtract` and `assign`.

        Args:
            variable: decayed already.
            gradient: clipped and dense.
            rate: its learning rate, float32 scalar.
            slots: the variable's, by their names in `SLOTS`.
            step: number of updates done before, int32 scalar.
        """

    def learning_rate(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of the update after `step` others, float32 scalar."""
        return self._shared.learning_rate(step)

    def apply(self, gradients: Sequence[Gradient], step: tf.Tensor) -> tf.Tensor:
        """Updates the variables, see `core.Optimizer`."""
        shared = self._shared
        gradients, norm = clip_by_global_norm(
            gradients, shared.clip_norm, sum_rows=shared.clip_sums_rows
        )
        learning_rate = self.learning_rate(step)
        for variable, gradient in zip(shared.variables, gradients, strict=True):
            if gradient is None:
                continue
            name = variable_name(variable)
            rate = learning_rate * shared.rates[name]
            if shared.weight_decay > 0 and is_decayed(name):
                subtract(variable, rate * shared.weight_decay * variable)
            slots = {slot: self.slots[f"{name}/{slot}"] for slot in self.SLOTS}
            self.update(variable, gradient, rate, slots, step)
        return norm


def subtract(variable: tf.Variable, value: tf.Tensor) -> None:
    """Subtracts from the copy of a variable that this replica has."""
    tf.raw_ops.AssignSubVariableOp(resource=variable.handle, value=value)


def assign(variable: tf.Variable, value: tf.Tensor) -> None:
    """Sets the copy of a variable that this replica has."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)
