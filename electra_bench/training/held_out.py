"""The text that pre-training does not see, and how well it is modelled."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, cast

import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective, PretrainingObjective
from electra_bench.objectives.pretrain_metrics import percentages
from electra_bench.records import TaskResult
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.results import score_marks
from electra_bench.training.evaluation import evaluate_pretraining, num_evaluated
from electra_bench.training.replicas import on_all_replicas


class HeldOut(NamedTuple):
    """Held-out examples of one or several corpora.

    Attributes:
        objective: what is evaluated on them.
        parts: the examples.
        batch_size: sequences at once, over all replicas.
        max_seq_length: tokens in a sequence.
        eval_batches: batches of a corpus in an evaluation, at most.
        strategy: under whose scope the objective was built; all its replicas evaluate.
        train: examples of corpora that are trained on.
        marks: of every score, for what training started from.
    """

    objective: Objective
    parts: Sequence[TaskExamples]
    batch_size: int
    max_seq_length: int
    eval_batches: int
    strategy: tf.distribute.Strategy
    train: Sequence[TaskExamples] = ()
    marks: Mapping[str, str] = MappingProxyType({})

    def evaluation(self) -> Callable[[int], dict[str, dict[str, float]]]:
        """What gives a step's metrics, by corpus."""
        outputs = tf.function(
            on_all_replicas(self.strategy, self.objective.outputs), autograph=False
        )

        def evaluate(step: int) -> dict[str, dict[str, float]]:
            del step  # every evaluation masks alike
            return {
                part.task: evaluate_pretraining(
                    cast(PretrainingObjective, self.objective),
                    outputs,
                    part.store,
                    self.batch_size,
                    self.max_seq_length,
                    self.eval_batches,
                )
                for part in self.parts
            }

        return evaluate

    def results(
        self, metrics: Mapping[str, Mapping[str, float]]
    ) -> tuple[TaskResult, ...]:
        """What the record says of every corpus.

        Args:
            metrics: of the last evaluation, by corpus.
        """
        return tuple(self._result(part, metrics[part.task]) for part in self.parts)

    def num_evaluated(self, part: TaskExamples) -> int:
        """How many examples an evaluation takes."""
        return num_evaluated(part.store, self.batch_size, self.eval_batches)

    def _result(self, part: TaskExamples, metrics: Mapping[str, float]) -> TaskResult:
        size, evaluated = len(part.store), self.num_evaluated(part)
        card = registry.tasks.get(part.task)
        trained_on = [one for one in self.train if one.task == part.task]
        return TaskResult.of(
            card,
            "validation",
            evaluated,
            percentages(metrics),
            subset=None if evaluated == size else f"first {evaluated} of {size}",
            data_sha256=part.data_sha256,
            marks=score_marks(None, card, [*trained_on, part]) | dict(self.marks),
        )
