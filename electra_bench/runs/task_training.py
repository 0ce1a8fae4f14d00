"""What fine-tuning builds once and trains once for every seed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import variable_name
from electra_bench.models.flops import TRAIN_FACTOR
from electra_bench.records import TaskCard
from electra_bench.runs import building
from electra_bench.runs.batches import TrainingBatches
from electra_bench.runs.pretrained import Pretrained
from electra_bench.tasks.examples import TaskExamples
from electra_bench.training.checkpoints import restore
from electra_bench.training.stages import TrainingStage
from electra_bench.training.trainer import Loop, Trainer


class TaskTraining(NamedTuple):
    """Encoder, heads and optimizer, built once and reset for every seed.

    Attributes:
        strategy: under whose scope they were built.
        settings: of the loop.
        variables: made them, and gives them their first values again.
        objective: one task's kind, or several of them.
        kinds: task to its kind.
        stages: with the optimizer.
        batches: what is trained on.
        train_flops: of the encoder over the whole training, method v2, without padding;
            None for an encoder that counts none. The heads' share, below a thousandth, is
            left out, and frozen variables count as trained.
    """

    strategy: tf.distribute.Strategy
    settings: Loop
    variables: Variables
    objective: Objective
    kinds: Mapping[str, Objective]
    stages: tuple[TrainingStage, ...]
    batches: TrainingBatches
    train_flops: float | None

    @classmethod
    def build(
        cls,
        strategy: tf.distribute.Strategy,
        model: str,
        cards: Sequence[TaskCard],
        tokens: Any,
        parts: Sequence[TaskExamples],
        batches: TrainingBatches,
        *,
        frozen: Sequence[str],
        weight_decay: float,
    ) -> "TaskTraining":
        """Builds all of it.

        Args:
            strategy: under whose scope.
            model: registered model.
            cards: the tasks.
            tokens: the run's vocabulary.
            parts: their examples.
            batches: of these.
            frozen: see `training_stages`.
            weight_decay: of the optimizer.

        Raises:
            ConfigError: something needs a parameter that nothing binds.
            UnknownName: no such model or kind.
            ValueError: `frozen` fits no variable.
        """
        settings = registry.training.get("loop")()
        with strategy.scope():
            variables = Variables(0)
            objective = building.task_objective(cards, model, variables, tokens)
            stages = building.stages(
                objective, batches.num_steps, frozen, weight_decay=weight_decay
            )
        kinds = getattr(objective, "tasks", {cards[0].name: objective})
        flops = _train_flops(objective, parts, batches)
        return cls(
            strategy, settings, variables, objective, kinds, stages, batches, flops
        )

    def trainer(self, name: str) -> Trainer:
        """What trains it, for any number of seeds."""
        return Trainer(
            self.objective,
            self.stages,
            strategy=self.strategy,
            num_steps=self.batches.num_steps,
            settings=self.settings,
            name=name,
        )

    def reset(self, seed: int, pretrained: Pretrained) -> None:
        """Gives every variable the value it has at step 0.

        Raises:
            CheckpointError: the checkpoint does not fit the encoder.
        """
        self.variables.reset(seed)
        for stage in self.stages:
            for slot in stage.optimizer.slots.values():
                slot.assign(tf.zeros_like(slot))
        if pretrained.checkpoint:
            restore(
                pretrained.checkpoint,
                {variable_name(v): v for v in self.objective.encoder.variables},
                "variables of the encoder",
            )

    def restore(self, checkpoint: str) -> None:
        """Gives every variable the value it has in a checkpoint of this training."""
        restore(checkpoint, {variable_name(v): v for v in self.objective.variables})


def _train_flops(
    objective: Objective, parts: Sequence[TaskExamples], batches: TrainingBatches
) -> float | None:
    count = getattr(objective.encoder, "forward_flops", None)
    if count is None:
        return None
    rates = np.array([part.rate for part in parts])
    draws = batches.num_steps * batches.batch_size * rates / rates.sum()
    return TRAIN_FACTOR * sum(
        _mean_flops(count, part) * number
        for part, number in zip(parts, draws, strict=True)
    )


def _mean_flops(count: Callable[[int], float], part: TaskExamples) -> float:
    """FLOPs of one pass over an example, on average."""
    lengths, numbers = np.unique(part.store.lengths("input_ids"), return_counts=True)
    forward = sum(
        count(int(length)) * int(number)
        for length, number in zip(lengths, numbers, strict=True)
    )
    return forward / len(part.store)
