"""Scores of classes, of types of spans and of lengths, counted by hand."""

import pytest

from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.statistics.example_groups import (
    LENGTH_NAMES,
    by_class,
    by_length,
)


def answers(targets, predictions):
    size = len(targets)
    ids = tuple(map(str, range(size)))
    return Answers(ids, tuple(targets), tuple(predictions), (None,) * size)


def test_types_of_spans():
    targets = [["B-NP", "E-NP", "O", "S-VP"], ["S-NP", "S-NP", "S-PP", "O"]]
    found = [["B-NP", "E-NP", "S-NP", "S-NP"], ["S-NP", "O", "S-PP", "S-VP"]]
    scores = by_class("tagging", lambda: answers(targets, found))
    # Right, wanted and found: NP 2, 3, 4; PP 1, 1, 1; VP 0, 1, 1.
    assert scores == {
        "F1": {"NP": pytest.approx(400 / 7), "PP": 100.0, "VP": 0.0},
        "recall": {"NP": pytest.approx(200 / 3), "PP": 100.0, "VP": 0.0},
        "precision": {"NP": 50.0, "PP": 100.0, "VP": 0.0},
    }


def test_classes_and_tags():
    expected = {
        "F1": {"a": pytest.approx(200 / 3), "b": 0.0},
        "accuracy": {"a": 50.0, "b": 0.0},
        "precision": {"a": 100.0, "b": 0.0},
    }
    targets, found = ["a", "a", "b"], ["a", "b", "c"]
    assert by_class("classification", lambda: answers(targets, found)) == expected
    sentences = [targets[:1], targets[1:]], [found[:1], found[1:]]
    assert by_class("tagging", lambda: answers(*sentences)) == expected
    # What is never answered has no precision.
    scores = by_class("classification", lambda: answers(["a", "b"], ["a", "a"]))
    assert scores["precision"] == {"a": 50.0, "b": None}
    with pytest.raises(Unusable, match="regression has no classes"):
        by_class("regression", lambda: answers([], []))


def test_lengths_of_answers():
    words = [1, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 99]
    targets = [[" ".join("x" * n), "a much longer answer " * 30] for n in words]
    # The second of every two is wrong.
    found = [target[0] if i % 2 == 0 else "y" for i, target in enumerate(targets)]
    scores = by_length(
        "span_qa_exact", "exact", "span_qa", lambda: answers(targets, found)
    )
    assert scores == dict.fromkeys(LENGTH_NAMES[1:], 50.0)
    with pytest.raises(Unusable, match="classification tell no length"):
        by_length("accuracy", "accuracy", "classification", lambda: answers([], []))


def test_lengths_of_sentences():
    targets = [[], ["a"], ["a", "b"], ["a"] * 3, ["a"] * 4]
    found = [[], ["a"], ["a", "a"], ["a"] * 3, ["b"] * 4]
    scores = by_length(
        "tag_accuracy", "tag_accuracy", "tagging", lambda: answers(targets, found)
    )
    assert scores == {"none": None, "1": 100.0, "2–3": 80.0, "4–7": 0.0}
