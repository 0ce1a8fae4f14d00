"""How results are printed."""

from electra_bench.records import TaskResult


def print_metrics(result: TaskResult) -> None:
    """Prints a result's metrics, one a line.

    Those of pre-training (they have a masked-LM loss) as the original prints them:
    fractions, sorted by name.
    """
    fractions = "masked_lm_loss" in result.metrics
    for name, value in sorted(result.metrics.items()):
        if fractions and not name.endswith("_loss"):
            value /= 100.0
        print(f"  {name} = {value}")
