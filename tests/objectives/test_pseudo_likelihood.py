"""Pseudo-log-likelihoods against the formulas, in NumPy."""

import functools

import gin
import numpy as np
import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Batch, Seed, SpecialIds, Variables
from electra_bench.core.batch import own_rows
from electra_bench.models.factory import encoder_factory
from electra_bench.objectives.pseudo_likelihood import (
    METHODS,
    electra_log_probs,
    pseudo_likelihood,
)

SPECIAL = SpecialIds(size=12, pad=0, unk=1, cls=2, sep=3, mask=4)
ROWS, SEQ = 5, 10
SIZES = {
    "hidden_size": 16,
    "num_layers": 1,
    "num_heads": 2,
    "ffn_size": 32,
    "embedding_size": 16,
    # Large values, so that scores differ from token to token.
    "initializer_range": 0.5,
}


def built(name, **parameters):
    variables = Variables(1)
    registry.models.get("electra")
    registry.objectives.get("electra")
    for parameter, value in SIZES.items():
        gin.bind_parameter(f"models.electra.{parameter}", value)
    for parameter, value in parameters.items():
        gin.bind_parameter(f"objectives.electra.{parameter}", value)
    return registry.objectives.get(name)(
        encoders=encoder_factory("electra", variables, SPECIAL.size),
        variables=variables,
        special_ids=SPECIAL,
    )


def method_of(objective, method=None):
    return pseudo_likelihood(objective, SPECIAL.mask, method, "'run'")


@functools.cache
def batch() -> Batch:
    rng = np.random.default_rng(3)
    lengths = rng.integers(4, SEQ + 1, ROWS)
    mask = (np.arange(SEQ) < lengths[:, None]).astype(np.int32)
    ids = rng.integers(5, SPECIAL.size, [ROWS, SEQ]).astype(np.int32)
    ids[:, 0] = SPECIAL.cls
    ids[np.arange(ROWS), lengths - 1] = SPECIAL.sep
    return Batch(
        tf.constant(ids * mask),
        tf.constant(mask),
        tf.zeros_like(mask),
        tf.zeros([ROWS, 0], tf.int32),
        tf.zeros([ROWS, 0]),
        tf.zeros([ROWS], tf.int32),
        tf.range(ROWS),
        **own_rows(ROWS),
    )


def log_softmax(logits):
    logits = np.asarray(logits, np.float64)
    peak = logits.max(-1, keepdims=True)
    return logits - peak - np.log(np.exp(logits - peak).sum(-1, keepdims=True))


def at_tokens(log_probs):
    ids = batch().input_ids.numpy()
    return np.take_along_axis(log_probs, ids[..., None], -1)[..., 0]


def close(found, expected):
    seen = batch().input_mask.numpy() > 0
    np.testing.assert_allclose(
        np.asarray(found)[seen], np.asarray(expected)[seen], rtol=1e-4, atol=1e-5
    )


NOWHERE = np.zeros([ROWS, 1], np.int32)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_electric_is_minus_the_energy(temperature):
    """Whatever the noise: q is the distribution that it is drawn from."""
    objective = built("electric", temperature=temperature)
    method = method_of(objective)
    assert (method.name, method.is_normalised, method.masks) == (
        "electric",
        False,
        False,
    )
    # The noise detector's logit of an uncorrupted text is E + log q + log prior odds.
    masked = objective.mask(batch(), Seed.of(1))
    originals = tf.gather(batch().input_ids, masked.positions, batch_dims=1)
    proposed = objective.generator(batch(), masked, seed=Seed.of(1), training=False)
    forward = objective.encode(
        batch(), masked, proposed, originals, seed=Seed.of(1), training=False
    )
    logits = objective.generator.cloze_logits(batch()) / temperature
    log_q = at_tokens(log_softmax(logits))
    energies = objective.logits(forward) - log_q - np.log(0.15 / 0.85)
    close(method.score(batch(), NOWHERE), -energies)


def test_two_towers_alone_are_a_softmax():
    objective = built("electric")
    method = method_of(objective, "two_tower")
    assert method.is_normalised and not method.masks
    logits = objective.generator.cloze_logits(batch())
    close(method.score(batch(), NOWHERE), at_tokens(log_softmax(logits)))


