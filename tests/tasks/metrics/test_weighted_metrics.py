"""Weighted metrics against the tasks' own: a weight of two is an example twice."""

import numpy as np
import pytest

from electra_bench.registry import weighted_metrics
from electra_bench.tasks.metrics import scores, squad

SIZE = 60
CLASSES = np.array(["no", "yes", "maybe"])
TAGS = np.array(["O", "B-NP", "I-NP", "B-VP", "E-VP", "S-VP"])
WORDS = ("The", "an answer", "answer!", "red", "green red", "--", "a", "42")


def classes(random):
    targets = random.choice(CLASSES, SIZE)
    wrong = random.choice(CLASSES, SIZE)
    return targets, np.where(random.random(SIZE) < 0.7, targets, wrong)


def numbers(random):
    targets = random.integers(0, 6, SIZE).astype(float)
    return targets, np.round(targets + random.normal(0, 2, SIZE), 1)


def sentences(random):
    lengths = random.integers(1, 9, SIZE)
    targets = [list(map(str, random.choice(TAGS, n))) for n in lengths]
    kept = [random.random(len(t)) < 0.8 for t in targets]
    found = [
        [str(t if k else random.choice(TAGS)) for t, k in zip(*pair, strict=True)]
        for pair in zip(targets, kept, strict=True)
    ]
    return targets, found


def answers(random, least=1):
    targets = [
        list(map(str, random.choice(WORDS, random.integers(least, 3))))
        for _ in range(SIZE)
    ]
    return targets, [" ".join(random.choice(WORDS, 2)) for _ in range(SIZE)]


def answers_or_none(random):
    targets, texts = answers(random, least=0)
    return targets, list(
        zip(texts, random.normal(-2.75, 2, SIZE).tolist(), strict=True)
    )


def of_squad_v2(targets, predictions):
    pairs = [squad.Answer(*prediction) for prediction in predictions]
    return squad.squad_v2()(targets, pairs)


CASES = [
    ("accuracy", classes, scores.accuracy, "accuracy"),
    ("mcc", classes, scores.matthews, "mcc"),
    ("pearson", numbers, scores.pearson, "pearson"),
    ("spearman", numbers, scores.spearman, "spearman"),
    ("tagging_f1", sentences, scores.span_f1, "f1"),
    ("tag_accuracy", sentences, scores.tag_accuracy, "tag_accuracy"),
    ("span_qa_exact", answers, squad.squad_v1, "exact"),
    ("span_qa_f1", answers, squad.squad_v1, "f1"),
    ("span_qa_exact", answers_or_none, of_squad_v2, "exact"),
    ("span_qa_f1", answers_or_none, of_squad_v2, "f1"),
]


@pytest.mark.parametrize(("name", "make", "function", "key"), CASES)
def test_equals_the_metric_of_repeated_examples(name, make, function, key):
    random = np.random.default_rng(5)
    targets, predictions = (list(side) for side in make(random))
    weights = random.multinomial(SIZE, [1 / SIZE] * SIZE, size=8).astype(float)
    weights[0] = 1.0
    measured = weighted_metrics.get(name)(targets, predictions)
    assert measured.quality.shape == (SIZE,)
    lowest = -100.0 if name in ("mcc", "pearson", "spearman") else 0.0
    assert measured.limits == (lowest, 100.0)
    for row, score in zip(weights, measured.score(weights), strict=True):
        drawn = np.repeat(np.arange(SIZE), row.astype(int))
        expected = function(
            [targets[i] for i in drawn], [predictions[i] for i in drawn]
        )
        assert score == pytest.approx(expected[key], abs=1e-9)


def test_every_case_is_registered_and_every_name_has_a_case():
    assert {name for name, *_ in CASES} == set(weighted_metrics.names())


def test_one_class_has_no_correlation():
    one_class = weighted_metrics.get("mcc")(["a", "a"], ["a", "b"])
    assert one_class.score(np.ones((1, 2)))[0] == 0.0
    constant = weighted_metrics.get("spearman")([1.0, 2.0], [3.0, 3.0])
    assert np.isnan(constant.score(np.ones((1, 2)))[0])
