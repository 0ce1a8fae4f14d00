"""Windows of questions and contexts."""

import json
import re
from typing import NamedTuple

import gin
import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import SpecialIds
from electra_bench.data import run_context
from electra_bench.tasks.features import windows as span_windows
from electra_bench.tasks.features.windows import (
    Tokens,
    encode_windows,
    has_max_context,
    spans,
)
from electra_bench.tasks.metrics.chosen_threshold import half_of
from electra_bench.tasks.metrics.squad import Answer
from electra_bench.tasks.postprocessors import answer_or_none, answer_texts


class Piece(NamedTuple):
    id: int
    start: int
    end: int


class Words:
    """A vocabulary of numbers: the word `w7` has the id 17."""

    special_ids = SpecialIds(size=1000, pad=0, unk=1, cls=2, sep=3, mask=4)

    def encode(self, text):
        return [piece.id for piece in self.encode_with_offsets(text)]

    def encode_with_offsets(self, text):
        return [
            Piece(10 + int(match[1]), match.start(), match.end())
            for match in re.finditer(r"w(\d+)", text)
        ]


CONTEXT = " ".join(f"w{i}" for i in range(20))


def answer(first, last):
    return CONTEXT.index(f"w{first}"), CONTEXT.index(f"w{last}") + len(f"w{last}")


def windows(question, context, answer, length, stride, is_impossible=False):
    words = Words()
    tokens = Tokens.of(words, context)
    inside = np.zeros(0, np.int64)
    if answer:
        inside = span_windows.answer_tokens(words, context, tokens, *answer)
    return span_windows.windows(
        words.encode(question),
        tokens,
        words.special_ids,
        inside,
        is_impossible,
        length,
        stride,
    )


@pytest.mark.parametrize(
    ("num_tokens", "room", "stride", "expected"),
    [
        (5, 10, 3, [(0, 5)]),
        (10, 10, 3, [(0, 10)]),
        (11, 10, 3, [(0, 10), (3, 11)]),
        (20, 8, 100, [(0, 8), (8, 16), (16, 20)]),
        (0, 8, 4, [(0, 0)]),
    ],
)
def test_spans(num_tokens, room, stride, expected):
    assert list(spans(num_tokens, room, stride)) == expected


def test_defaults_are_the_originals():
    assert span_windows.Windows() == span_windows.Windows(128, 64)


def test_one_window():
    [window] = windows("w90 w91", CONTEXT, answer(3, 4), 30, 8)
    assert window.input_ids.tolist() == [2, 100, 101, 3, *range(10, 30), 3]
    assert window.segment_ids.tolist() == [0] * 4 + [1] * 21
    assert window.labels.tolist() == [7, 8, 0]
    first, last, _ = window.labels
    text = CONTEXT[window.char_start[first] : window.char_end[last]]
    assert text == "w3 w4"
    outside = [0, 1, 2, 3, 24]
    assert np.flatnonzero(window.char_start < 0).tolist() == outside
    assert np.flatnonzero(window.char_end < 0).tolist() == outside


def test_several_windows_overlap_and_only_some_hold_the_answer():
    made = windows("w90 w91", CONTEXT, answer(9, 10), 15, 5)
    # Ten tokens of the context each, from 0, 5 and 10 on.
    assert [len(w.input_ids) for w in made] == [15, 15, 15]
    assert [w.input_ids[4] for w in made] == [10, 15, 20]
    assert [w.labels.tolist() for w in made] == [
        [0, 0, 0],
        [8, 9, 0],
        [0, 0, 0],
    ]


def test_an_answer_within_a_token_is_the_token():
    start = CONTEXT.index("w12") + 1
    [window] = windows("w90", CONTEXT, (start, start + 1), 30, 8)
    assert window.labels.tolist() == [3 + 12, 3 + 12, 0]


def test_questions_may_not_fill_a_window():
    with pytest.raises(ValueError, match="6 tokens have no room"):
        windows("w1 w2 w3", "w5", None, 6, 8)


def test_a_question_without_an_answer_says_so():
    [window] = windows("w1", "w5", None, 30, 8, is_impossible=True)
    assert window.labels.tolist() == [0, 0, 1]


def test_most_context(shared_golden):
    cases = json.loads((shared_golden / "metrics/qa_helpers.json").read_text())
    cases = cases["check_is_max_context"]
    assert len(cases) > 10
    for case in cases:
        parts = [(start, start + size) for start, size in case["spans_start_length"]]
        size = max(end for _, end in parts)
        found = np.flatnonzero(has_max_context(size, parts)[:, case["position"]])
        assert found.tolist() == case["span_with_max_context"]


