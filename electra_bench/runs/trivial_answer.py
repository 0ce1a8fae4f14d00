"""What the trivial answer scores on the examples at hand."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from electra_bench.records import TaskCard
from electra_bench.tasks.registration import load_task


def trivial_score(card: TaskCard, targets: Sequence[Any]) -> float | None:
    """The main metric of the best answer that is always the same.

    The floor of a card is that of the published examples. A part of them may be another
    thing: of MNLI's 1,599 hard examples 45 % are neutral, of all 9,815 a third.

    Args:
        card: of the task.
        targets: right answers, one an example, as its metrics take them.

    Returns:
        0-100; the card's floor where there is no most frequent answer, as of numbers, or
        where the card says none.
    """
    if card.floor is None:
        return None
    if card.kind == "span_qa":
        # Never an answer, which is right where there is none.
        share = 100 * sum(not target for target in targets) / len(targets)
        return share or card.floor
    if card.kind not in ("classification", "tagging"):
        return card.floor
    is_sequence = card.kind == "tagging"
    labels = (
        label for target in targets for label in (target if is_sequence else [target])
    )
    [(common, _)] = Counter(labels).most_common(1)
    constant = [[common] * len(t) if is_sequence else common for t in targets]
    metrics: dict[str, float] = {}
    for function in load_task(card.name).predict_metric_fns:
        metrics |= function(targets, constant)
    return float(metrics.get(card.main_metric, card.floor))
