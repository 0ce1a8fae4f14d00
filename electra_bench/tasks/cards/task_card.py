"""The card of a published task; those of a collection bind what they have in common."""

from collections.abc import Mapping
from typing import Any

from electra_bench.records import TaskCard
from electra_bench.tasks.cards.published import references


def task_card(
    name: str,
    summary: str,
    splits: Mapping[str, int],
    citation: str,
    *,
    module: str,
    build: str | None = None,
    collection: str = "",
    version: int = 1,
    **fields: Any,
) -> TaskCard:
    """A card with its task's published scores.

    Args:
        name: see `TaskCard`, as all that is not said here.
        summary: one sentence.
        splits: published sizes.
        citation: the task's own paper.
        module: where the function is that registers it with seqio.
        build: this function; None for one of the task's name.
        collection: what is cited beside that paper; empty for nothing.
        version: of what is scored.
        **fields: all others.
    """
    return TaskCard(
        name=name,
        version=version,
        summary=summary,
        builder=f"{module}:{build or name}",
        splits=splits,
        citation="; ".join(filter(None, [citation, collection])),
        references=references(name),
        **fields,
    )
