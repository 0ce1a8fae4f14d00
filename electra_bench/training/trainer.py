"""The training loop: any objective, any strategy, exactly resumable."""

import contextlib
import copy
import dataclasses
import functools
import math
import os
import signal
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.core import Objective, random
from electra_bench.core.computing import compute_type
from electra_bench.core.optional import HasWarning
from electra_bench.core.variables import by_name
from electra_bench.data.examples.batches import StepBatches
from electra_bench.system.atomic import atomic_file
from electra_bench.system.interruption import ENDINGS, handled
from electra_bench.training import checkpoint_files, checkpoints, loss_scale
from electra_bench.training.checkpoints import Checkpoints
from electra_bench.training.loop import Loop
from electra_bench.training.metrics_log import MetricsLog
from electra_bench.training.micro_batches import MicroBatches
from electra_bench.training.profile import Profile
from electra_bench.training.progress import TrainingProgress
from electra_bench.training.speed import Speed
from electra_bench.training.stages import TrainingStage
from electra_bench.training.updates import Updates
from electra_bench.training.written_behind import WrittenBehind

# Task to its metrics.
Evaluation = Mapping[str, Mapping[str, float]]


# Updates, and fraction of a stage; before, little can be learnt.
WARN_AFTER_STEPS = 1000
WARN_AFTER = 0.25
# How long one call of the compiled loop takes: so Ctrl-C is seen soon with any size of
# model. Results do not depend on it.
ABOUT_S = 1.0


class NonFiniteLoss(ValueError):
    """The loss became NaN or infinite."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a finished training leaves.

    Attributes:
        steps: updates done, over all interruptions.
        tokens: non-padding tokens seen.
        wall_s: seconds spent, over all interruptions.
        speed: fields of a record, see `Speed`.
        checkpoint: prefix of the last checkpoint; None if none was written.
        evaluation: the last evaluation: task to metrics.
    """

    steps: int
    tokens: int
    wall_s: float
    speed: Mapping[str, float]
    checkpoint: str | None
    evaluation: Evaluation


