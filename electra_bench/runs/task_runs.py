"""The runs of one `finetune` command: one a seed, and what it starts from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from electra_bench.core import Objective
from electra_bench.core.optional import HasForwardFlops, tasks_of
from electra_bench.models.flops import TRAIN_FACTOR
from electra_bench.records import RunRecord
from electra_bench.runs import building, recording
from electra_bench.runs.identity import Inputs, code_sha256
from electra_bench.runs.lifecycle import open_run
from electra_bench.runs.pretrained import Pretrained
from electra_bench.runs.score_marks import score_marks
from electra_bench.runs.session import Session
from electra_bench.runs.spec import RunSpec
from electra_bench.runs.task_data import TaskData, chosen_by
from electra_bench.runs.task_results import (
    any_collapsed,
    chosen_on,
    other_training_set,
    task_result,
)
from electra_bench.runs.training import Training
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.registration import load_task
from electra_bench.training.batches import TrainingBatches
from electra_bench.training.checkpoints import best_checkpoint
from electra_bench.training.evaluation import Evaluator
from electra_bench.training.trainer import Trainer

EVAL_BATCH_SIZE = 64


class TaskRuns(NamedTuple):
    """What all seeds share.

    Attributes:
        session: how the command was started.
        workdir: the runs' folders are made inside it.
        training: what is trained; it is reset for every run.
        trainer: of it.
        batches: what is trained on.
        data: of every task.
        tokenizer: of the vocabulary.
        evaluators: task and split to what scores it.
    """

    session: Session
    workdir: str
    training: Training
    trainer: Trainer
    batches: TrainingBatches
    data: Sequence[TaskData]
    tokenizer: Any
    evaluators: Mapping[tuple[str, str], Evaluator]

    @classmethod
    def of(
        cls,
        session: Session,
        workdir: str,
        training: Training,
        trainer: Trainer,
        batches: TrainingBatches,
        data: Sequence[TaskData],
        tokenizer: Any,
    ) -> "TaskRuns":
        """With what scores every split of the tasks."""
        kinds = tasks_of(training.objective, data[0].card.name)
        evaluators = {
            (d.card.name, split): Evaluator(
                kinds[d.card.name], load_task(d.card.name), part.store, EVAL_BATCH_SIZE
            )
            for d in data
            for split, part in d.scored
        }
        return cls(
            session, workdir, training, trainer, batches, data, tokenizer, evaluators
        )

    def run(
        self, spec: RunSpec, start: Pretrained, shared: Mapping[str, Any]
    ) -> RunRecord:
        """Trains, scores and writes the record, or finds the run done.

        Args:
            spec: the run.
            start: what it starts from.
            shared: fields that all records have.
        """
        training, data, seed = self.training, self.data, spec.seed or 0
        inputs = self._inputs(spec, start, shared["model"])
        spared = [start.checkpoint]
        with open_run(self.session, spec, inputs, self.workdir, spared=spared) as run:
            if run.record:
                return run.record
            marks = self._marks(start)
            building.save_start(run.folder, spec.text, shared["model"], self.tokenizer)
            training.reset(seed, start)
            trained = self.trainer.train(
                run.folder,
                seed,
                self.batches.dataset(seed),
                # Without periods the only evaluation is the one after training.
                self._evaluation() if training.loop.eval_every else None,
            )
            best = best_checkpoint(run.folder) if training.loop.best_metric else None
            if best:
                training.restore(best.prefix)
            results = [
                task_result(
                    d.card,
                    split,
                    part,
                    self.evaluators[d.card.name, split].score(
                        f"score {d.card.name} {split}"
                    ),
                    run.folder,
                    marks[d.card.name, split] | chosen_on(d, split, best),
                )
                for d in data
                for split, part in d.scored
            ]
            return run.finish(
                **shared,
                objective="multi_task" if len(data) > 1 else data[0].card.kind,
                train_examples=sum(len(d.train.store) for d in data),
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

    def _inputs(self, spec: RunSpec, start: Pretrained, model: str) -> Inputs:
        loop = self.training.loop
        content = {"vocabulary": self.tokenizer.sha256, "init": start.sha256}
        content |= chosen_by(loop.best_metric, loop.higher_is_better)
        for part in self.data:
            content |= part.content
        members = [part.card.name for part in self.data]
        code = code_sha256(spec.root, spec.parameters, [f"models.{model}"], members)
        return Inputs.of(content, code, start.origin)

    def _marks(self, start: Pretrained) -> dict[tuple[str, str], dict[str, str]]:
        """Task and split to the marks of its score; what concerns users now is printed."""
        marks = {
            (d.card.name, split): score_marks(start, d.card, [d.train, part])
            | other_training_set(d)
            for d in self.data
            for split, part in d.scored
        }
        for (task, _), found in marks.items():
            if "unseen positions" in found:
                print(f"warning: {task}: {found['unseen positions']}", flush=True)
        return marks

    def _evaluation(self) -> Callable[[int], dict[str, dict[str, float]]]:
        """What is measured while it trains: the main split of every task."""

        def evaluate(step: int) -> dict[str, dict[str, float]]:
            del step
            return {
                d.card.name: self.evaluators[d.card.name, d.scored[0][0]]
                .score()
                .metrics
                for d in self.data
            }

        return evaluate


def task_train_flops(
    objective: Objective, parts: Sequence[TaskExamples], batches: TrainingBatches
) -> float | None:
    """FLOPs of the encoder over a fine-tuning, method v2, without padding.

    The heads' share, below a thousandth, is left out, and frozen variables count as
    trained.

    Args:
        objective: as built.
        parts: what is trained on.
        batches: of these.

    Returns:
        None for an encoder that counts none.
    """
    if not isinstance(objective.encoder, HasForwardFlops):
        return None
    count = objective.encoder.forward_flops
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
