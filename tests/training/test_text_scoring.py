"""Scoring many texts: in what groups changes nothing."""

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import SpecialIds
from electra_bench.objectives.pseudo_likelihood import PseudoLikelihood
from electra_bench.training.text_scoring import TextScorer, length_groups, text_batch

SPECIAL = SpecialIds(size=100, pad=0, unk=1, cls=2, sep=3, mask=4)


def texts():
    rng = np.random.default_rng(0)
    return [rng.integers(5, 100, n).astype(np.int32) for n in (3, 0, 30, 1, 8, 8, 14)]


def scorer(batch_tokens, *, masks=False, vocab_size=0, max_positions=None):
    """Scores a token by its id, its place and the text's length."""
    shapes = []

    def score(batch, positions):
        tf.py_function(lambda x: shapes.append(tuple(x.shape)), [batch.input_ids], [])
        seq = tf.shape(batch.input_ids)[1]
        length = tf.reduce_sum(batch.input_mask, -1, keepdims=True)
        values = 100 * batch.input_ids + tf.range(seq) + 10000 * length
        values = tf.cast(values, tf.float32)
        return tf.gather(values, positions, batch_dims=1) if masks else values

    method = PseudoLikelihood("test", score, vocab_size, masks=masks)
    return TextScorer(method, SPECIAL, batch_tokens, max_positions), shapes


def expected():
    return [
        100.0 * ids + np.arange(1, len(ids) + 1) + 10000 * (len(ids) + 2)
        for ids in texts()
    ]


@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize("batch_tokens", [1, 40, 10_000])
def test_scores_do_not_depend_on_the_groups(batch_tokens, masks):
    made, shapes = scorer(batch_tokens, masks=masks)
    found = made.score(texts(), "test")
    assert len(found.tokens) == len(texts())
    for row, right in zip(found.tokens, expected(), strict=True):
        np.testing.assert_array_equal(row, right)
    np.testing.assert_allclose(found.plls, [right.sum() for right in expected()])
    assert found.plls[1] == 0.0
    assert found.passes == (sum(map(len, texts())) if masks else len(texts()) - 1)
    assert sum(rows for rows, _ in shapes) == found.passes
    assert all(seq % 8 == 0 for _, seq in shapes)
    assert all(rows == 1 or rows * seq <= batch_tokens for rows, seq in shapes)


def test_a_softmax_over_the_vocabulary_makes_groups_smaller():
    few, shapes = scorer(10_000, vocab_size=1 << 20)  # 4 MB a token
    few.score(texts(), "test")
    assert all(rows * seq * (4 << 20) <= 64 << 20 or rows == 1 for rows, seq in shapes)
    many, shapes = scorer(10_000, vocab_size=1 << 20, masks=True)
    many.score(texts(), "test")
    assert max(rows for rows, _ in shapes) == 16  # one softmax a row


def test_the_encoder_s_positions_are_enough():
    made, shapes = scorer(100, max_positions=33)
    made.score([np.full(31, 7, np.int32)], "test")
    assert shapes == [(1, 33)]


def test_groups_hold_every_row_once_the_longest_first():
    lengths = np.random.default_rng(1).integers(3, 60, 200)
    groups = list(length_groups(lengths, lambda seq: 256 // seq))
    assert sorted(np.concatenate(groups)) == list(range(200))
    longest = [lengths[group].max() for group in groups]
    assert longest == sorted(longest, reverse=True)


def test_a_batch_is_framed_and_padded():
    batch = text_batch([np.array([7, 8]), np.array([9])], SPECIAL)
    np.testing.assert_array_equal(batch.input_ids[0], [2, 7, 8, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(batch.input_ids[1], [2, 9, 3, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(batch.input_mask[1], [1, 1, 1, 0, 0, 0, 0, 0])


def test_batches_need_tokens():
    with pytest.raises(ValueError, match="batch_tokens must be at least 1, got 0"):
        scorer(0)
