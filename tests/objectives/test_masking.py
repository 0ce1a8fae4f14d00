"""Masking and replacing, against the original's numbers and by its rules."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from golden_cases import gumbel_argmax

from electra_bench.core import Batch, Seed, SpecialIds
from electra_bench.core.batch import own_rows
from electra_bench.objectives import losses, masking, sampling

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


def mask(ids, input_mask, mask_prob, seed, **settings) -> masking.Masked:
    nothing = tf.zeros_like(ids)
    batch = Batch(ids, input_mask, *[nothing] * 5, **own_rows(len(ids)))
    return masking.Masking(mask_prob, **settings)(batch, SPECIAL, seed)


@pytest.mark.parametrize("rank", ["2d", "3d"])
def test_gather_positions(helpers, rank):
    got = masking.gather_positions(
        tf.constant(helpers[f"gather/sequence{rank}"]),
        tf.constant(helpers["gather/positions"]),
    )
    np.testing.assert_array_equal(got, helpers[f"gather/out{rank}"])


@pytest.mark.parametrize("case", ["int", "all_same", "negative", "float3d"])
def test_scatter_update(helpers, case):
    names = ("sequence", "updates", "positions")
    arguments = [tf.constant(helpers[f"scatter_{case}/{name}"]) for name in names]
    updated, changed = masking.scatter_update(*arguments)
    np.testing.assert_allclose(updated, helpers[f"scatter_{case}/out"], rtol=1e-6)
    np.testing.assert_array_equal(changed, helpers[f"scatter_{case}/mask"])


def test_two_samples_for_one_position_become_their_floored_mean():
    updated, _ = masking.scatter_update(
        tf.constant([[5, 6, 7]]), tf.constant([[10, 13]]), tf.constant([[1, 1]])
    )
    np.testing.assert_array_equal(updated, [[5, 11, 7]])


def test_unmask(helpers):
    names = ("masked_input_ids", "positions", "ids", "weights")
    masked = masking.Masked(*(tf.constant(helpers[f"unmask/{n}"]) for n in names))
    np.testing.assert_array_equal(masking.unmask(masked), helpers["unmask/out"])


def test_candidates(helpers):
    got = masking.candidates(
        tf.constant(helpers["candidates/input_ids"]),
        tf.constant(helpers["candidates/input_mask"]),
        SPECIAL,
    )
    np.testing.assert_array_equal(got, helpers["candidates/out"])


def test_mask_positions_with_the_originals_draws(helpers):
    input_mask = tf.constant(helpers["mask/in_input_mask"])
    drawn = tf.constant(helpers["mask/in_categorical_draws"])
    num_used = masking.num_to_predict(input_mask, 0.2, drawn.shape[1])
    masked = masking.mask_positions(
        tf.constant(helpers["mask/in_input_ids"]),
        drawn,
        tf.sequence_mask(num_used, drawn.shape[1]),
        tf.fill(tf.shape(drawn), SPECIAL.mask),
        tf.constant(helpers["mask/in_uniform"] < 0.85),
    )
    for name, value in masked._asdict().items():
        np.testing.assert_array_equal(value, helpers[f"mask/out_{name}"], name)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("disallow", [False, True])
def test_the_originals_draws_give_the_same_samples(helpers, temperature, disallow):
    onehot = helpers["sample/disallow_onehot"]
    weights = sampling.proposals(
        tf.constant(helpers["sample/logits"]),
        tf.constant(onehot.argmax(-1).astype(np.int32)),
        temperature=temperature,
        disallow_correct=disallow,
    )
    if temperature == 1.0 and not disallow:  # as when nothing is said
        ids = tf.constant(onehot.argmax(-1).astype(np.int32))
        usual = sampling.proposals(tf.constant(helpers["sample/logits"]), ids)
        np.testing.assert_array_equal(usual, weights)
    got = gumbel_argmax(weights, tf.constant(helpers["sample/uniform"]))
    kind = "disallow" if disallow else "plain"
    expected = helpers[f"sample/out_ids_temperature{temperature}_{kind}"]
    np.testing.assert_array_equal(got, expected)


def test_the_largest_draw_chooses_the_last_candidate():
    for total in (1, 3, 4, 5, 7, 64, 77, 100, 500, 512):
        allowed = np.zeros([1, 512], bool)
        allowed[0, 512 - total :] = True
        draws = tf.constant([[0.0, 1.0 - 2.0**-24]], tf.float32)
        found = masking.choose_with_replacement(tf.constant(allowed), draws)
        assert found.numpy().tolist() == [[512 - total, 511]]
    # Without any it is a position all the same.
    nothing = masking.choose_with_replacement(tf.zeros([1, 512], tf.bool), draws)
    assert nothing.numpy().max() <= 511


@pytest.mark.parametrize(
    "case", json.loads((GOLDEN / "masking.json").read_text())["num_to_predict"]
)
def test_num_to_predict(case):
    seq, prob = case["max_seq_length"], case["mask_prob"]
    assert masking.max_predictions(seq, prob) == case["max_predictions_per_seq"]
    lengths = np.arange(case["first_length"], seq + 1)
    input_mask = (np.arange(seq) < lengths[:, None]).astype(np.int32)
    got = masking.num_to_predict(
        tf.constant(input_mask), prob, case["max_predictions_per_seq"]
    )
    np.testing.assert_array_equal(got, case["num_to_predict_by_length"])


@pytest.mark.parametrize("number", range(3))
def test_positions_repeat_as_often_as_the_originals(shared_golden, number):
    measured = json.loads((shared_golden / "masking.json").read_text())["measured"]
    setting = measured[number]
    draws, seq, recorded = 500, setting["max_seq_length"], setting["rows"]
    ids = np.zeros([len(recorded), seq], np.int32)
    for row, case in zip(ids, recorded, strict=True):
        length, others = case["length"], case["length"] - case["n_candidates"]
        row[:length] = 10
        row[0], row[length - others + 1 : length] = SPECIAL.cls, SPECIAL.sep
    ids = tf.constant(np.repeat(ids, draws, 0))
    input_mask = tf.cast(ids > 0, tf.int32)
    masked = mask(ids, input_mask, setting["mask_prob"], Seed.of(2))
    # [rows, draws, preds]
    positions, used = (
        x.numpy().reshape([len(recorded), draws, -1])
        for x in (masked.positions, masked.weights)
    )
    for case, drawn, counts in zip(recorded, positions, used, strict=True):
        assert (counts.sum(-1) == case["num_to_predict"]).all()
        times = [
            np.unique(row[count > 0], return_counts=True)[1]
            for row, count in zip(drawn, counts, strict=True)
        ]
        found = {
            "distinct_positions": np.array([len(t) for t in times]),
            "positions_drawn_twice_or_more": np.array([(t > 1).sum() for t in times]),
        }
        for name, numbers in found.items():
            theirs, error = case[f"{name}_mean"], case[f"{name}_se"]
            ours = numbers.std() / np.sqrt(draws)
            assert abs(numbers.mean() - theirs) <= 5 * np.hypot(ours, error) + 1e-9


def test_positions_repeat_as_independent_draws_do():
    ids, input_mask = rows(4000, 24, 20)
    masked = mask(ids, input_mask, 0.4, Seed.of(2))
    used = masked.weights.numpy()
    assert (used.sum(-1) == 8).all()
    distinct = [
        len(set(row[count > 0]))
        for row, count in zip(masked.positions.numpy(), used, strict=True)
    ]
    # 8 draws from 18 candidates.
    expected = 18 * (1 - (17 / 18) ** 8)
    error = np.std(distinct) / np.sqrt(len(distinct))
    assert abs(np.mean(distinct) - expected) < 5 * error


@pytest.mark.parametrize("distinct", [False, True])
def test_positions_are_uniform_over_the_candidates(distinct):
    ids, input_mask = rows(4000, 24, 20)
    masked = mask(ids, input_mask, 0.2, Seed.of(3), distinct_positions=distinct)
    used = masked.positions.numpy()[masked.weights.numpy() > 0]
    counts = np.bincount(used, minlength=24)
    # 20 tokens, 18 of them candidates, 4 slots.
    assert counts[[0, 19, 20, 21, 22, 23]].sum() == 0
    expected = 4 * 4000 / 18
    assert np.abs(counts[1:19] - expected).max() < 5 * np.sqrt(expected)
    has_repeats = any(len(set(row)) < 4 for row in masked.positions.numpy())
    assert has_repeats != distinct


def test_a_position_counts_as_often_as_it_was_drawn_or_once():
    ids, input_mask = rows(200, 24, 20)
    often, once = (
        mask(ids, input_mask, 0.4, Seed.of(3), repeated_positions=repeats)
        for repeats in ("mean", "once")
    )
    taken_out = 0
    for row in range(200):
        kept, drawn = (
            masked.positions.numpy()[row][masked.weights.numpy()[row] > 0]
            for masked in (once, often)
        )
        assert len(drawn) == 8
        # The same draws, each once and in their order.
        assert kept.tolist() == list(dict.fromkeys(drawn.tolist()))
        taken_out += len(drawn) - len(kept)
    assert taken_out > 100
    # Two samples for one place are an arbitrary token, or the first of them.
    samples = 30 + 2 * tf.range(often.positions.shape[1])[tf.newaxis]
    samples = tf.repeat(samples, 200, 0)
    for masked, expected in ((often, False), (once, True)):
        corrupted = sampling.corrupt(ids, masked.positions, samples)
        changed = corrupted.sampled.numpy() == 1
        read = corrupted.input_ids.numpy()
        are_samples = [
            read[row, position]
            in samples.numpy()[row][masked.positions.numpy()[row] == position]
            for row, position in np.argwhere(changed)
        ]
        assert all(are_samples) == expected


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((), (0.85, 0.0)),  # as the original
        ((0.85, 0.0), (0.85, 0.0)),
        ((1.0, 0.0), (1.0, 0.0)),
        ((0.8, 0.1), (0.8, 0.1)),
    ],
)
def test_what_is_read_at_the_chosen_positions(shares, expected):
    ids, input_mask = rows(4000, 24, 24)
    masked = mask(
        ids,
        input_mask,
        0.05,
        Seed.of(4),
        distinct_positions=True,
        **dict(zip(("mask_token_prob", "random_token_prob"), shares, strict=False)),
    )
    read = masking.gather_positions(masked.input_ids, masked.positions).numpy()
    used = masked.weights.numpy() > 0
    is_mask = (read == SPECIAL.mask)[used]
    is_other = ((read != SPECIAL.mask) & (read != masked.ids.numpy()))[used]
    assert is_mask.mean() == pytest.approx(expected[0], abs=0.03)
    assert is_other.mean() == pytest.approx(expected[1], abs=0.03)
    # Whatever stands there, the text comes back.
    np.testing.assert_array_equal(masking.unmask(masked), ids)
    if expected[1]:
        # From the whole vocabulary.
        assert np.ptp(read[used][is_other]) > 400


@pytest.mark.parametrize("distinct", [False, True])
def test_rows_without_candidates_predict_nothing(distinct):
    ids = tf.constant([[2, 3, 0, 0], [0, 0, 0, 0], [2, 9, 3, 0]])
    input_mask = tf.constant([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]])
    masked = mask(ids, input_mask, 0.5, Seed.of(0), distinct_positions=distinct)
    np.testing.assert_array_equal(masked.weights.numpy().sum(-1) > 0, [0, 0, 1])
    np.testing.assert_array_equal(masked.input_ids[:2], ids[:2])
    np.testing.assert_array_equal(
        masked.positions[:2], tf.zeros_like(masked.positions[:2])
    )


def test_a_row_that_stops_the_original_is_left_as_it_is(shared_golden):
    """The original draws a position behind the row's end, which is its error."""
    recorded = json.loads((shared_golden / "masking.json").read_text())["no_candidates"]
    ids, input_mask = (tf.constant(recorded[n]) for n in ("input_ids", "input_mask"))
    assert "index out of range" in recorded["error"]
    masked = mask(ids, input_mask, 0.5, Seed.of(0))
    np.testing.assert_array_equal(masked.input_ids, ids)
    for unused in (masked.positions, masked.ids, masked.weights):
        np.testing.assert_array_equal(unused, tf.zeros_like(unused))


