"""The majority baseline of a task: always the most frequent label, or never an answer."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from electra_bench.records import TaskCard
from electra_bench.tasks.registration import load_task


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
    if card.kind not in ("classification", "tagging"):
        return card.floor
    metrics: dict[str, float] = {}
    for function in load_task(card.name).predict_metric_fns:
        metrics |= function(targets, majority_answers(targets))
    # A metric of scores has none of an answer alone.
    return float(metrics[card.main_metric]) if card.main_metric in metrics else None
