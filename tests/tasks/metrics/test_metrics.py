import json
import math

import pytest

from electra_bench.data.readers.columns import bioes
from electra_bench.tasks.metrics import classification, tagging
from electra_bench.tasks.metrics.correlation import listed_pearson, listed_spearman
from electra_bench.tasks.metrics.weighted import list_form

accuracy = list_form(classification.accuracy)
matthews = list_form(classification.matthews)
span_f1 = list_form(tagging.span_f1)
tag_accuracy = list_form(tagging.tag_accuracy)


def binary_f1(positive):
    return list_form(classification.binary_f1(positive))


def test_classification_metrics_equal_the_originals(shared_golden):
    golden = json.loads((shared_golden / "metrics/classification.json").read_text())
    for function, name in ((accuracy, "accuracy"), (matthews, "mcc")):
        for case in golden[name]:
            if not case["label_ids"]:
                continue
            [score] = function(case["label_ids"], case["predictions"]).values()
            assert score == pytest.approx(result(case, name), abs=1e-9)


def test_correlations_equal_the_originals(shared_golden):
    golden = json.loads((shared_golden / "metrics/classification.json").read_text())
    for case in golden["regression"]:
        arguments = (case["targets"], case["predictions"])
        for function, name in (
            (listed_pearson, "pearson"),
            (listed_spearman, "spearman"),
        ):
            expected = result(case, name)
            score = function(*arguments)[name]
            assert score == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_tagging_metrics_equal_the_originals(shared_golden):
    golden = json.loads((shared_golden / "metrics/tagging.json").read_text())
    names = {i: name for name, i in golden["label_mapping"].items()}
    for function, key, name in (
        (span_f1, "span_f1", "f1"),
        (tag_accuracy, "token_accuracy", "tag_accuracy"),
    ):
        for case in golden[key]:
            targets, predictions = [], []
            for sentence in case["results"]:
                words = round(sum(sentence["labels_mask"]))
                targets.append([names[i] for i in sentence["labels"][:words]])
                predictions.append([names[i] for i in sentence["predictions"][:words]])
            if not well_formed(predictions):
                continue
            expected = result(case, name.removeprefix("tag_"))
            assert function(targets, predictions)[name] == pytest.approx(expected)


def result(case, name):
    value = dict(case["metrics"])[name]
    return float(value)


def well_formed(sentences):
    """Whether conlleval and the original read the tags alike."""
    return all(list(bioes(tags)) == list(tags) for tags in sentences if tags)


def test_undefined_scores_are_nan():
    for scores in (
        accuracy([], []),
        matthews([], []),
        binary_f1("1")([], []),
        listed_pearson([1.0, 2.0], [3.0, 3.0]),
        listed_spearman([1.0, 2.0], [3.0, 3.0]),
        listed_spearman([1.0], [1.0]),
        span_f1([], []),
        tag_accuracy([], []),
    ):
        assert all(math.isnan(score) for score in scores.values()), scores


def test_binary_f1_is_of_the_positive_class():
    targets, predictions = ["1", "1", "0", "0"], ["1", "0", "1", "0"]
    assert binary_f1("1")(targets, predictions) == {"f1": 50.0}
    assert binary_f1("1")(["1", "0"], ["0", "0"]) == {"f1": 0.0}


def test_spans_count_whole():
    targets = [["B-NP", "E-NP", "O", "S-VP"]]
    predictions = [["B-NP", "I-NP", "E-NP", "S-VP"]]
    assert span_f1(targets, predictions) == pytest.approx(
        {"f1": 50.0, "precision": 50.0, "recall": 50.0}
    )
    assert tag_accuracy(targets, predictions) == {"tag_accuracy": 50.0}
