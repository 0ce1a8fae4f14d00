"""Which examples form step n: a function of (seed, step, lengths, rates) alone.

Nothing is remembered between steps, so a run resumes from its step number, and any number
of processes agrees on the order.
"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Draws of a mixture are laid out in blocks of at least this many; within a block the share
# of each task is as close to its rate as whole numbers allow.
BLOCK = 1024
# Uses of a seed, kept apart.
_EPOCH, _BLOCK = 0, 1


def _rng(seed: Sequence[int], *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(list(seed), spawn_key=key))


class Rows(NamedTuple):
    """The examples of a step.

    Attributes:
        tasks: which task of the mixture each is of, int64 [rows].
        indices: their rows in the tasks' stores, int64 [rows]; -1 for an empty one, which
            fills up a batch.
    """

    tasks: np.ndarray
    indices: np.ndarray

    @classmethod
    def of(cls, indices: Sequence[int] | np.ndarray) -> "Rows":
        """Rows of the only store."""
        chosen = np.asarray(indices, np.int64)
        return cls(np.zeros_like(chosen), chosen)


class Shuffled:
    """Rows of one store in a new random order every epoch, without end."""

    def __init__(self, num_rows: int, seed: Sequence[int]):
        """Makes the order.

        Args:
            num_rows: rows of the store.
            seed: integers >= 0 that name this order.

        Raises:
            ValueError: no rows.
        """
        if num_rows < 1:
            raise ValueError("an order needs at least one example, got 0")
        self._num_rows = num_rows
        self._seed = tuple(seed)
        # Two epochs: a batch may begin in one and end in the next.
        self._epoch = functools.lru_cache(maxsize=2)(self._make_epoch)

    def _make_epoch(self, epoch: int) -> np.ndarray:
        return _rng(self._seed, _EPOCH, epoch).permutation(self._num_rows)

    def part(self, first: int, count: int) -> np.ndarray:
        """The rows of so many draws from the `first`, counted from 0 over all epochs."""
        draws = np.arange(first, first + count)
        epochs, positions = np.divmod(draws, self._num_rows)
        rows = np.empty(count, np.int64)
        for epoch in np.unique(epochs):
            chosen = epochs == epoch
            rows[chosen] = self._epoch(int(epoch))[positions[chosen]]
        return rows


class RandomPlan:
    """Batches composed at random from one task or a mixture.

    Draw `d` of the mixture goes to one of its tasks and takes that task's next row. In
    every block of draws a task gets its rate's share (rounded so that no error
    adds up over blocks), at random places.
    """

    def __init__(
        self, sizes: Sequence[int], rates: Sequence[float], batch_size: int, seed: int
    ):
        """Makes the plan.

        Args:
            sizes: number of rows of every task.
            rates: their mixing rates, positive; need not sum to 1.
            batch_size: examples in a step.
            seed: of the order.
        """
        self._batch_size = batch_size
        self._seed = seed
        self._orders = [Shuffled(size, (seed, task)) for task, size in enumerate(sizes)]
        self._bounds = np.cumsum([0.0, *rates]) / np.sum(rates)
        # Large enough for one draw of the rarest task.
        smallest = np.min(rates) / np.sum(rates)
        self._block_size = max(BLOCK, math.ceil(1.0 / smallest))
        self._block = functools.lru_cache(maxsize=4)(self._make_block)

    def _drawn_before(self, block: int) -> np.ndarray:
        """Draws that every task has had when a block starts, int64 [tasks]."""
        ends = np.floor(self._bounds * block * self._block_size + 0.5).astype(np.int64)
        return np.diff(ends)

    def _make_block(self, block: int) -> Rows:
        before = self._drawn_before(block)
        counts = self._drawn_before(block + 1) - before
        tasks = np.repeat(np.arange(len(counts)), counts)
        _rng([self._seed], _BLOCK, block).shuffle(tasks)
        rows = Rows(tasks, np.empty(len(tasks), np.int64))
        for task, (first, count) in enumerate(zip(before, counts, strict=True)):
            rows.indices[tasks == task] = self._orders[task].part(
                int(first), int(count)
            )
        return rows

    def __getitem__(self, step: int) -> Rows:
        """The rows of step `step`, counted from 0."""
        draw, stop = step * self._batch_size, (step + 1) * self._batch_size
        parts = []
        while draw < stop:
            block, first = divmod(draw, self._block_size)
            last = min(first + stop - draw, self._block_size)
            parts.append([column[first:last] for column in self._block(block)])
            draw += last - first
        return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class ByLengthPlan:
    """Batches of similar length, in random order, new every epoch; of several tasks every
    row once.

    Padding is small and few lengths occur. Lengths are disturbed by up to `noise` before
    sorting so that batches differ between epochs. With a summed, clipped loss the
    composition of batches changes scores, so protocols that follow the original use
    `RandomPlan`.
    """

    def __init__(
        self,
        lengths: Sequence[np.ndarray],
        batch_size: int,
        seed: int,
        noise: float = 0.1,
    ):
        """Makes the plan.

        Args:
            lengths: tokens of every row, int [rows], of every task.
            batch_size: examples in a step; what is left over at the end of an epoch is
                left out of it, a different part each time.
            seed: of the order.
            noise: relative disturbance of lengths, in [0, 1).

        Raises:
            ValueError: fewer rows than a batch holds.
        """
        self._lengths = np.concatenate(lengths)
        self._bounds = np.cumsum([0, *map(len, lengths)])
        if len(self._lengths) < batch_size:
            raise ValueError(
                f"batch size {batch_size} exceeds the {len(self._lengths)} training "
                "examples: give a smaller batch_size, or composition = 'random'"
            )
        self._batch_size = batch_size
        self._seed = seed
        self._noise = noise
        self._epoch = functools.lru_cache(maxsize=2)(self._make_epoch)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one epoch."""
        return len(self._lengths) // self._batch_size

    def _make_epoch(self, epoch: int) -> np.ndarray:
        rng = _rng([self._seed], _EPOCH, epoch)
        # Leave out at random what does not fill a batch, then sort the rest.
        kept = rng.permutation(len(self._lengths))
        kept = kept[: self.steps_per_epoch * self._batch_size]
        factors = 1.0 + self._noise * rng.uniform(-1.0, 1.0, len(kept))
        batches = kept[np.argsort(self._lengths[kept] * factors, kind="stable")]
        batches = batches.reshape(self.steps_per_epoch, self._batch_size)
        return batches[rng.permutation(self.steps_per_epoch)]

    def __getitem__(self, step: int) -> Rows:
        """The rows of step `step`, counted from 0."""
        epoch, position = divmod(step, self.steps_per_epoch)
        chosen = self._epoch(epoch)[position]
        tasks = np.searchsorted(self._bounds, chosen, side="right") - 1
        return Rows(tasks, chosen - self._bounds[tasks])