@pytest.mark.parametrize("distinct", [False, True])
def test_splitting_a_batch_changes_nothing(distinct):
    ids, input_mask = rows(8, 32, 30)

    def masked(first, last):
        seed = Seed.of(7, step=3, first_row=first)
        return mask(
            ids[first:last],
            input_mask[first:last],
            0.15,
            seed,
            distinct_positions=distinct,
        )

    whole, parts = masked(0, 8), [masked(0, 3), masked(3, 8)]
    for i, value in enumerate(whole):
        np.testing.assert_array_equal(value, tf.concat([p[i] for p in parts], 0))


@pytest.mark.parametrize("vocab", [1, 2, 4, 5, 60, 30_522])
def test_samples_have_the_probabilities_of_their_tokens(vocab):
    weights = np.random.default_rng(vocab).gamma(0.3, size=vocab).astype(np.float32)
    expected = weights / weights.sum(dtype=np.float64)
    rows = 400 // math.isqrt(vocab)
    uniform = Seed.of(1).uniform([rows, 1000])
    given = tf.broadcast_to(tf.constant(weights), [rows, 1000, vocab])
    got = sampling.draw(given, uniform).numpy().ravel()
    counts, due = np.bincount(got, minlength=vocab), got.size * expected
    assert counts.size == vocab
    # Rare tokens together: a normal distribution is none of few.
    is_rare = due < 20
    counts, due = (np.append(x[~is_rare], x[is_rare].sum()) for x in (counts, due))
    errors = (counts - due) / np.sqrt(due * (1 - due / got.size) + 1e-6)
    assert np.abs(errors).max() < 5


