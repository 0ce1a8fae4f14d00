"""What the limits of features leave out, counted while examples are made."""

from collections.abc import Callable

from electra_bench.data import run_context


def counter(what: str) -> Callable[[int, int], None]:
    """Counts what is left out of the dataset that is being built.

    Args:
        what: is counted, in the word or two that tables show: "words cut".

    Returns:
        To be called with how many were left out, and of how many. The counts stand in the
        context, see `RunContext.cut`.
    """
    counts = run_context.current().cut.setdefault(what, [0, 0])

    def count(cut: int, total: int) -> None:
        counts[0] += cut
        counts[1] += total

    return count
