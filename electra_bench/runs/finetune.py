"""`electra-bench finetune`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gin

from electra_bench import config
from electra_bench.config.ranges import Length, NotNegative, Positive, Share
from electra_bench.config.roles import (
    Content,
    Detail,
    Machine,
    PerTask,
    Result,
    Seed,
    Subject,
)
from electra_bench.data import run_context
from electra_bench.models.factory import check_length
from electra_bench.protocols import presets
from electra_bench.protocols.protocol import check_protocol, protocol_fields
from electra_bench.records import RunRecord, TaskCard
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.session import Session
from electra_bench.runs.spec import RunSpec
from electra_bench.runs.task_runs import TaskRuns
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.leaks.find import find_leaks, not_looked_up
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.mixtures import (
    PROPORTIONAL,
    Mixed,
    mixed,
    mixing_rates,
    register_mixture,
)
from electra_bench.tasks.task_data import (
    Settings,
    TaskData,
    check_files,
    trainable_card,
    with_settings,
)
from electra_bench.training import dry_run
from electra_bench.training.batches import TrainingBatches
from electra_bench.training.build import (
    build_training,
    prepare,
    strategy_for,
    task_objective,
)
from electra_bench.training.trainer import Loop
from electra_bench.vocabularies.load import open_vocabulary


@gin.configurable(module="runs")
def finetune(
    session: Session,
    *,
    task: Subject[str | Sequence[str]],
    workdir: Machine[str],
    seed: Seed[int | Sequence[int]],
    init: Content[str | None] = None,
    init_at: Detail[float | Sequence[float] | None] = None,
    model: Subject[str | None] = None,
    vocab: Content[str | None] = None,
    vocabulary: Subject[str | None] = None,
    label: Machine[str | None] = None,
    data_dir: Machine[str | None] = None,
    files: Content[Mapping[str, str | Sequence[str]] | None] = None,
    on_error: PerTask[str | None] = None,
    max_skipped: Machine[Share[float]] = run_context.MAX_SKIPPED,
    epochs: PerTask[Positive[float] | None] = None,
    max_seq_length: PerTask[Length[int] | None] = None,
    batch_size: Result[Positive[int]] = 32,
    composition: Result[str] = "by_length",
    mixing: Result[str | Positive[float]] = PROPORTIONAL,
    frozen: Result[Sequence[str]] = (),
    weight_decay: Result[NotNegative[float]] = 0.0,
    splits: PerTask[Mapping[str, Sequence[str]] | None] = None,
    task_settings: PerTask[Settings | None] = None,
    held_out: PerTask[float] = 0.0,
    choice: Detail[Mapping[str, Any] | None] = None,
    protocol: Result[str | None] = None,
    preset: Machine[str | None] = None,
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
        files: split to its files, names or globs, for data that lies elsewhere.
        on_error: "raise" stops at a row of the data that cannot be used, "skip" leaves it
            out and marks the score; None does what is usual for the task.
        max_skipped: share of a file's rows that may be left out, from 0 to 1; if more
            cannot be used, the run stops.
        epochs: passes over the training set; None takes the card's, of several the least.
        max_seq_length: token limit; None takes the card's.
        batch_size: examples in an update.
        composition: "by_length" groups examples of similar length; "random" draws
            batches at random, as the original composed them. Either pads to the longest
            member, and on to one of the few lengths of `padded_lengths`. "packed" draws
            batches at random and puts several short examples into a row, where none sees
            another.
        mixing: how often several tasks are drawn: "proportional" to their sizes, "equal",
            or a temperature, see `mixing_rates`. Other than in proportion, batches are
            drawn at random whatever `composition` says.
        frozen: regular expressions; variables in whose name one is found are not trained.
        weight_decay: of the optimizer; pre-training has its own.
        splits: task to (split to train on, split to score), where the card's are not
            meant.
        task_settings: task to its `epochs` and `max_seq_length`, where the card's are not
            meant; those of the run, if given, hold for all tasks.
        held_out: share of the training set, by whole groups, that is not trained on but
            scored, and no split else: of a trial, whose settings are compared with others.
        choice: of which trials the settings were the best, for the record: `trials`, how
            many; `values`, gin key to what was tried; `on`, what they were compared on.
        protocol: set by the files in gin/protocols.
        preset: set by the files in gin/presets, to say which one was taken.

    Returns:
        The records, one a seed and fraction.
    """
    prepare()
    strategy = strategy_for(batch_size)
    mixture = mixed(task)
    cards = [
        with_settings(trainable_card(name), task_settings) for name in mixture.tasks
    ]
    seeds, fractions = _seeds(seed), _fractions(init, init_at)
    starts = {at: find_pretrained(init, at) for at in fractions}
    start = starts[fractions[0]]
    model = model or start.of_record("model") or "electra"
    label = label or _label(start) or f"{model}-untrained"
    _check_choice(choice)
    _check_share(held_out)
    tokenizer = open_vocabulary(vocabulary, vocab, start.folder)
    with run_context.use(
        vocabulary=tokenizer,
        data_dir=data_dir or run_context.current().data_dir,
        files=dict(files or {}),
        on_error=on_error,
        max_skipped=max_skipped,
    ):
        check_files(files or {}, mixture.tasks)
        data = [TaskData.load(card, splits, max_seq_length, held_out) for card in cards]
        leaks = {} if session.dry_run else _leaks(data, start)
    parts = _parts(mixture, data, mixing)
    passes = min(card.epochs for card in cards) if epochs is None else epochs
    batches = TrainingBatches.passes(parts, batch_size, passes, composition)
    training = build_training(
        strategy,
        lambda variables: task_objective(cards, model, variables, tokenizer),
        lambda built: (batches.num_steps, batches.train_flops(built.encoder)),
        frozen=frozen,
        weight_decay=weight_decay,
    )
    built, loop = training.objective, training.loop
    check_length(built.encoder, max(d.length for d in data))
    if batches.is_packed:
        training.check_packing()
    check_protocol(protocol, "finetune")
    _check_evaluations(loop)
    _check_vocabulary(start, tokenizer)
    # Now, so that a checkpoint that does not fit is found before anything is written.
    for one in starts.values():
        training.reset(seeds[0], one.checkpoint)

    def name(one: int, at: float | None) -> str:
        fraction = "" if at is None else f"-at{at:g}"
        return f"{label}-{mixture.name}{fraction}-s{one}"

    specs = session.spec(label, mixture.name).expand(seeds, fractions, name)
    if session.dry_run:
        dry_run.show_training(
            ", ".join(os.path.join(workdir, spec.name) for spec, _ in specs),
            training,
            {
                "task": mixture.name,
                "steps": training.num_steps,
                "batch": batch_size,
                "preset": presets.told(specs[0][0].parameters),
            },
            batches,
            seeds[0],
        )
        return []
    parameters = _parameters(specs[0][0], cards, max_seq_length)
    shared = {
        "model": model,
        "vocab_sha256": tokenizer.sha256,
        "texts": tuple(d.training_text for d in data),
        "texts_before": start.texts_seen,
        "choice": _choice(choice, specs[0][0]),
        **protocol_fields(protocol, "finetune", parameters, start.record),
    }
    trainer = training.trainer(f"finetune {label} {mixture.name}")
    runs = TaskRuns(
        session, workdir, training, trainer, batches, data, leaks, tokenizer, shared
    )
    return [runs.run(spec, starts[at]) for spec, at in specs]


