"""The training batches of a run: which rows, how they are padded, from any step on."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from electra_bench.core import Encoder
from electra_bench.core.optional import HasForwardFlops
from electra_bench.data.examples import batches
from electra_bench.data.examples.batch_plan import ByLengthPlan, RandomPlan
from electra_bench.data.examples.padded_lengths import padded_lengths
from electra_bench.data.examples.store import ExampleStore
from electra_bench.models.flops import TRAIN_FACTOR
from electra_bench.tasks.examples import TaskExamples

# Of the batches of a fine-tuning, see `finetune`.
PACKED = "packed"
COMPOSITIONS = ("by_length", "random", PACKED)


class TrainingBatches(NamedTuple):
    """Batches of a whole training, under any seed.

    Attributes:
        stores: examples, one store a task; `rates`: how often each is drawn.
        batch_size: examples in an update.
        num_steps: updates.
        make_plan: from a seed to the rows of every step.
        pad_to: lengths, ascending; a batch has the first that no row exceeds.
        is_packed: whether examples share rows, of the only length in `pad_to`.
    """

    stores: Sequence[ExampleStore]
    rates: Sequence[float]
    batch_size: int
    num_steps: int
    make_plan: Callable[[int], batches.BatchPlan]
    pad_to: Sequence[int]
    is_packed: bool = False

    @classmethod
    def mixture(
        cls,
        parts: Sequence[TaskExamples],
        batch_size: int,
        num_steps: int,
        seq_length: int,
        is_packed: bool = False,
    ) -> "TrainingBatches":
        """Rows drawn from several tasks by their rates, all of one length.

        Args:
            parts: the tasks.
            batch_size: examples in an update.
            num_steps: updates.
            seq_length: tokens in a row.
            is_packed: whether several examples may share one.
        """
        stores, sizes, rates = _columns(parts)
        plan = functools.partial(RandomPlan, sizes, rates, batch_size)
        pad_to = [seq_length]
        return cls(stores, rates, batch_size, num_steps, plan, pad_to, is_packed)

    @classmethod
    def passes(
        cls,
        parts: Sequence[TaskExamples],
        batch_size: int,
        epochs: float,
        composition: str,
    ) -> "TrainingBatches":
        """Passes over the examples of one or several tasks.

        Args:
            parts: the tasks. Unless their rates are in proportion to their sizes, a pass
                is as many draws, at random, as there are examples in all.
            batch_size: examples in an update.
            epochs: number of passes.
            composition: see `finetune`.

        Raises:
            ValueError: an unknown composition, or too few passes for one update.
        """
        if composition not in COMPOSITIONS:
            raise ValueError(
                f"composition must be one of {', '.join(COMPOSITIONS)}; got "
                f"{composition!r}"
            )
        stores, sizes, rates = _columns(parts)
        lengths = [store.lengths("input_ids") for store in stores]
        is_packed = composition == PACKED
        shares = np.array(rates) / np.array(sizes)
        plan: Callable[[int], batches.BatchPlan]
        if composition == "by_length" and np.allclose(shares, shares[0], atol=0.0):
            plan = functools.partial(ByLengthPlan, lengths, batch_size)
            steps = int(ByLengthPlan(lengths, batch_size, 0).steps_per_epoch * epochs)
            pad_to = padded_lengths(np.concatenate(lengths))
        else:
            # The original pads the training set to whole batches and counts those.
            plan = functools.partial(RandomPlan, sizes, rates, batch_size)
            steps = int(math.ceil(sum(sizes) / batch_size) * epochs)
            every = np.concatenate(lengths)
            pad_to = padded_lengths(every, batch_size)
            if is_packed:
                # Rows as long as the longest example.
                pad_to = (int(every.max()),)
        if steps < 1:
            raise ValueError(
                f"{epochs:g} epochs of {sum(sizes):,} training examples in batches of "
                f"{batch_size} are less than one update: give more epochs (EPOCHS), or a "
                "smaller batch_size"
            )
        return cls(stores, rates, batch_size, steps, plan, pad_to, is_packed)

    def train_flops(self, encoder: Encoder) -> float | None:
        """FLOPs of an encoder over the training, method v2, without padding.

        Heads, whose share is below a thousandth, are left out, and frozen variables count
        as trained.

        Args:
            encoder: what is trained.

        Returns:
            None for an encoder that counts none.
        """
        if not isinstance(encoder, HasForwardFlops):
            return None
        count = encoder.forward_flops
        rates = np.array(self.rates)
        draws = self.num_steps * self.batch_size * rates / rates.sum()
        return TRAIN_FACTOR * sum(
            _mean_flops(count, store) * number
            for store, number in zip(self.stores, draws, strict=True)
        )

    def length(self, seed: int, step: int) -> int:
        """Tokens that the rows of a step are padded to."""
        return batches.padded_length(
            self.stores, self.make_plan(seed)[step], self.pad_to
        )

    def dataset(self, seed: int) -> batches.StepBatches:
        """From a first step to the batches of it and of all that follow."""
        rows = self.make_plan(seed)

        def make(step: int):
            if self.is_packed:
                return batches.make_packed_batch(self.stores, rows[step], self.pad_to)
            return batches.make_batch(self.stores, rows[step], self.pad_to)

        only = self.pad_to[0] if len(self.pad_to) == 1 else None
        spec = batches.signature(self.batch_size, only, self.is_packed)
        return batches.StepBatches(make, spec, self.num_steps)


def _columns(
    parts: Sequence[TaskExamples],
) -> tuple[list[ExampleStore], list[int], list[float]]:
    """Stores of the tasks, their sizes, and their rates."""
    stores = [part.store for part in parts]
    return stores, [len(store) for store in stores], [part.rate for part in parts]


def _mean_flops(count: Callable[[int], float], store: ExampleStore) -> float:
    """FLOPs of one pass over an example, on average."""
    lengths, numbers = np.unique(store.lengths("input_ids"), return_counts=True)
    forward = sum(
        count(int(length)) * int(number)
        for length, number in zip(lengths, numbers, strict=True)
    )
    return forward / len(store)
