"""Losses of the paper's ablations against its formulas, term by term in NumPy."""

import functools

import gin
import numpy as np
import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Batch, Seed, SpecialIds, Variables
from electra_bench.core.batch import own_rows
from electra_bench.core.variables import variable_name
from electra_bench.models.factory import encoder_factory
from electra_bench.objectives.electra import Forward

SPECIAL = SpecialIds(size=10, pad=0, unk=1, cls=2, sep=3, mask=4)
ROWS, SEQ = 8, 24
SIZES = {
    "hidden_size": 16,
    "num_layers": 1,
    "num_heads": 2,
    "ffn_size": 32,
    "embedding_size": 16,
    # Large values, so that samples and losses differ from token to token.
    "initializer_range": 0.5,
}


def seed() -> Seed:
    return Seed.of(5)


@functools.cache
def built(name: str):
    variables = Variables(1)
    # gin knows a name once it is loaded.
    registry.models.get("electra")
    registry.objectives.get("electra")
    registry.objectives.get("electric")
    for parameter, value in SIZES.items():
        gin.bind_parameter(f"models.electra.{parameter}", value)
    gin.bind_parameter("objectives.electra.mask_prob", 0.3)
    gin.bind_parameter("objectives.electra.generator_hidden_size", 0.5)
    gin.bind_parameter("objectives.electra.distinct_positions", True)
    gin.bind_parameter("objectives.electric.distinct_positions", True)
    return registry.objectives.get(name)(
        encoders=encoder_factory("electra", variables, SPECIAL.size),
        variables=variables,
        special_ids=SPECIAL,
    )


@functools.cache
def batch() -> Batch:
    rng = np.random.default_rng(3)
    lengths = rng.integers(8, SEQ + 1, ROWS)
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


@functools.cache
def forward(name: str) -> Forward:
    return built(name).run(batch(), seed(), training=False)


def term(name: str, which: str) -> float:
    found = built(name).loss_terms(batch(), seed(), training=False)[which]
    return float(found.value(found.weight))


def slots(passed: Forward):
    """Row, slot and position of every used slot."""
    for row, slot in np.argwhere(passed.masked.weights.numpy() > 0):
        yield row, slot, int(passed.masked.positions[row, slot])


def tokens():
    return np.argwhere(batch().input_mask.numpy() > 0)


def log_softmax(logits) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def sigmoid(x) -> float:
    return 1.0 / (1.0 + np.exp(-float(x)))


def replaced(passed: Forward, row: int, position: int) -> bool:
    read = passed.corrupted.input_ids[row, position]
    return bool(read != batch().input_ids[row, position])


def truth_prob(name: str, row: int, position: int) -> float:
    """What a discriminator gives to the right answer."""
    real = 1.0 - sigmoid(built(name).logits(forward(name))[row, position])
    return 1.0 - real if replaced(forward(name), row, position) else real


def test_samples_hit_and_miss_the_original_tokens():
    passed = forward("electra")
    hits = [replaced(passed, row, position) for row, _, position in slots(passed)]
    assert len(hits) > 15 and 0.05 < np.mean(hits) < 1.0


def test_electra_learns_from_all_tokens():
    losses = [-np.log(truth_prob("electra", *token)) for token in tokens()]
    assert term("electra", "disc") == pytest.approx(np.mean(losses), rel=1e-5)


def test_electra_15_learns_from_the_masked_positions():
    name = "electra_15"
    positions = [(row, position) for row, _, position in slots(forward(name))]
    losses = [-np.log(truth_prob(name, *position)) for position in positions]
    assert term(name, "disc") == pytest.approx(np.mean(losses), rel=1e-5)
    assert term(name, "disc") != pytest.approx(term("electra", "disc"), rel=1e-2)


def test_replace_mlm_restores_the_masked_positions_from_samples():
    name = "replace_mlm"
    passed, objective = forward(name), built(name)
    log_probs = log_softmax(objective.logits(passed))
    losses = [
        -log_probs[row, slot, batch().input_ids[row, position]]
        for row, slot, position in slots(passed)
    ]
    assert term(name, "restoring") == pytest.approx(np.mean(losses), rel=1e-5)
    read = passed.corrupted.input_ids.numpy()
    for row, slot, position in slots(passed):
        assert read[row, position] == passed.sampled_ids[row, slot]


def mixture(row: int, position: int) -> np.ndarray:
    """All-Tokens MLM's probabilities of all tokens at a position."""
    passed, objective = forward("all_tokens_mlm"), built("all_tokens_mlm")
    restored = objective.restored(passed)
    copy = sigmoid(restored.copy[row, position])
    probs = (1.0 - copy) * np.exp(log_softmax(restored.logits[row, position]))
    probs[passed.corrupted.input_ids[row, position]] += copy
    return probs


