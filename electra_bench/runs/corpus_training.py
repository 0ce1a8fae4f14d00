"""What pre-training builds: encoder, objective and optimizer, and what they cost."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import variable_name
from electra_bench.objectives.pretrain_metrics import percentages
from electra_bench.records import TaskCard, TaskResult
from electra_bench.runs import building
from electra_bench.tasks.examples import TaskExamples
from electra_bench.training.evaluation import evaluate_pretraining, num_evaluated
from electra_bench.training.stages import TrainingStage
from electra_bench.training.trainer import Loop, Trainer


class CorpusTraining(NamedTuple):
    """What one run of `pretrain` trains.

    Attributes:
        strategy: under whose scope it was built.
        settings: of the loop.
        objective: the pre-training method.
        stages: with the optimizer.
        num_steps: updates.
        batch_size: sequences in an update, over all replicas.
        max_seq_length: tokens in a sequence.
        eval_batches: held-out batches in an evaluation, at most.
    """

    strategy: tf.distribute.Strategy
    settings: Loop
    objective: Objective
    stages: tuple[TrainingStage, ...]
    num_steps: int
    batch_size: int
    max_seq_length: int
    eval_batches: int

    @classmethod
    def build(
        cls,
        objective: str,
        model: str,
        tokens: Any,
        *,
        seed: int,
        batch_size: int,
        max_seq_length: int,
        train_steps: int | None,
        train_flops: float | None,
        eval_batches: int,
    ) -> "CorpusTraining":
        """Builds all of it; see the parameters of `pretrain`.

        Raises:
            ConfigError: something needs a parameter that nothing binds.
            UnknownName: no such model or objective.
            ValueError: sequences longer than the model's positions, or not exactly one of
                `train_steps` and `train_flops`.
        """
        strategy = building.strategy(batch_size)
        settings = registry.training.get("loop")()
        with strategy.scope():
            variables = Variables(seed)
            built = building.pretraining_objective(
                objective, model, variables, tokens.special_ids
            )
            per_sequence = _count(built, "train_flops_per_sequence", max_seq_length)
            num_steps = _num_steps(
                train_steps, train_flops, per_sequence and per_sequence * batch_size
            )
            stages = building.stages(built, num_steps)
        building.check_length(built.encoder, max_seq_length)
        return cls(
            strategy,
            settings,
            built,
            stages,
            num_steps,
            batch_size,
            max_seq_length,
            eval_batches,
        )

    @property
    def trainable_variables(self) -> dict[str, tf.Variable]:
        """By their names in checkpoints."""
        return {variable_name(v): v for v in self.objective.trainable_variables}

    @property
    def train_flops(self) -> float | None:
        """Of the whole training, method v2; None for an encoder that counts none."""
        return self._flops("train_flops_per_sequence")

    @property
    def paper_flops(self) -> float | None:
        """Of the whole training, method paper-v1; None for an encoder without."""
        return self._flops("paper_flops_per_sequence")

    def _flops(self, method: str) -> float | None:
        per_sequence = _count(self.objective, method, self.max_seq_length)
        return per_sequence and per_sequence * self.batch_size * self.num_steps

    def trainer(self, name: str, keep_at: Sequence[float]) -> Trainer:
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
            settings=self.settings,
            keep_at=keep_at,
            name=name,
        )

    def evaluation(
        self, held_out: Sequence[TaskExamples]
    ) -> Callable[[int], dict[str, dict[str, float]]]:
        """What gives a step's metrics on held-out examples, by corpus."""
        outputs = tf.function(self.objective.outputs, reduce_retracing=True)

        def evaluate(step: int) -> dict[str, dict[str, float]]:
            del step  # every evaluation masks alike
            return {
                part.task: evaluate_pretraining(
                    self.objective,
                    outputs,
                    part.store,
                    self.batch_size,
                    self.max_seq_length,
                    self.eval_batches,
                )
                for part in held_out
            }

        return evaluate

    def result(
        self, held_out: TaskExamples, metrics: Mapping[str, float]
    ) -> TaskResult:
        """What the record says of a corpus.

        Args:
            held_out: examples that were not trained on.
            metrics: of the last evaluation.
        """
        size = len(held_out.store)
        evaluated = num_evaluated(held_out.store, self.batch_size, self.eval_batches)
        card: TaskCard = registry.tasks.get(held_out.task)
        return TaskResult(
            task=held_out.task,
            task_version=card.version,
            split="validation",
            subset=None if evaluated == size else f"first {evaluated} of {size}",
            num_examples=evaluated,
            metrics=percentages(metrics),
            main_metric=card.main_metric,
            data_sha256=held_out.data_sha256,
            higher_is_better=card.higher_is_better,
        )


def _count(objective: Objective, method: str, seq: int) -> float | None:
    """FLOPs of a sequence; None for an encoder that counts none."""
    count = getattr(objective, method, None)
    return count(seq) if count else None


def _num_steps(
    train_steps: int | None, train_flops: float | None, flops_per_step: float | None
) -> int:
    if (train_steps is None) == (train_flops is None):
        raise ValueError(
            "give either train_steps (TRAIN_STEPS) or train_flops (TRAIN_FLOPS), got "
            f"{train_steps} and {train_flops}"
        )
    if train_steps is None:
        if flops_per_step is None:
            raise ValueError("train_flops needs a model that counts its FLOPs")
        train_steps = int(train_flops / flops_per_step)
    if train_steps < 1:
        raise ValueError(f"pre-training needs at least one step, got {train_steps}")
    return train_steps
