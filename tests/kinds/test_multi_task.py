"""Several tasks on one encoder: each on its own rows, and nothing shared but it."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from finetune_cases import batch_of, card
from packed_batches import num_rows, packed_batch, unpacked

from electra_bench.core import Batch, Seed, Variables
from electra_bench.kinds.classification import classification
from electra_bench.kinds.multi_task import MultiTask
from electra_bench.kinds.tagging import tagging
from electra_bench.models.electra import electra

SIZES = {
    "hidden_size": 8,
    "num_layers": 1,
    "num_heads": 2,
    "ffn_size": 16,
    "embedding_size": 8,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
IDS = [[2, 5, 6, 3, 0], [2, 7, 3, 0, 0], [2, 8, 9, 10, 3], [2, 11, 3, 0, 0]]
MASK = [[int(i > 0) for i in row] for row in IDS]


@pytest.fixture(scope="module")
def objective():
    variables = Variables(0)
    encoders = functools.cache(lambda: electra(variables, "electra", 16, **SIZES))
    sentences = classification(
        encoders,
        variables,
        card("pairs", "classification", ("a", "b")),
        head_dropout=0.0,
    )
    words = tagging(encoders, variables, card("words", "tagging", ("O", "B-X")))
    return MultiTask({"pairs": sentences, "words": words})


def batch(rows, labels, task_ids):
    ids = [IDS[i] for i in rows]
    mask = [MASK[i] for i in rows]
    made = batch_of(ids, mask, np.zeros_like(ids), labels, np.zeros([len(rows), 0]))
    return made._replace(task_id=tf.constant(task_ids, tf.int32))


def value(objective, given):
    terms = objective.loss_terms(given, Seed.of(0), training=True)
    return {name: float(term.total) for name, term in terms.items()}


def test_every_task_has_the_loss_of_its_rows_alone(objective):
    labels = [[1, -1, -1, -1], [-1, 1, -1, -1], [0, -1, -1, -1], [-1, 0, -1, -1]]
    mixed = value(objective, batch([0, 1, 2, 3], labels, [0, 1, 0, 1]))
    alone = value(objective.tasks["pairs"], batch([0, 2], [[1], [0]], [0, 0]))
    assert mixed["pairs_classification"] == pytest.approx(alone["classification"], 1e-6)
    tags = [[-1, 1, -1, -1, -1], [-1, 0, -1, -1, -1]]
    alone = value(objective.tasks["words"], batch([1, 3], tags, [1, 1]))
    assert mixed["words_tagging"] == pytest.approx(alone["tagging"], 1e-6)


def test_a_batch_may_lack_a_task(objective):
    given = batch([0, 2], [[1], [0]], [0, 0])
    assert value(objective, given)["words_tagging"] == 0.0
    with tf.GradientTape() as tape:
        terms = objective.loss_terms(given, Seed.of(0), training=True)
        loss = tf.add_n([term.total for term in terms.values()])
    gradients = tape.gradient(loss, objective.trainable_variables)
    assert all(
        np.isfinite(tf.convert_to_tensor(g)).all() for g in gradients if g is not None
    )


def test_there_is_one_encoder_and_a_head_a_task(objective):
    names = [v.name.split(":")[0] for v in objective.trainable_variables]
    assert len(names) == len(set(names))
    heads = {name for name in names if name.startswith("task_specific/")}
    assert heads == {
        f"task_specific/{t}/dense/{w}"
        for t in ("pairs", "words")
        for w in ("kernel", "bias")
    }


def test_tasks_whose_examples_share_rows_have_the_same_losses(objective):
    labels = np.full([6, 8], -1)
    labels[[0, 2, 4], 0] = [1, 0, 1]
    labels[[1, 3, 5], 1] = [1, 0, 1]
    given = batch([0, 1, 2, 3, 1, 3], labels, [0, 1, 0, 1, 0, 1])
    room = {
        name: tf.pad(getattr(given, name), [[0, 0], [0, 3]])
        for name in ("input_ids", "input_mask", "segment_ids")
    }
    shared = packed_batch(given._replace(**room))
    assert shared.task_id.numpy().tolist() == [0, 0, 0, 1, 1, 1]
    assert num_rows(shared) == 4
    found, expected = value(objective, shared), value(objective, unpacked(shared))
    assert found == pytest.approx(expected, rel=1e-5)
    # A batch without any example of a task, too.
    first = Batch(*(column[:3] for column in shared)).without_empty_rows()
    assert value(objective, first)["words_tagging"] == 0.0
