"""What examples leave out or lose of texts, counted while they are made."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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


def text_counter(
    vocabulary: Any,
) -> Callable[[Sequence[str], Sequence[int], Sequence[int]], None]:
    """Counts what texts lose of the dataset that is being built.

    Args:
        vocabulary: encodes them; one that does not count what is lost is not asked.

    Returns:
        To be called with texts, the ids of all of them one after the other, and where each
        text's begin and end. The counts stand in the context, see `RunContext.losses`.
    """
    losses = run_context.current().losses
    measure = getattr(getattr(vocabulary, "tokenizer", None), "losses", None)

    def count(texts: Sequence[str], ids: Sequence[int], splits: Sequence[int]) -> None:
        if measure is None:
            return
        rows = range(len(texts))
        for name, more in measure(texts, np.array(ids), np.array(splits), rows).items():
            losses[name] = losses.get(name, 0) + more

    return count
