"""Draws depend on seed, step, use and global row, not on splits, compilers or devices."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Seed
from electra_bench.core.random import dropout


@pytest.mark.parametrize("shape", [(8, 5), (8,), (8, 3, 7), (8, 4), (8, 2, 8)])
def test_splitting_a_batch_changes_no_draw(shape):
    def drawn(row, rows):
        seed = Seed.of(3, step=7, first_row=row).fold("mask")
        x = tf.ones([rows, *shape[1:]])
        return seed.uniform(x.shape), dropout(x, 0.4, seed, training=True)

    whole = drawn(0, 8)
    parts = [drawn(row, 2) for row in (0, 2, 4, 6)]
    for i, value in enumerate(whole):
        np.testing.assert_array_equal(value, tf.concat([p[i] for p in parts], 0))


def test_seeds_steps_and_uses_are_independent():
    draws = [
        Seed.of(1).uniform((40, 100)),
        Seed.of(2).uniform((40, 100)),
        Seed.of(-1).uniform((40, 100)),
        Seed.of(1, step=1).uniform((40, 100)),
        Seed.of(0, step=1).uniform((40, 100)),
        Seed.of(1).fold("a").uniform((40, 100)),
        Seed.of(1).fold("b").uniform((40, 100)),
        Seed.of(1).fold("a").fold("b").uniform((40, 100)),
        Seed.of(1).fold("b").fold("a").uniform((40, 100)),
        Seed.of(1).fold(1).uniform((40, 100)),
    ]
    flat = np.stack([np.ravel(d) for d in draws])
    correlation = np.corrcoef(flat) - np.eye(len(flat))
    assert np.abs(correlation).max() < 0.07


def philox(key: int, counter: int) -> list[int]:
    """Four numbers of 32 bits, by the ten rounds of Philox-4x32 (Salmon et al. 2011)."""
    words = [counter >> 32 * i & 0xFFFFFFFF for i in range(4)]
    low, high = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        first, second = 0xD2511F53 * words[0], 0xCD9E8D57 * words[2]
        words = [
            second >> 32 ^ words[1] ^ low,
            second & 0xFFFFFFFF,
            first >> 32 ^ words[3] ^ high,
            first & 0xFFFFFFFF,
        ]
        low, high = low + 0x9E3779B9 & 0xFFFFFFFF, high + 0xBB67AE85 & 0xFFFFFFFF
    return words


def test_draws_are_those_of_philox():
    first, second = (
        int.from_bytes(hashlib.blake2b(name, digest_size=8).digest())
        for name in (b"a", b"b")
    )
    high = (first * 0x9E3779B97F4A7C15 + second) % 2**64 << 64
    expected = [
        [
            word >> 8
            for block in range(2)
            for word in philox(9 << 32 | 5, high | row * 2 + block)
        ]
        for row in (3, 4, 5)
    ]
    draws = Seed.of(5, step=9, first_row=3).fold("a").fold("b").uniform((3, 7))
    np.testing.assert_array_equal(draws.numpy() * 2**24, np.array(expected)[:, :7])


def test_a_use_may_be_known_to_the_graph_only():
    seed = Seed.of(5, step=9).fold("layer_3")
    inner = tf.function(lambda s: Seed(*s).fold("output").uniform((3, 7)))
    found = inner(tuple(seed.as_tensors()))
    np.testing.assert_array_equal(found, seed.fold("output").uniform((3, 7)))


def test_draws_are_uniform():
    draws = np.ravel(Seed.of(0).uniform((64, 1000)))
    assert draws.min() >= 0 and draws.max() < 1
    counts = np.histogram(draws, bins=10, range=(0, 1))[0]
    assert np.abs(counts / len(draws) - 0.1).max() < 0.005


@pytest.mark.parametrize("rate", [0.1, 0.5, 1e-4, 0.99999])
def test_dropout_keeps_the_mean_and_is_off_in_evaluation(rate):
    x = tf.ones((64, 1 << 14))
    dropped = dropout(x, rate, Seed.of(1), training=True).numpy()
    kept = np.count_nonzero(dropped) / dropped.size
    # Rounded to 16 bits.
    wanted = 1 - min(round(rate * 65536), 65535) / 65536
    error = (wanted * (1 - wanted) / dropped.size) ** 0.5
    assert kept == pytest.approx(wanted, abs=5 * error + 1e-12)
    assert dropped.max() == pytest.approx(1 / wanted)
    assert dropout(x, rate, Seed.of(1), training=False) is x
    assert dropout(x, 0.0, Seed.of(1), training=True) is x


def test_dropout_drops_each_element_by_itself():
    x = tf.ones((2000, 24))
    kept = dropout(x, 0.3, Seed.of(4), training=True).numpy() > 0
    correlation = np.corrcoef(kept.T) - np.eye(24)
    assert np.abs(correlation).max() < 0.1
    after = np.corrcoef(kept[:-1].ravel(), kept[1:].ravel())[0, 1]
    assert abs(after) < 0.03


@pytest.mark.parametrize("numbers", [(0, 0, 0), (-5, 3, 2), (2**31 - 1, 100_000, 7)])
def test_compilers_change_no_draw(numbers):
    def drawn(seed, step, row):
        seed = Seed.of(seed, step, row)
        x = tf.ones([5, 3, 9])
        return seed.fold("a").uniform([5, 7]), dropout(x, 0.2, seed.fold("b"), True)

    plain = drawn(*numbers)
    for jit_compile in (False, True):
        compiled = tf.function(drawn, autograph=False, jit_compile=jit_compile)
        found = compiled(*(tf.constant(number) for number in numbers))
        for one, other in zip(plain, found, strict=True):
            np.testing.assert_array_equal(one, other)


def test_dropout_of_half_the_size():
    x = tf.ones((8, 64), tf.bfloat16)
    dropped = dropout(x, 0.25, Seed.of(2), training=True)
    same = dropout(tf.ones((8, 64)), 0.25, Seed.of(2), training=True)
    assert dropped.dtype == tf.bfloat16
    np.testing.assert_array_equal(dropped.numpy() > 0, same.numpy() > 0)
