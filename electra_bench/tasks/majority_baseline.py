"""The majority baseline of a task of labels: always the most frequent one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any


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
