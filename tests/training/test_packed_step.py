"""Examples that share rows: the update is that of examples in rows of their own."""

import functools

import gin
import numpy as np
import pytest
import tensorflow as tf
from noted_gradients import Noted
from packed_batches import two_a_row, unpacked

from electra_bench import registry
from electra_bench.conformance import specimens
from electra_bench.conformance.objectives import Case, built
from electra_bench.core.optional import stages_of
from electra_bench.data.examples import batches
from electra_bench.training.stages import TrainingStage
from electra_bench.training.step import TrainingStep
from electra_bench.training.strategy import mirrored

# Its loss would be another one, and it says so.
REFUSED = {"electric"}
CASES = [
    *(Case("objectives", name) for name in registry.objectives.names()),
    *(Case("kinds", name) for name in registry.kinds.names()),
]
CASES = [case for case in CASES if case.name not in REFUSED]
ROWS = 6


def texts(case):
    """Short texts, with room for two in a row."""
    if case.group == "objectives":
        short = specimens.texts(ROWS, 12)
    else:
        short = specimens.labelled(built(case), ROWS, 12)
    return specimens.with_columns_of_padding(short, 12)


def small(case, dropout):
    """An objective whose encoder has one layer."""
    registry.models.load("electra")
    gin.bind_parameter("models.electra.num_layers", 1)
    for name in ("dropout", "attention_dropout"):
        gin.bind_parameter(f"models.electra.{name}", dropout)
    return case.build()[0]


@functools.cache
def stages(case, dropout):
    objective = small(case, dropout)
    return [
        TrainingStage(stage, 0, 9, Noted(stage.variables))
        for stage in stages_of(objective)
    ]


def update(trained, batch, parts=1, compiled=False):
    """What is logged, and the gradients."""
    step = TrainingStep(tf.distribute.get_strategy(), parts, compiled, None)
    one = functools.partial(step.update, trained)
    if parts > 1:
        one = tf.function(one, autograph=False)
    logged = one(batch, tf.constant(7), tf.constant(3))
    values = {name: float(value) for name, value in logged.items()}
    values["row_norm"] = float(trained.optimizer.row_norm)
    return values, [g.numpy() for g in trained.optimizer.gradients]


def check_same(found, expected, left_out=()):
    logged, gradients = found
    right, right_gradients = expected
    assert logged.keys() == right.keys()
    for name in logged.keys() - set(left_out):
        assert logged[name] == pytest.approx(right[name], rel=2e-5, abs=2e-6), name
    largest = max(np.abs(g).max() for g in right_gradients)
    assert largest > 0
    for one, other in zip(gradients, right_gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6 * largest)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_an_update_is_that_of_examples_in_rows_of_their_own(case):
    batch = two_a_row(texts(case))
    for trained in stages(case, 0.0):
        found = update(trained, batch)
        expected = update(trained, unpacked(batch))
        check_same(found, expected, ["positions"])
        assert found[0]["positions"] == ROWS / 2 * 24
        assert expected[0]["positions"] == ROWS * 24


ELECTRA = Case("objectives", "electra")


@pytest.mark.parametrize(("case", "parts"), [(ELECTRA, 2), (CASES[-1], 6)])
def test_parts_are_the_whole_batch_with_dropout_too(case, parts):
    batch = two_a_row(texts(case))
    [trained] = stages(case, 0.1)
    found = update(trained, batch, parts)
    # An AUC of parts is another number than that of the whole.
    check_same(found, update(trained, batch), ["disc_auc"])


@pytest.mark.parametrize(
    "case",
    [Case("kinds", "classification"), pytest.param(ELECTRA, marks=pytest.mark.slow)],
)
def test_xla_computes_the_same_with_dropout_too(case):
    batch = two_a_row(texts(case))
    [trained] = stages(case, 0.1)
    check_same(update(trained, batch, compiled=True), update(trained, batch))


def test_xla_needs_the_batch_whole():
    case = Case("kinds", "classification")
    with pytest.raises(ValueError, match=r"micro_batches must be 1 where .*; got 2"):
        update(stages(case, 0.1)[0], two_a_row(texts(case)), 2, compiled=True)


def test_two_replicas_share_the_rows():
    if len(tf.config.list_logical_devices("CPU")) < 2:
        pytest.skip("needs two logical CPU devices: set in tests/conftest.py")
    case = Case("kinds", "tagging")
    batch = two_a_row(texts(case))
    # The row in the middle has an example on each.
    assert batch.place[2] // 24 == batch.place[3] // 24
    expected = update(stages(case, 0.1)[0], batch)[0]
    strategy = mirrored()
    with strategy.scope():
        objective = small(case, 0.1)
        trained = TrainingStage(
            stages_of(objective)[0], 0, 9, Noted(objective.trainable_variables)
        )
    spec = batches.signature(ROWS, 24, is_packed=True)
    data = tf.data.Dataset.from_generator(lambda: [batch], output_signature=spec)
    [shared] = strategy.experimental_distribute_dataset(data)
    step = TrainingStep(strategy, 1, False, None)
    one = tf.function(functools.partial(step.update, trained), autograph=False)
    found = one(shared, tf.constant(7), tf.constant(3))
    for name in ("loss", "gradient_norm", "tokens"):
        assert float(found[name]) == pytest.approx(expected[name], rel=2e-5), name
    assert float(found["positions"]) == 4 * 24
