"""Masking and replacing, against the original's numbers and by its rules."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Seed, SpecialIds
from electra_bench.data import corruption

GOLDEN = Path(__file__).parents[1] / "golden"
SPECIAL = SpecialIds(size=520, pad=0, unk=1, cls=2, sep=3, mask=4)


@pytest.fixture(scope="module")
def helpers():
    return np.load(GOLDEN / "helpers.npz")


def rows(count: int, seq: int, length: int) -> tuple[tf.Tensor, tf.Tensor]:
    """[CLS] words [SEP], padded."""
    ids = np.zeros([count, seq], np.int32)
    ids[:, :length] = 10 + np.arange(length)
    ids[:, 0], ids[:, length - 1] = SPECIAL.cls, SPECIAL.sep
    mask = np.broadcast_to(np.arange(seq) < length, ids.shape).astype(np.int32)
    return tf.constant(ids), tf.constant(mask)


@pytest.mark.parametrize("rank", ["2d", "3d"])
def test_gather_positions(helpers, rank):
    got = corruption.gather_positions(
        tf.constant(helpers[f"gather/sequence{rank}"]),
        tf.constant(helpers["gather/positions"]),
    )
    np.testing.assert_array_equal(got, helpers[f"gather/out{rank}"])


@pytest.mark.parametrize("case", ["int", "all_same", "negative", "float3d"])
def test_scatter_update(helpers, case):
    names = ("sequence", "updates", "positions")
    arguments = [tf.constant(helpers[f"scatter_{case}/{name}"]) for name in names]
    updated, changed = corruption.scatter_update(*arguments)
    np.testing.assert_allclose(updated, helpers[f"scatter_{case}/out"], rtol=1e-6)
    np.testing.assert_array_equal(changed, helpers[f"scatter_{case}/mask"])


def test_two_samples_for_one_position_become_their_floored_mean():
    updated, _ = corruption.scatter_update(
        tf.constant([[5, 6, 7]]), tf.constant([[10, 13]]), tf.constant([[1, 1]])
    )
    np.testing.assert_array_equal(updated, [[5, 11, 7]])


def test_unmask(helpers):
    names = ("masked_input_ids", "positions", "ids", "weights")
    masked = corruption.Masked(*(tf.constant(helpers[f"unmask/{n}"]) for n in names))
    np.testing.assert_array_equal(corruption.unmask(masked), helpers["unmask/out"])


def test_candidates(helpers):
    got = corruption.candidates(
        tf.constant(helpers["candidates/input_ids"]),
        tf.constant(helpers["candidates/input_mask"]),
        SPECIAL,
    )
    np.testing.assert_array_equal(got, helpers["candidates/out"])


def test_mask_positions_with_the_originals_draws(helpers):
    input_mask = tf.constant(helpers["mask/in_input_mask"])
    drawn = tf.constant(helpers["mask/in_categorical_draws"])
    masked = corruption.mask_positions(
        tf.constant(helpers["mask/in_input_ids"]),
        drawn,
        corruption.num_to_predict(input_mask, 0.2, drawn.shape[1]),
        tf.constant(helpers["mask/in_uniform"]),
        SPECIAL.mask,
    )
    for name, value in masked._asdict().items():
        np.testing.assert_array_equal(value, helpers[f"mask/out_{name}"], name)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("disallow", [False, True])
def test_sample_replacements_with_the_originals_draws(helpers, temperature, disallow):
    onehot = helpers["sample/disallow_onehot"]
    got = corruption.sample_replacements(
        tf.constant(helpers["sample/logits"]),
        tf.constant(onehot.argmax(-1).astype(np.int32)),
        tf.constant(helpers["sample/uniform"]),
        temperature=temperature,
        disallow_correct=disallow,
    )
    kind = "disallow" if disallow else "plain"
    expected = helpers[f"sample/out_ids_temperature{temperature}_{kind}"]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "case", json.loads((GOLDEN / "masking.json").read_text())["num_to_predict"]
)
def test_num_to_predict(case):
    seq, prob = case["max_seq_length"], case["mask_prob"]
    assert corruption.max_predictions(seq, prob) == case["max_predictions_per_seq"]
    lengths = np.arange(case["first_length"], seq + 1)
    input_mask = (np.arange(seq) < lengths[:, None]).astype(np.int32)
    got = corruption.num_to_predict(
        tf.constant(input_mask), prob, case["max_predictions_per_seq"]
    )
    np.testing.assert_array_equal(got, case["num_to_predict_by_length"])


@pytest.mark.parametrize("distinct", [False, True])
def test_positions_are_uniform_over_the_candidates(distinct):
    ids, input_mask = rows(4000, 24, 20)
    masked = corruption.mask(
        ids, input_mask, SPECIAL, 0.2, Seed.of(3), distinct=distinct
    )
    used = masked.positions.numpy()[masked.weights.numpy() > 0]
    counts = np.bincount(used, minlength=24)
    # 20 tokens, 18 of them candidates, 4 slots.
    assert counts[[0, 19, 20, 21, 22, 23]].sum() == 0
    expected = 4 * 4000 / 18
    assert np.abs(counts[1:19] - expected).max() < 5 * np.sqrt(expected)
    has_repeats = any(len(set(row)) < 4 for row in masked.positions.numpy())
    assert has_repeats != distinct


def test_a_draw_becomes_mask_with_probability_85_percent():
    ids, input_mask = rows(4000, 24, 24)
    masked = corruption.mask(ids, input_mask, SPECIAL, 0.05, Seed.of(4), distinct=True)
    share = (
        masked.input_ids.numpy() == SPECIAL.mask
    ).sum() / masked.weights.numpy().sum()
    assert share == pytest.approx(0.85, abs=0.03)
    np.testing.assert_array_equal(corruption.unmask(masked), ids)


@pytest.mark.parametrize("distinct", [False, True])
def test_rows_without_candidates_predict_nothing(distinct):
    ids = tf.constant([[2, 3, 0, 0], [0, 0, 0, 0], [2, 9, 3, 0]])
    input_mask = tf.constant([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]])
    masked = corruption.mask(
        ids, input_mask, SPECIAL, 0.5, Seed.of(0), distinct=distinct
    )
    np.testing.assert_array_equal(masked.weights.numpy().sum(-1) > 0, [0, 0, 1])
    np.testing.assert_array_equal(masked.input_ids[:2], ids[:2])
    np.testing.assert_array_equal(
        masked.positions[:2], tf.zeros_like(masked.positions[:2])
    )


@pytest.mark.parametrize("distinct", [False, True])
def test_splitting_a_batch_changes_nothing(distinct):
    ids, input_mask = rows(8, 32, 30)

    def masked(first, last):
        seed = Seed.of(7, step=3, first_row=first)
        return corruption.mask(
            ids[first:last],
            input_mask[first:last],
            SPECIAL,
            0.15,
            seed,
            distinct=distinct,
        )

    whole, parts = masked(0, 8), [masked(0, 3), masked(3, 8)]
    for i, value in enumerate(whole):
        np.testing.assert_array_equal(value, tf.concat([p[i] for p in parts], 0))


def test_gumbel_argmax_samples_from_the_softmax():
    probs = np.array([0.5, 0.3, 0.15, 0.05], np.float32)
    logits = tf.tile(tf.math.log(probs)[tf.newaxis, tf.newaxis], [20000, 1, 1])
    got = corruption.gumbel_argmax(logits, Seed.of(1).uniform([20000, 1, 4]))
    shares = np.bincount(got.numpy().ravel(), minlength=4) / 20000
    np.testing.assert_allclose(shares, probs, atol=0.015)


def test_a_sample_that_hits_the_original_counts_as_real():
    ids = tf.constant([[2, 10, 11, 3]])
    corrupted = corruption.corrupt(ids, tf.constant([[1, 2]]), tf.constant([[10, 99]]))
    np.testing.assert_array_equal(corrupted.input_ids, [[2, 10, 99, 3]])
    np.testing.assert_array_equal(corrupted.labels, [[0, 0, 1, 0]])


def test_a_dynamic_length_is_refused():
    @tf.function(input_signature=[tf.TensorSpec([2, None], tf.int32)] * 2)
    def masked(ids, input_mask):
        return corruption.mask(ids, input_mask, SPECIAL, 0.15, Seed.of(0))

    with pytest.raises(ValueError, match="static length"):
        masked.get_concrete_function()
