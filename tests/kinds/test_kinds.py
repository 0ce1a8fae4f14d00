"""The simple task kinds against recorded outputs, and their invariants."""

import dataclasses
import inspect
import json

import gin
import numpy as np
import pytest
import tensorflow as tf
from finetune_cases import Case, batch_of, card
from golden_cases import SOURCES, golden_folder

from electra_bench import registry
from electra_bench.core import EncoderOutput, Seed, Variables
from electra_bench.core.variables import variable_name
from electra_bench.kinds.classification import classification
from electra_bench.kinds.multi_label import multi_label
from electra_bench.kinds.regression import regression
from electra_bench.kinds.span_qa import span_qa
from electra_bench.kinds.tagging import tagging
from electra_bench.models.electra import electra

KINDS = {
    "classification": classification,
    "multi_label": multi_label,
    "regression": regression,
    "tagging": tagging,
}


def encoders(sizes: dict, variables: Variables):
    def encoder(role="encoder", **changes):
        return electra(variables, "electra", 520, **sizes, **changes)

    return encoder


def recorded(request, source, name) -> Case:
    return Case.load(golden_folder(request, source), name)


def close(got, expected):
    np.testing.assert_allclose(
        got, expected, atol=5e-5 * np.abs(expected).max(initial=0.0)
    )


@pytest.mark.parametrize("name", ["mrpc", "mnli", "sts"])
@pytest.mark.parametrize("source", SOURCES)
def test_outputs_of_texts_equal_recorded_ones(request, source, name):
    case = recorded(request, source, name)
    for output, value in case.outputs().items():
        if output != "probs":
            close(value, case.predicted(output))
    np.testing.assert_allclose(case.loss(False), case.arrays["predict/loss"], rtol=5e-5)


@pytest.mark.parametrize("source", SOURCES)
def test_tags_equal_recorded_ones(request, source):
    case = recorded(request, source, "chunk")
    outputs, labels = case.outputs(), case.batch.labels.numpy()
    for row, positions in enumerate(labels >= 0):
        count = positions.sum()
        close(outputs["logits"][row, positions], case.predicted("logits")[row, :count])
        decoded, scores = case.objective.decode(
            {name: value[row] for name, value in outputs.items()},
            {"labels": labels[row]},
        )
        assert decoded == case.predicted("predictions")[row, :count].tolist()
        assert all(0 < score <= 1 for score in scores) and len(scores) == count
    np.testing.assert_allclose(case.loss(False), case.arrays["predict/loss"], rtol=5e-5)


SIZES = {
    "hidden_size": 16,
    "num_layers": 1,
    "num_heads": 2,
    "ffn_size": 32,
    "embedding_size": 16,
    "max_positions": 16,
}


@pytest.fixture(params=sorted(KINDS))
def kind(request):
    return request.param


def objective(kind, **settings):
    variables = Variables(3)
    return KINDS[kind](
        encoders(SIZES, variables),
        variables,
        card("some_task", kind, ("a", "b", "c")),
        **settings,
    )


def small_batch(kind, rows=4):
    ids = np.arange(rows * 8).reshape(rows, 8) % 500 + 5
    tags = np.tile([-1, 0, -1, 1, 2, 0, 1, -1], [rows, 1])
    classes = np.arange(rows)[:, None] % 3
    labels = {"tagging": tags, "multi_label": (classes >= np.arange(3)).astype(int)}
    return batch_of(
        ids,
        np.ones_like(ids),
        np.zeros_like(ids),
        labels.get(kind, classes),
        np.linspace(0, 1, rows)[:, None],
    )


def only_term(kind, batch, training=False, **settings):
    made = objective(kind, **settings)
    [term] = made.loss_terms(batch, Seed.of(5), training).values()
    return term


def test_variables_are_named_as_the_originals(kind):
    names = {variable_name(v) for v in objective(kind).trainable_variables}
    heads = {name for name in names if not name.startswith("electra/")}
    assert heads == {
        "task_specific/some_task/dense/kernel",
        "task_specific/some_task/dense/bias",
    }


def test_rows_without_an_example_do_not_count(kind):
    batch = small_batch(kind)
    fewer = tf.nest.map_structure(lambda x: x[:3], batch)
    padded = batch._replace(example_id=tf.constant([0, 1, 2, -1]))
    expected, got = only_term(kind, fewer), only_term(kind, padded)
    np.testing.assert_allclose(got.total, expected.total, rtol=1e-5)
    np.testing.assert_allclose(got.weight, expected.weight)


def test_reductions(kind):
    batch = small_batch(kind)
    total, mean = only_term(kind, batch), only_term(kind, batch, reduction="mean")
    items = 20 if kind == "tagging" else 4
    assert float(total.weight) == items
    np.testing.assert_allclose(
        total.value(total.weight), items * mean.value(mean.weight), rtol=1e-5
    )
    with pytest.raises(ValueError, match="'mean' or 'sum'"):
        only_term(kind, batch, reduction="max").value(1.0)


def test_head_dropout_is_for_training_only(kind):
    batch = small_batch(kind)
    dry = {"head_dropout": 0.9}
    wet = only_term(kind, batch, head_dropout=0.0).total
    np.testing.assert_allclose(only_term(kind, batch, **dry).total, wet, rtol=1e-6)
    assert abs(only_term(kind, batch, training=True, **dry).total - wet) > 1e-3


