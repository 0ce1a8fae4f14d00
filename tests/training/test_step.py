"""One update: the same with XLA as without, and in parts as whole."""

import functools

import gin
import numpy as np
import pytest
import tensorflow as tf
from noted_gradients import Noted

from electra_bench import registry
from electra_bench.conformance.objectives import Case
from electra_bench.core.computing import recompute_layers
from electra_bench.core.optional import stages_of
from electra_bench.training.stages import TrainingStage
from electra_bench.training.step import TrainingStep

CASES = [
    *(Case("objectives", name) for name in registry.objectives.names()),
    *(Case("kinds", name) for name in registry.kinds.names()),
]
ROWS = 6


@functools.cache
def stages(case):
    registry.models.load("electra")
    # XLA compiles each layer for itself.
    gin.bind_parameter("models.electra.num_layers", 1)
    objective, _ = case.build()
    return [
        TrainingStage(stage, 0, 9, Noted(stage.variables))
        for stage in stages_of(objective)
    ]


@functools.cache
def batch_of(case):
    return case.batch(ROWS)


def update(case, parts=1, compiled=False):
    """What is logged, and the gradients."""
    [trained, *_] = stages(case)
    step = TrainingStep(tf.distribute.get_strategy(), parts, compiled, None)
    one = tf.function(functools.partial(step.update, trained), autograph=False)
    logged = one(batch_of(case), tf.constant(7), tf.constant(3))
    noted = trained.optimizer
    values = {name: float(value) for name, value in logged.items()}
    values["row_norm"] = float(noted.row_norm)
    return values, [g.numpy() for g in noted.gradients]


def is_mean_of_pairs(name):
    """An AUC of parts is another number than that of the whole."""
    return name.endswith("_auc")


@functools.cache
def whole(case):
    return update(case)


def check(case, parts, compiled):
    logged, gradients = update(case, parts, compiled)
    expected, expected_gradients = whole(case)
    assert logged.keys() == expected.keys()
    for name, value in expected.items():
        if not is_mean_of_pairs(name):
            assert logged[name] == pytest.approx(value, rel=2e-5, abs=2e-6), name
    largest = max(np.abs(g).max() for g in expected_gradients)
    for found, right in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=2e-6 * largest)


# Ten seconds each; of all of them CI compiles the losses (tests/conformance).
IN_CI = {Case("objectives", "electra"), Case("kinds", "classification")}


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if c in IN_CI else [pytest.mark.slow]) for c in CASES],
    ids="-".join,
)
def test_a_step_is_the_same_under_xla_in_two_parts(case):
    check(case, 2, compiled=True)


def test_xla_needs_parts_of_one_size():
    with pytest.raises(ValueError, match=r"must divide the 6 rows .* got 4"):
        update(CASES[-1], 4, compiled=True)


@pytest.mark.parametrize("case", [CASES[0], CASES[-1]], ids="-".join)
@pytest.mark.parametrize("parts", [1, 4, 9])
def test_a_part_may_be_shorter_than_others(case, parts):
    # Of 6 rows: 2, 2 and 2; one at a time.
    check(case, parts, compiled=False)


@pytest.mark.parametrize("name", ["electra", "electric"])
def test_layers_that_are_computed_once_more_give_the_same_bits(name):
    case = Case("objectives", name)
    expected = whole(case)
    recompute_layers(True)
    try:
        found = update(case)
    finally:
        recompute_layers(False)
    assert found[0] == expected[0]
    for gradient, right in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(gradient, right)
