"""`electra-bench pretrain`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gin
import seqio
from absl import logging

from electra_bench import registry
from electra_bench.config.ranges import Length, Positive, PositiveShare
from electra_bench.config.roles import Content, Detail, Machine, Result, Seed, Subject
from electra_bench.core import Objective
from electra_bench.core.optional import HasPaperFlops, HasTokenCounts, HasTrainFlops
from electra_bench.core.variables import by_name
from electra_bench.data import run_context
from electra_bench.models.factory import check_length
from electra_bench.protocols.protocol import check_protocol, protocol_fields
from electra_bench.records import RunRecord
from electra_bench.records.leaks import TrainingText
from electra_bench.runs import recording
from electra_bench.runs.identity import inputs_of
from electra_bench.runs.lifecycle import open_run
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.session import Session
from electra_bench.tasks.corpora.beginning import losses_at_the_beginning
from electra_bench.tasks.corpora.configured import register_corpora
from electra_bench.tasks.examples import (
    TaskExamples,
    examples,
    sample,
    token_counts,
)
from electra_bench.tasks.leaks.find import look_up_known
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.results import inherited_marks
from electra_bench.training import dry_run
from electra_bench.training.batches import TrainingBatches
from electra_bench.training.build import (
    Training,
    build_training,
    prepare,
    pretraining_objective,
    strategy_for,
)
from electra_bench.training.checkpoints import restore
from electra_bench.training.held_out import HeldOut
from electra_bench.vocabularies.load import open_vocabulary


@gin.configurable(module="runs")
def pretrain(
    session: Session,
    *,
    model: Subject[str],
    objective: Subject[str],
    corpus: Subject[str | Mapping[str, Positive[float]]],
    vocab: Content[str],
    workdir: Machine[str],
    seed: Seed[int],
    batch_size: Subject[Positive[int]],
    max_seq_length: Subject[Length[int]],
    train_steps: Subject[Positive[int] | None] = None,
    train_flops: Subject[Positive[float] | None] = None,
    corpora: Detail[Mapping[str, Mapping[str, Any]] | None] = None,
    vocabulary: Subject[str | None] = None,
    label: Machine[str | None] = None,
    init: Content[str | None] = None,
    data_dir: Machine[str | None] = None,
    eval_batches: Detail[Positive[int]] = 20,
    packed: Result[bool] = False,
    processes: Machine[Positive[int] | None] = None,
    keep_at: Machine[Sequence[PositiveShare[float]]] = (),
    contaminated: Result[Mapping[str, str] | None] = None,
    protocol: Result[str | None] = None,
) -> RunRecord:
    """Pre-trains an encoder and writes a run's folder.

    Args:
        session: how the run was started.
        model: registered model.
        objective: registered pre-training objective.
        corpus: registered corpus, one of `corpora`, or corpora with their mixing rates.
        vocab: vocabulary file.
        workdir: the run's folder is made inside it.
        seed: of initial values, order, masking, sampling and dropout.
        batch_size: sequences in an update, over all replicas.
        max_seq_length: tokens in a sequence.
        train_steps: updates.
        train_flops: instead of `train_steps`, as many updates as these FLOPs (method v2)
            pay for: compares objectives on equal terms.
        corpora: names to arguments of `add_corpus`, at least `files`.
        vocabulary: registered vocabulary; None tells by the file's content.
        label: row of the leaderboard; the objective and model by default.
        init: checkpoint to start from; optimizer slots are fresh, and the learning rate
            warms up again. With another vocabulary, tokens that both have keep their rows.
        data_dir: folder with data sets.
        eval_batches: held-out batches in an evaluation, at most.
        packed: whether sequences shorter than `max_seq_length` may share a row, where none
            sees another; masks are of each sequence, but dropout draws otherwise.
        processes: for building examples and looking scored ones up; None for one a core.
        keep_at: fractions of the training after which a checkpoint is kept for good, to
            fine-tune from (`runs.finetune.init_at`).
        contaminated: task to how its examples or their sources came into the corpus;
            scores of such tasks are marked, also those of runs that start from this one.
        protocol: set by the files in gin/protocols.

    Returns:
        The run's record.
    """
    _check(seed, keep_at, contaminated)
    prepare()
    label = label or f"{model}-{objective}"
    start = find_pretrained(init)
    tokenizer = open_vocabulary(vocabulary, vocab)
    # Everything that gin configures is built before the spec, which records it.
    training = build_training(
        strategy_for(batch_size),
        lambda variables: pretraining_objective(
            objective, model, variables, tokenizer.special_ids
        ),
        lambda built: _budget(
            built, batch_size, max_seq_length, train_steps, train_flops
        ),
        seed=seed,
    )
    built = training.objective
    check_length(built.encoder, max_seq_length)
    if packed:
        training.check_packing()
    check_protocol(protocol, "pretrain")
    change = start.vocabulary_change(tokenizer)
    # Now, so that a checkpoint that does not fit is found before anything is written.
    if start.checkpoint:
        restore(start.checkpoint, by_name(built, trainable=True), change=change)
    name = register_corpora(corpus, corpora, data_dir)
    run_name = f"pretrain-{label}-s{seed}"
    data_dir = data_dir or run_context.current().data_dir
    with run_context.use(vocabulary=tokenizer, data_dir=data_dir):
        if session.dry_run:
            folder = os.path.join(workdir, run_name)
            store = sample(name, "train", max_seq_length, 2)
            # Batches of two examples take as long as those of many.
            batches = TrainingBatches.mixture(
                [TaskExamples(name, 1.0, store, "")],
                batch_size,
                training.num_steps,
                max_seq_length,
                packed,
            )
            _show_plan(folder, training, name, batches, seed)
            return RunRecord(run_name, label, "pretrain", "planned")
        train = examples(name, "train", max_seq_length, processes)
        held_out = examples(name, "validation", max_seq_length, processes)
    texts = _texts(train, corpora or {})
    # Now that the examples were built: their features are parameters, too.
    spec = session.spec(label, run_name, seed)
    content = {"vocabulary": tokenizer.sha256, "init": start.sha256}
    content |= {f"data of {text.name}": text.data_sha256 for text in texts}
    builders = [f"models.{model}"]
    inputs = inputs_of("pretrain", spec.parameters, content, builders, start.start)
    with open_run(session, spec, inputs, workdir, spared=[start.checkpoint]) as run:
        if run.record:
            return run.record
        if change:
            print(f"{vocab}: {change.described(init)}", flush=True)
        with run_context.use(data_dir=data_dir):
            look_up_known(texts, processes)
        _count_tokens(built, train, tokenizer.special_ids.size)
        recording.save_start(run.folder, spec.text, model, tokenizer)
        steps = training.num_steps
        batches = TrainingBatches.mixture(
            train, batch_size, steps, max_seq_length, packed
        )
        strategy = training.strategy
        held = HeldOut(
            built,
            held_out,
            batch_size,
            max_seq_length,
            eval_batches,
            strategy,
            train,
            inherited_marks(start.record) | dict(start.marks),
        )
        trained = training.trainer(f"pretrain {label}", keep_at).train(
            run.folder, seed, batches.dataset(seed), held.evaluation()
        )
        return run.finish(
            run_id=f"{label}-s{seed}-{run.config_sha256[:8]}",
            model=model,
            objective=objective,
            **protocol_fields(protocol, "pretrain", spec.parameters, start.record),
            train_examples=sum(len(part.store) for part in train),
            train_data_sha256={text.name: text.data_sha256 for text in texts},
            results=held.results(trained.evaluation),
            pretrain_fraction=1.0,
            paper_flops=_paper_flops(built, max_seq_length, batch_size * steps),
            positions_seen=_positions_seen(max_seq_length, start),
            new_tokens=change and change.num_new,
            contaminated=_contaminated(start, contaminated),
            texts=texts,
            texts_before=start.texts_seen,
            vocab_sha256=tokenizer.sha256,
            **recording.trained_fields(trained, training, start, trained.checkpoint),
        )


def _check(
    seed: int, keep_at: Sequence[float], contaminated: Mapping[str, str] | None
) -> None:
    if seed < 0:
        raise ValueError(f"SEED must be a whole number >= 0, got {seed}")
    if not all(0 < at <= 1 for at in keep_at):
        raise ValueError(
            f"keep_at takes fractions above 0 and at most 1, got {keep_at}"
        )
    for task in contaminated or {}:
        registry.tasks.get(task)


def _show_plan(
    folder: str, training: Training, corpus: str, batches: TrainingBatches, seed: int
) -> None:
    """Prints what a dry run does not do."""
    settings = {"corpus": corpus, "steps": training.num_steps}
    settings["batch"] = batches.batch_size
    found = load_task(corpus)
    tasks = found.tasks if isinstance(found, seqio.Mixture) else [found]
    vocabulary = run_context.current().vocabulary
    for name, losses in losses_at_the_beginning(tasks, vocabulary).items():
        settings[f"[UNK] of the beginning of {name}"] = (
            f"{losses.unknown_percent:.3g} % of {losses.characters:,} characters"
        )
        for loss in losses.warnings(f"beginning of {name!r}").values():
            logging.warning("%s", loss.sentence)
    dry_run.show_training(folder, training, settings, batches, seed)


def _texts(
    train: Sequence[TaskExamples], corpora: Mapping[str, Mapping[str, Any]]
) -> tuple[TrainingText, ...]:
    """What is trained on, with the arguments by which corpora of this run are found."""
    return tuple(
        TrainingText(p.task, "train", p.data_sha256, corpora.get(p.task, {}))
        for p in train
    )


def _count_tokens(built: Objective, train: Sequence[TaskExamples], size: int) -> None:
    if isinstance(built, HasTokenCounts):
        built.count_tokens(lambda: token_counts(train, "input_ids", size))


def _paper_flops(built: Objective, max_seq_length: int, sequences: int) -> float | None:
    if not isinstance(built, HasPaperFlops):
        return None
    per_sequence = built.paper_flops_per_sequence(max_seq_length)
    return per_sequence and per_sequence * sequences


def _contaminated(
    start: Pretrained, contaminated: Mapping[str, str] | None
) -> dict[str, str]:
    """What is known of this text and of that which the checkpoint has seen."""
    return {**(start.of_record("contaminated") or {}), **(contaminated or {})}


def _positions_seen(max_seq_length: int, start: Pretrained) -> int | None:
    """None where nobody knows what the checkpoint had seen before."""
    if start.checkpoint is None:
        return max_seq_length
    before = start.of_record("positions_seen")
    return before and max(before, max_seq_length)


def _budget(
    built: Objective,
    batch_size: Positive[int],
    max_seq_length: Positive[int],
    train_steps: Positive[int] | None,
    train_flops: Positive[float] | None,
) -> tuple[int, float | None]:
    """Updates, and the FLOPs that they take; see the parameters of `pretrain`."""
    flops_per_step = None
    if isinstance(built, HasTrainFlops):
        flops_per_step = built.train_flops_per_sequence(max_seq_length)
    flops_per_step = flops_per_step and flops_per_step * batch_size
    if (train_steps is None) == (train_flops is None):
        raise ValueError(
            "give either train_steps (TRAIN_STEPS) or train_flops (TRAIN_FLOPS), got "
            f"{train_steps} and {train_flops}"
        )
    if train_flops is not None:
        if flops_per_step is None:
            raise ValueError("train_flops needs a model that counts its FLOPs")
        train_steps = int(train_flops / flops_per_step)
    if train_steps is None or train_steps < 1:
        raise ValueError(f"pre-training needs at least one step, got {train_steps}")
    return train_steps, flops_per_step and flops_per_step * train_steps
