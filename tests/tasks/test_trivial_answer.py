"""Scores of the trivial answer, which tell whether a run has collapsed."""

import warnings
from types import SimpleNamespace

import pytest

from electra_bench.records import Prediction
from electra_bench.records.leaks import InPretraining, InTraining
from electra_bench.registry import tasks
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.majority_baseline import trivial_score
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.results import task_result
from electra_bench.tasks.scores import Scored

SENTENCES = [["B-NP", "I-NP", "O"], ["B-NP"]]


@pytest.mark.parametrize(
    "task, targets, expected",
    [
        ("mnli", ["neutral"] * 3 + ["entailment"] * 2, 60.0),
        ("cola", ["1", "1", "0"], 0.0),
        # B-NP is the most frequent tag: of its four spans one is right, and all of two.
        ("chunk", SENTENCES, 100 * 2 * 0.25 * 0.5 / (0.25 + 0.5)),
        ("pos", [["NOUN", "VERB", "NOUN"], ["DET"]], 50.0),
        ("squad", [["a", "b"], [], [], ["c"], ["d"]], 40.0),
        ("squad", [["a"], ["b"]], 0.0),
        # No most frequent answer, or none that is known.
        ("sts", [1.0, 1.0, 5.0], 0.0),
        ("squadv1", [["a"], ["b"]], None),
    ],
)
def test_it_is_that_of_the_answer_that_is_right_most_often(task, targets, expected):
    assert trivial_score(tasks.get(task), targets) == pytest.approx(expected)


def result(card, split, answers, folder):
    predictions = [
        Prediction(str(i), answer, "entailment") for i, answer in enumerate(answers)
    ]
    scored = Scored({card.main_metric: 60.0}, predictions)
    part = SimpleNamespace(data_sha256="0" * 64)
    size = len(answers)
    leaks = Leaks(InTraining(size), InPretraining(size))
    return task_result(card, split, part, scored, str(folder), {}, leaks)


def test_a_part_of_a_split_has_a_floor_of_its_own(tmp_path):
    card = tasks.get("rte")
    answers = ["not_entailment"] * 8 + ["entailment"] * 2
    found = result(card, "dev", answers, tmp_path)
    assert (found.subset, found.floor) == ("10 of 277", 80.0)
    # More than the floor of the whole split, 52.7, and still worse than always the same.
    assert found.is_trivial(card.higher_is_better)
    whole = result(card, "dev", ["entailment"] * 277, tmp_path)
    assert (whole.subset, whole.floor) == (None, card.floor)
    other = result(card, "test", ["entailment"] * 3000, tmp_path)
    assert other.floor == 100.0


@pytest.mark.parametrize(
    ("task", "answers", "mark"),
    [
        ("rte", ["entailment"] * 12, "all 12 right answers are 'entailment'"),
        ("sts", [2.5, 2.5], "all 2 right answers are 2.5, so there is no correlation"),
        ("pos", [["X", "X"], ["X"]], "all 2 right answers are 'X'"),
        ("rte", ["entailment", "not_entailment"], None),
        ("sts", [2.5, 2.0], None),
        ("pos", [["X"], ["X", "Y"]], None),
    ],
)
def test_right_answers_that_are_all_the_same_are_a_mark(task, answers, mark, tmp_path):
    found = result(tasks.get(task), "dev", answers, tmp_path)
    assert found.marks.get("one answer only") == mark


@pytest.mark.parametrize("name", ["cola", "rte", "mrpc", "sts", "chunk", "pos"])
def test_metrics_of_one_answer_warn_of_nothing(name):
    """The mark says it, in one line; no library does."""
    answer = {"sts": 2.5, "chunk": ["O", "O"], "pos": ["X", "X"]}.get(name, "1")
    task = load_task(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in task.predict_metric_fns:
            function([answer] * 3, [answer] * 3)