def test_a_draw_is_the_inverse_of_the_cumulative_distribution():
    rng = np.random.default_rng(0)
    weights = rng.gamma(0.2, size=(50, 4, 97)).astype(np.float32)
    weights[rng.random(weights.shape) < 0.3] = 0.0
    uniform = rng.random((50, 4), np.float32)
    sums = np.cumsum(weights, -1, dtype=np.float64)
    expected = (sums <= uniform[..., None] * sums[..., -1:]).sum(-1)
    got = sampling.draw(tf.constant(weights), tf.constant(uniform))
    assert np.mean(got == expected) > 0.99
    # The rounding of sums shows where a draw is between two tokens.
    assert np.abs(got - expected).max() <= 3


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1.0 - 2.0**-24])
def test_what_is_impossible_is_never_drawn(uniform):
    rng = np.random.default_rng(1)
    weights = rng.gamma(0.1, size=(2000, 3, 30)).astype(np.float32)
    weights[rng.random(weights.shape) < 0.8] = 0.0
    weights[..., 7] = 1e-30
    got = sampling.draw(tf.constant(weights), tf.fill([2000, 3], uniform)).numpy()
    assert (np.take_along_axis(weights, got[..., None], -1) > 0).all()
    if uniform == 0.0:
        np.testing.assert_array_equal(got, (weights > 0).argmax(-1))


