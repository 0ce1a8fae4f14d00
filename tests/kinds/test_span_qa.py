"""Extractive question answering against recorded outputs, and its decoding."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf
from finetune_cases import SPAN_QA, Case, card
from question_cases import check_outputs

from electra_bench.core import Batch, EncoderOutput, Seed, Variables
from electra_bench.core.batch import own_rows
from electra_bench.kinds.span_qa import span_qa


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
        **own_rows(rows),
    )


def small(rows=2, seq=6, **settings):
    states = np.random.default_rng(0).normal(size=[rows, seq, 4]).astype(np.float32)
    objective = span_qa(
        lambda: Constant(states), Variables(3), card("squad", "span_qa"), **settings
    )
    ids = np.ones([rows, seq], np.int32)
    mask = np.array([[1] * seq, [1] * (seq - 1) + [0]])[:rows]
    segments = np.array([[0, 0, 1, 1, 1, 1]] * rows)
    return objective, (ids, mask, segments)


def test_the_smallest_numbers_leave_one_start_and_one_end():
    objective, arrays = small(beam_size=1, n_best_size=1, max_answer_length=1)
    batch = batch_of(arrays, np.zeros([2, 3]))
    outputs = objective.outputs(batch, Seed.of(0))
    assert outputs["start_top_index"].shape == (2, 1)
    assert outputs["end_top_index"].shape == (2, 1, 1)


@pytest.mark.parametrize(("beam_size", "width"), [(4, 4), (6, 6), (20, 6)])
def test_as_many_starts_as_are_asked_for_and_there_are_tokens(beam_size, width):
    objective, arrays = small(beam_size=beam_size)
    outputs = objective.outputs(batch_of(arrays, np.zeros([2, 3])), Seed.of(0))
    assert outputs["start_top_index"].shape == (2, width)
    assert outputs["end_top_index"].shape == (2, width, width)


def test_invented_answers_end_before_the_last_separator():
    objective, _ = small(rows=2, seq=9)
    mask = np.array([[1] * 9, [1] * 8 + [0]])
    segments = np.array([[0, 0, 0, 1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1, 1, 1, 0]])
    labels, _ = objective.sample_targets(mask, segments, np.random.default_rng(0))
    assert labels[:, 1].tolist() == [7, 6]
    assert (labels[:, 0] >= [3, 2]).all() and (labels[:, 0] <= [7, 6]).all()


@pytest.mark.parametrize("name", SPAN_QA)
def test_outputs_equal_the_originals(shared_golden, name):
    """Those of whole files, some of which are made here, are in another test."""
    golden = Case.load(shared_golden, name)
    check_outputs(golden.outputs(), golden.predicted)


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
