"""What reports ask the cards of installed tasks."""

from electra_bench import registry
from electra_bench.records import TaskCard, TaskResult

# Metrics of every fine-tuning run that are nobody's main one.
LOWER_IS_BETTER = ("loss",)


def card_or_none(task: str) -> TaskCard | None:
    """The card of a task; None if it is not installed, or is broken."""
    if task not in registry.tasks.names():
        return None
    # A plugin's module may raise anything; its records are still good.
    try:
        return registry.tasks.get(task)
    except Exception:
        return None


def floor_of(result: TaskResult) -> float | None:
    """What an undefined score counts as: the score of a trivial answer; None if unknown.

    Records of earlier versions may not say it. Then it is that of the task's card, if the
    score is one that the card is about.
    """
    if result.floor is not None:
        return result.floor
    card = card_or_none(result.task)
    if card is None or result.subset is not None:
        return None
    about = card.version, card.main_metric, card.eval_split
    is_same = about == (result.task_version, result.main_metric, result.split)
    return card.floor if is_same else None


def counted_score(result: TaskResult) -> float | None:
    """The main score, or the floor where it is undefined; None if neither is known."""
    return floor_of(result) if result.main_score is None else result.main_score


def higher_is_better(task: str, metric: str | None = None) -> bool:
    """Direction of a metric; True where no card tells.

    Args:
        task: registered name.
        metric: the metric; None is the card's main one, the only one it tells of.
    """
    if metric in LOWER_IS_BETTER:
        return False
    card = card_or_none(task)
    if card is None or metric not in (None, card.main_metric):
        return True
    return card.higher_is_better
