"""`electra-bench pretrain`."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gin
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import variable_name
from electra_bench.data import run_context
from electra_bench.objectives.pretrain_metrics import percentages
from electra_bench.records import RunRecord, TaskCard, TaskResult, write_record
from electra_bench.runs import building, plan, recording
from electra_bench.runs import corpora as corpora_of_run
from electra_bench.runs.batches import TrainingBatches
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.run_dir import check_spared, finished, open_run_dir
from electra_bench.tasks.examples import TaskExamples, examples, sample, token_counts
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.checkpoints import restore
from electra_bench.training.evaluation import evaluate_pretraining, num_evaluated
from electra_bench.training.strategy import make_deterministic
from electra_bench.training.trainer import Trainer


@gin.configurable(module="runs")
def pretrain(
    session: Session,
    *,
    model: str,
    objective: str,
    corpus: str | Mapping[str, float],
    vocab: str,
    workdir: str,
    seed: int,
    batch_size: int,
    max_seq_length: int,
    train_steps: int | None = None,
    train_flops: float | None = None,
    corpora: Mapping[str, Mapping[str, Any]] | None = None,
    vocabulary: str | None = None,
    label: str | None = None,
    init: str | None = None,
    data_dir: str | None = None,
    eval_batches: int = 20,
    processes: int | None = None,
    keep_at: Sequence[float] = (),
    contaminated: Mapping[str, str] | None = None,
    protocol: str | None = None,
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
        processes: for building examples; None for one a core.
        keep_at: fractions of the training after which a checkpoint is kept for good, to
            fine-tune from (`runs.finetune.init_at`).
        contaminated: task to how its examples or their sources came into the corpus;
            scores of such tasks are marked, also those of runs that start from this one.
        protocol: set by the files in gin/protocols.

    Returns:
        The run's record.
    """
    if seed < 0:
        raise ValueError(f"SEED must be a whole number >= 0, got {seed}")
    if not all(0 < at <= 1 for at in keep_at):
        raise ValueError(
            f"keep_at takes fractions above 0 and at most 1, got {keep_at}"
        )
    for task in contaminated or {}:
        registry.tasks.get(task)
    started = recording.now()
    label = label or f"{model}-{objective}"
    run_dir = os.path.join(workdir, f"pretrain-{label}-s{seed}")
    keep_freed_memory()
    make_deterministic()
    pretrained = find_pretrained(init)
    tokens = building.open_vocabulary(vocabulary, vocab)
    # Everything that gin configures is built before the snapshot, which records it.
    strategy = building.strategy(batch_size)
    settings = registry.training.get("loop")()
    with strategy.scope():
        variables = Variables(seed)
        built = building.pretraining_objective(
            objective, model, variables, tokens.special_ids
        )
        flops_per_step = _flops_per_step(built, max_seq_length, batch_size)
        train_steps = _num_steps(train_steps, train_flops, flops_per_step)
        trainable = tuple(built.trainable_variables)
        stages = building.stages(built, train_steps)
    building.check_length(built.encoder, max_seq_length)
    building.check_protocol(protocol)
    change = pretrained.vocabulary_change(tokens)
    # Now, so that a checkpoint that does not fit is found before anything is written.
    if pretrained.checkpoint:
        named = {variable_name(v): v for v in trainable}
        restore(pretrained.checkpoint, named, change=change)
    name = corpora_of_run.register(corpus, corpora, data_dir)
    flops = flops_per_step and flops_per_step * train_steps
    with run_context.use(
        vocabulary=tokens, data_dir=data_dir or run_context.current().data_dir
    ):
        if session.dry_run:
            plan.show_training(
                run_dir,
                built,
                {"corpus": name, "steps": train_steps, "batch": batch_size},
                flops,
                sample(name, "train", max_seq_length, 2),
                max_seq_length,
            )
            return RunRecord(run_dir, label, "pretrain", "planned")
        train = examples(name, "train", max_seq_length, processes)
        held_out = examples(name, "validation", max_seq_length, processes)
    batches = TrainingBatches.mixture(train, batch_size, train_steps, max_seq_length)
    check_spared(pretrained.checkpoint, run_dir, session.overwrite)
    config_text = session.snapshot()
    content = {"vocabulary": tokens.sha256, "init": pretrained.sha256}
    content |= {f"data of {part.task}": part.data_sha256 for part in train}
    with open_run_dir(run_dir, config_text, content, session.overwrite) as sha256:
        done = finished(run_dir)
        if done:
            print(f"{run_dir} is done already")
            return done
        session.begin()
        if change:
            print(
                f"{vocab}: {len(change.old_ids) - change.num_new} tokens are in the "
                f"vocabulary of {init} and keep their rows, {change.num_new} are new",
                flush=True,
            )
        if hasattr(built, "count_tokens"):
            size = tokens.special_ids.size
            built.count_tokens(lambda: token_counts(train, "input_ids", size))
        building.copy_vocabulary(tokens, run_dir)
        building.save_model(run_dir, config_text, model)
        trained = Trainer(
            built,
            stages,
            strategy=strategy,
            num_steps=train_steps,
            settings=settings,
            keep_at=keep_at,
            name=f"pretrain {label}",
        ).train(
            run_dir,
            seed,
            batches.dataset(seed),
            _evaluation(built, held_out, batch_size, max_seq_length, eval_batches),
        )
        run = recording.Run(
            started,
            label,
            "pretrain",
            seed,
            model,
            objective,
            protocol,
            config_text,
            sha256,
            tokens.sha256,
            pretrained,
        )
        record = recording.make_record(
            run,
            name=f"{label}-s{seed}",
            encoder=built.encoder,
            strategy=strategy,
            trained=trained,
            train_examples=sum(len(part.store) for part in train),
            train_flops=flops,
            results=[
                _result(part, trained.evaluation[part.task], batch_size, eval_batches)
                for part in held_out
            ],
            suite=session.suite,
            cell_id=session.cell_id,
            pretrain_fraction=1.0,
            paper_flops=_paper_flops(built, max_seq_length, batch_size * train_steps),
            positions_seen=_positions_seen(max_seq_length, pretrained),
            new_tokens=change and change.num_new,
            contaminated={
                **(pretrained.of_record("contaminated") or {}),
                **(contaminated or {}),
            },
        )
        write_record(run_dir, record)
    return record


