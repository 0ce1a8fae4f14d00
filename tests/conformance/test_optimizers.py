"""The conformance checks over all registered optimizers and schedules."""

import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.conformance import optimizers
from electra_bench.conformance.check import NotChecked, Violation
from electra_bench.training.optimizer import SlotOptimizer, subtract


@pytest.mark.parametrize("check", optimizers.OPTIMIZER_CHECKS)
@pytest.mark.parametrize("name", registry.optimizers.names())
def test_optimizers_conform(name, check):
    if (name, check.__name__) == ("adamw", "rates_of_layers_hold"):
        with pytest.raises(NotChecked):
            check(optimizers.Update(name))
        return
    check(optimizers.Update(name))


@pytest.mark.parametrize("check", optimizers.SCHEDULE_CHECKS)
@pytest.mark.parametrize("name", registry.schedules.names())
def test_schedules_conform(name, check):
    check(optimizers.Rates(name))


class Forgetful(SlotOptimizer):
    """Goes faster and faster by a number that no checkpoint holds."""

    def __init__(self, shared):
        super().__init__(shared)
        self.count = tf.Variable(0.0)

    def update(self, variable, gradient, rate, slots, step):
        self.count.assign_add(1.0)
        subtract(variable, rate * self.count * gradient)


def test_state_outside_the_slots_is_found(monkeypatch):
    monkeypatch.setattr(registry.optimizers, "get", lambda name: forgetful)
    update = optimizers.Update("forgetful")
    optimizers.gradients_are_followed(update)
    with pytest.raises(Violation, match="continued from a checkpoint ends with other"):
        optimizers.slots_are_all_that_it_remembers(update)


def forgetful(shared):
    return Forgetful(shared)


@pytest.mark.parametrize(
    ("rate", "check", "message"),
    [
        (lambda step: tf.constant(float("nan")), "rates_are_numbers", "go from nan"),
        (lambda step: tf.constant(0.01), "it_warms_up", "must grow from 0"),
    ],
)
def test_wrong_rates_are_found(rate, check, message, monkeypatch):
    monkeypatch.setattr(registry.schedules, "get", lambda name: lambda **given: rate)
    with pytest.raises(Violation, match=message):
        getattr(optimizers, check)(optimizers.Rates("wrong"))
