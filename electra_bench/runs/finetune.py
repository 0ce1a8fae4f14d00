"""`electra-bench finetune`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gin

from electra_bench.data import run_context
from electra_bench.records import RunRecord
from electra_bench.runs import building, plan
from electra_bench.runs.batches import TrainingBatches
from electra_bench.runs.finetune_job import FinetuneJob, make_evaluators
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.task_data import (
    Settings,
    TaskData,
    check_files,
    trainable_card,
    with_settings,
)
from electra_bench.runs.task_training import TaskTraining
from electra_bench.tasks.mixtures import (
    PROPORTIONAL,
    mixed,
    mixing_rates,
    register_mixture,
)
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.strategy import make_deterministic


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
    task_settings: Settings | None = None,
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
        task_settings: task to its `epochs` and `max_seq_length`, where the card's are not
            meant; those of the run, if given, hold for all tasks.
        protocol: set by the files in gin/protocols.

    Returns:
        The records, one a seed and fraction.
    """
    strategy = building.strategy(batch_size)
    mixture = mixed(task)
    cards = [
        with_settings(trainable_card(name), task_settings) for name in mixture.tasks
    ]
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
        FinetuneJob(
            session=session,
            mixture=mixture.name,
            label=label,
            model=model,
            protocol=protocol,
            tokens=tokens,
            data=data,
            start=begin,
            at=at,
            seed=one,
            choice=(training.settings.best_metric, training.settings.higher_is_better),
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
    evaluators = make_evaluators(data, training)
    return [job.run(workdir, training, trainer, evaluators) for job in jobs]


def _label(start: Pretrained) -> str | None:
    """That of the checkpoint; of a fine-tuned one with what it was fine-tuned on."""
    if start.of_record("kind") != "finetune":
        return start.label
    return "+".join([start.label, *start.record.tasks])


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
