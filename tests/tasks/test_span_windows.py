"""Windows of questions and contexts."""

import math
import re
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import SpecialIds
from electra_bench.data import run_context
from electra_bench.tasks import span_windows
from electra_bench.tasks.span_windows import (
    answer_texts,
    encode_windows,
    spans,
    squad,
    windows,
)


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


def test_one_window():
    [window] = windows(Words(), "w90 w91", CONTEXT, answer(3, 4), 30, 8, 64)
    assert window.input_ids.tolist() == [2, 100, 101, 3, *range(10, 30), 3]
    assert window.segment_ids.tolist() == [0] * 4 + [1] * 21
    assert window.labels.tolist() == [7, 8]
    first, last = window.labels
    text = CONTEXT[window.char_start[first] : window.char_end[last]]
    assert text == "w3 w4"
    outside = [0, 1, 2, 3, 24]
    assert np.flatnonzero(window.char_start < 0).tolist() == outside
    assert np.flatnonzero(window.char_end < 0).tolist() == outside


def test_several_windows_overlap_and_only_some_hold_the_answer():
    made = windows(Words(), "w90 w91", CONTEXT, answer(9, 10), 15, 5, 64)
    # Ten tokens of the context each, from 0, 5 and 10 on.
    assert [len(w.input_ids) for w in made] == [15, 15, 15]
    assert [w.input_ids[4] for w in made] == [10, 15, 20]
    assert [w.labels.tolist() for w in made] == [[0, 0], [8, 9], [0, 0]]


def test_an_answer_within_a_token_is_the_token():
    start = CONTEXT.index("w12") + 1
    [window] = windows(Words(), "w90", CONTEXT, (start, start + 1), 30, 8, 64)
    assert window.labels.tolist() == [3 + 12, 3 + 12]


def test_long_questions_are_cut_and_may_not_fill_a_window():
    [window] = windows(Words(), "w1 w2 w3", "w5", None, 30, 8, 2)
    assert window.input_ids.tolist() == [2, 11, 12, 3, 15, 3]
    assert window.labels.tolist() == [0, 0]
    with pytest.raises(ValueError, match="6 tokens have no room"):
        windows(Words(), "w1 w2 w3", "w5", None, 6, 8, 64)


def test_empty_context_has_one_window():
    [window] = windows(Words(), "w1", "", None, 30, 8, 64)
    assert window.input_ids.tolist() == [2, 11, 3, 3]


def test_preprocessor_keeps_the_example_and_handles_accents_before_answers():
    context = "é€ w0 w1 w2 w3 w4 w5"
    example = {
        "idx": [7],
        "question": ["w9"],
        "context": [context],
        "answers": [["w1 w2"]],
        "answer_start": np.array([[context.index("w1")]], np.int32),
    }
    dataset = tf.data.Dataset.from_tensor_slices(example)
    with run_context.use(vocabulary=Words()):
        made = encode_windows(doc_stride=2)(dataset, {"input_ids": 8})
        rows = list(made.as_numpy_iterator())
    assert [row["input_ids"].tolist() for row in rows] == [
        [2, 19, 3, 10, 11, 12, 13, 3],
        [2, 19, 3, 12, 13, 14, 15, 3],
    ]
    assert [row["labels"].tolist() for row in rows] == [[4, 5], [0, 0]]
    assert {row["idx"] for row in rows} == {7}
    first = rows[0]
    assert first["context"].decode() == context
    assert context[first["char_start"][4] : first["char_end"][5]] == "w1 w2"
    assert {
        row[name].dtype for row in rows for name in span_windows.Window._fields
    } == {np.dtype(np.int32)}


def test_answer_texts():
    example = {"answers": ["one", b"two"]}
    assert answer_texts(np.array([3, 4]), example, is_target=True) == ["one", "two"]
    assert answer_texts(np.array([0, 0]), {"answers": []}, is_target=True) is None
    assert answer_texts("one", example) == "one"


def test_squad_scores():
    targets = [["The red box.", "a box"], ["three small cats"], ["x"]]
    scores = squad(targets, ["red box", "two small cats", ""])
    assert scores["exact"] == pytest.approx(100 / 3)
    assert scores["f1"] == pytest.approx((100 + 200 / 3 + 0) / 3)
    assert all(math.isnan(value) for value in squad([], []).values())
