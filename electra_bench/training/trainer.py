"""The training loop: any objective, any strategy, exactly resumable."""

import dataclasses
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from electra_bench.core import Batch, Objective, Seed
from electra_bench.core.variables import variable_name
from electra_bench.registry import training
from electra_bench.training.checkpoints import Checkpoints, read_state, restore
from electra_bench.training.metrics_log import MetricsLog
from electra_bench.training.progress import TrainingProgress


class NonFiniteLoss(ArithmeticError):
    """The loss became NaN or infinite."""


@dataclasses.dataclass(frozen=True)
class Loop:
    """How often the loop does what, in steps.

    Attributes:
        log_every: steps between logged lines; losses are means over them. Checkpoints and
            evaluations happen at such steps only.
        checkpoint_every: steps between checkpoints; 0 for the end only.
        eval_every: steps between evaluations; 0 for the end only.
        keep: newest checkpoints to keep; the best stays too.
        best_metric: evaluation metric that decides which is the best; None for none.
        higher_is_better: its direction.
    """

    log_every: int = 50
    checkpoint_every: int = 1000
    eval_every: int = 0
    keep: int = 2
    best_metric: str | None = None
    higher_is_better: bool = True

    def __post_init__(self):
        if self.log_every < 1:
            raise ValueError(f"log_every must be at least 1, got {self.log_every}")
        for name in ("checkpoint_every", "eval_every"):
            value = getattr(self, name)
            if value < 0 or value % self.log_every:
                raise ValueError(
                    f"{name} must be a multiple of log_every ({self.log_every}), "
                    f"got {value}"
                )


