"""How results are printed."""

from electra_bench.records import TaskResult


def print_metrics(result: TaskResult) -> None:
    """Prints a result's metrics, one a line, see `printed_metrics`."""
    for name, value in printed_metrics(result).items():
        print(f"  {name} = {value}")


def print_marks(result: TaskResult) -> None:
    """Prints what a reader of the scores must know, and what nobody knows."""
    for mark, why in result.marks.items():
        print(f"  {mark}: {why}")
    leaks = result.in_training, result.in_pretraining
    # Once where both are not known for the same reason.
    for why in dict.fromkeys(found.not_checked for found in leaks if found):
        if why:
            print(f"  not looked up: {why}")


def printed_metrics(result: TaskResult) -> dict[str, float]:
    """A result's metrics, sorted by name.

    Those of pre-training (they have a masked-LM loss) as the original prints them:
    fractions.
    """
    fractions = "masked_lm_loss" in result.metrics
    return {
        name: value / 100.0 if fractions and not name.endswith("_loss") else value
        for name, value in sorted(result.metrics.items())
    }
