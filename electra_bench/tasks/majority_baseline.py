"""The majority baseline of a task: always the most frequent label, or never an answer."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from electra_bench.records import TaskCard
from electra_bench.tasks.registration import load_task


def constant_answers(
    kind: str, targets: Sequence[Any], seen: Sequence[Any] | None = None
) -> list:
    """The best answer that is always the same, see `majority_answers`, `common_labels`.

    Args:
        kind: of the task: classification, tagging or multi_label.
        targets: right answers, one an example.
        seen: those that tell what is frequent; None takes the targets.
    """
    if kind == "multi_label":
        return [common_labels(targets if seen is None else seen)] * len(targets)
    return majority_answers(targets, seen)


def common_labels(targets: Sequence[Sequence[str]]) -> list[str]:
    """The labels that, as the answer to every example, have the best micro-averaged F1.

    Args:
        targets: labels of every example.
    """
    counts = Counter(label for target in targets for label in target).most_common()
    right, best, size = 0, 0.0, 0
    for number, (_, count) in enumerate(counts, start=1):
        right += count
        f1 = 2 * right / (sum(n for _, n in counts) + number * len(targets))
        if f1 > best:
            best, size = f1, number
    return [label for label, _ in counts[:size]]


def majority_answers(targets: Sequence[Any], seen: Sequence[Any] | None = None) -> list:
    """An answer to every example.

    Args:
        targets: right answers, one an example: a label, or a list of them.
        seen: those that tell which label is the most frequent; None takes the targets.

    Returns:
        The same label for all, or as many of it as a target has.
    """
    labels = (
        label
        for target in (targets if seen is None else seen)
        for label in (target if isinstance(target, list) else [target])
    )
    [(common, _)] = Counter(labels).most_common(1)
    return [[common] * len(t) if isinstance(t, list) else common for t in targets]


def trivial_score(card: TaskCard, targets: Sequence[Any]) -> float | None:
    """The main metric of the best answer that is always the same.

    The floor of a card is that of the published examples. A part of them may be another
    thing: of MNLI's 1,599 hard examples 45 % are neutral, of all 9,815 a third.

    Args:
        card: of the task.
        targets: right answers, one an example, as its metrics take them.

    Returns:
        0-100; the card's floor where it does not depend on the examples, as that of
        correlations; None where it is not known.
    """
    if card.floor is None:
        return None
    if card.kind == "span_qa":
        # Never an answer, which is right where there is none.
        return 100 * sum(not target for target in targets) / len(targets)
    if card.kind not in ("classification", "multi_label", "tagging"):
        return card.floor
    metrics: dict[str, float] = {}
    for function in load_task(card.name).predict_metric_fns:
        metrics |= function(targets, constant_answers(card.kind, targets))
    # A metric of scores has none of an answer alone.
    return float(metrics[card.main_metric]) if card.main_metric in metrics else None
