"""Sentences that are longer than the limit, and what limits leave out of other texts."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf
from test_features_by_name import Letters

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.tasks.features.preprocessors import encode_texts
from electra_bench.tasks.features.windows import encode_windows
from electra_bench.tasks.features.words import Words, encode_words
from electra_bench.tasks.metrics.weighted import list_form
from electra_bench.tasks.postprocessors import word_tags

NO_LABEL = -1
WORDS = ["ab", "c", "defg", "h", "ij", "klm", "n", "op", "qrstu", "v", "wx"]
LABELS = list(range(len(WORDS)))


def rows(words=WORDS, limit=10, **settings):
    pieces = [Letters().encode_word(word) for word in words]
    labels = list(range(len(words)))
    return Words(**settings).rows(pieces, labels, Letters.special_ids, limit)


@pytest.mark.parametrize("limit", [3, 4, 7, 10, 16, 64])
def test_every_word_has_its_label_in_one_window(limit):
    found = rows(limit=limit)
    assert all(len(ids) == len(labels) <= limit for ids, labels in found)
    own = [label for _, labels in found for label in labels if label != NO_LABEL]
    assert own == LABELS
    for ids, labels in found:
        first = [chr(i) for i, label in zip(ids, labels, strict=True) if label >= 0]
        assert first == [WORDS[i][0] for i in labels if i >= 0]


def test_windows_overlap_and_a_word_is_told_where_most_stands_around_it():
    found = rows(["a", "b", "c", "d", "e", "f", "g"], limit=6)
    texts = ["".join(map(chr, ids[1:-1])) for ids, _ in found]
    assert texts == ["abcd", "cdef", "efg"]
    own = [[label for label in labels if label >= 0] for _, labels in found]
    # c and d, e stand in two windows: c is at the edge of the second one.
    assert own == [[0, 1, 2], [3, 4], [5, 6]]


def test_a_sentence_that_fits_is_one_row_as_ever():
    [whole] = rows(limit=64)
    assert [whole] == rows(limit=64, cut_words="dropped")


@pytest.mark.parametrize(("cut_words", "f1"), [("windows", 63.6), ("dropped", 100.0)])
def test_a_model_that_knows_the_first_words_only_is_not_perfect(cut_words, f1):
    """At 16 tokens; what it does not say of words that are dropped costs it nothing."""
    found = rows(["a"] * 30, 16, cut_words=cut_words)
    tags = word_tags([f"S-{i}" for i in range(30)])
    target = tags(np.concatenate([labels for _, labels in found]), is_target=True)
    prediction = [tag if i < 14 else "O" for i, tag in enumerate(target)]
    measured = list_form(registry.metrics.get("tagging_f1"))([target], [prediction])
    assert measured["f1"] == pytest.approx(f1, abs=0.1)


class Encoding(Letters):
    """Encodes many texts at once, too."""

    def encode_batch(self, texts):
        encoded = [self.encode(text) for text in texts]
        return np.concatenate(encoded), np.cumsum([0, *map(len, encoded)])


def cut(encode, example, limit):
    """Rows of one example, and what the limit cut."""
    with run_context.use(vocabulary=Encoding(), cut={}) as context:
        dataset = encode(tf.data.Dataset.from_tensors(example), {"input_ids": limit})
        found = list(dataset.as_numpy_iterator())
    return found, {what: tuple(counts) for what, counts in context.cut.items()}


@pytest.mark.parametrize(("cut_words", "lost"), [("windows", 0), ("dropped", 7)])
def test_words_beyond_the_limit_are_counted(cut_words, lost, monkeypatch):
    chosen = Words(cut_words=cut_words)
    choices = "electra_bench.tasks.features.choices.tagged_words"
    monkeypatch.setattr(choices, lambda: chosen)
    encode = functools.partial(encode_words, labels=("O",))
    example = {"words": WORDS, "tags": ["O"] * len(WORDS), "idx": 0}
    found, counts = cut(encode, example, 10)
    assert (len(found) > 1) == (cut_words == "windows")
    assert counts == {"words cut": (lost, len(WORDS))}


def test_a_limit_without_room_is_refused():
    encode = functools.partial(encode_words, labels=("O",))
    with pytest.raises(ValueError, match="sequences of 2 tokens have no room"):
        cut(encode, {"words": ["a"], "tags": ["O"], "idx": 0}, 2)


@pytest.mark.parametrize(
    ("text_b", "limit", "lost"), [("", 6, 0), ("", 5, 1), ("ef", 8, 1)]
)
def test_texts_beyond_the_limit_are_counted(text_b, limit, lost):
    _, counts = cut(encode_texts, {"text_a": "abcd", "text_b": text_b}, limit)
    assert counts == {"texts cut": (lost, 1)}


@pytest.mark.parametrize(
    ("question", "span", "lost"),
    [("q", (1, 3), (0, 0)), ("q" * 65, (1, 3), (1, 0)), ("q", (0, 6), (0, 1))],
)
def test_questions_and_answers_beyond_their_limits_are_counted(question, span, lost):
    example = {
        "question": question,
        "context": "abcdef",
        "answer_start": np.array([span[0]], np.int32),
        "answer_end": np.array([span[1]], np.int32),
        "is_impossible": 0,
    }
    length = min(len(question), 64) + 3 + 4
    _, counts = cut(encode_windows, example, length)
    assert counts == {"questions cut": (lost[0], 1), "answers cut": (lost[1], 1)}


EMPTY = ["", "ab", "", "", "c", ""]


@pytest.mark.parametrize("cut_words", ["windows", "dropped"])
def test_words_without_tokens_have_the_place_of_the_next(cut_words):
    """As the original's `featurize` has them; the last one has that of [SEP]."""
    found = rows(EMPTY, 16, cut_words=cut_words, empty_words="next")
    assert {"".join(map(chr, ids[1:-1])) for ids, _ in found} == {"abc"}
    told = [(i, x) for _, row in found for i, x in enumerate(row) if x != NO_LABEL]
    assert told == [(1, 0), (1, 1), (3, 2), (3, 3), (3, 4), (4, 5)]
    assert len(found) == 4
    # None but they make rows.
    assert rows(["ab", "c"], 16, empty_words="next") == rows(["ab", "c"], 16)


