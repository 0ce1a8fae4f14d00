"""The product's own training step of a row, and batches for it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from rows import SIZES, Row, Size

from electra_bench.core import Batch, SpecialIds
from electra_bench.data.examples.batches import signature
from electra_bench.registry.parameters import load
from electra_bench.runs import launch
from electra_bench.training.build import (
    Training,
    build_training,
    prepare,
    pretraining_objective,
    strategy_for,
)
from electra_bench.training.step import TrainingStep

# [PAD], [UNK], [CLS], [SEP] and [MASK] of BERT's vocabulary; words come after them.
SPECIAL = (0, 100, 101, 102, 103)
FIRST_WORD = 999
NUM_STEPS = 1000

# From batch, step and seed to what is logged; see `TrainingStep.update`.
Update = Callable[[Batch, tf.Tensor, tf.Tensor], Mapping[str, tf.Tensor]]


class Work(NamedTuple):
    """A step of pre-training.

    Attributes:
        training: as the product builds it.
        size: of the row, with the batch that was asked for.
        sequence_flops: of a sequence with its backward pass, method v2.
    """

    training: Training
    size: Size
    sequence_flops: float

    def update(self, compiled: bool) -> Update:
        """One update, with XLA or without."""
        parts = self.training.loop.micro_batches
        step = TrainingStep(self.training.strategy, parts, compiled, None)
        return functools.partial(step.update, self.training.stages[0])

    def batch(self, number: int) -> Batch:
        """A batch of made-up full rows; equal numbers give equal ones."""
        rows, length, words = self.size[1:]
        random = np.random.default_rng(number)
        ids = random.integers(FIRST_WORD, words, (rows, length), np.int32)
        ids[:, 0], ids[:, -1] = SPECIAL[2:4]
        empty = signature(rows, length)
        zeros = [np.zeros([n or 0 for n in x.shape], x.dtype.name) for x in empty]
        made = Batch(*zeros)._replace(
            input_ids=ids,
            input_mask=np.ones_like(ids),
            example_id=np.arange(rows, dtype=np.int32),
        )
        return Batch(*map(tf.constant, made))


def build(
    row: Row, bindings: Sequence[str] = (), batch_size: int | None = None
) -> Work:
    """Builds a row's objective and optimizer; sets precision for the whole process.

    Args:
        row: what to build.
        bindings: of gin, after those of the row.
        batch_size: instead of the row's.
    """
    size = SIZES[row.size]
    if batch_size:
        size = size._replace(batch_size=batch_size)
    rate = 0.1 if row.dropout else 0.0
    load("runs", "pretrain")
    launch.parse(
        ["runs/pretrain.gin", f"models/{size.model}.gin"],
        [
            "CORPUS = 'made up'",
            "VOCAB = 'made up'",
            # Rates that change the weights within the few updates that are compared.
            "WARMUP_STEPS = 100",
            f"models.electra.dropout = {rate}",
            f"models.electra.attention_dropout = {rate}",
            f"training.precision.name = {row.precision.replace('tf32', 'float32')!r}",
            f"training.precision.tf32 = {row.precision == 'tf32'}",
            *bindings,
        ],
    )
    prepare()

    def flops(objective):
        return objective.train_flops_per_sequence(size.length)

    training = build_training(
        strategy_for(size.batch_size),
        lambda variables: pretraining_objective(
            "electra", "electra", variables, SpecialIds(size.vocabulary, *SPECIAL)
        ),
        lambda objective: (NUM_STEPS, flops(objective) * size.batch_size * NUM_STEPS),
    )
    return Work(training, size, flops(training.objective))
