"""The metrics of pre-training are what Keras computes, over several batches."""

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.objectives.pretrain_metrics import AUC, Accuracy, Mean, percentages

SHAPE = (3, 40)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def both(ours, keras, batches):
    for batch in batches:
        ours.update(*batch)
        keras.update_state(*batch)
    return ours.result(), pytest.approx(float(keras.result()), rel=2e-6)


def weights(rng):
    return rng.integers(0, 2, SHAPE).astype(np.float32)


def test_means(rng):
    batches = [(rng.normal(size=SHAPE).astype(np.float32), weights(rng)) for _ in "abc"]
    found, expected = both(Mean(), tf.keras.metrics.Mean(), batches)
    assert found == expected
    values = [(rng.normal(size=SHAPE[:1]).astype(np.float32),) for _ in "ab"]
    found, expected = both(Mean(), tf.keras.metrics.Mean(), values)
    assert found == expected


def test_accuracy(rng):
    batches = [
        (*rng.integers(0, 3, (2, *SHAPE)).astype(np.int32), weights(rng)) for _ in "abc"
    ]
    found, expected = both(Accuracy(), tf.keras.metrics.Accuracy(), batches)
    assert found == expected


@pytest.mark.parametrize("spread", [0.0, 0.1, 3.0])
def test_area(rng, spread):
    batches = []
    for _ in "abc":
        labels = rng.integers(0, 2, SHAPE).astype(np.int32)
        scores = 1 / (1 + np.exp(-spread * (rng.normal(size=SHAPE) + labels)))
        # At both ends, and at a threshold.
        scores[:, :3] = 0.0, 1.0, 50 / 199
        batches.append((labels, scores.astype(np.float32)))
    found, expected = both(AUC(), tf.keras.metrics.AUC(), batches)
    assert found == expected


def test_without_weight_or_without_a_label_they_are_0():
    ones = np.ones(4, np.int32)
    mean, area = Mean(), AUC()
    mean.update(ones, 0 * ones)
    area.update(ones, np.linspace(0, 1, 4))
    assert mean.result() == area.result() == 0.0
    assert Mean().result() == Accuracy().result() == AUC().result() == 0.0


def test_what_is_no_number_stays_none():
    mean, area = Mean(), AUC()
    labels = np.array([0, 1], np.int32)
    for probabilities in ([0.2, 0.4], [0.5, np.nan], [0.1, 0.9]):
        mean.update(np.array(probabilities, np.float32))
        area.update(labels, np.array(probabilities, np.float32))
    assert np.isnan(mean.result()) and np.isnan(area.result())


def test_records_hold_percentages_and_losses_as_they_are():
    found = percentages({"mlm_loss": 2.5, "disc_auc": 0.75, "disc_loss": 0.5})
    assert found == {"mlm_loss": 2.5, "disc_auc": 75.0, "disc_loss": 0.5}
