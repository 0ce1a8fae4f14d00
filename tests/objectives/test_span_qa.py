"""Extractive question answering against the original's outputs, and its decoding."""

import json

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Batch, EncoderOutput, Seed, Variables
from electra_bench.core.variables import variable_name
from electra_bench.models.electra import electra
from electra_bench.objectives.span_qa import span_qa
from electra_bench.records import TaskCard

CARD = TaskCard(
    name="squad",
    version=1,
    kind="span_qa",
    summary="",
    builder="",
    splits={},
    main_metric="f1",
    source="",
    licence="",
    citation="",
)


class Constant(tf.Module):
    """An encoder whose states are given."""

    num_layers = 0

    def __init__(self, states):
        super().__init__()
        self.states = tf.Variable(states)
        self.hidden_size = self.states.shape[-1]

    def __call__(self, input_ids, input_mask, segment_ids, *, seed, training):
        return EncoderOutput(self.states, self.states, (), ())


def batch_of(arrays, labels, example_id=None):
    ids, mask, segments = arrays
    rows = len(ids)
    return Batch(
        *(tf.constant(x, tf.int32) for x in (ids, mask, segments, labels)),
        tf.zeros([rows, 0]),
        tf.zeros([rows], tf.int32),
        tf.range(rows) if example_id is None else tf.constant(example_id, tf.int32),
    )


def small(rows=2, seq=6, **settings):
    states = np.random.default_rng(0).normal(size=[rows, seq, 4]).astype(np.float32)
    objective = span_qa(lambda: Constant(states), Variables(3), CARD, **settings)
    ids = np.ones([rows, seq], np.int32)
    mask = np.array([[1] * seq, [1] * (seq - 1) + [0]])[:rows]
    segments = np.array([[0, 0, 1, 1, 1, 1]] * rows)
    return objective, (ids, mask, segments)


@pytest.fixture(scope="module")
def golden(shared_golden):
    """The objective with the original's variables, its batch and recorded arrays."""
    manifest = json.loads((shared_golden / "manifest_finetune.json").read_text())
    case = manifest["cases"]["squad_not_joint"]
    shapes = dict(case["variables"])
    changes = case["config"]["model_hparam_overrides"]

    def encoders():
        return electra(
            variables,
            "electra",
            520,
            hidden_size=changes["hidden_size"],
            num_layers=changes["num_hidden_layers"],
            num_heads=changes["num_attention_heads"],
            ffn_size=shapes["electra/encoder/layer_0/intermediate/dense/kernel"][1],
            embedding_size=shapes["electra/embeddings/word_embeddings"][1],
            max_positions=changes["max_position_embeddings"],
            dropout=0.0,
            attention_dropout=0.0,
        )

    variables = Variables(1)
    objective = span_qa(encoders, variables, CARD)
    reader = tf.train.load_checkpoint(str(shared_golden / case["checkpoint"]))
    names = {variable_name(v): v for v in objective.trainable_variables}
    # The original's case also has an answerability head, dense_2.
    assert {*names} == {*shapes} - {
        "task_specific/squad/dense_2/kernel",
        "task_specific/squad/dense_2/bias",
    }
    for name, variable in names.items():
        variable.assign(reader.get_tensor(name))
    arrays = np.load(shared_golden / "finetune_squad_not_joint.npz")
    features = [
        arrays[f"features/{n}"] for n in ("input_ids", "input_mask", "segment_ids")
    ]
    labels = np.stack(
        [arrays[f"features/squad_{n}_positions"] for n in ("start", "end")], 1
    )
    return objective, batch_of(features, labels), arrays


def test_logits_equal_the_originals(golden):
    objective, batch, arrays = golden
    outputs = objective.outputs(batch, Seed.of(0))
    # The manifest's rounding sensitivity of these logits is 6e-5, due to the -1000.
    for name, value in outputs.items():
        expected = arrays[f"predict/squad/{name}"]
        np.testing.assert_allclose(value, expected, rtol=0, atol=1.3e-4)


def test_loss_equals_the_originals_without_answerability(golden):
    objective, batch, arrays = golden
    term = objective.loss_terms(batch, Seed.of(0), training=True)["span_qa"]
    answerability = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=arrays["features/squad_is_impossible"].astype(np.float32),
        logits=arrays["train/squad/answerable_logit"],
    )
    expected = arrays["train/squad/loss"] - 0.5 * answerability.numpy()
    assert float(term.total) == pytest.approx(float(expected.sum()), rel=1e-5)
    assert float(term.weight) == len(expected)