def test_the_softmax_comes_with_the_loss():
    rng = np.random.default_rng(2)
    logits = tf.constant(3 * rng.normal(size=(3, 5, 40)), tf.float32)
    ids = tf.constant(rng.integers(0, 40, (3, 5)), tf.int32)
    np.testing.assert_allclose(
        losses.probabilities(logits, ids), tf.nn.softmax(logits), atol=2e-7
    )

    @tf.function(autograph=False)
    def both(logits, ids):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = losses.token_losses(logits, ids)
            total = tf.reduce_sum(loss * losses.probabilities(logits, ids)[..., 0])
        return loss, tape.gradient(total, logits)

    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_probs = tf.nn.log_softmax(logits)
        expected = -tf.gather(log_probs, ids, batch_dims=2)
        weights = tf.stop_gradient(tf.exp(log_probs[..., 0]))
        total = tf.reduce_sum(expected * weights)
    loss, gradient = both(logits, ids)
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, tape.gradient(total, logits), atol=1e-6)


def test_a_sample_that_hits_the_original_counts_as_real():
    ids = tf.constant([[2, 10, 11, 3]])
    corrupted = sampling.corrupt(ids, tf.constant([[1, 2]]), tf.constant([[10, 99]]))
    np.testing.assert_array_equal(corrupted.input_ids, [[2, 10, 99, 3]])
    np.testing.assert_array_equal(corrupted.labels, [[0, 0, 1, 0]])


def test_a_dynamic_length_is_refused():
    @tf.function(input_signature=[tf.TensorSpec([2, None], tf.int32)] * 2)
    def masked(ids, input_mask):
        return mask(ids, input_mask, 0.15, Seed.of(0))

    with pytest.raises(ValueError, match="static length"):
        masked.get_concrete_function()


def test_replacements_are_drawn_from_the_tempered_softmax():
    rng = np.random.default_rng(5)
    logits = tf.constant(rng.normal(size=[4000, 1, 7]), tf.float32)
    logits = tf.broadcast_to(logits[:1], logits.shape)
    ids = tf.zeros([4000, 1], tf.int32)
    uniform = tf.constant(rng.random([4000, 1]), tf.float32)
    options = {"temperature": 2.0, "disallow_correct": True}
    drawn = sampling.sample_replacements(logits, ids, uniform, **options).numpy()
    expected = tf.nn.softmax(logits[0, 0, 1:] / 2.0).numpy()
    found = np.bincount(drawn.ravel(), minlength=7)
    assert found[0] == 0
    np.testing.assert_allclose(found[1:] / 4000, expected, atol=0.03)
    # As plugins of before draw.
    wide = tf.tile(uniform[..., tf.newaxis], [1, 1, 7])
    again = sampling.sample_replacements(logits, ids, wide, **options)
    np.testing.assert_array_equal(again, drawn)
