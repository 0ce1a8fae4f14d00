"""Extractive question answering against the original's outputs, and its decoding."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Batch, EncoderOutput, Seed, Variables
from electra_bench.core.variables import variable_name
from electra_bench.kinds.span_qa import span_qa
from electra_bench.models.electra import electra
from electra_bench.records import TaskCard

CASES = ("squad", "squadv1", "squad_not_joint", "squad_no_answerable")
SWITCHES = (
    "joint_prediction",
    "answerable_classifier",
    "answerable_uses_start_logits",
    "answerable_weight",
    "beam_size",
    "n_best_size",
    "max_answer_length",
)


def card(name):
    return TaskCard(
        name=name,
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
    objective = span_qa(
        lambda: Constant(states), Variables(3), card("squad"), **settings
    )
    ids = np.ones([rows, seq], np.int32)
    mask = np.array([[1] * seq, [1] * (seq - 1) + [0]])[:rows]
    segments = np.array([[0, 0, 1, 1, 1, 1]] * rows)
    return objective, (ids, mask, segments)


class Golden:
    """A recorded case: the objective with the original's variables, and its arrays."""

    def __init__(self, folder, name, vocabulary=None, **settings):
        manifest = json.loads((folder / "manifest_finetune.json").read_text())
        self.case = case = manifest["cases"][name]
        [self.task] = case["task_names"]
        shapes = dict(case["variables"])
        changes = case["config"]["model_hparam_overrides"]
        sizes = {
            "hidden_size": changes["hidden_size"],
            "num_layers": changes["num_hidden_layers"],
            "num_heads": changes["num_attention_heads"],
            "ffn_size": shapes["electra/encoder/layer_0/intermediate/dense/kernel"][1],
            "embedding_size": shapes["electra/embeddings/word_embeddings"][1],
            "max_positions": changes["max_position_embeddings"],
            "dropout": 0.0,
            "attention_dropout": 0.0,
        }
        variables = Variables(1)
        self.objective = span_qa(
            lambda: electra(variables, "electra", 520, **sizes),
            variables,
            card(self.task),
            vocabulary,
            windows_without_answer="answerable",
            **{switch: case["config"][switch] for switch in SWITCHES},
            **settings,
        )
        reader = tf.train.load_checkpoint(str(folder / case["checkpoint"]))
        self.named = {variable_name(v): v for v in self.objective.trainable_variables}
        assert {n: v.shape.as_list() for n, v in self.named.items()} == shapes
        for name_, variable in self.named.items():
            variable.assign(reader.get_tensor(name_))
        self.arrays = np.load(folder / f"finetune_{name}.npz")
        features = [
            self.arrays[f"features/{n}"]
            for n in ("input_ids", "input_mask", "segment_ids")
        ]
        labels = [
            self.arrays[f"features/{self.task}_{n}"]
            for n in ("start_positions", "end_positions", "is_impossible")
        ]
        self.batch = batch_of(features, np.stack(labels, 1))

    def train(self, name):
        return self.arrays[f"train/{self.task}/{name}"]

    def predicted(self, name):
        return self.arrays[f"predict/{self.task}/{name}"]

    def loss(self):
        terms = self.objective.loss_terms(self.batch, Seed.of(0), training=True)
        return tf.add_n([t.coefficient * t.value(t.weight) for t in terms.values()])


@pytest.fixture(scope="module", params=CASES)
def golden(request, shared_golden):
    return Golden(shared_golden, request.param)


def test_loss_and_gradients_equal_the_originals(golden):
    with tf.GradientTape() as tape:
        loss = golden.loss()
    assert float(loss) == pytest.approx(float(golden.arrays["train/loss"]), rel=5e-5)
    gradients = {
        name: tf.convert_to_tensor(gradient)
        for name, gradient in tape.gradient(loss, golden.named).items()
        if gradient is not None
    }
    norm = tf.linalg.global_norm(list(gradients.values()))
    assert float(norm) == pytest.approx(
        float(golden.arrays["grad/global_norm_dense"]), rel=1e-4
    )
    whole = [n for n in golden.arrays.files if n.startswith("grad/full/")]
    assert len(whole) > 2
    for name in whole:
        expected = golden.arrays[name]
        np.testing.assert_allclose(
            gradients[name.removeprefix("grad/full/")],
            expected,
            atol=1e-4 * np.abs(expected).max(),
            err_msg=name,
        )