def test_only_the_context_and_cls_can_answer():
    objective, arrays = small()
    outputs = objective.outputs(batch_of(arrays, [[0, 0], [0, 0]]), Seed.of(0))
    for value in outputs.values():
        assert (value.numpy() > -500).astype(int).tolist() == [
            [1, 0, 1, 1, 1, 1],
            [1, 0, 1, 1, 1, 0],
        ]


@pytest.mark.parametrize(
    ("labels", "ids"), [([[2, 3], [2, 3]], [0, -1]), ([[2, 3], [-1, -1]], [0, 1])]
)
def test_rows_without_example_or_label_do_not_count(labels, ids):
    objective, arrays = small()
    term = objective.loss_terms(batch_of(arrays, labels, ids), Seed.of(0), True)
    alone, alone_arrays = small(rows=1)
    states = objective.encoder.states[:1]
    alone.encoder.states.assign(states)
    single = alone.loss_terms(batch_of(alone_arrays, [[2, 3]]), Seed.of(0), True)
    assert float(term["span_qa"].weight) == 1.0
    np.testing.assert_allclose(
        term["span_qa"].total, single["span_qa"].total, rtol=1e-6
    )


def test_reduction():
    objective, arrays = small(reduction="mean")
    term = objective.loss_terms(batch_of(arrays, [[2, 3]] * 2), Seed.of(0), True)
    term = term["span_qa"]
    np.testing.assert_allclose(
        term.value(term.weight), term.total / 2, rtol=1e-5, atol=1e-6
    )


EXAMPLE = {
    "context": "aa bb cc dd",
    "char_start": np.array([-1, -1, 0, 3, 6, 9, -1]),
    "char_end": np.array([-1, -1, 2, 5, 8, 11, -1]),
}


def logits(**peaks):
    values = np.zeros(9, np.float32)  # two tokens of padding
    for position, value in peaks.items():
        values[int(position[1:])] = value
    return values


@pytest.mark.parametrize(
    ("start", "end", "longest", "expected"),
    [
        ({"p3": 9}, {"p4": 9}, 30, "bb cc"),
        ({"p3": 9}, {"p3": 9}, 30, "bb"),
        # The best end lies before the best start.
        ({"p4": 9, "p2": 8}, {"p3": 9}, 30, "aa bb"),
        # The best span is too long.
        ({"p2": 9}, {"p5": 9, "p3": 5}, 2, "aa bb"),
        # [CLS] and [SEP] answer nothing.
        ({"p0": 20, "p4": 5}, {"p0": 20, "p6": 9, "p4": 5}, 30, "cc"),
    ],
)
def test_decode(start, end, longest, expected):
    objective, _ = small(max_answer_length=longest)
    outputs = {"start_logits": logits(**start), "end_logits": logits(**end)}
    text, scores = objective.decode(outputs, EXAMPLE)
    assert text == expected
    assert text == EXAMPLE["context"][scores["start"] : scores["end"]]
    assert json.dumps(scores)


def test_score_is_the_spans_log_probability():
    objective, _ = small()
    start, end = logits(p3=2.0), logits(p4=1.0)
    _, scores = objective.decode({"start_logits": start, "end_logits": end}, EXAMPLE)
    expected = tf.nn.log_softmax(start)[3] + tf.nn.log_softmax(end)[4]
    assert scores["score"] == pytest.approx(float(expected), rel=1e-5)


def test_merge_takes_the_best_window():
    objective, _ = small()
    decoded = [(text, {"score": s}) for text, s in (("a", -5.0), ("b", -1.0))]
    assert objective.merge(decoded)[0] == "b"
    nothing = {**EXAMPLE, "char_start": np.full(7, -1)}
    outputs = {"start_logits": logits(), "end_logits": logits()}
    assert objective.decode(outputs, nothing)[0] == ""
    assert objective.merge([objective.decode(outputs, nothing), decoded[0]])[0] == "a"


def test_settings_are_checked():
    with pytest.raises(ValueError, match="max_answer_length must be 1 or more, got 0"):
        small(max_answer_length=0)
