"""What an update takes here, found by making some."""

import functools
import tempfile
import time
from typing import NamedTuple

import numpy as np

from electra_bench.training.batches import TrainingBatches
from electra_bench.training.memory import peak_bytes
from electra_bench.training.micro_batches import MicroBatches
from electra_bench.training.updates import Updates

# Steps of a training that are looked at to know how often which length occurs.
LOOKED_AT = 1000
# How long updates of one sort are made, after the first, and how many of them.
ABOUT_S, AT_MOST = 2.0, 9


class Measured(NamedTuple):
    """What updates take.

    Attributes:
        parts: that a batch on one device goes through the model in.
        first_s: seconds until the first one was done, which is built and compiled before.
        update_s: seconds of one, the mean over the training.
        peak_bytes: memory, see `peak_bytes`.
    """

    parts: int
    first_s: float
    update_s: float
    peak_bytes: int


def measured(
    updates: Updates, batches: TrainingBatches, micro_batches: int | str, seed: int
) -> Measured:
    """Makes some updates of every stage and length of batches; the variables change.

    Args:
        updates: of the training.
        batches: of the training.
        micro_batches: as bound.
        seed: of the run.

    Raises:
        OutOfMemory: an update does not fit into the device's memory.
    """
    dataset = batches.dataset(seed)
    # Of every sort of update a step, and how many of those looked at are of it.
    first: dict[tuple[int, int], int] = {}
    numbers: dict[tuple[int, int], int] = {}
    steps = np.linspace(0, batches.num_steps - 1, LOOKED_AT).astype(int)
    for step in np.unique(steps).tolist():
        sort = updates.stage(step), batches.length(seed, step)
        first.setdefault(sort, step)
        numbers[sort] = numbers.get(sort, 0) + 1
    started = time.monotonic()
    first_s = 0.0
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        micro = MicroBatches(micro_batches, folder, "dry run")
        longest = first[max(first, key=lambda sort: sort[1])]
        attempt = functools.partial(updates.attempt, dataset, longest, seed)
        parts = micro.find(attempt, updates.rows(dataset), lambda sentence: None)

        def seconds_of(step: int) -> float:
            one, waited_s = updates.batches(dataset, step), dataset.waited_s
            began = time.monotonic()
            updates.run(one, parts, step, 1, seed)
            # Batches are made beside training.
            return time.monotonic() - began - (dataset.waited_s - waited_s)

        with micro.in_memory():
            for step in first.values():
                seconds_of(step)
                first_s = first_s or time.monotonic() - started
                took = [seconds_of(step)]
                while sum(took) < ABOUT_S and len(took) < AT_MOST:
                    took.append(seconds_of(step))
                seconds.append(np.median(took))
    update_s = np.average(seconds, weights=list(numbers.values()))
    return Measured(parts, first_s, float(update_s), peak_bytes())