def check_outputs(outputs, recorded):
    """Compares outputs with the original's, which `recorded` gives by name."""
    for name, found in outputs.items():
        expected = recorded(name)
        if name.endswith("_index"):
            continue
        # Off the paragraph float32 resolves 6e-5 at best, and ties are common.
        compared = expected > -500
        np.testing.assert_allclose(
            found[compared], expected[compared], rtol=0, atol=2e-4, err_msg=name
        )
    if "start_top_index" in outputs:
        scores = recorded("start_top_log_probs")
        apart = np.abs(np.diff(scores, prepend=np.inf, append=-np.inf)) > 1e-4
        clear = apart[:, 1:] & apart[:, :-1] & (scores > -500)
        found, expected = outputs["start_top_index"], recorded("start_top_index")
        np.testing.assert_array_equal(found[clear], expected[clear])


def test_outputs_equal_the_originals(golden):
    outputs = golden.objective.outputs(golden.batch, Seed.of(0))
    outputs = {name: value.numpy() for name, value in outputs.items()}
    check_outputs(outputs, golden.predicted)


def test_only_the_context_and_cls_can_answer():
    objective, arrays = small(joint_prediction=False)
    outputs = objective.outputs(batch_of(arrays, [[0, 0, 0]] * 2), Seed.of(0))
    for name in ("start_logits", "end_logits"):
        assert (outputs[name].numpy() > -500).astype(int).tolist() == [
            [1, 0, 1, 1, 1, 1],
            [1, 0, 1, 1, 1, 0],
        ]


@pytest.mark.parametrize(
    ("labels", "ids"),
    [([[2, 3, 0], [2, 3, 0]], [0, -1]), ([[2, 3, 0], [-1, -1, 0]], [0, 1])],
)
def test_rows_without_example_or_label_do_not_count(labels, ids):
    objective, arrays = small()
    terms = objective.loss_terms(batch_of(arrays, labels, ids), Seed.of(0), True)
    alone, alone_arrays = small(rows=1)
    alone.encoder.states.assign(objective.encoder.states[:1])
    single = alone.loss_terms(batch_of(alone_arrays, [[2, 3, 0]]), Seed.of(0), True)
    for name, term in terms.items():
        assert float(term.weight) == 1.0
        np.testing.assert_allclose(term.total, single[name].total, rtol=1e-6)


def test_reduction():
    objective, arrays = small(reduction="mean")
    terms = objective.loss_terms(batch_of(arrays, [[2, 3, 0]] * 2), Seed.of(0), True)
    for term in terms.values():
        np.testing.assert_allclose(
            term.value(term.weight), term.total / 2, rtol=1e-5, atol=1e-6
        )


def test_what_a_window_without_the_answer_teaches():
    labels = [[2, 3, 0], [0, 0, 0]]
    found = {}
    for choice in ("answerable", "unanswerable"):
        objective, arrays = small(windows_without_answer=choice)
        terms = objective.loss_terms(batch_of(arrays, labels), Seed.of(0), True)
        found[choice] = float(terms["answerable"].total)
    same, arrays = small(windows_without_answer="answerable")
    impossible = batch_of(arrays, [[2, 3, 0], [0, 0, 1]])
    terms = same.loss_terms(impossible, Seed.of(0), True)
    assert found["unanswerable"] == pytest.approx(float(terms["answerable"].total))
    assert found["answerable"] != pytest.approx(found["unanswerable"])


EXAMPLE = {
    "context": "aa bb cc dd",
    "char_start": np.array([-1, -1, 0, 3, 6, 9, -1]),
    "char_end": np.array([-1, -1, 2, 5, 8, 11, -1]),
    "max_context": np.array([0, 0, 1, 1, 1, 1, 0]),
}