def test_electrics_noise_cannot_avoid_the_original():
    with pytest.raises(ValueError, match="disallow_correct must be False, got True"):
        built("electric", disallow_correct=True)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_electra_tt_combines_towers_and_discriminator(temperature):
    a = 0.3
    objective = built(
        "electra", generator="two_tower", mask_prob=a, temperature=temperature
    )
    method = method_of(objective)
    assert method.name == "electra_tt" and method.is_normalised
    logits = objective.generator.cloze_logits(batch()) / temperature
    q = np.exp(at_tokens(log_softmax(logits)))
    replaced = 1 / (1 + np.exp(-np.float64(objective.read(batch()))))
    odds = (1 - replaced) / replaced * a * q / ((1 - a) + a * q)
    close(method.score(batch(), NOWHERE), np.log(odds / (1 + odds)))


@pytest.mark.parametrize("a", [0.15, 0.5])
def test_a_perfect_discriminator_gives_back_the_probability(a):
    """Counts of what stands at one place, over all texts and all draws."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(6))
    q = rng.dirichlet(np.ones(6))
    # joint[x, y]: x is the text's token, y stands there in the end.
    kept = np.diag(p) * (1 - a)
    replaced = a * np.outer(p, q)
    joint = kept + replaced
    is_real = np.diag(joint)  # y = x, also where the sample hit it
    is_replaced = joint.sum(0) - is_real
    logits = np.log(is_replaced) - np.log(is_real)
    found = electra_log_probs(
        tf.constant(logits, tf.float32), tf.constant(np.log(q), tf.float32), a
    )
    np.testing.assert_allclose(np.exp(found), p, rtol=1e-4)


def test_electra_tt_is_stable_for_extreme_values():
    logits = tf.constant([-200.0, 200.0, 0.0])
    found = electra_log_probs(logits, tf.constant([-1.0, -1.0, -300.0]), 0.15).numpy()
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(0.0) and found[1] < -190
    # 1e-130 underflows in float32, its logarithm does not.
    assert found[2] == pytest.approx(-300 + np.log(0.15 / 0.85), rel=1e-5)


def test_a_masked_lm_masks_every_token_in_turn():
    objective = built("mlm")
    method = method_of(objective)
    assert method.name == "mlm" and method.masks and method.is_normalised
    encoder, head = objective.encoder, objective.masked_lm._head
    for position in (1, 2):
        positions = np.full([ROWS, 1], position, np.int32)
        ids = batch().input_ids.numpy().copy()
        ids[:, position] = SPECIAL.mask
        encoded = encoder(
            tf.constant(ids),
            batch().input_mask,
            batch().segment_ids,
            seed=Seed.of(0),
            training=False,
        )
        log_probs = log_softmax(head(encoded.sequence[:, position : position + 1]))
        expected = log_probs[np.arange(ROWS), 0, batch().input_ids[:, position]]
        found = method.score(batch(), tf.constant(positions))
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4)


@pytest.mark.parametrize("name", registry.objectives.names())
def test_what_every_objective_can_be_scored_by(name):
    expected = {
        "electric": ["electric", "two_tower"],
        "replace_mlm": ["mlm"],
        "all_tokens_mlm": ["mlm"],
    }.get(name, ["mlm"])
    objective = built(name)
    for method in METHODS:
        if method in expected:
            assert method_of(objective, method).name == method
        else:
            with pytest.raises(ValueError, match=f"lacks what the method '{method}'"):
                method_of(objective, method)


def test_what_is_not_trained_to_score_says_what_is():
    with pytest.raises(ValueError, match="OBJECTIVE = 'electric'") as error:
        method_of(built("electra"))
    assert "'run' is not trained to score texts; --method mlm" in str(error.value)
    with pytest.raises(ValueError, match="pre-train one of: OBJECTIVE"):
        method_of(built("electra", generator="uniform"))
    with pytest.raises(ValueError, match="method must be one of electric, electra_tt"):
        method_of(built("mlm"), "bert")


def test_ablations_with_two_towers_have_no_electra_tt():
    objective = built("electra_15", generator="two_tower")
    with pytest.raises(ValueError, match="scores with its generator"):
        method_of(objective)


def test_a_generator_that_proposes_no_original_tokens_is_refused():
    objective = built("electra", generator="two_tower", disallow_correct=True)
    with pytest.raises(ValueError, match="disallow_correct = False"):
        method_of(objective)
    assert method_of(objective, "two_tower").name == "two_tower"
