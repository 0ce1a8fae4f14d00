"""What reports ask the cards of installed tasks."""

from electra_bench import registry
from electra_bench.records import TaskCard

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
