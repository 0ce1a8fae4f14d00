"""One run of `finetune`: a seed, and what it starts from."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.records import RunRecord, write_record
from electra_bench.runs import building, recording
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained
from electra_bench.runs.run_dir import check_spared, finished, open_run_dir
from electra_bench.runs.score_marks import score_marks
from electra_bench.runs.task_data import TaskData, chosen_by
from electra_bench.runs.task_results import (
    any_collapsed,
    chosen_on,
    other_training_set,
    task_result,
)
from electra_bench.runs.task_training import TaskTraining
from electra_bench.tasks.registration import load_task
from electra_bench.training.checkpoints import best_checkpoint
from electra_bench.training.evaluation import Evaluator
from electra_bench.training.trainer import Trainer

EVAL_BATCH_SIZE = 64

# Task and split to what scores it.
Evaluators = Mapping[tuple[str, str], Evaluator]


def make_evaluators(data: Sequence[TaskData], training: TaskTraining) -> Evaluators:
    """What scores every split of the tasks."""
    return {
        (d.card.name, split): Evaluator(
            training.kinds[d.card.name],
            load_task(d.card.name),
            part.store,
            EVAL_BATCH_SIZE,
        )
        for d in data
        for split, part in d.scored
    }


class FinetuneJob(NamedTuple):
    """One run of the command.

    Attributes:
        session: how the command was started.
        mixture: name of the task or mixture.
        label: row of the leaderboard.
        model: registered model; `protocol`: its name.
        protocol: set by the files in gin/protocols.
        tokens: the vocabulary.
        data: of every task.
        start: what it starts from; `at`: after which fraction of its training.
        at: None for all of it.
        seed: of this run.
        choice: metric that the scored checkpoint is chosen by, None for the last one; and
            whether higher is better.
    """

    session: Session
    mixture: str
    label: str
    model: str
    protocol: str | None
    tokens: Any
    data: Sequence[TaskData]
    start: Pretrained
    at: float | None
    seed: int
    choice: tuple[str | None, bool]

    @property
    def name(self) -> str:
        """The folder's."""
        at = "" if self.at is None else f"-at{self.at:g}"
        return f"{self.label}-{self.mixture}{at}-s{self.seed}"

    @property
    def content(self) -> dict[str, str | None]:
        """What its inputs held."""
        content = {"vocabulary": self.tokens.sha256, "init": self.start.sha256}
        content |= chosen_by(*self.choice)
        for part in self.data:
            content |= part.content
        return content

    def run(
        self,
        workdir: str,
        training: TaskTraining,
        trainer: Trainer,
        evaluators: Evaluators,
    ) -> RunRecord:
        """Trains, scores and writes the record, or finds the run done.

        Args:
            workdir: the run's folder is made inside it.
            training: what is trained; it is reset first.
            trainer: of it.
            evaluators: of every split that is scored.
        """
        session, run_dir = self.session, os.path.join(workdir, self.name)
        check_spared(self.start.checkpoint, run_dir, session.overwrite)
        config_text = session.snapshot(
            runs__finetune__seed=self.seed, runs__finetune__init_at=self.at
        )
        with open_run_dir(
            run_dir, config_text, self.content, session.overwrite
        ) as config_sha256:
            done = finished(run_dir)
            if done:
                print(f"{run_dir} is done already")
                return done
            session.begin()
            marks = self._marks()
            run = recording.Run(
                recording.now(),
                self.label,
                "finetune",
                self.seed,
                self.model,
                "multi_task" if len(self.data) > 1 else self.data[0].card.kind,
                self.protocol,
                config_text,
                config_sha256,
                self.tokens.sha256,
                self.start,
            )
            building.copy_vocabulary(self.tokens, run_dir)
            building.save_model(run_dir, config_text, self.model)
            training.reset(self.seed, self.start)
            trained = trainer.train(
                run_dir,
                self.seed,
                training.batches.dataset(self.seed),
                # Without periods the only evaluation is the one after training.
                self._evaluation(evaluators) if training.settings.eval_every else None,
            )
            best = best_checkpoint(run_dir) if self.choice[0] else None
            if best:
                training.restore(best.prefix)
            results = [
                task_result(
                    d.card,
                    split,
                    part,
                    evaluators[d.card.name, split].score(
                        f"score {d.card.name} {split}"
                    ),
                    run_dir,
                    marks[d.card.name, split] | chosen_on(d, split, best),
                )
                for d in self.data
                for split, part in d.scored
            ]
            record = recording.make_record(
                run,
                name=self.name,
                encoder=training.objective.encoder,
                strategy=training.strategy,
                trained=trained,
                checkpoint=best.prefix if best else trained.checkpoint,
                train_examples=sum(len(d.train.store) for d in self.data),
                train_flops=training.train_flops,
                results=results,
                suite=session.suite,
                cell_id=session.cell_id,
                pretrain_seed=self.start.pretrain_seed,
                pretrain_fraction=self.start.of_record("pretrain_fraction"),
                paper_flops=self.start.of_record("paper_flops"),
                positions_seen=self.start.of_record("positions_seen"),
                contaminated=self.start.of_record("contaminated") or {},
                collapsed=any_collapsed(self.data, results),
                chosen_step=best.step if best else None,
            )
            write_record(run_dir, record)
        return record

    def _marks(self) -> dict[tuple[str, str], dict[str, str]]:
        """Task and split to the marks of its score; what concerns users now is printed."""
        marks = {
            (d.card.name, split): score_marks(self.start, d.card, [d.train, part])
            | other_training_set(d)
            for d in self.data
            for split, part in d.scored
        }
        for (task, _), found in marks.items():
            if "unseen positions" in found:
                print(f"warning: {task}: {found['unseen positions']}", flush=True)
        return marks

    def _evaluation(
        self, evaluators: Evaluators
    ) -> Callable[[int], dict[str, dict[str, float]]]:
        """What is measured while it trains: the main split of every task."""

        def evaluate(step: int) -> dict[str, dict[str, float]]:
            del step
            return {
                d.card.name: evaluators[d.card.name, d.scored[0][0]].score().metrics
                for d in self.data
            }

        return evaluate
