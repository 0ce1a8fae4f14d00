"""`electra-bench finetune`."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gin

from electra_bench.data import run_context
from electra_bench.records import (
    RunRecord,
    TaskCard,
    TaskResult,
    write_predictions,
    write_record,
)
from electra_bench.runs import building, plan, recording
from electra_bench.runs.batches import TrainingBatches
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.run_dir import check_spared, finished, open_run_dir
from electra_bench.runs.score_marks import score_marks
from electra_bench.runs.task_data import (
    TaskData,
    check_files,
    chosen_by,
    trainable_card,
)
from electra_bench.runs.task_training import TaskTraining
from electra_bench.tasks.mixtures import (
    PROPORTIONAL,
    mixed,
    mixing_rates,
    register_mixture,
)
from electra_bench.tasks.registration import load_task
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.checkpoints import Best, best_checkpoint
from electra_bench.training.evaluation import Evaluator, Scored
from electra_bench.training.strategy import make_deterministic
from electra_bench.training.trainer import Trainer

EVAL_BATCH_SIZE = 64


@gin.configurable(module="runs")
def finetune(
    session: Session,
    *,
    task: str | Sequence[str],
    workdir: str,
    seed: int | Sequence[int],
    init: str | None = None,
    init_at: float | Sequence[float] | None = None,
    model: str | None = None,
    vocab: str | None = None,
    vocabulary: str | None = None,
    label: str | None = None,
    data_dir: str | None = None,
    files: Mapping[str, str] | None = None,
    on_error: str | None = None,
    epochs: float | None = None,
    max_seq_length: int | None = None,
    batch_size: int = 32,
    composition: str = "by_length",
    mixing: str | float = PROPORTIONAL,
    frozen: Sequence[str] = (),
    weight_decay: float = 0.0,
    splits: Mapping[str, Sequence[str]] | None = None,
    protocol: str | None = None,
) -> list[RunRecord]:
    """Fine-tunes an encoder on one task or several, once for every seed, and scores it.

    Args:
        session: how the run was started.
        task: registered task or mixture, or several tasks, which share the encoder.
        workdir: every run's folder is made inside it.
        seed: one seed, or several for as many runs; of the heads' initial values, order
            and dropout.
        init: a run's folder, a checkpoint, or the original's model folder; None starts
            from random values. A fine-tuned run is an intermediate task: its encoder is
            taken, not its head.
        init_at: one or several fractions of the training of `init`, whose checkpoints of
            then are started from, in a run each; `runs.pretrain.keep_at` keeps them.
        model: registered model; None takes the one of `init`.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary; None tells by the file's content.
        label: row of the leaderboard; the label of `init` by default, with the tasks that
            it was fine-tuned on.
        data_dir: folder with data sets.
        files: split to path, for data that lies elsewhere.
        on_error: "raise" stops at a row of the data that cannot be used, "skip" leaves it
            out and marks the score; None does what is usual for the task.
        epochs: passes over the training set; None takes the card's, of several the least.
        max_seq_length: token limit; None takes the card's.
        batch_size: examples in an update.
        composition: "by_length" groups examples of similar length, padded to a multiple
            of 8; "random" draws batches at random and pads to the longest member, as the
            original composed them.
        mixing: how often several tasks are drawn: "proportional" to their sizes, "equal",
            or a temperature, see `mixing_rates`. Other than in proportion, batches are
            drawn at random whatever `composition` says.
        frozen: regular expressions; variables in whose name one is found are not trained.
        weight_decay: of the optimizer; pre-training has its own.
        splits: task to (split to train on, split to score), where the card's are not
            meant.
        protocol: set by the files in gin/protocols.

    Returns:
        The records, one a seed and fraction.
    """
    strategy = building.strategy(batch_size)
    mixture = mixed(task)
    cards = [trainable_card(name) for name in mixture.tasks]
    seeds = _seeds(seed)
    starts = [find_pretrained(init, at) for at in _fractions(init, init_at)]
    start = starts[0]
    model = model or start.of_record("model") or "electra"
    label = label or _label(start) or f"{model}-untrained"
    keep_freed_memory()
    make_deterministic()
    tokens = building.open_vocabulary(
        vocabulary, building.find_vocabulary(vocab, start.folder)
    )
    with run_context.use(
        vocabulary=tokens,
        data_dir=data_dir or run_context.current().data_dir,
        files=dict(files or {}),
        on_error=on_error,
    ):
        check_files(files or {}, mixture.tasks)
        data = [TaskData.load(card, splits, max_seq_length) for card in cards]
    sizes = [len(part.train.store) for part in data]
    rates = mixture.rates or mixing_rates(mixing, sizes)
    if len(cards) > 1:
        register_mixture(dict(zip(mixture.tasks, rates, strict=True)))
    parts = [d.train._replace(rate=r) for d, r in zip(data, rates, strict=True)]
    batches = TrainingBatches.passes(
        parts,
        batch_size,
        min(card.epochs for card in cards) if epochs is None else epochs,
        composition,
    )
    training = TaskTraining.build(
        strategy,
        model,
        cards,
        tokens,
        parts,
        batches,
        frozen=frozen,
        weight_decay=weight_decay,
    )
    building.check_length(training.objective.encoder, max(d.length for d in data))
    building.check_protocol(protocol)
    if training.settings.best_metric and not training.settings.eval_every:
        raise ValueError(
            "training.loop.best_metric needs evaluations: bind training.loop.eval_every"
        )
    _check_vocabulary(start, tokens)
    # Now, so that a checkpoint that does not fit is found before anything is written.
    for checkpoint in starts:
        training.reset(seeds[0], checkpoint)
    jobs = [
        _Job(
            session,
            mixture.name,
            label,
            model,
            protocol,
            tokens,
            data,
            begin,
            at,
            one,
            (training.settings.best_metric, training.settings.higher_is_better),
        )
        for begin, at in zip(starts, _fractions(init, init_at), strict=True)
        for one in seeds
    ]
    if session.dry_run:
        plan.show_training(
            ", ".join(os.path.join(workdir, job.name) for job in jobs),
            training.objective,
            {"task": mixture.name, "steps": batches.num_steps, "batch": batch_size},
            training.train_flops,
            parts[0].store,
            None,
        )
        return []
    trainer = training.trainer(f"finetune {label} {mixture.name}")
    evaluators = {
        (d.card.name, split): Evaluator(
            training.kinds[d.card.name],
            load_task(d.card.name),
            part.store,
            EVAL_BATCH_SIZE,
        )
        for d in data
        for split, part in d.scored
    }
    return [_run(job, workdir, training, trainer, evaluators) for job in jobs]


class _Job(NamedTuple):
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


Evaluators = Mapping[tuple[str, str], Evaluator]


def _run(
    job: _Job,
    workdir: str,
    training: TaskTraining,
    trainer: Trainer,
    evaluators: Evaluators,
) -> RunRecord:
    """Trains and scores one run, or finds it done."""
    session, run_dir = job.session, os.path.join(workdir, job.name)
    check_spared(job.start.checkpoint, run_dir, session.overwrite)
    config_text = session.snapshot(
        runs__finetune__seed=job.seed, runs__finetune__init_at=job.at
    )
    with open_run_dir(
        run_dir, config_text, job.content, session.overwrite
    ) as config_sha256:
        done = finished(run_dir)
        if done:
            print(f"{run_dir} is done already")
            return done
        session.begin()
        marks = {
            (d.card.name, split): score_marks(job.start, d.card, [d.train, part])
            for d in job.data
            for split, part in d.scored
        }
        for (task, _), found in marks.items():
            if "unseen positions" in found:
                print(f"warning: {task}: {found['unseen positions']}", flush=True)
        started = recording.now()
        building.copy_vocabulary(job.tokens, run_dir)
        building.save_model(run_dir, config_text, job.model)
        training.reset(job.seed, job.start)

        def evaluate(step: int) -> dict[str, dict[str, float]]:
            del step
            return {
                d.card.name: evaluators[d.card.name, d.scored[0][0]].score().metrics
                for d in job.data
            }

        trained = trainer.train(
            run_dir,
            job.seed,
            training.batches.dataset(job.seed),
            # Without periods the only evaluation is the one after training.
            evaluate if training.settings.eval_every else None,
        )
        best = best_checkpoint(run_dir) if job.choice[0] else None
        if best:
            training.restore(best.prefix)
        results = [
            _result(
                d.card,
                part,
                split,
                evaluators[d.card.name, split].score(),
                run_dir,
                marks[d.card.name, split] | _chosen_on(d, split, best),
            )
            for d in job.data
            for split, part in d.scored
        ]
        run = recording.Run(
            started,
            job.label,
            "finetune",
            job.seed,
            job.model,
            "multi_task" if len(job.data) > 1 else job.data[0].card.kind,
            job.protocol,
            config_text,
            config_sha256,
            job.tokens.sha256,
            job.start,
        )
        record = recording.make_record(
            run,
            name=job.name,
            encoder=training.objective.encoder,
            strategy=training.strategy,
            trained=trained,
            checkpoint=best.prefix if best else trained.checkpoint,
            train_examples=sum(len(d.train.store) for d in job.data),
            train_flops=training.train_flops,
            results=results,
            suite=session.suite,
            cell_id=session.cell_id,
            pretrain_seed=job.start.pretrain_seed,
            pretrain_fraction=job.start.of_record("pretrain_fraction"),
            positions_seen=job.start.of_record("positions_seen"),
            contaminated=job.start.of_record("contaminated") or {},
            collapsed=_any_collapsed(job.data, results),
            chosen_step=best.step if best else None,
        )
        write_record(run_dir, record)
    return record


def _label(start: Pretrained) -> str | None:
    """That of the checkpoint; of a fine-tuned one with what it was fine-tuned on."""
    if start.of_record("kind") != "finetune":
        return start.label
    tasks = dict.fromkeys(result.task for result in start.record.results)
    return "+".join([start.label, *tasks])


def _fractions(
    init: str | None, init_at: float | Sequence[float] | None
) -> list[float | None]:
    if init_at is None:
        return [None]
    found = [init_at] if isinstance(init_at, int | float) else list(init_at)
    if init is None or not found or not all(0 < at <= 1 for at in found):
        raise ValueError(
            f"init_at takes fractions, above 0 and at most 1, of the training of INIT; "
            f"got {init_at!r} and INIT {init!r}"
        )
    return found


def _check_vocabulary(pretrained: Pretrained, tokens: Any) -> None:
    change = pretrained.vocabulary_change(tokens)
    if change:
        raise ValueError(
            f"{tokens.path} has {change.num_new} tokens that the vocabulary in "
            f"{pretrained.folder} lacks, or another order: fine-tune with the vocabulary "
            "of INIT, or continue its pre-training with this one"
        )


def _seeds(seed: int | Sequence[int]) -> list[int]:
    seeds = [seed] if isinstance(seed, int) else list(seed)
    numbers = all(isinstance(number, int) and number >= 0 for number in seeds)
    if not seeds or not numbers or len(set(seeds)) < len(seeds):
        raise ValueError(
            f"SEED must be one or several different whole numbers >= 0, got {seed!r}"
        )
    return seeds


def _chosen_on(data: TaskData, split: str, best: Best | None) -> dict[str, str]:
    """The mark of a score that the checkpoint was chosen by."""
    if best is None or split != data.scored[0][0]:
        return {}
    return {
        "best on it": f"the checkpoint of step {best.step} was chosen by {best.metric} on "
        "this split"
    }


def _result(
    card: TaskCard,
    part: Any,
    split: str,
    scored: Scored,
    run_dir: str,
    marks: Mapping[str, str],
) -> TaskResult:
    path = os.path.join("predictions", f"{card.name}-{split}.jsonl.gz")
    os.makedirs(os.path.join(run_dir, "predictions"), exist_ok=True)
    write_predictions(os.path.join(run_dir, path), scored.predictions)
    size = len(scored.predictions)
    published = card.splits.get(split)
    return TaskResult(
        task=card.name,
        task_version=card.version,
        split=split,
        subset=None if published in (None, size) else f"{size} of {published}",
        num_examples=size,
        metrics=scored.metrics,
        main_metric=card.main_metric,
        data_sha256=part.data_sha256,
        higher_is_better=card.higher_is_better,
        floor=card.floor,
        marks=marks,
        predictions_path=path,
        predictions_sha256=recording.sha256_of_file(os.path.join(run_dir, path)),
    )


def _any_collapsed(
    data: Sequence[TaskData], results: Sequence[TaskResult]
) -> bool | None:
    """Whether a task's main split is answered no better than trivially."""
    main = {(d.card.name, d.scored[0][0]): d.card for d in data}
    found = [
        _collapsed(main[result.task, result.split], result)
        for result in results
        if (result.task, result.split) in main
    ]
    return None if all(f is None for f in found) else any(found)


def _collapsed(card: TaskCard, result: TaskResult) -> bool | None:
    score = result.main_score
    if score is None or card.floor is None:
        return None
    if math.isnan(score):
        return True
    return score <= card.floor if card.higher_is_better else score >= card.floor