@pytest.mark.parametrize(
    ("limit", "settings", "told"),
    [
        # There is no room for "d"; the word before it has the place of [SEP].
        (3, {"cut_words": "dropped"}, [(1, 0), (2, 1)]),
        # The original counts words on top, [CLS] and [SEP] among them.
        (7, {"cut_words": "dropped", "limit": "tokens_and_words"}, [(1, 0)]),
        (
            8,
            {"cut_words": "dropped", "limit": "tokens_and_words"},
            [(1, 0), (2, 1), (2, 2)],
        ),
        (3, {"cut_words": "windows"}, [(1, 0), (1, 1), (1, 2)]),
    ],
)
def test_words_without_tokens_at_the_limit(limit, settings, told):
    chosen = Words(empty_words="next", **settings)
    found = chosen.rows([[97], [], [100]], [0, 1, 2], Letters.special_ids, limit)
    got = [(i, x) for _, row in found for i, x in enumerate(row) if x != NO_LABEL]
    assert got == told


def test_a_word_without_tokens_is_unknown_or_nothing():
    assert Words().pieces("", Letters()) == [Letters.special_ids.unk]
    assert Words(empty_words="next").pieces("", Letters()) == []


@pytest.mark.parametrize("empty_words", ["unknown", "next"])
def test_every_word_has_a_tag_in_its_order(empty_words, monkeypatch):
    chosen = Words(empty_words=empty_words)
    choices = "electra_bench.tasks.features.choices.tagged_words"
    monkeypatch.setattr(choices, lambda: chosen)
    tags = [f"T{i}" for i in range(len(EMPTY))]
    encode = functools.partial(encode_words, labels=tuple(tags))
    found, counts = cut(encode, {"words": EMPTY, "tags": tags, "idx": 0}, 16)
    labels = np.concatenate([row["labels"] for row in found])
    assert word_tags(tags)(labels, is_target=True) == tags
    assert counts == {"words cut": (0, len(EMPTY))}


def test_words_settings_are_checked():
    with pytest.raises(ValueError, match="empty_words must be one of .* got 'kept'"):
        dataclasses.replace(Words(), empty_words="kept")
    with pytest.raises(ValueError, match="cut_words must be one of .* got 'kept'"):
        dataclasses.replace(Words(), cut_words="kept")