def test_all_tokens_mlm_copies_or_writes():
    losses, likeliest = [], []
    for row, position in tokens():
        probs = mixture(row, position)
        assert probs.sum() == pytest.approx(1.0, rel=1e-6)
        losses.append(-np.log(probs[batch().input_ids[row, position]]))
        likeliest.append(probs.argmax())
    name = "all_tokens_mlm"
    assert term(name, "restoring") == pytest.approx(np.mean(losses), rel=1e-5)
    outputs = built(name).outputs(batch(), seed())
    found = [outputs["restored_preds"][row, position] for row, position in tokens()]
    np.testing.assert_array_equal(found, likeliest)


def test_adversarial_generator_learns_by_reinforce():
    name = "electra_adversarial"
    passed, objective = forward(name), built(name)
    log_probs = log_softmax(passed.proposed.logits)
    adversarial, baselines = [], []
    for row, slot, position in slots(passed):
        reward = -np.log(truth_prob(name, row, position))
        told = sigmoid(objective.baseline_logits(passed)[row, slot])
        log_prob = log_probs[row, slot, passed.sampled_ids[row, slot]]
        adversarial.append(-(reward - -np.log(told)) * log_prob)
        target = np.exp(-reward)
        baselines.append(-target * np.log(told) - (1.0 - target) * np.log(1.0 - told))
    assert term(name, "adversarial") == pytest.approx(np.mean(adversarial), rel=1e-4)
    assert term(name, "baseline") == pytest.approx(np.mean(baselines), rel=1e-5)


def test_adversarial_updates_raise_the_discriminators_loss():
    """Gradient ascent of the expected reward, against its exact value.

    For one slot the expectation runs over the vocabulary, so the exact gradient of
    sum p(x) R(x) is known; REINFORCE's, averaged over many draws, must agree.
    """
    rng = np.random.default_rng(0)
    logits = tf.constant(rng.normal(size=8), tf.float32)
    rewards = tf.constant(rng.uniform(0.0, 2.0, 8), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        exact = tf.reduce_sum(tf.nn.softmax(logits) * rewards)
    exact_gradient = tape.gradient(exact, logits)
    draws = tf.random.stateless_categorical(logits[tf.newaxis], 200_000, [1, 2])[0]
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            draws, tf.tile(logits[tf.newaxis], [200_000, 1])
        )
        surrogate = tf.reduce_mean((tf.gather(rewards, draws) - 1.0) * losses)
    np.testing.assert_allclose(
        -tape.gradient(surrogate, logits), exact_gradient, atol=5e-3
    )


def test_electric_adds_the_noise_and_the_prior_to_the_energy():
    name = "electric"
    passed, objective = forward(name), built(name)
    energies = objective.energies(
        batch()._replace(input_ids=passed.corrupted.input_ids)
    )
    log_q = log_softmax(passed.proposed.cloze_logits)
    losses = []
    for row, position in tokens():
        q = log_q[row, position, passed.corrupted.input_ids[row, position]]
        noise = sigmoid(energies[row, position] + q + np.log(0.3 / 0.7))
        is_noise = passed.corrupted.sampled[row, position] == 1
        losses.append(-np.log(noise if is_noise else 1.0 - noise))
    assert term(name, "disc") == pytest.approx(np.mean(losses), rel=1e-4)


def test_losses_differ_from_one_another():
    main = {
        "electra": "disc",
        "electra_15": "disc",
        "electric": "disc",
        "replace_mlm": "restoring",
        "all_tokens_mlm": "restoring",
    }
    found = [term(name, which) for name, which in main.items()]
    assert len({round(value, 3) for value in found}) == len(main)
    generator = {term(name, "mlm") for name in main if name != "electric"}
    assert len({round(value, 5) for value in generator}) == 1


def test_two_stages_train_the_generator_then_its_copy():
    objective = built("electra_two_stage")
    first, second = objective.stages
    assert (first.start, second.start) == (0.0, 0.5)
    prefixes = [
        {variable_name(variable).split("/")[0] for variable in stage.variables}
        for stage in objective.stages
    ]
    assert prefixes == [
        {"generator", "generator_predictions"},
        {"electra", "discriminator_predictions"},
    ]
    # The encoder gets everything from the variable of the same name.
    assert {
        variable_name(target).replace("electra/", "generator/")
        for _, target in second.copies
    } == {variable_name(source) for source, _ in second.copies}
    assert {target.ref() for _, target in second.copies} == {
        variable.ref() for variable in objective.encoder.variables
    }
    learnt = [
        {name for name, term in terms.items() if term.is_trained}
        for terms in (
            stage.objective.loss_terms(batch(), seed(), training=True)
            for stage in objective.stages
        )
    ]
    assert learnt == [{"mlm"}, {"disc"}]
