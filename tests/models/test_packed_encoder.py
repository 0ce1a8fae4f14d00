"""Examples that share rows of the encoder: none sees another."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from packed_batches import two_a_row, unpacked

from electra_bench.conformance import specimens
from electra_bench.core import Batch, Seed, Variables
from electra_bench.models.electra import electra
from electra_bench.models.encoder import last_states

SIZES = dict(hidden_size=32, num_layers=2, num_heads=4, ffn_size=64, embedding_size=16)


def draws():
    return Seed.of(3, 5)


def encoder(direction="both", dropout=0.0):
    rates = dict(dropout=dropout, attention_dropout=dropout)
    made = Variables(1)
    return electra(
        made, "electra", 60, direction=direction, mimetic=True, **SIZES, **rates
    )


def batch(rows=6):
    short = specimens.texts(rows, 12)
    return two_a_row(specimens.with_columns_of_padding(short, 12))


@pytest.mark.parametrize("direction", ["both", "left_to_right", "right_to_left"])
def test_states_are_those_of_rows_of_their_own(direction):
    model, shared = encoder(direction), batch()
    tokens = shared.input_mask.numpy() > 0
    found = model.packed(shared, seed=draws(), training=True)
    expected = specimens.encode(model, shared)
    assert found.attentions == () and len(found.layers) == 2
    for name in ("sequence", "embedding"):
        states, right = (getattr(x, name).numpy() for x in (found, expected))
        np.testing.assert_allclose(states[tokens], right[tokens], atol=2e-6)
        assert not states[~tokens].any()
    np.testing.assert_array_equal(found.layers[-1], found.sequence)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_other_tokens_in_an_example_change_no_other(dropout):
    model, shared = encoder(dropout=dropout), batch()
    before = last_states(model, shared, draws(), training=True).numpy()
    ids = shared.input_ids.numpy()
    ids[2, 1:9] = (ids[2, 1:9] + 7) % 50
    other = shared._replace(input_ids=tf.constant(ids))
    after = last_states(model, other, draws(), training=True).numpy()
    assert not np.array_equal(before[2], after[2])
    np.testing.assert_array_equal(np.delete(before, 2, 0), np.delete(after, 2, 0))


def test_parts_of_a_batch_draw_the_same():
    model, shared = encoder(dropout=0.2), batch()
    whole = last_states(model, shared, draws(), training=True)
    # The second row stands in both.
    for first, last, rows in [(0, 3, 2), (3, 6, 2), (2, 4, 1)]:
        own = Batch(*(column[first:last] for column in shared)).without_empty_rows()
        assert own.rows.shape[1] == rows
        at_first = draws()._replace(first_row=tf.constant(first))
        found = last_states(model, own, at_first, training=True)
        np.testing.assert_allclose(found, whole[first:last], atol=2e-6)


def test_a_part_without_examples():
    shared = batch()
    none = Batch(*(column[:0] for column in shared)).without_empty_rows()
    assert none.rows.shape == [0, 0, 0]
    assert last_states(encoder(), none, draws(), training=True).shape == [0, 24, 32]


def test_gradients_are_those_of_rows_of_their_own():
    model, shared = encoder(), batch()
    weights = np.random.default_rng(0).normal(size=[6, 24, 32]).astype(np.float32)
    weights *= shared.input_mask.numpy()[..., None]

    def gradients(given):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(last_states(model, given, draws(), True) * weights)
        found = tape.gradient(loss, model.trainable_variables)
        return [tf.convert_to_tensor(gradient).numpy() for gradient in found]

    right = gradients(unpacked(shared))
    largest = max(np.abs(gradient).max() for gradient in right)
    for found, expected in zip(gradients(shared), right, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * largest)


def test_an_encoder_that_cannot_is_named():
    @dataclasses.dataclass
    class Plain:
        hidden_size: int = 32

    with pytest.raises(ValueError, match="encoder Plain cannot put several examples"):
        last_states(Plain(), batch(), draws(), training=True)