def test_most_context_is_on_the_shorter_side_then_in_the_longer_window():
    random = np.random.default_rng(0)
    for _ in range(20):
        size, room, stride = random.integers([1, 2, 1], [60, 20, 25])
        parts = list(spans(size, room, stride))
        shown = has_max_context(size, parts)
        assert shown.shape == (len(parts), size)
        for place in range(size):
            context = [
                min(place - begin, end - 1 - place) + 0.01 * (end - begin)
                if begin <= place < end
                else -1
                for begin, end in parts
            ]
            # Of equals the first.
            [found] = np.flatnonzero(shown[:, place])
            assert found == context.index(max(context))


def test_empty_context_has_one_window():
    [window] = windows("w1", "", None, 30, 8)
    assert window.input_ids.tolist() == [2, 11, 3, 3]


def test_preprocessor_keeps_the_example_and_handles_accents_before_answers():
    context = "é€ w0 w1 w2 w3 w4 w5"
    example = {
        "idx": [7],
        "question": ["w9"],
        "context": [context],
        "answers": [["w1 w2"]],
        "answer_start": np.array([[context.index("w1")]], np.int32),
        "answer_end": np.array([[context.index("w2") + 2]], np.int32),
        "is_impossible": [0],
    }
    dataset = tf.data.Dataset.from_tensor_slices(example)
    with run_context.use(vocabulary=Words()):
        made = encode_windows(dataset, {"input_ids": 8}, doc_stride=2)
        rows = list(made.as_numpy_iterator())
    assert [row["input_ids"].tolist() for row in rows] == [
        [2, 19, 3, 10, 11, 12, 13, 3],
        [2, 19, 3, 12, 13, 14, 15, 3],
    ]
    assert [row["labels"].tolist() for row in rows] == [[4, 5, 0], [0, 0, 0]]
    assert {row["idx"] for row in rows} == {7}
    first = rows[0]
    assert first["context"].decode() == context
    assert context[first["char_start"][4] : first["char_end"][5]] == "w1 w2"
    assert {
        row[name].dtype for row in rows for name in span_windows.Window._fields
    } == {np.dtype(np.int32)}


def test_long_questions_are_cut():
    example = {
        "question": ["w1 w2 w3"],
        "context": ["w5"],
        "answer_start": np.zeros([1, 0], np.int32),
        "answer_end": np.zeros([1, 0], np.int32),
        "is_impossible": [1],
    }
    dataset = tf.data.Dataset.from_tensor_slices(example)
    with run_context.use(vocabulary=Words()):
        gin.bind_parameter("features.windows.max_query_length", 2)
        try:
            made = encode_windows(dataset, {"input_ids": 30})
        finally:
            gin.clear_config()
        [row] = made.as_numpy_iterator()
    assert row["input_ids"].tolist() == [2, 11, 12, 3, 15, 3]
    assert row["labels"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("asked", "length", "kept", "expected"),
    [
        # Room for one token of the context is enough, as in the original.
        (4, 8, 4, [[2, 10, 11, 12, 13, 3, 15, 3], [2, 10, 11, 12, 13, 3, 16, 3]]),
        (5, 8, 2, [[2, 10, 11, 3, 15, 16, 3]]),
        (60, 8, 2, [[2, 10, 11, 3, 15, 16, 3]]),
        (2, 5, 1, [[2, 10, 3, 15, 3], [2, 10, 3, 16, 3]]),
    ],
)
def test_a_question_leaves_room_for_its_context(asked, length, kept, expected):
    with run_context.use(vocabulary=Words(), cut={}) as context:
        made = encode_windows(questions_of(asked), {"input_ids": length})
        rows = [row["input_ids"].tolist() for row in made.as_numpy_iterator()]
    assert rows == expected
    assert context.cut["questions cut"] == [kept < asked, 1]


def questions_of(size):
    example = {
        "question": [" ".join(f"w{i}" for i in range(size))],
        "context": ["w5 w6"],
        "answer_start": np.zeros([1, 0], np.int32),
        "answer_end": np.zeros([1, 0], np.int32),
        "is_impossible": [1],
    }
    return tf.data.Dataset.from_tensor_slices(example)


@pytest.mark.parametrize("length", [4, 3, 1])
def test_windows_that_hold_nothing_are_refused_before_any_work(length):
    with (
        run_context.use(vocabulary=Words()),
        pytest.raises(ValueError, match=f"max_seq_length {length} has no .* 5 or more"),
    ):
        encode_windows(questions_of(1), {"input_ids": length})


def test_what_metrics_see():
    example = {"answers": ["one", b"two"], "is_impossible": 0, "context": "one two"}
    none = {"answers": [], "is_impossible": 0}
    impossible = {"answers": [], "is_impossible": 1}
    chosen = ("one", -3.0)
    for postprocess in (answer_texts, answer_or_none):
        assert postprocess(np.array([3, 4, 0]), example, True) == ["one", "two"]
        assert postprocess(np.array([0, 0, 0]), none, True) is None
    assert answer_or_none(np.array([0, 0, 1]), impossible, True) == []
    assert answer_texts(chosen, example) == "one"
    half = half_of("one two")
    assert answer_or_none(chosen, example) == Answer("one", -3.0, half)
