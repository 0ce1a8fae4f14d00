"""A part of a training set, to compare settings on that tables then show of other data."""

import zlib
from collections import Counter

import numpy as np

from electra_bench.data.examples.store import StorePart
from electra_bench.records import TaskCard
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.groups import groups

# Another one would hold out another part.
SEED = 0


def held_out(
    card: TaskCard, train: TaskExamples, share: float
) -> tuple[TaskExamples, TaskExamples]:
    """Splits a training set by its groups, always in the same way.

    Groups are held out in the order of their names' hashes until the share is reached.

    Args:
        card: of the task.
        train: the training set.
        share: of the examples that is held out, about: one group at least, and not all.

    Returns:
        What is left to train on, and what is held out.

    Raises:
        ValueError: there is only one group.
    """
    store = train.store
    numbers = [int(store.row("example_id", row)[0]) for row in range(len(store))]
    names = groups(card, store, range(len(store))).names
    # The windows of one question go together, and so do questions on one text.
    keys = [name or f"#{number}" for name, number in zip(names, numbers, strict=True)]
    sizes = Counter(keys)
    if len(sizes) == 1:
        raise ValueError(
            f"task {card.name!r}: all of its training set belongs together (unit: "
            f"{card.unit}), so no part of it can be held out"
        )
    *order, _ = sorted(sizes, key=lambda key: zlib.crc32(f"{SEED} {key}".encode()))
    before = np.cumsum([0, *(sizes[key] for key in order[:-1])])
    chosen = {k for k, n in zip(order, before, strict=True) if n < share * len(keys)}
    is_held_out = np.array([key in chosen for key in keys])
    rest, part = (
        train._replace(store=StorePart(store, np.flatnonzero(chosen)))
        for chosen in (~is_held_out, is_held_out)
    )
    return rest, part