def _flops_per_step(objective: Objective, seq: int, batch: int) -> float | None:
    """FLOPs of an update by method v2; None for an encoder that counts none."""
    count = getattr(objective, "train_flops_per_sequence", None)
    per_sequence = count(seq) if count else None
    return None if per_sequence is None else per_sequence * batch


def _paper_flops(objective: Objective, seq: int, sequences: int) -> float | None:
    """FLOPs of the whole by method paper-v1; None for an encoder that counts none."""
    count = getattr(objective, "paper_flops_per_sequence", None)
    per_sequence = count(seq) if count else None
    return None if per_sequence is None else per_sequence * sequences


def _positions_seen(max_seq_length: int, pretrained: Pretrained) -> int | None:
    """None where nobody knows what the checkpoint had seen before."""
    if pretrained.checkpoint is None:
        return max_seq_length
    before = pretrained.of_record("positions_seen")
    return before and max(before, max_seq_length)


def _num_steps(
    train_steps: int | None, train_flops: float | None, flops_per_step: float | None
) -> int:
    if (train_steps is None) == (train_flops is None):
        raise ValueError(
            "give either train_steps (TRAIN_STEPS) or train_flops (TRAIN_FLOPS), got "
            f"{train_steps} and {train_flops}"
        )
    if train_steps is None:
        if flops_per_step is None:
            raise ValueError("train_flops needs a model that counts its FLOPs")
        train_steps = int(train_flops / flops_per_step)
    if train_steps < 1:
        raise ValueError(f"pre-training needs at least one step, got {train_steps}")
    return train_steps


def _evaluation(
    objective: Objective,
    held_out: list[TaskExamples],
    batch_size: int,
    seq: int,
    eval_batches: int,
) -> Callable[[int], dict[str, dict[str, float]]]:
    outputs = tf.function(objective.outputs, reduce_retracing=True)

    def evaluate(step: int) -> dict[str, dict[str, float]]:
        del step  # every evaluation masks alike
        return {
            part.task: evaluate_pretraining(
                objective, outputs, part.store, batch_size, seq, eval_batches
            )
            for part in held_out
        }

    return evaluate


def _result(
    held_out: TaskExamples,
    metrics: Mapping[str, float],
    batch_size: int,
    eval_batches: int,
) -> TaskResult:
    size = len(held_out.store)
    evaluated = num_evaluated(held_out.store, batch_size, eval_batches)
    card: TaskCard = registry.tasks.get(held_out.task)
    return TaskResult(
        task=held_out.task,
        task_version=card.version,
        split="validation",
        subset=None if evaluated == size else f"first {evaluated} of {size}",
        num_examples=evaluated,
        metrics=percentages(metrics),
        main_metric=card.main_metric,
        data_sha256=held_out.data_sha256,
        higher_is_better=card.higher_is_better,
    )
