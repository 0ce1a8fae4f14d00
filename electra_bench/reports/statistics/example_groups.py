"""Scores of parts of a task's examples: by class, by type of span, by length.

Everything is computed from targets and predictions as the predictions files have them.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.statistics.replicates import measured_answers
from electra_bench.tasks.metrics.tagging import spans

# Name of a measure to names of groups to percentages, None where they are undefined.
Measures = Mapping[str, Mapping[str, float | None]]
# First length of a group, its name.
LENGTHS = ((0, "none"), (1, "1"), (2, "2–3"), (4, "4–7"), (8, "8–15"), (16, "16–31"))
LONGEST = (32, "32 or more")
WITH_CLASSES = ("classification", "multi_label", "tagging")
# Task kind to the length of a target in words.
LENGTH_OF: Mapping[str | None, Callable[[Any], int]] = {
    "tagging": len,
    "span_qa": lambda answers: min((len(one.split()) for one in answers), default=0),
}
LENGTH_NAMES = tuple(name for _, name in (*LENGTHS, LONGEST))


def by_class(kind: str | None, read: Callable[[], Answers]) -> Measures:
    """Precision, recall and F1 of each class, or of each type of span or tag.

    Args:
        kind: registered task kind.
        read: reads the answers of one run.

    Raises:
        Unusable: answers of this kind have no classes.
    """
    if kind not in WITH_CLASSES:
        raise Unusable(f"{kind or 'unknown kind'} has no classes")
    answers = read()
    pairs = zip(answers.targets, answers.predictions, strict=True)
    if kind == "classification":
        return _confused([(str(target), str(found)) for target, found in pairs])
    if kind == "multi_label":
        return _labels(answers)
    tags = {tag for tags in answers.targets for tag in tags}
    if any(tag.startswith(("B-", "I-", "E-", "S-")) for tag in tags):
        return _spans(answers)
    return _confused([pair for two in pairs for pair in zip(*two, strict=True)])


def _confused(pairs: Sequence[tuple[str, str]]) -> Measures:
    """Measures of (target, prediction) pairs; recall is the accuracy within a class."""
    targets, predictions = np.array(pairs, str).reshape(-1, 2).T
    counts = {
        name: (
            int(np.sum((targets == name) & (predictions == name))),
            int(np.sum(targets == name)),
            int(np.sum(predictions == name)),
        )
        for name in np.unique(targets).tolist()
    }
    return _measures(counts, "accuracy")


def _labels(answers: Answers) -> Measures:
    expected, found, both = (
        Counter(label for labels in texts for label in labels)
        for texts in (
            answers.targets,
            answers.predictions,
            map(_common, answers.targets, answers.predictions),
        )
    )
    counts = {
        name: (both[name], expected[name], found[name]) for name in sorted(expected)
    }
    return _measures(counts, "recall")


def _common(one: Sequence[str], other: Sequence[str]) -> set[str]:
    return {*one} & {*other}


def _spans(answers: Answers) -> Measures:
    expected, found = (
        {(number, *span) for number, tags in enumerate(side) for span in spans(tags)}
        for side in (answers.targets, answers.predictions)
    )
    counts = {}
    for name in sorted({span[1] for span in expected}):
        wanted = {span for span in expected if span[1] == name}
        given = {span for span in found if span[1] == name}
        counts[name] = (len(wanted & given), len(wanted), len(given))
    return _measures(counts, "recall")


def _measures(counts: Mapping[str, tuple[int, int, int]], recall: str) -> Measures:
    """From class to (right, in the targets, in the predictions)."""
    return {
        "F1": {n: 200.0 * hits / (t + p) for n, (hits, t, p) in counts.items()},
        recall: {n: 100.0 * hits / t for n, (hits, t, _) in counts.items()},
        "precision": {
            n: 100.0 * hits / p if p else None for n, (hits, _, p) in counts.items()
        },
    }


def by_length(
    metric: str, score: str, kind: str | None, read: Callable[[], Answers]
) -> Mapping[str, float | None]:
    """The main metric on examples of a length in words.

    Lengths are those of sentences for tagging, and of the shortest right answer for
    questions.

    Args:
        metric: registered name of the metric.
        score: name of one of its scores.
        kind: registered task kind.
        read: reads the answers of one run.

    Raises:
        Unusable: the predictions of this kind do not tell a length.
    """
    if kind not in LENGTH_OF:
        raise Unusable(f"predictions of {kind or 'unknown kind'} tell no length")
    answers = read()
    lengths = np.array([LENGTH_OF[kind](target) for target in answers.targets])
    firsts = np.array([first for first, _ in (*LENGTHS, LONGEST)])
    groups = np.searchsorted(firsts, lengths, side="right") - 1
    present = np.unique(groups)
    # [groups, examples]: a group is a sample that has its own examples only.
    weights = (groups == present[:, None]).astype(np.float64)
    scores = measured_answers(metric, score, answers).score(weights)
    names = [LENGTH_NAMES[group] for group in present]
    known = [None if math.isnan(score) else score for score in scores.tolist()]
    return dict(zip(names, known, strict=True))
