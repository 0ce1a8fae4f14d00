"""What is logged in every training step, against scikit-learn and by hand."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score
from test_ablations import batch, built, forward, replaced, seed, slots, tokens

from electra_bench.objectives.detection import auc


def measures(name):
    terms = built(name).loss_terms(batch(), seed(), training=False)
    return {
        key: float(term.value(term.weight))
        for key, term in terms.items()
        if not term.is_trained
    }


def test_the_area_under_the_curve_equals_scikit_learns():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, [7, 30]).astype(np.int32)
    scores = (rng.normal(size=[7, 30]) + 0.7 * labels).astype(np.float32)
    weights = rng.integers(0, 2, [7, 30]).astype(np.int32)
    kept = weights > 0
    expected = roc_auc_score(labels[kept], scores[kept])
    assert float(auc(labels, scores, weights)) == pytest.approx(expected, abs=1e-6)
    assert float(auc(np.zeros_like(labels), scores, weights)) == 0.5


def test_generator_and_discriminator_are_measured():
    passed, objective = forward("electra"), built("electra")
    found = measures("electra")
    used = list(slots(passed))
    original = batch().input_ids.numpy()
    likeliest = passed.proposed.logits.numpy().argmax(-1)
    hits = [likeliest[r, s] == original[r, p] for r, s, p in used]
    assert found["generator_accuracy"] == pytest.approx(np.mean(hits), abs=1e-5)
    sampled = [passed.sampled_ids[r, s] == original[r, p] for r, s, p in used]
    assert found["sampled_accuracy"] == pytest.approx(np.mean(sampled), abs=1e-5)
    labels = np.array([replaced(passed, *token) for token in tokens()])
    assert found["replaced"] == pytest.approx(labels.mean(), abs=1e-5)
    logits = objective.logits(passed).numpy()[tuple(tokens().T)]
    assert found["disc_auc"] == pytest.approx(roc_auc_score(labels, logits), abs=1e-5)
    expected = labels[logits > 0].mean() if (logits > 0).any() else 0.0
    assert found["disc_precision"] == pytest.approx(expected, abs=1e-4)
    assert found["disc_recall"] == pytest.approx((logits[labels] > 0).mean(), abs=1e-4)


def test_measures_add_nothing_to_gradients():
    objective = built("electra")
    with tf.GradientTape() as tape:
        terms = objective.loss_terms(batch(), seed(), training=False)
        measured = [t.total + t.weight for t in terms.values() if not t.is_trained]
    gradients = tape.gradient(measured, objective.trainable_variables)
    assert all(gradient is None for gradient in gradients)


def test_a_collapse_is_said():
    good = {"sampled_accuracy": 0.4, "replaced": 0.1, "disc_auc": 0.8}
    warning = built("electra").warning
    assert warning(good) is None
    assert "at chance (AUC 0.51)" in warning(good | {"disc_auc": 0.51})
    strong = good | {"sampled_accuracy": 0.95, "replaced": 0.007}
    assert "only 0.7 % of the text is replaced" in warning(strong)
    assert built("replace_mlm").warning(good) is None
