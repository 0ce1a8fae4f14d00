"""A part of a training set, to compare settings on that tables then show of other data."""

import zlib

import numpy as np

from electra_bench.data.examples.store import StorePart
from electra_bench.records import TaskCard
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.groups import groups


def held_out(
    card: TaskCard, train: TaskExamples, share: float
) -> tuple[TaskExamples, TaskExamples]:
    """Splits a training set by its groups, always in the same way.

    Args:
        card: of the task.
        train: the training set.
        share: of the groups that is held out, about.

    Returns:
        What is left to train on, and what is held out.

    Raises:
        ValueError: one of the two is empty.
    """
    store = train.store
    numbers = [int(store.row("example_id", row)[0]) for row in range(len(store))]
    names = groups(card, store, range(len(store))).names
    # The windows of one question go together, and so do questions on one text.
    keys = [name or f"#{number}" for name, number in zip(names, numbers, strict=True)]
    is_held_out = np.array([zlib.crc32(key.encode()) < share * 2**32 for key in keys])
    if is_held_out.all() or not is_held_out.any():
        raise ValueError(
            f"task {card.name!r}: its training set is of {len(set(keys))} groups, of which "
            f"{share:g} leaves nothing to train on or to compare on"
        )
    rest, part = (
        train._replace(store=StorePart(store, np.flatnonzero(chosen)))
        for chosen in (~is_held_out, is_held_out)
    )
    return rest, part