@training.register("loop")
def loop(
    log_every: int = 50,
    checkpoint_every: int = 1000,
    eval_every: int = 0,
    keep: int = 2,
    best_metric: str | None = None,
    higher_is_better: bool = True,
) -> Loop:
    """Builds the loop's settings; see `Loop`.

    Args:
        log_every: steps between logged lines.
        checkpoint_every: steps between checkpoints, a multiple of `log_every`; 0 for the
            end only.
        eval_every: steps between evaluations, a multiple of `log_every`; 0 for the end
            only.
        keep: newest checkpoints to keep.
        best_metric: evaluation metric by which the best checkpoint is chosen.
        higher_is_better: its direction.
    """
    return Loop(
        log_every, checkpoint_every, eval_every, keep, best_metric, higher_is_better
    )


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a finished training leaves.

    Attributes:
        steps: updates done, over all interruptions.
        tokens: non-padding tokens seen.
        wall_s: seconds spent, over all interruptions.
        checkpoint: prefix of the last checkpoint; None if none was written.
        evaluation: the last evaluation.
        train: the last logged training values.
    """

    steps: int
    tokens: int
    wall_s: float
    checkpoint: str | None
    evaluation: Mapping[str, float]
    train: Mapping[str, float]


class Trainer:
    """Trains one objective from step 0, or from its newest checkpoint, to the end.

    Killed at any moment and started again it ends with the same weights and the same
    `metrics.jsonl` as if it had not been, because a step's batch and random numbers are
    functions of the step number.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Any,
        *,
        strategy: tf.distribute.Strategy,
        num_steps: int,
        settings: Loop,
        name: str = "train",
    ):
        """Sets up the loop; the compiled step serves any number of trainings.

        Args:
            objective: what to train; a `tf.Module`.
            optimizer: see `training/adamw.py`.
            strategy: under whose scope both were built.
            num_steps: updates in all.
            settings: how often to do what.
            name: for the progress display.
        """
        self._objective = objective
        self._optimizer = optimizer
        self._variables = tuple(objective.trainable_variables)
        self._strategy = strategy
        self._num_steps = num_steps
        self._settings = settings
        self._name = name

    def train(
        self,
        run_dir: str,
        seed: int,
        dataset: Callable[[int], tf.data.Dataset],
        evaluate: Callable[[int], Mapping[str, float]] | None = None,
    ) -> Trained:
        """Trains to the end, from the newest checkpoint in `run_dir` if there is one.

        Args:
            run_dir: where checkpoints and logs go.
            seed: of dropout, masking and sampling.
            dataset: `dataset(step)` gives the global batches from `step`, counted from 0,
                to the last.
            evaluate: called with the step; returns metrics.

        Raises:
            KeyboardInterrupt: on SIGINT or SIGTERM, after a checkpoint was written.
            NonFiniteLoss: the loss is NaN or infinite; the last checkpoint stays.
        """
        settings = self._settings
        checkpoints = Checkpoints(os.path.join(run_dir, "checkpoints"), settings.keep)
        step, state = self._resume(checkpoints)
        started = time.monotonic() - state["wall_s"]
        iterator = iter(self._strategy.experimental_distribute_dataset(dataset(step)))
        with (
            MetricsLog(run_dir, step) as log,
            _Interruption() as interruption,
            TrainingProgress(self._name, step, self._num_steps) as progress,
        ):
            while step < self._num_steps:
                count = min(settings.log_every, self._num_steps - step)
                values = self._steps(iterator, step, count, seed)
                step += count
                tokens = int(values.pop("tokens"))
                state["tokens"] += tokens
                rate = progress.update(step, tokens, values)
                log.write(step, "train", {**values, "tokens": state["tokens"]})
                log.summarise(step, "speed", {"tokens_per_s": rate})
                state["train"] = values
                if not math.isfinite(values["loss"]):
                    raise NonFiniteLoss(
                        f"{self._name}: the loss is {values['loss']} after step {step}; "
                        f"the last checkpoint is {checkpoints.latest}"
                    )
                if evaluate and self._is_due(step, settings.eval_every):
                    state["evaluation"] = dict(evaluate(step))
                    log.write(step, "eval", state["evaluation"])
                stop = interruption.requested
                if stop or self._is_due(step, settings.checkpoint_every):
                    state["wall_s"] = time.monotonic() - started
                    self._save(checkpoints, step, state)
                if stop and step < self._num_steps:
                    raise KeyboardInterrupt(
                        f"{self._name}: stopped after step {step} of "
                        f"{self._num_steps}; the same command goes on from there"
                    )
        return Trained(
            steps=step,
            tokens=state["tokens"],
            wall_s=time.monotonic() - started,
            checkpoint=checkpoints.latest,
            evaluation=state["evaluation"],
            train=state["train"],
        )

    def _is_due(self, step: int, every: int) -> bool:
        return step == self._num_steps or bool(every and step % every == 0)

    def _named(self) -> dict[str, tf.Variable]:
        return {variable_name(v): v for v in self._variables} | self._optimizer.slots

    def _resume(self, checkpoints: Checkpoints) -> tuple[int, dict[str, Any]]:
        state = {"tokens": 0, "wall_s": 0.0, "evaluation": {}, "train": {}}
        latest = checkpoints.latest
        if latest is None:
            return 0, state
        return restore(latest, self._named()), state | read_state(latest)

    def _save(
        self, checkpoints: Checkpoints, step: int, state: Mapping[str, Any]
    ) -> None:
        checkpoints.save(
            step, {name: v.read_value() for name, v in self._named().items()}, state
        )
        metric = self._settings.best_metric
        value = state["evaluation"].get(metric) if metric else None
        if value is None or not math.isfinite(value):
            return
        best = checkpoints.best
        sign = 1 if self._settings.higher_is_better else -1
        if best is None or best.step >= step or sign * value > sign * best.value:
            checkpoints.mark_best(step, metric, value)

    def _steps(
        self, iterator: Any, first_step: int, count: int, seed: int
    ) -> dict[str, float]:
        numbers = (tf.constant(n, tf.int32) for n in (first_step, count, seed))
        totals = self._run(iterator, *numbers)
        values = {name: float(total) for name, total in totals.items()}
        tokens = values.pop("tokens")
        return {name: value / count for name, value in values.items()} | {
            "tokens": tokens
        }

    @tf.function
    def _run(self, iterator, first_step, count, seed):
        """Runs `count` steps without returning to Python; returns sums over them."""
        totals = self._global_step(next(iterator), first_step, seed)
        for i in tf.range(1, count):
            values = self._global_step(next(iterator), first_step + i, seed)
            totals = {name: totals[name] + values[name] for name in totals}
        return totals

    @tf.function
    def _global_step(self, batch, step, seed):
        """One update on all replicas; a function of its own so that it is built once."""
        values = self._strategy.run(self._replica_step, args=(batch, step, seed))
        return {
            name: self._strategy.experimental_local_results(value)[0]
            for name, value in values.items()
        }

    def _replica_step(
        self, batch: Batch, step: tf.Tensor, seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        replica = tf.distribute.get_replica_context()
        alone = self._strategy.num_replicas_in_sync == 1

        def over_replicas(value):
            return value if alone else replica.all_reduce("SUM", value)

        first_row = replica.replica_id_in_sync_group * tf.shape(batch.input_ids)[0]
        draws = Seed.of(seed, step, first_row)
        with tf.GradientTape() as tape:
            terms = self._objective.loss_terms(batch, draws, training=True)
            # Weights are whole-batch sums before anything is divided by them.
            parts = {
                name: term.value(over_replicas(term.weight))
                for name, term in terms.items()
            }
            loss = tf.add_n(
                [term.coefficient * parts[name] for name, term in terms.items()]
            )
        gradients = tape.gradient(loss, self._variables)
        gradients = [g if g is None else over_replicas(g) for g in gradients]
        norm = self._optimizer.apply(gradients, step)
        parts = {f"{name}_loss": over_replicas(part) for name, part in parts.items()}
        tokens = tf.reduce_sum(tf.cast(batch.input_mask, tf.float32))
        return {
            "loss": over_replicas(loss),
            **parts,
            "gradient_norm": norm,
            "learning_rate": self._optimizer.learning_rate(step),
            "tokens": over_replicas(tokens),
        }


class _Interruption:
    """Turns SIGINT and SIGTERM into a request that the loop sees between steps."""

    def __init__(self):
        self.requested = False

    def __enter__(self) -> "_Interruption":
        self._previous = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._request)
        return self

    def _request(self, number: int, frame: object) -> None:
        if self.requested:  # a second Ctrl-C means now
            raise KeyboardInterrupt
        self.requested = True

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