class Trainer:
    """Trains one objective from step 0, or from its newest checkpoint, to the end.

    Killed at any moment and started again it ends with the same weights and the same
    `metrics.jsonl` as if it had not been, because a step's batch and random numbers are
    functions of the step number.
    """

    def __init__(
        self,
        objective: Objective,
        stages: Sequence[TrainingStage],
        *,
        strategy: tf.distribute.Strategy,
        num_steps: int,
        settings: Loop,
        keep_at: Sequence[float] = (),
        step_flops: float | None = None,
        name: str = "train",
    ):
        """Sets up the loop; the compiled step serves any number of trainings.

        Args:
            objective: what to train; a `tf.Module`.
            stages: of the training, see `training_stages`.
            strategy: under whose scope both were built.
            num_steps: updates in all.
            settings: how often to do what.
            keep_at: fractions of the training after which a checkpoint is kept for good.
            step_flops: of one update, method v2; None if unknown.
            name: for the progress display.
        """
        self._step_flops = step_flops
        self._objective = objective
        self._stages = tuple(stages)
        self._num_steps = num_steps
        self._settings = settings
        self._keep_steps = sorted(round(at * num_steps) for at in keep_at)
        self._name = name
        self._warned = False
        self._updates = Updates(self._stages, strategy, settings.compiles)
        self._loss_scale = self._updates.loss_scale

    def train(
        self,
        run_dir: str,
        seed: int,
        dataset: StepBatches,
        evaluate: Callable[[int], Evaluation] | None = None,
    ) -> Trained:
        """Trains to the end, from the newest checkpoint in `run_dir` if there is one.

        Args:
            run_dir: where checkpoints and logs go.
            seed: of dropout, masking and sampling.
            dataset: the global batches.
            evaluate: called with the step; returns the metrics of every task.

        Raises:
            KeyboardInterrupt: on SIGINT, SIGTERM or SIGHUP, after a checkpoint was written.
            NonFiniteLoss: the loss is NaN or infinite; the step's batch is written into
                `run_dir`, and the last checkpoint stays.
        """
        settings = self._settings
        folder = os.path.join(run_dir, "checkpoints")
        saved = Checkpoints(folder, settings.keep, self._keep_steps)
        first, state = self._resume(saved)
        step = first
        started = time.monotonic() - state["wall_s"]
        updates, batches = self._updates, self._updates.batches(dataset, step)
        progress = TrainingProgress(
            self._name, step, self._num_steps, state["tokens"], self._step_flops
        )
        with (
            MetricsLog(run_dir, step) as log,
            _interruption() as interruption,
            progress,
            WrittenBehind() as behind,
        ):
            if step:
                progress.write(f"goes on after step {step} of {self._num_steps}")
            micro = MicroBatches(settings.micro_batches, run_dir, self._name)
            attempt = functools.partial(updates.attempt, dataset, step, seed)
            parts = micro.find(attempt, updates.rows(dataset), progress.write)
            speed = Speed(state["speed"])
            profile = Profile(settings.profile, run_dir, progress.write)
            most = 1
            while step < self._num_steps:
                behind.check()
                trained = self._stages[updates.stage(step)]
                if step == trained.first_step:
                    for source, target in trained.stage.copies:
                        target.assign(source)
                ahead = self._steps_to_events(step, bool(evaluate))
                count = min(most, *ahead, *profile.ahead(step))
                is_built, waited_s = updates.is_built(step, parts), dataset.waited_s
                called = time.monotonic()
                with micro.in_memory(), profile.around(step):
                    values = updates.run(batches, parts, step, count, seed)
                seconds = time.monotonic() - called
                most = more_steps(most, seconds)
                self._check_finite(values, step, run_dir, dataset, saved, behind)
                step += count
                profile.after(step)
                tokens = int(sum(values.pop("tokens")))
                positions = int(sum(values.pop("positions")))
                state["tokens"] += tokens
                progress.computed(positions)
                if is_built:
                    waited_s = dataset.waited_s - waited_s
                    speed.add(count, tokens, positions, seconds, waited_s)
                # What a line will be the mean of; a checkpoint may come in between.
                for name, list_of in values.items():
                    state["pending"].setdefault(name, []).extend(list_of)
                if self._is_due(step, settings.log_every):
                    self._log(step, state, log, progress, dataset.waited_s)
                if evaluate and self._is_due(step, settings.eval_every):
                    state |= {"evaluation": evaluate(step), "evaluated": step}
                    self._check_best_metric(state["evaluation"])
                    for task, metrics in state["evaluation"].items():
                        log.write(step, "eval", {"task": task, **metrics})
                if (
                    interruption.requested
                    or (settings.best_metric and state["evaluated"] == step)
                    or step in self._keep_steps
                    or self._is_due(step, settings.checkpoint_every)
                ):
                    state |= {
                        "wall_s": time.monotonic() - started,
                        "speed": speed.state,
                    }
                    log.sync()
                    behind.start(self._save(saved, step, state))
                if interruption.requested:
                    behind.wait()
                    raise KeyboardInterrupt(
                        f"{self._name}: stopped after step {step} of "
                        f"{self._num_steps}; the same command goes on from there"
                    )
        return Trained(
            steps=step,
            tokens=state["tokens"],
            wall_s=time.monotonic() - started,
            checkpoint=saved.latest,
            speed=speed.fields(self._step_flops),
            evaluation=state["evaluation"],
        )

    def _save(
        self, saved: Checkpoints, step: int, state: dict[str, Any]
    ) -> Callable[[], None]:
        """What writes the checkpoint of now, whatever has changed when it is called.

        The values are not copied: an update leaves alone what is still to be read.
        """
        if self._loss_scale:
            state["loss_scale"] = self._loss_scale.state()
        values = {name: v.read_value() for name, v in self._named(step).items()}
        of_now = copy.deepcopy(state)

        def write() -> None:
            saved.save(step, values, of_now)
            self._mark_if_best(saved, step, of_now)

        return write

    def _check_finite(
        self,
        values: Mapping[str, list[float]],
        step: int,
        run_dir: str,
        dataset: StepBatches,
        saved: Checkpoints,
        behind: WrittenBehind,
    ) -> None:
        """Writes the batch of the first step whose loss is not finite, and raises."""
        finite = np.isfinite([values["loss"], values["gradient_norm"]]).all(axis=0)
        if finite.all():
            return
        failed = int(finite.argmin())
        path = os.path.join(run_dir, f"batch-of-step-{step + failed + 1}.npz")
        batch = next(iter(dataset(step + failed)))
        with atomic_file(path) as file:
            np.savez(file, **{name: x.numpy() for name, x in batch._asdict().items()})
        behind.wait()
        raise NonFiniteLoss(
            f"{self._name}: step {step + failed + 1} has loss "
            f"{values['loss'][failed]:g} and gradient norm "
            f"{values['gradient_norm'][failed]:g}; its batch is in {path}, "
            f"the last checkpoint is {saved.latest}"
        )

    def _check_best_metric(self, evaluation: Evaluation) -> None:
        metric = self._settings.best_metric
        for task, metrics in evaluation.items():
            if metric is not None and metric not in metrics:
                raise ValueError(
                    f"training.loop.best_metric: {task} has no metric {metric!r}; it has "
                    f"{sorted(metrics)}"
                )

    def _steps_to_events(self, step: int, evaluates: bool) -> list[int]:
        settings = self._settings
        periods = [settings.log_every, settings.checkpoint_every]
        periods += [settings.eval_every] if evaluates else []
        ahead = [period - step % period for period in periods if period]
        ahead += [kept - step for kept in self._keep_steps if kept > step]
        stage = self._stages[self._updates.stage(step)]
        return [*ahead, stage.first_step + stage.num_steps - step]

    def _is_due(self, step: int, every: int) -> bool:
        return step == self._num_steps or bool(every and step % every == 0)

    def _log(
        self,
        step: int,
        state: dict[str, Any],
        log: MetricsLog,
        progress: TrainingProgress,
        waited_s: float,
    ) -> None:
        """Writes a line, and once a warning, if the objective had time to learn."""
        pending, state["pending"] = state["pending"], {}
        values = {name: sum(v) / len(v) for name, v in pending.items()}
        log.write(step, "train", {**values, "tokens": state["tokens"]})
        speed = progress.update(step, state["tokens"], values, waited_s)
        log.summarise(step, "speed", speed)
        trained = self._stages[self._updates.stage(step - 1)]
        objective = trained.stage.objective
        needed = max(WARN_AFTER_STEPS, WARN_AFTER * trained.num_steps)
        is_late = step - trained.first_step >= needed
        if is_late and not self._warned and isinstance(objective, HasWarning):
            text = objective.warning(values)
            if text:
                self._warned = True
                progress.write(f"warning: step {step}: {text}")

    def _named(self, step: int) -> dict[str, tf.Variable]:
        """What a checkpoint after `step` updates holds: slots of the stage that ends."""
        slots = self._stages[self._updates.stage(max(step - 1, 0))].optimizer.slots
        return by_name(self._objective) | dict(slots)

    def _resume(self, saved: Checkpoints) -> tuple[int, dict[str, Any]]:
        """Updates done, and what a checkpoint says of them besides the variables."""
        state: dict[str, Any] = {
            "tokens": 0,
            "wall_s": 0.0,
            "speed": Speed().state,
            "pending": {},
            "evaluation": {},
            "evaluated": None,
            "random": random.VERSION,
            "computed_in": compute_type().name,
        }
        if self._loss_scale:
            state["loss_scale"] = [loss_scale.START, 0]
            self._loss_scale.restore(state["loss_scale"])
        prefix = saved.to_go_on()
        if prefix is None:
            return 0, state
        named = self._named(checkpoint_files.step_of_checkpoint(prefix))
        before = checkpoint_files.read_state(prefix)
        if checkpoint_files.step_of_checkpoint(prefix) != self._num_steps:
            self._check_same_numbers(prefix, before)
        step = checkpoints.restore(prefix, named)
        state |= before
        if self._loss_scale:
            self._loss_scale.restore(state["loss_scale"])
        if self._settings.best_metric and saved.best is None:
            # It may have been marked in a file that is lost; it is always among them.
            for one in (one for one in saved.steps if one < step):
                if not checkpoint_files.damage(saved.prefix(one)):
                    of_one = checkpoint_files.read_state(saved.prefix(one))
                    self._mark_if_best(saved, one, of_one)
        self._mark_if_best(saved, step, state)
        return step, state

    def _check_same_numbers(self, prefix: str, before: Mapping[str, Any]) -> None:
        """Checks that what is left to do is done as what was done.

        Raises:
            CheckpointError: it was begun with other random numbers or in another type.
        """
        if before.get("random", 1) != random.VERSION:
            raise checkpoint_files.CheckpointError(
                f"{prefix} is of a run that was begun with other random numbers (see "
                "CHANGELOG.md), which go on with the version that began it; begin it anew "
                "with --overwrite"
            )
        began_in, here = before.get("computed_in", "float32"), compute_type().name
        if began_in != here:
            raise checkpoint_files.CheckpointError(
                f"{prefix} is of a run that was begun in {began_in}, which "
                f"training.precision.name would make {here} here; bind it to "
                f"{began_in!r}, or begin the run anew with --overwrite"
            )

    def _mark_if_best(
        self, saved: Checkpoints, step: int, state: Mapping[str, Any]
    ) -> None:
        """Marks a checkpoint; done again on resuming, in case it was not reached."""
        metric = self._settings.best_metric
        if metric is None or state["evaluated"] != step:
            return
        values = [metrics[metric] for metrics in state["evaluation"].values()]
        value = sum(values) / len(values)
        if math.isnan(value):
            return
        best = saved.best
        sign = 1 if self._settings.higher_is_better else -1
        if best is None or best.step >= step or sign * value > sign * best.value:
            saved.mark_best(step, metric, value)


def more_steps(count: int, seconds: float) -> int:
    """How many steps the next call takes, if one of `count` steps took so long."""
    return 2 * count if seconds < ABOUT_S / 2 else count


@contextlib.contextmanager
def _interruption() -> Iterator[types.SimpleNamespace]:
    """Turns Ctrl-C and its like into a request that the loop sees between steps."""
    interruption = types.SimpleNamespace(requested=False)

    def request(number: int, frame: object) -> None:
        if interruption.requested:  # a second Ctrl-C means now
            raise KeyboardInterrupt("stopped at once, without a checkpoint")
        interruption.requested = True

    with handled(request, (signal.SIGINT, *ENDINGS)):
        yield interruption
