"""What is drawn at random is drawn once for each use, from the right distribution."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from electra_bench import registry
from electra_bench.conformance.objectives import Case
from electra_bench.core import Seed, random
from electra_bench.core.variables import by_name
from electra_bench.kinds import dense_head
from electra_bench.models import encoder

HIDDEN, ATTENTION, HEAD = 0.1, 0.2, 0.3


@pytest.fixture
def dropped(monkeypatch):
    """Gets the rate, the rank of what is dropped and the use of every dropout."""
    found = []

    def dropout(x, rate, seed, training):
        found.append((rate, x.shape.rank, int(seed.use)))
        return random.dropout(x, rate, seed, training)

    for module in (encoder, dense_head):
        monkeypatch.setattr(module, "dropout", dropout)
    registry.models.load("electra")
    gin.bind_parameter("models.electra.dropout", HIDDEN)
    gin.bind_parameter("models.electra.attention_dropout", ATTENTION)
    # Else layers of one shape are one graph, built once.
    tf.config.run_functions_eagerly(True)
    yield found
    tf.config.run_functions_eagerly(False)


def lost(case):
    """The loss of one training step, run as it is written."""
    return case.build()[0].loss_terms(case.batch(), Seed.of(7), training=True)


def test_every_site_of_every_layer_and_encoder_drops_other_elements(dropped):
    lost(Case("objectives", "electra"))
    layers, towers = 2, 2
    assert len(dropped) == towers * (1 + 3 * layers)
    assert len({use for _, _, use in dropped}) == len(dropped)


def test_attention_has_its_own_rate(dropped):
    lost(Case("objectives", "electra"))
    # Of probabilities [batch, heads, seq, seq], of states [batch, seq, hidden].
    assert {(rate, rank) for rate, rank, _ in dropped} == {(ATTENTION, 4), (HIDDEN, 3)}


KINDS = ["classification", "multi_label", "regression", "tagging"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_drops_by_its_own_rate(kind, dropped):
    registry.kinds.load(kind)
    gin.bind_parameter(f"kinds.{kind}.head_dropout", HEAD)
    lost(Case("kinds", kind))
    assert [rate for rate, _, _ in dropped].count(HEAD) == 1
    assert len({use for _, _, use in dropped}) == len(dropped)


# What the original leaves to TensorFlow's default.
GLOROT = {
    ("objectives", "electra"): (
        "electra/embeddings_project/kernel",
        "discriminator_predictions/dense_1/kernel",
    ),
    ("kinds", "classification"): ("task_specific/things/dense/kernel",),
    ("kinds", "multi_label"): ("task_specific/things/dense/kernel",),
    ("kinds", "regression"): ("task_specific/things/dense/kernel",),
    ("kinds", "tagging"): ("task_specific/things/dense/kernel",),
    ("kinds", "span_qa"): (
        "task_specific/things/dense/kernel",
        "task_specific/things/qa_hidden/kernel",
        "task_specific/things/dense_1/kernel",
        "task_specific/things/dense_2/kernel",
        "task_specific/things/dense_3/kernel",
    ),
}


@pytest.mark.parametrize("what", GLOROT, ids="-".join)
def test_initial_values_of_heads_are_uniform_and_of_the_rest_normal(what):
    named = by_name(Case(*what).build()[0], trainable=True)
    for name in GLOROT[what]:
        kernel = named[name].numpy()
        limit = (6 / sum(kernel.shape)) ** 0.5
        assert 0.9 * limit < np.abs(kernel).max() <= limit, name
    for name, variable in named.items():
        if name not in GLOROT[what] and name.endswith(("kernel", "embeddings")):
            is_projection = name.endswith("embeddings_project/kernel")
            largest = float(tf.reduce_max(tf.abs(variable)))
            assert is_projection or 0.02 < largest <= 0.04, name
