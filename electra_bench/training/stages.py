"""Parts of a training, each with an optimizer of its own; most have one part only."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from electra_bench.core import Objective, Optimizer, Stage
from electra_bench.core.optional import stages_of
from electra_bench.core.variables import variable_name
from electra_bench.system.near_names import near_names


class TrainingStage(NamedTuple):
    """A stage and what trains it.

    Attributes:
        stage: what is trained.
        first_step: updates done before it.
        num_steps: updates of it.
        optimizer: what updates its variables.
    """

    stage: Stage
    first_step: int
    num_steps: int
    optimizer: Optimizer


def training_stages(
    objective: Objective,
    num_steps: int,
    build_optimizer: Callable[[tuple[tf.Variable, ...], int], Optimizer],
    frozen: Sequence[str] = (),
) -> tuple[TrainingStage, ...]:
    """The stages of a training.

    Args:
        objective: with or without `stages`.
        num_steps: updates in all.
        build_optimizer: from the variables and the updates of a stage.
        frozen: regular expressions; variables in whose name one is found keep their
            values.

    Raises:
        ValueError: there are too few updates for all stages, an expression is found in no
            name, or nothing is left to train.
    """
    stages = stages_of(objective)
    starts = [round(stage.start * num_steps) for stage in stages]
    ends = [*starts[1:], num_steps]
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    if min(lengths) < 1:
        raise ValueError(
            f"{len(stages)} stages need at least one step each, got {num_steps} in all"
        )
    stages = [
        stage._replace(variables=_trained(stage.variables, frozen)) for stage in stages
    ]
    return tuple(
        TrainingStage(stage, start, length, build_optimizer(stage.variables, length))
        for stage, start, length in zip(stages, starts, lengths, strict=True)
    )


def _trained(
    variables: Sequence[tf.Variable], frozen: Sequence[str]
) -> tuple[tf.Variable, ...]:
    names = {variable_name(variable): variable for variable in variables}
    for expression in frozen:
        if not any(re.search(expression, name) for name in names):
            near = near_names(expression, names, cutoff=0.3)
            raise ValueError(
                f"frozen: {expression!r} is found in no variable's name; near: {near}"
            )
    left = [v for n, v in names.items() if not any(re.search(e, n) for e in frozen)]
    if not left:
        raise ValueError(f"frozen: {list(frozen)} leave nothing to train")
    return tuple(left)
