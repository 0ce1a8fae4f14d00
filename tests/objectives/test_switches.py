"""Every switch of the pre-training objectives changes the number that it should."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from test_pretraining import SIZES, SPECIAL, batch

from electra_bench.core import Seed, Variables
from electra_bench.core.variables import variable_name
from electra_bench.models.electra import electra as electra_encoder
from electra_bench.objectives.electra import electra
from electra_bench.objectives.electric import Electric
from electra_bench.objectives.generators import Unigram
from electra_bench.objectives.mlm import mlm
from electra_bench.objectives.sampling import draw

BUILDERS = {"electra": electra, "mlm": mlm}
# So many samples that some of them hit the original token.
MANY = {"rows": 64, "mask_prob": 0.4}
DIRECTIONS = {"ltr": "left_to_right", "rtl": "right_to_left"}


def factory(role="encoder", *, embeddings=None, width=1.0, depth=1.0, projected=True):
    kind, _, tower = role.partition("_")
    return electra_encoder(
        Variables(1),
        role if kind == "generator" else "electra",
        SPECIAL.size,
        embeddings,
        width,
        depth,
        DIRECTIONS[tower] if tower else "both",
        projected,
        # Large values, so that what a generator says decides on its samples.
        initializer_range=0.2,
        **SIZES,
    )


@functools.cache
def found(name="electra", rows=6, **switches):
    """Objective, its loss terms for one batch, and their values."""
    objective = BUILDERS[name](factory, Variables(1), SPECIAL, **switches)
    terms = objective.loss_terms(batch(rows), Seed.of(4), training=False)
    return objective, terms, {n: float(t.value(t.weight)) for n, t in terms.items()}


def shapes(objective):
    return {variable_name(v): v.shape.as_list() for v in objective.trainable_variables}


def test_weights_are_factors_of_one_term_each():
    _, terms, values = found()
    for switch, term in {"gen_weight": "mlm", "disc_weight": "disc"}.items():
        _, others, same = found(**{switch: 7.0})
        assert same == values
        factors = {name: t.coefficient for name, t in others.items()}
        assert factors == {n: t.coefficient for n, t in terms.items()} | {term: 7.0}


@pytest.mark.parametrize("name", BUILDERS)
def test_mask_prob_is_the_fraction_of_predicted_tokens(name):
    tokens = float(tf.reduce_sum(batch().input_mask))
    for mask_prob in (0.15, 0.4):
        _, terms, _ = found(name, mask_prob=mask_prob)
        assert float(terms["mlm"].weight) / tokens == pytest.approx(mask_prob, abs=0.03)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize(
    "other",
    [
        {"distinct_positions": True},
        {"repeated_positions": "once"},
        {"mask_token_prob": 0.5},
        {"random_token_prob": 0.15},
    ],
)
def test_other_masking_is_another_text_for_the_masked_language_model(name, other):
    values, others = found(name, mask_prob=0.4)[2], found(name, mask_prob=0.4, **other)
    assert others[2]["mlm"] != pytest.approx(values["mlm"], rel=1e-4)


@pytest.mark.parametrize("other", [{"temperature": 0.5}, {"disallow_correct": True}])
def test_sampling_changes_samples_and_nothing_of_the_generator(other):
    values, others = found(**MANY)[2], found(**MANY, **other)[2]
    for name in ("mlm", "generator_accuracy"):
        assert others[name] == values[name]
    for name in ("sampled_accuracy", "replaced", "disc"):
        assert others[name] != pytest.approx(values[name], rel=1e-4)


def test_disallow_correct_replaces_every_position():
    assert found(**MANY)[2]["sampled_accuracy"] > 0.0
    assert found(**MANY, disallow_correct=True)[2]["sampled_accuracy"] == 0.0


@pytest.mark.parametrize(
    ("other", "name", "shape"),
    [
        (
            {"generator_hidden_size": 0.5},
            "generator/encoder/layer_0/output/dense/kernel",
            [32, 16],
        ),
        (
            {"generator_layers": 0.5},
            "generator/encoder/layer_1/output/dense/kernel",
            None,
        ),
        (
            {"untied_generator": False},
            "generator/encoder/layer_0/output/dense/kernel",
            None,
        ),
        (
            {"untied_generator_embeddings": True},
            "generator/embeddings/word_embeddings",
            [60, 8],
        ),
        (
            {"generator": "two_tower"},
            "generator_rtl/encoder/layer_0/output/dense/kernel",
            [16, 8],
        ),
        ({"generator": "uniform"}, "generator_predictions/output_bias", None),
        ({"generator": "unigram"}, "generator_predictions/output_bias", None),
    ],
)
def test_generators_have_other_variables_and_other_losses(other, name, shape):
    objective, _, values = found(**MANY)
    changed, _, others = found(**MANY, **other)
    assert shapes(objective).get(name) != shape
    assert shapes(changed).get(name) == shape
    loss = "cloze" if "two_tower" in other.values() else "mlm"
    assert others[loss] != pytest.approx(values["mlm"], rel=1e-4)
    # The discriminator starts the same, but reads other samples.
    kept = {n for n in shapes(objective) if n.startswith("discriminator_")}
    assert kept == {n for n in shapes(changed) if n.startswith("discriminator_")}
    assert others["disc"] != values["disc"]


def test_a_uniform_generator_has_the_loss_of_a_guess():
    assert found(generator="uniform")[2]["mlm"] == pytest.approx(
        np.log(SPECIAL.size), rel=1e-5
    )


def test_a_unigram_generator_proposes_by_frequency():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 1000, SPECIAL.size)
    objective = electra(
        factory, Variables(1), SPECIAL, generator="unigram", mask_prob=0.4
    )
    assert isinstance(objective.generator, Unigram)
    objective.count_tokens(lambda: counts)
    likely = counts + 1.0
    likely[[SPECIAL.pad, SPECIAL.cls, SPECIAL.sep, SPECIAL.mask]] = 1.0
    probs = likely / likely.sum()
    masked = objective.mask(batch(), Seed.of(4))
    used = masked.weights.numpy() > 0
    expected = -np.log(probs[masked.ids.numpy()[used]]).mean()
    term = objective.loss_terms(batch(), Seed.of(4), training=False)["mlm"]
    assert float(term.value(term.weight)) == pytest.approx(expected, rel=1e-5)
    # Samples: as often as the texts have the tokens.
    many = tf.zeros([4000, 5], tf.int32)
    masked = masked._replace(positions=many, ids=many)
    proposed = objective.generator(batch(), masked, seed=Seed.of(0), training=False)
    weights = objective.proposals(masked, proposed)
    samples = draw(weights, Seed.of(1).uniform([4000, 5]))
    shares = np.bincount(samples.numpy().ravel(), minlength=SPECIAL.size) / 20_000
    np.testing.assert_allclose(shares, probs, atol=0.01)


def test_the_objective_without_electra_is_a_masked_lm_of_full_size():
    objective, _, values = found("mlm")
    assert {n.split("/")[0] for n in shapes(objective)} == {
        "electra",
        "generator_predictions",
    }
    assert shapes(objective)["generator_predictions/dense/kernel"] == [32, 16]
    assert "disc" not in values and values["mlm"] != found()[2]["mlm"]
    assert found("mlm", weight=3.0)[1]["mlm"].coefficient == 3.0


def test_electrics_prior_is_the_odds_of_noise_or_its_fraction():
    p, logits, losses = 0.3, {}, {}
    for prior, expected in {"odds": np.log(p / (1 - p)), "fraction": np.log(p)}.items():
        objective = electra(
            factory,
            Variables(1),
            SPECIAL,
            functools.partial(Electric, prior=prior),
            generator="two_tower",
            mask_prob=p,
        )
        forward = objective.run(batch(), Seed.of(4), training=False)
        log_q = tf.nn.log_softmax(forward.proposed.cloze_logits)
        read = forward.corrupted.input_ids
        energies = objective.energies(batch()._replace(input_ids=read))
        logits[prior] = objective.logits(forward)
        np.testing.assert_allclose(
            logits[prior],
            energies + tf.gather(log_q, read, batch_dims=2) + expected,
            rtol=1e-4,
            atol=1e-4,
        )
        term = objective.terms(batch(), forward)["disc"]
        losses[prior] = float(term.value(term.weight))
    np.testing.assert_allclose(
        logits["odds"] - logits["fraction"], -np.log(1 - p), rtol=1e-4
    )
    assert losses["odds"] != pytest.approx(losses["fraction"], rel=1e-3)
