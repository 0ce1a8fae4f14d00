import gin
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from electra_bench.core import SpecialIds
from electra_bench.data import run_context
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.features.words import encode_words


class Letters:
    """A vocabulary of letters: every letter is a token, a blank is none."""

    special_ids = SpecialIds(size=500, pad=0, unk=1, cls=2, sep=3, mask=4)

    def encode_word(self, word):
        return [ord(letter) for letter in word if letter != " "]

    def encode_batch(self, texts):
        return preprocessors.ragged([self.encode_word(text) for text in texts])


@pytest.fixture
def letters():
    with run_context.use(vocabulary=Letters()):
        yield


def texts(*pairs):
    return tf.data.Dataset.from_tensor_slices(
        {
            "text_a": [a for a, _ in pairs],
            "text_b": [b for _, b in pairs],
            "more": tf.ragged.constant([[i] * i for i in range(len(pairs))]),
        }
    )


def encoded(dataset, **keywords):
    return list(preprocessors.encode_texts(dataset, **keywords).as_numpy_iterator())


def test_one_text_and_pairs(letters):
    single, pair, empty = encoded(texts(("ab", ""), ("ab", "c"), ("a", " ")))
    a, b, c = (ord(letter) for letter in "abc")
    assert single["input_ids"].tolist() == [2, a, b, 3]
    assert pair["input_ids"].tolist() == [2, a, b, 3, c, 3]
    assert pair["segment_ids"].tolist() == [0, 0, 0, 0, 1, 1]
    assert empty["input_ids"].tolist() == [2, a, 3]
    assert (empty["text_a"], empty["more"].tolist()) == (b"a", [2, 2])


def test_texts_are_cut_to_the_limit(letters):
    single, pair = encoded(
        texts(("abcdefgh", ""), ("abcdefgh", "xyz")), sequence_length={"input_ids": 7}
    )
    assert bytes(single["input_ids"][1:-1].tolist()) == b"abcde"
    assert bytes(pair["input_ids"].tolist()) == b"\x02ab\x03xy\x03"


def test_many_rows_keep_their_order(letters):
    rows = encoded(texts(*((str(i), "") for i in range(1500))))
    assert len(rows) == 1500
    for i, row in enumerate(rows):
        assert bytes(row["input_ids"][1:-1].tolist()).decode() == str(i)


def test_a_vocabulary_is_needed():
    with (
        run_context.use(vocabulary=None),
        pytest.raises(ValueError, match="need a vocabulary"),
    ):
        preprocessors.encode_texts(texts(("a", "b")))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_pair_lengths_are_those_of_cutting_one_by_one(length_a, length_b, limit):
    a, b = length_a, length_b
    while a + b > limit:
        if a > b:
            a -= 1
        else:
            b -= 1
    assert preprocessors.pair_lengths(length_a, length_b, limit) == (a, b)


def tagged(sentence):
    words, tags = zip(*sentence, strict=True)
    dataset = tf.data.Dataset.from_tensors(
        {"words": list(words), "tags": list(tags), "idx": 7}
    )
    return encode_words(dataset, {"input_ids": 8}, labels=("O", "S-X"))


def test_words_carry_labels_at_their_first_token(letters):
    [row] = tagged([("ab", "S-X"), (" ", "O"), ("c", "O")]).as_numpy_iterator()
    a, b, c = (ord(letter) for letter in "abc")
    assert row["input_ids"].tolist() == [2, a, b, 1, c, 3]
    assert row["labels"].tolist() == [-1, 1, -1, 0, 0, -1]
    assert row["segment_ids"].tolist() == [0] * 6
    assert row["labels"].dtype == np.int32


def test_a_sentence_is_cut_by_tokens(letters):
    gin.bind_parameter("features.words.cut_words", "dropped")
    [row] = tagged([("abc", "S-X"), ("de", "O"), ("fgh", "S-X")]).as_numpy_iterator()
    assert bytes(row["input_ids"].tolist()) == b"\x02abcdef\x03"
    assert row["labels"].tolist() == [-1, 1, -1, -1, 0, -1, 1, -1]


def test_labels_become_ids():
    dataset = tf.data.Dataset.from_tensor_slices({"label": ["yes", "", "no"]})
    rows = preprocessors.class_labels(("no", "yes"))(dataset).as_numpy_iterator()
    assert [row["labels"].tolist() for row in rows] == [[1], [], [0]]
    unknown = tf.data.Dataset.from_tensor_slices({"label": ["maybe"]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="not among"):
        list(preprocessors.class_labels(("no", "yes"))(unknown))


@pytest.mark.parametrize(
    ("smallest", "half"), [(0.0, "2.500"), (1.0, "3"), (-5.0, "0")]
)
def test_labels_become_values(smallest, half):
    labels = [half, "", "5", str(smallest)]
    dataset = tf.data.Dataset.from_tensor_slices({"label": labels})
    rows = preprocessors.scaled_values(smallest, 5.0)(dataset).as_numpy_iterator()
    assert [row["values"].tolist() for row in rows] == [[0.5], [], [1.0], [0.0]]


def test_the_schema_is_completed():
    dataset = tf.data.Dataset.from_tensors({"idx": 7, "labels": tf.constant([1])})
    [row] = preprocessors.complete(dataset).as_numpy_iterator()
    assert row["labels"].tolist() == [1] and row["values"].tolist() == []
    assert row["task_id"].tolist() == [0] and row["example_id"].tolist() == [7]