def _choice(choice: Mapping[str, Any] | None, spec: RunSpec) -> Mapping[str, Any]:
    """What a record says of the choice of settings, with the parameters that they set."""
    if not choice:
        return {}
    keys = set(choice["values"])
    return {**choice, "parameters": sorted(config.set_by(spec.text, keys))}


def _leaks(data: Sequence[TaskData], start: Pretrained) -> dict[tuple, Leaks]:
    """What is seen of every split that is scored: in any training set, and before."""
    scored = [
        (Split.here(d.card.name, split, part.data_sha256), part.num_examples)
        for d in data
        for split, part in d.scored
    ]
    if any(d.is_trial for d in data):
        why = "a trial, whose score no table shows"
        return {(s.task, s.split): not_looked_up(size, why) for s, size in scored}
    trained = [
        Split.here(d.card.name, d.train_split, d.train.data_sha256) for d in data
    ]
    return find_leaks(scored, trained, start.texts_seen)


def _parameters(
    spec: RunSpec, cards: Sequence[TaskCard], max_seq_length: int | None
) -> dict[str, Any]:
    """What a protocol is compared with: a limit that is said as on the cards is none."""
    if any(card.max_seq_length != max_seq_length for card in cards):
        return dict(spec.parameters)
    return {**spec.parameters, "runs.finetune.max_seq_length": None}


def _check_choice(choice: Mapping[str, Any] | None) -> None:
    unsaid = {"trials", "values", "on"} - set(choice or ("trials", "values", "on"))
    if unsaid:
        raise ValueError(f"runs.finetune.choice lacks {', '.join(sorted(unsaid))}")


def _check_share(held_out: float) -> None:
    if not 0 <= held_out < 1:
        raise ValueError(
            f"runs.finetune.held_out must be at least 0 and below 1, got {held_out}"
        )


def _check_evaluations(loop: Loop) -> None:
    if loop.best_metric and not loop.eval_every:
        raise ValueError(
            "training.loop.best_metric needs evaluations: bind training.loop.eval_every"
        )


def _parts(
    mixture: Mixed, data: Sequence[TaskData], mixing: str | float
) -> list[TaskExamples]:
    """What is trained on, with its rates; several tasks become a mixture of seqio's."""
    # Of rows, so that one in proportion draws every window of a question as often.
    rates = mixture.rates or mixing_rates(mixing, [len(d.train.store) for d in data])
    if len(data) > 1:
        register_mixture(dict(zip(mixture.tasks, rates, strict=True)))
    return [d.train._replace(rate=r) for d, r in zip(data, rates, strict=True)]


def _label(start: Pretrained) -> str | None:
    """That of the checkpoint; of a fine-tuned one with what it was fine-tuned on."""
    if start.record is None or start.record.kind != "finetune":
        return start.label
    return "+".join([start.record.label, *start.record.tasks])


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
    return [*found]


def _check_vocabulary(pretrained: Pretrained, tokenizer: Any) -> None:
    change = pretrained.vocabulary_change(tokenizer)
    if change:
        raise ValueError(
            f"{tokenizer.path} has {change.num_new} tokens that the vocabulary in "
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