def test_predictions_are_those_of_the_registered_kind(kind):
    batch = small_batch(kind)
    registry.kinds.load(kind)
    gin.parse_config(f"kinds.{kind}.head_dropout = 0.0")
    variables = Variables(3)
    made = registry.kinds.get(kind)(
        encoders(SIZES, variables), variables, card("some_task", kind, ("a", "b", "c"))
    )
    outputs = {k: v.numpy() for k, v in made.outputs(batch, Seed.of(0)).items()}
    for row in range(4):
        one = {name: value[row] for name, value in outputs.items()}
        prediction, scores = made.decode(one, {"labels": batch.labels[row].numpy()})
        json.dumps([prediction, scores])
        if kind == "classification":
            assert prediction == np.argmax(scores)
            assert sum(scores) == pytest.approx(1.0, abs=1e-5)
        if kind == "multi_label":
            assert prediction == [int(score > 0.5) for score in scores]
        if kind == "tagging":
            assert len(prediction) == 5


class FixedStates(tf.Module):
    """An encoder that returns given states."""

    hidden_size = 5

    def __init__(self, states):
        super().__init__()
        self.states = states

    def __call__(self, input_ids, input_mask, segment_ids, *, seed, training):
        return EncoderOutput(self.states, self.states, (), ())


@pytest.mark.parametrize("reencode", [False, True])
def test_tags_that_contradict_one_another_are_rewritten_or_left(reencode):
    names = ("O", "B-NP", "I-NP", "E-NP", "S-NP", "B-VP", "E-VP", "S-VP")
    variables = Variables(3)
    made = tagging(
        encoders(SIZES, variables),
        variables,
        card("some_task", "tagging", names),
        reencode=reencode,
    )
    # A span that nothing ends, and an end that nothing began.
    predicted = ["B-NP", "O", "S-VP", "E-NP"]
    ids = np.array([names.index(tag) for tag in predicted])
    outputs = {"tags": ids, "logits": np.eye(len(names))[ids]}
    decoded, scores = made.merge([made.decode(outputs, {"labels": np.zeros(4, int)})])
    tags = [names[i] for i in decoded]
    assert len(scores) == 4
    # One span, of the type that its last word says.
    assert tags == (["S-NP", "O", "B-NP", "E-NP"] if reencode else predicted)


def test_losses_are_their_formulas(kind):
    states = np.random.default_rng(0).normal(size=[4, 8, 5])
    encoder = FixedStates(tf.constant(states, tf.float32))
    made = KINDS[kind](
        lambda: encoder, Variables(3), card("some_task", kind, ("a", "b", "c"))
    )
    kernel, bias = (
        next(v for v in made.trainable_variables if variable_name(v).endswith(name))
        for name in ("kernel", "bias")
    )
    bias.assign(np.linspace(-1, 1, bias.shape[0]))
    batch = small_batch(kind)
    logits = states @ kernel.numpy().astype(float) + bias.numpy()
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    labels = batch.labels.numpy()
    if kind == "regression":
        expected = ((logits[:, 0, 0] - batch.values.numpy()[:, 0]) ** 2).sum()
    elif kind == "multi_label":
        probs = 1 / (1 + np.exp(-logits[:, 0]))
        expected = -np.log(np.where(labels == 1, probs, 1 - probs)).sum()
    elif kind == "classification":
        expected = -sum(log_probs[row, 0, labels[row, 0]] for row in range(4))
    else:
        expected = -sum(
            log_probs[row, token, labels[row, token]]
            for row, token in zip(*np.nonzero(labels >= 0), strict=True)
        )
    [term] = made.loss_terms(batch, Seed.of(0), False).values()
    np.testing.assert_allclose(term.total, expected, rtol=1e-5)


# Those of google-research/electra, configure_finetuning.py and finetune/.
DEFAULTS = {
    classification: {"head_dropout": 0.1, "reduction": "sum"},
    regression: {"head_dropout": 0.1, "reduction": "sum"},
    tagging: {"head_dropout": 0.0, "reduction": "sum"},
    span_qa: {
        "joint_prediction": True,
        "answerable_classifier": True,
        "answerable_uses_start_logits": True,
        "answerable_weight": 0.5,
        "beam_size": 20,
        "n_best_size": 20,
        "max_answer_length": 30,
        "reduction": "sum",
    },
}


@pytest.mark.parametrize("function", DEFAULTS)
def test_defaults_are_the_originals(function):
    parameters = inspect.signature(function).parameters
    for name, expected in DEFAULTS[function].items():
        assert parameters[name].default == expected, name


@pytest.mark.parametrize("columns", [0, 1, 3, 8])
def test_labels_of_a_batch_without_rows_of_the_task_may_be_narrow_or_wide(columns):
    batch = tf.nest.map_structure(lambda x: x[:0], small_batch("multi_label"))
    batch = batch._replace(labels=tf.zeros([0, columns], tf.int32))
    term = only_term("multi_label", batch)
    assert (float(term.total), float(term.weight)) == (0.0, 0.0)


def test_texts_without_known_labels_do_not_count():
    batch = small_batch("multi_label")
    fewer = tf.nest.map_structure(lambda x: x[:3], batch)
    unknown = tf.concat([batch.labels[:3], [[-1, -1, -1]]], 0)
    got = only_term("multi_label", batch._replace(labels=unknown))
    np.testing.assert_allclose(
        got.total, only_term("multi_label", fewer).total, rtol=1e-5
    )
    assert float(got.weight) == 3


def test_classes_must_be_known():
    for kind in ("classification", "tagging"):
        variables = Variables(3)
        bare = dataclasses.replace(card("some_task", kind), labels=("a",))
        with pytest.raises(ValueError, match=r"'some_task'.*labels|tags"):
            KINDS[kind](encoders(SIZES, variables), variables, bare)
