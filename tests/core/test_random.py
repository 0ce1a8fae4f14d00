"""Draws depend on seed, use and global row, not on how a batch is split."""

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Seed
from electra_bench.core.random import dropout


@pytest.mark.parametrize("shape", [(8, 5), (8,), (8, 3, 7), (8, 4)])
def test_splitting_a_batch_changes_no_draw(shape):
    whole = Seed.of(3, step=7).fold("mask").uniform(shape)
    parts = [
        Seed.of(3, step=7, first_row=row).fold("mask").uniform((2, *shape[1:]))
        for row in (0, 2, 4, 6)
    ]
    np.testing.assert_array_equal(whole, tf.concat(parts, 0))


def test_seeds_steps_and_uses_are_independent():
    draws = [
        Seed.of(1).uniform((4, 100)),
        Seed.of(2).uniform((4, 100)),
        Seed.of(1, step=1).uniform((4, 100)),
        Seed.of(1).fold("a").uniform((4, 100)),
        Seed.of(1).fold("b").uniform((4, 100)),
    ]
    flat = np.stack([np.ravel(d) for d in draws])
    correlation = np.corrcoef(flat) - np.eye(len(flat))
    assert np.abs(correlation).max() < 0.2


def test_draws_are_uniform():
    draws = np.ravel(Seed.of(0).uniform((64, 1000)))
    assert draws.min() >= 0 and draws.max() < 1
    counts = np.histogram(draws, bins=10, range=(0, 1))[0]
    assert np.abs(counts / len(draws) - 0.1).max() < 0.005


def test_dropout_keeps_the_mean_and_is_off_in_evaluation():
    x = tf.ones((16, 1000))
    dropped = dropout(x, 0.1, Seed.of(1), training=True)
    assert float(tf.reduce_mean(dropped)) == pytest.approx(1.0, abs=0.01)
    assert float(tf.reduce_mean(tf.cast(dropped == 0, tf.float32))) == pytest.approx(
        0.1, abs=0.01
    )
    assert dropout(x, 0.1, Seed.of(1), training=False) is x
