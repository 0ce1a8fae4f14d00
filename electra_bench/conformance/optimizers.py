"""What optimizers and schedules have to do."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench import config, registry
from electra_bench.config.signature import signature_of
from electra_bench.conformance import check
from electra_bench.conformance.check import NotChecked, require, require_members
from electra_bench.core import Optimizer, Schedule
from electra_bench.training.optimizer import Shared

NAMES = ("task_specific/things/kernel", "electra/embeddings/table", "spare/kernel")
STEPS, WARMUP, PEAK_LR = 40, 8, 0.05
# Of the second variable's learning rate.
FACTOR = 0.125


class Update(NamedTuple):
    """A registered optimizer.

    Attributes:
        name: registered name.
    """

    name: str

    @property
    def is_shared(self) -> bool:
        """Whether it takes what all share; `adamw` has that under its own name."""
        builder = registry.optimizers.get(self.name)
        return "shared" in signature_of(builder).parameters

    def build(self) -> tuple[Optimizer, list[tf.Variable]]:
        """A new optimizer and what it trains."""
        variables = [tf.Variable(tf.ones([4, 4]), name=name) for name in NAMES]
        builder = registry.optimizers.get(self.name)
        if self.is_shared:
            rates = dict(zip(NAMES, (1.0, FACTOR, 1.0), strict=True))
            shared = Shared(
                tuple(variables), rates, lambda step: PEAK_LR, 0.0, 1.0, True
            )
            return builder(shared=shared), variables
        config.bind_unbound(f"training.{self.name}", {"peak_lr": PEAK_LR})
        return builder(variables=variables, total_steps=STEPS), variables


class Rates(NamedTuple):
    """A registered schedule.

    Attributes:
        name: registered name.
    """

    name: str

    def build(self, warmup: float = WARMUP) -> Schedule:
        """A new schedule."""
        return registry.schedules.get(self.name)(
            peak_lr=PEAK_LR, total_steps=STEPS, warmup=warmup
        )


def trained(update: Update, steps: range, start: list[np.ndarray] | None = None):
    """All values of variables and slots after some updates.

    Args:
        update: the optimizer.
        steps: numbers of the updates.
        start: values to begin with; None for those of a new optimizer.
    """
    optimizer, variables = update.build()
    values = [*variables, *optimizer.slots.values()]
    for variable, value in zip(values, start or (), strict=start is not None):
        variable.assign(value)

    @tf.function(autograph=False)
    def one(step):
        gradients = [variables[0] - 3.0, variables[1] - 3.0, None]
        return optimizer.apply(gradients, step)

    for step in steps:
        norm = one(tf.constant(step))
        require(np.isfinite(norm), f"apply returns the norm {norm}, expected a number")
    return [variable.numpy() for variable in values]


def builds(update: Update) -> None:
    """It has what the trainer calls, and slots with the names of their variables."""
    optimizer, variables = update.build()
    require_members(optimizer, Optimizer)
    owners = {name.rpartition("/")[0] for name in optimizer.slots}
    strange = sorted(owners - {*NAMES})
    sentence = f"slots must be named <variable>/<slot>, got some of {strange[:3]}"
    require(not strange, sentence)
    for name, slot in optimizer.slots.items():
        sentence = f"slot {name!r} must be 0 at first and not trainable"
        require(not slot.trainable and not slot.numpy().any(), sentence)


def gradients_are_followed(update: Update) -> None:
    """Variables come nearer to where the loss is least; one without gradient stays."""
    first, second, spare, *_ = trained(update, range(STEPS))
    require(
        (first > 1.0).all() and (second > 1.0).all(),
        f"after {STEPS} updates towards 3.0 a variable went from 1.0 to {first[0, 0]:.3g}",
    )
    require((spare == 1.0).all(), "a variable without gradient changes")


def slots_are_all_that_it_remembers(update: Update) -> None:
    """With its variables and slots put back a new one goes on bit for bit."""
    half = STEPS // 2
    whole = trained(update, range(STEPS))
    resumed = trained(update, range(half, STEPS), trained(update, range(half)))
    sentence = "a run that is continued from a checkpoint ends with other values"
    require(all(map(np.array_equal, whole, resumed)), sentence)


def rates_of_layers_hold(update: Update) -> None:
    """The first update of a variable is scaled by the factor of its layer."""
    if not update.is_shared:
        raise NotChecked("its rates come from parameters of its own")
    first, second, *_ = trained(update, range(1))
    require(
        np.allclose(second - 1.0, FACTOR * (first - 1.0), rtol=1e-3),
        f"equal gradients move variables by {first[0, 0] - 1.0:.3g} and "
        f"{second[0, 0] - 1.0:.3g}; expected a ratio of {FACTOR}",
    )


def _values(rate: Schedule, steps=range(STEPS + 2)) -> np.ndarray:
    return np.array([rate(tf.constant(step)) for step in steps])


def rates_are_numbers(rates: Rates) -> None:
    """Every step has a float32 rate from 0 to the peak, with or without a warm-up."""
    for warmup in (0.0, WARMUP, 2.5 * STEPS):
        rate = rates.build(warmup)
        found = _values(rate)
        sentence = f"a rate must be a float32 scalar, got {rate(tf.constant(0))!r}"
        require(found.dtype == np.float32 and found.ndim == 1, sentence)
        require(
            ((found >= 0) & (found <= PEAK_LR * (1 + 1e-6))).all(),
            f"with a warm-up of {warmup} steps rates go from {found.min()} to "
            f"{found.max()}; expected 0 to the peak, {PEAK_LR}",
        )


def it_warms_up(rates: Rates) -> None:
    """The first update has rate 0, and rates grow for the length of the warm-up."""
    found = _values(rates.build(), range(WARMUP // 2))
    sentence = f"a warm-up must grow from 0, got {found.tolist()}"
    require(found[0] == 0.0 and (np.diff(found) > 0).all(), sentence)


def it_is_the_same_when_compiled(rates: Rates) -> None:
    """`tf.function` changes no rate by more than a rounding."""
    rate = rates.build()
    compiled = tf.function(rate, autograph=False)
    require(
        np.allclose(_values(compiled), _values(rate), rtol=1e-6, atol=1e-12),
        "tf.function gives other rates than eager execution",
    )


OPTIMIZER_CHECKS = check.defined_in(__name__, Update)
SCHEDULE_CHECKS = check.defined_in(__name__, Rates)
