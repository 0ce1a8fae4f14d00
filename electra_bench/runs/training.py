"""What a run trains, whatever it is: an objective with its optimizer, under a strategy."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from electra_bench.core import Objective, Variables
from electra_bench.core.variables import by_name
from electra_bench.runs.pretrained import Pretrained
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.checkpoints import restore
from electra_bench.training.stages import TrainingStage
from electra_bench.training.strategy import make_deterministic
from electra_bench.training.trainer import Loop, Trainer


class Training(NamedTuple):
    """An objective and how it is trained, built once for any number of seeds.

    Attributes:
        strategy: under whose scope the rest was built.
        loop: how often it logs, evaluates and keeps.
        variables: made all variables, and gives them their first values again.
        objective: what is trained.
        stages: with the optimizer.
        num_steps: updates.
        train_flops: FLOPs of the whole training by method v2; None if unknown.
    """

    strategy: tf.distribute.Strategy
    loop: Loop
    variables: Variables
    objective: Objective
    stages: tuple[TrainingStage, ...]
    num_steps: int
    train_flops: float | None

    def trainer(self, name: str, keep_at: Sequence[float] = ()) -> Trainer:
        """What trains it.

        Args:
            name: shown while it trains.
            keep_at: fractions of the training whose checkpoints stay.
        """
        return Trainer(
            self.objective,
            self.stages,
            strategy=self.strategy,
            num_steps=self.num_steps,
            settings=self.loop,
            keep_at=keep_at,
            name=name,
        )

    def reset(self, seed: int, start: Pretrained) -> None:
        """Gives every variable the value it has at step 0 of a fine-tuning.

        Raises:
            CheckpointError: the checkpoint does not fit the encoder.
        """
        self.variables.reset(seed)
        for stage in self.stages:
            for slot in stage.optimizer.slots.values():
                slot.assign(tf.zeros_like(slot))
        if start.checkpoint:
            restore(
                start.checkpoint,
                by_name(self.objective.encoder),
                "variables of the encoder",
            )

    def restore(self, checkpoint: str) -> None:
        """Gives every variable the value it has in a checkpoint of this training."""
        restore(checkpoint, by_name(self.objective))


def prepare() -> None:
    """Sets the process up so that equal runs give equal bits."""
    keep_freed_memory()
    make_deterministic()
