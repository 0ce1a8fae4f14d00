"""Metrics against recorded numbers that need more than one comparison."""

import json

import pytest

from electra_bench.data.readers.columns import bioes
from electra_bench.tasks.metrics import classification, tagging
from electra_bench.tasks.metrics.weighted import list_form


def golden_case(shared_golden, file, key, name):
    golden = json.loads((shared_golden / "metrics" / file).read_text())
    [case] = [case for case in golden[key] if case["case"] == name]
    return case


@pytest.mark.parametrize(
    "name",
    [
        "random",
        "good",
        "all_one_class_gold",
        "all_one_class_predicted",
        "both_constant",
        "perfect",
        "inverted",
        "three_classes",
        "one_example",
    ],
)
def test_binary_f1_has_the_originals_precision(shared_golden, name):
    """The original's recall repeats its precision, so its F1 is the precision too."""
    case = golden_case(shared_golden, "classification.json", "f1", name)
    labels, predictions = case["label_ids"], case["predictions"]
    found = [p for label, p in zip(labels, predictions, strict=True) if label == 1]
    recall = 100.0 * found.count(1) / len(found)
    precision = case["metrics"]["precision"]
    expected = recall and 2 * precision * recall / (precision + recall)
    assert list_form(classification.binary_f1(1))(labels, predictions) == pytest.approx(
        {"f1": expected}
    )


@pytest.mark.parametrize(
    "name",
    [
        "mixed",
        "noisy",
        "perfect",
        "all_O_predictions",
        "all_O_gold",
        "nothing_at_all",
    ],
)
def test_span_f1_equals_the_originals_after_bioes(shared_golden, name):
    """Of tags that contradict one another, `bioes` makes what the original reads."""
    case = golden_case(shared_golden, "tagging.json", "span_f1", name)
    targets, predictions = tags(shared_golden, case)
    scores = list_form(tagging.span_f1)(
        [list(bioes(sentence)) for sentence in targets],
        [list(bioes(sentence)) for sentence in predictions],
    )
    expected = {key: case["metrics"][key] for key in ("f1", "precision", "recall")}
    assert scores == pytest.approx(expected, rel=1e-9)


def test_tag_accuracy_equals_the_originals(shared_golden):
    case = golden_case(shared_golden, "tagging.json", "token_accuracy", "mixed")
    scores = list_form(tagging.tag_accuracy)(*tags(shared_golden, case))
    expected = {"tag_accuracy": case["metrics"]["accuracy"]}
    assert scores == pytest.approx(expected, rel=1e-9)


def tags(shared_golden, case):
    """Right and predicted tags of all sentences."""
    golden = json.loads((shared_golden / "metrics/tagging.json").read_text())
    names = {i: name for name, i in golden["label_mapping"].items()}
    return tuple(
        [
            [names[i] for i in sentence[key][: round(sum(sentence["labels_mask"]))]]
            for sentence in case["results"]
        ]
        for key in ("labels", "predictions")
    )
