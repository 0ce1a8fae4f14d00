"""The runs of one `finetune` command: one a seed, and what it starts from."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from electra_bench.core.optional import tasks_of
from electra_bench.core.variables import by_name
from electra_bench.protocols import presets
from electra_bench.records import RunRecord
from electra_bench.runs import recording
from electra_bench.runs.identity import Inputs, chosen_by, inputs_of
from electra_bench.runs.lifecycle import open_run
from electra_bench.runs.pretrained import Pretrained
from electra_bench.runs.session import Session
from electra_bench.runs.spec import RunSpec
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.results import (
    ONE_ANSWER,
    any_collapsed,
    other_training_set,
    score_marks,
    task_result,
)
from electra_bench.tasks.task_data import TaskData
from electra_bench.training.batches import TrainingBatches
from electra_bench.training.build import Training
from electra_bench.training.checkpoints import Best, best_checkpoint, restore
from electra_bench.training.evaluation import Evaluator
from electra_bench.training.trainer import Trainer

EVAL_BATCH_SIZE = 64


@dataclasses.dataclass(frozen=True)
class TaskRuns:
    """What all seeds share.

    Attributes:
        session: how the command was started.
        workdir: the runs' folders are made inside it.
        training: what is trained; it is reset for every run.
        trainer: of it.
        batches: what it is trained on.
        data: of every task.
        leaks: task and split to what is seen of it in training and before.
        tokenizer: of the vocabulary.
        shared: fields that all records have.
    """

    session: Session
    workdir: str
    training: Training
    trainer: Trainer
    batches: TrainingBatches
    data: Sequence[TaskData]
    leaks: Mapping[tuple[str, str], Leaks]
    tokenizer: Any
    shared: Mapping[str, Any]

    @functools.cached_property
    def _evaluators(self) -> dict[tuple[str, str], Evaluator]:
        """Task and split to what scores it."""
        kinds = tasks_of(self.training.objective, self.data[0].card.name)
        return {
            (d.card.name, split): Evaluator(
                kinds[d.card.name],
                load_task(d.card.name),
                part.store,
                EVAL_BATCH_SIZE,
                self.training.strategy,
            )
            for d in self.data
            for split, part in d.scored
        }

    def run(self, spec: RunSpec, start: Pretrained) -> RunRecord:
        """Trains, scores and writes the record, or finds the run done."""
        training, data, seed = self.training, self.data, spec.seed or 0
        inputs = self._inputs(spec, start)
        spared = [start.checkpoint]
        with open_run(self.session, spec, inputs, self.workdir, spared=spared) as run:
            if run.record:
                return run.record
            print(f"{spec.name}: preset {presets.told(spec.parameters)}", flush=True)
            marks = self._marks(start)
            recording.save_start(
                run.folder, spec.text, self.shared["model"], self.tokenizer
            )
            training.reset(seed, start.checkpoint)
            trained = self.trainer.train(
                run.folder,
                seed,
                self.batches.dataset(seed),
                # Without periods the only evaluation is the one after training.
                self._evaluate if training.loop.eval_every else None,
            )
            best = best_checkpoint(run.folder) if training.loop.best_metric else None
            # One a period, and the last.
            compared = math.ceil(trained.steps / (training.loop.eval_every or math.inf))
            if best:
                restore(best.prefix, by_name(training.objective))
            results = [
                task_result(
                    d.card,
                    split,
                    part,
                    self._evaluators[d.card.name, split].score(
                        f"score {d.card.name} {split}"
                    ),
                    run.folder,
                    marks[d.card.name, split] | _chosen_on(d, split, best, compared),
                    self.leaks[d.card.name, split],
                )
                for d in data
                for split, part in d.scored
            ]
            for one in results:
                if ONE_ANSWER in one.marks:
                    line = one.marks[ONE_ANSWER]
                    print(f"warning: {one.task} {one.split}: {line}", flush=True)
            return run.finish(
                **self.shared,
                objective="multi_task" if len(data) > 1 else data[0].card.kind,
                train_examples=sum(d.train.num_examples for d in data),
                train_data_sha256={
                    f"{d.card.name} {d.train_split}": d.train.data_sha256 for d in data
                },
                results=tuple(results),
                collapsed=any_collapsed(data, results),
                chosen_step=best.step if best else None,
                pretrain_seed=start.pretrain_seed,
                pretrain_fraction=start.of_record("pretrain_fraction"),
                paper_flops=start.of_record("paper_flops"),
                positions_seen=start.of_record("positions_seen"),
                contaminated=start.of_record("contaminated") or {},
                **recording.trained_fields(
                    trained,
                    training,
                    start,
                    best.prefix if best else trained.checkpoint,
                ),
            )

    def _inputs(self, spec: RunSpec, start: Pretrained) -> Inputs:
        loop = self.training.loop
        content = {"vocabulary": self.tokenizer.sha256, "init": start.sha256}
        content |= chosen_by(loop.best_metric, loop.higher_is_better)
        for part in self.data:
            content |= part.content
        builders = [f"models.{self.shared['model']}"]
        return inputs_of(spec.root, spec.parameters, content, builders, start.start)

    def _marks(self, start: Pretrained) -> dict[tuple[str, str], dict[str, str]]:
        """Task and split to the marks of its score; what concerns users now is printed."""
        marks = {
            (d.card.name, split): score_marks(
                start.record, d.card, [d.train, part], self.leaks[d.card.name, split]
            )
            | other_training_set(d)
            | dict(start.marks)
            for d in self.data
            for split, part in d.scored
        }
        is_trial = any(d.is_trial for d in self.data)
        for (task, split), found in marks.items():
            if "unseen positions" in found:
                print(f"warning: {task}: {found['unseen positions']}", flush=True)
            # Nobody shows the scores of trials.
            for line in () if is_trial else self.leaks[task, split].warnings:
                print(f"warning: {task} {split}: {line}", flush=True)
        return marks

    def _evaluate(self, step: int) -> dict[str, dict[str, float]]:
        """What is measured while it trains: the main split of every task."""
        del step
        main = {d.card.name: (d.card.name, d.scored[0][0]) for d in self.data}
        return {task: self._evaluators[of].score().metrics for task, of in main.items()}


def _chosen_on(
    data: TaskData, split: str, best: Best | None, compared: int
) -> dict[str, str]:
    """The mark of a score that the checkpoint was chosen by; none for other scores.

    Args:
        data: of the task.
        split: that was scored.
        best: the checkpoint; None for the last one.
        compared: number of checkpoints that it is the best of.
    """
    if best is None or split != data.scored[0][0]:
        return {}
    return {
        f"best of {compared} on it": f"the checkpoint of step {best.step} was chosen by "
        f"{best.metric} on this split"
    }