def logits(**peaks):
    values = np.zeros(9, np.float32)  # two tokens of padding
    for position, value in peaks.items():
        values[int(position[1:])] = value
    return values


def ends(start, end):
    return {"start_logits": logits(**start), "end_logits": logits(**end)}


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
def test_the_best_valid_span_answers(start, end, longest, expected):
    objective, _ = small(max_answer_length=longest, answerable_classifier=False)
    (text, _), scores = objective.merge([objective.decode(ends(start, end), EXAMPLE)])
    assert text == scores["n_best"][0]["text"] == expected
    assert json.dumps(scores)


def test_a_span_begins_where_no_other_window_shows_more_context():
    objective, _ = small(answerable_classifier=False)
    other = EXAMPLE | {"max_context": np.array([0, 0, 1, 0, 1, 1, 0])}
    outputs = ends({"p3": 9, "p4": 5}, {"p4": 9})
    (text, _), _ = objective.merge([objective.decode(outputs, other)])
    assert text == "cc"


def test_the_null_score_is_the_smallest_of_all_windows():
    objective, _ = small()
    outputs = ends({"p3": 9}, {"p4": 9})
    decoded = [
        objective.decode(outputs | {"answerable_logit": np.float32(odds)}, EXAMPLE)
        for odds in (3.0, -2.0)
    ]
    (_, null), scores = objective.merge(decoded)
    assert null == scores["null_odds"] == -2.0
    plain, _ = small(answerable_classifier=False)
    outputs = ends({"p3": 9, "p0": 4}, {"p4": 9, "p0": 3})
    (_, null), _ = plain.merge([plain.decode(outputs, EXAMPLE)])
    assert null == pytest.approx(7.0 - 18.0)


def test_the_main_metric_is_at_the_chosen_threshold_or_at_the_constant():
    metrics = {"exact": 60.0, "exact_chosen": 61.0}
    objective, _ = small()
    assert objective.main_metric("exact", metrics) == "exact_chosen"
    assert objective.threshold(metrics)["score"].endswith("by the classifier")
    # All questions are about one text, or all have answers.
    for others in (metrics | {"exact_chosen": math.nan}, {"exact": 60.0}):
        assert objective.main_metric("exact", others) == "exact"
    assert objective.threshold({"exact": 60.0}) == {}
    # Nothing was chosen where all questions are about one text.
    assert "chosen_on" in objective.threshold(metrics)
    assert "chosen_on" not in objective.threshold({**metrics, "exact_chosen": math.nan})
    plain, _ = small(answerable_classifier=False, no_answer_threshold="constant")
    assert plain.main_metric("exact", metrics) == "exact"
    assert "minus that of the best answer" in plain.threshold(metrics)["score"]


def test_answers_that_are_too_long_are_told():
    objective, _ = small(max_answer_length=2)
    for last, why in ((4, None), (5, "answers too long")):
        assert objective.out_of_reach({"labels": np.array([3, last, 0])}) == why


def test_the_best_of_all_windows_and_no_text_twice():
    objective, _ = small(answerable_classifier=False, n_best_size=6)
    weak = objective.decode(ends({"p2": 1}, {"p2": 1}), EXAMPLE)
    strong = objective.decode(ends({"p3": 9}, {"p4": 9}), EXAMPLE)
    (text, _), scores = objective.merge([weak, strong])
    assert text == "bb cc"
    texts = [answer["text"] for answer in scores["n_best"]]
    assert 2 <= len(texts) == len(set(texts)) <= 6
    nothing = EXAMPLE | {"char_start": np.full(7, -1)}
    (text, _), _ = objective.merge([objective.decode(ends({}, {}), nothing)])
    assert text == "empty"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_answer_length": 0}, "max_answer_length must be 1 or more, got 0"),
        ({"beam_size": 0}, "beam_size must be 1 or more, got 0"),
        ({"windows_without_answer": "no"}, "windows_without_answer must be one of"),
        ({"answer_text": "words"}, "answer_text must be one of"),
        ({"answer_text": "projected"}, "needs a WordPiece vocabulary"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        small(**settings)
