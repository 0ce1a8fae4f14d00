"""The scale of the loss in float16."""

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.training.loss_scale import DOUBLED_AFTER, START, LossScale


def updated(scale, *gradients):
    """The norm, and what the update was given."""
    seen = []

    def update(given):
        for gradient in given:
            seen.append(gradient)
        return tf.constant(3.0)

    run = tf.function(lambda *g: scale.apply(g, update), autograph=False)
    return float(run(*gradients))


def test_an_overflow_halves_it_and_skips_the_update():
    scale = LossScale()
    variable = tf.Variable([1.0, 2.0])

    def update(gradients):
        variable.assign_sub(gradients[0])
        return tf.norm(gradients[0])

    @tf.function(autograph=False)
    def step(gradient):
        return scale.apply([gradient, None], update)

    assert float(step(START * tf.constant([3.0, 4.0]))) == 5.0
    assert variable.numpy().tolist() == [-2.0, -2.0]
    assert float(step(tf.constant([np.inf, 1.0]))) == 0.0
    assert float(step(tf.constant([np.nan, 1.0]))) == 0.0
    assert variable.numpy().tolist() == [-2.0, -2.0]
    assert scale.state() == [START / 4, 0]
    assert float(scale.scaled(tf.constant(2.0))) == START / 2
    step(tf.constant([0.0, START / 4]))
    assert variable.numpy().tolist() == [-2.0, -3.0] and scale.state()[1] == 1


def test_it_is_doubled_after_many_good_updates():
    scale = LossScale()
    scale.restore([8.0, DOUBLED_AFTER - 2])
    assert updated(scale, tf.constant([1.0])) == 3.0
    assert scale.state() == [8.0, DOUBLED_AFTER - 1]
    updated(scale, tf.constant([1.0]))
    assert scale.state() == [16.0, 0]


def test_it_is_at_least_one():
    scale = LossScale()
    scale.restore([1.5, 5])
    updated(scale, tf.constant([np.inf]))
    assert scale.state() == [1.0, 0]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_gradients_of_some_rows_are_looked_at(bad):
    scale = LossScale()
    rows = tf.IndexedSlices(tf.constant([[bad]]), tf.constant([0]), tf.constant([3, 1]))
    assert updated(scale, rows) == 0.0
    good = tf.IndexedSlices(tf.constant([[2.0]]), tf.constant([0]), tf.constant([3, 1]))

    def update(gradients):
        [gradient] = gradients
        assert isinstance(gradient, tf.IndexedSlices)
        return gradient.values[0, 0]

    run = tf.function(lambda: scale.apply([good], update), autograph=False)
    assert float(run()) == 2.0 / (START / 2)
