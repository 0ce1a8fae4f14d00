"""What examples leave out or lose of texts, counted while they are made."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from electra_bench.data import run_context
from electra_bench.vocabularies.text_losses import Integers, losses_of


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
) -> Callable[[Sequence[str], Integers, Integers], None]:
    """Counts what texts lose of the dataset that is being built.

    Args:
        vocabulary: encodes them; one that does not count what is lost is not asked.

    Returns:
        To be called with texts, the ids of all of them one after the other, and where each
        text's begin and end. The counts stand in the context, see `RunContext.losses`.
    """
    losses = run_context.current().losses

    def count(texts: Sequence[str], ids: Integers, splits: Integers) -> None:
        found = dataclasses.asdict(losses_of(vocabulary, texts, ids, splits))
        for name, more in found.items():
            losses[name] = losses.get(name, 0) + more

    return count
