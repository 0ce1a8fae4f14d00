"""Updates of a training, many in one call, on the devices of a strategy."""

import functools
from collections.abc import Iterator, Sequence

import tensorflow as tf

from electra_bench.core import Batch
from electra_bench.core.computing import compute_type
from electra_bench.data.examples.batches import StepBatches
from electra_bench.training.loss_scale import LossScale
from electra_bench.training.stages import TrainingStage
from electra_bench.training.step import TrainingStep


class Updates:
    """Runs the updates of any step of a training; compiled once for any number of runs.

    Attributes:
        loss_scale: of float16; None in other precisions.
    """

    def __init__(
        self,
        stages: Sequence[TrainingStage],
        strategy: tf.distribute.Strategy,
        compiled: bool,
    ):
        """Builds nothing yet.

        Args:
            stages: of the training, see `training_stages`.
            strategy: under whose scope objective and optimizer were built.
            compiled: whether XLA compiles a step.
        """
        self._stages = tuple(stages)
        self._strategy = strategy
        self.loss_scale = None
        if compute_type() == tf.float16:
            with strategy.scope():
                self.loss_scale = LossScale()
        self._step = functools.partial(
            TrainingStep, strategy, compiled=compiled, loss_scale=self.loss_scale
        )
        # Of a stage and parts: what a step is measured by, known when it has been built.
        self._names: dict[tuple[int, int], list[str]] = {}

    def stage(self, step: int) -> int:
        """Index of the stage that the update after `step` others belongs to."""
        return sum(stage.first_step <= step for stage in self._stages) - 1

    def batches(self, dataset: StepBatches, first_step: int) -> Iterator[Batch]:
        """The batches from a step on, distributed."""
        return iter(self._strategy.experimental_distribute_dataset(dataset(first_step)))

    def rows(self, dataset: StepBatches) -> int:
        """Rows of a batch on one device."""
        spec = dataset(0).element_spec
        return spec.input_ids.shape[0] // self._strategy.num_replicas_in_sync

    def is_built(self, step: int, parts: int) -> bool:
        """Whether `run` has built such a step before."""
        return (self.stage(step), parts) in self._names

    def run(
        self,
        batches: Iterator[Batch],
        parts: int,
        first_step: int,
        count: int,
        seed: int,
    ) -> dict[str, list[float]]:
        """Some updates of one stage.

        Args:
            batches: of these steps, see `batches`.
            parts: that a batch on one device goes through the model in.
            first_step: updates done before.
            count: updates.
            seed: of the run.

        Returns:
            What is logged, with the value of every step, in order.
        """
        stage = self.stage(first_step)
        numbers = (tf.constant(n, tf.int32) for n in (first_step, count, seed))
        rows = self._run(batches, stage, parts, *numbers).numpy()
        return dict(zip(self._names[stage, parts], rows.T.tolist(), strict=True))

    def attempt(
        self, dataset: StepBatches, first_step: int, seed: int, parts: int
    ) -> None:
        """Computes a step in so many parts, and updates nothing."""
        batch = next(self.batches(dataset, first_step))
        trained = self._stages[self.stage(first_step)]
        numbers = (tf.constant(n, tf.int32) for n in (first_step, seed))
        norm = functools.partial(self._step(parts).norm, trained)
        tf.function(norm, autograph=False)(batch, *numbers)

    @tf.function(autograph=False)
    def _run(self, batches, stage, parts, first_step, count, seed):
        """Runs `count` steps without returning to Python.

        Built once for every stage, whose index is a Python number, as that of the parts of
        a batch; the step is in the graph once, for twice would take twice as long to
        optimise.

        Returns:
            float32 [count, number of values], in the order of `_names`.
        """
        trained, step = self._stages[stage], self._step(parts)

        @tf.function(autograph=False)
        def one(batch, number, seed):
            # A function of its own, so that it is built once.
            return step.update(trained, batch, number, seed)

        def update(i, rows):
            values = one(next(batches), first_step + i, seed)
            self._names[stage, parts] = list(values)
            return i + 1, rows.write(i, tf.stack(list(values.values())))

        loop = tf.constant(0), tf.TensorArray(tf.float32, count)
        return tf.while_loop(lambda i, _: i < count, update, loop)[1].stack()
