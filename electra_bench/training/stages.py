"""Parts of a training, each with an optimizer of its own; most have one part only."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench.core import Objective, Stage


class TrainingStage(NamedTuple):
    """A stage and what trains it.

    Attributes:
        stage: what is trained.
        first_step: updates done before it.
        num_steps: updates of it.
        optimizer: see `training/adamw.py`.
    """

    stage: Stage
    first_step: int
    num_steps: int
    optimizer: Any


def training_stages(
    objective: Objective,
    num_steps: int,
    build_optimizer: Callable[[tuple[tf.Variable, ...], int], Any],
) -> tuple[TrainingStage, ...]:
    """The stages of a training.

    Args:
        objective: with or without `stages`.
        num_steps: updates in all.
        build_optimizer: from the variables and the updates of a stage.

    Raises:
        ValueError: there are too few updates for all stages.
    """
    whole = (Stage(0.0, objective, tuple(objective.trainable_variables)),)
    stages = getattr(objective, "stages", whole)
    starts = [round(stage.start * num_steps) for stage in stages]
    lengths = [
        end - start for start, end in zip(starts, [*starts[1:], num_steps], strict=True)
    ]
    if min(lengths) < 1:
        raise ValueError(
            f"{len(stages)} stages need at least one step each, got {num_steps} in all"
        )
    return tuple(
        TrainingStage(stage, start, length, build_optimizer(stage.variables, length))
        for stage, start, length in zip(stages, starts, lengths, strict=True)
    )
