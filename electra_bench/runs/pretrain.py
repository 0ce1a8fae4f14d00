"""`electra-bench pretrain`."""

import os
from collections.abc import Mapping
from typing import Any

import gin
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import variable_name
from electra_bench.data import run_context
from electra_bench.data.batch_plan import RandomPlan
from electra_bench.data.batching import make_batch, signature, training_dataset
from electra_bench.records import RunRecord, TaskResult, write_record
from electra_bench.runs import building, plan, recording
from electra_bench.runs import corpora as corpora_of_run
from electra_bench.runs.launch import Session
from electra_bench.runs.run_dir import finished, open_run_dir
from electra_bench.tasks.examples import TaskExamples, examples, sample
from electra_bench.training.checkpoints import find_checkpoint, restore
from electra_bench.training.evaluation import evaluate_pretraining
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
    vocabulary: str = "wordpiece",
    label: str | None = None,
    init: str | None = None,
    data_dir: str | None = None,
    eval_batches: int = 20,
    processes: int | None = None,
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
        vocabulary: registered vocabulary.
        label: row of the leaderboard; the objective and model by default.
        init: checkpoint to start from; optimizer slots are fresh.
        data_dir: folder with data sets.
        eval_batches: held-out batches in an evaluation, at most.
        processes: for building examples; None for one a core.
        protocol: set by the files in gin/protocols.

    Returns:
        The run's record.
    """
    started = recording.now()
    label = label or f"{model}-{objective}"
    run_dir = os.path.join(workdir, f"pretrain-{label}-s{seed}")
    make_deterministic()
    tokens = building.open_vocabulary(vocabulary, vocab)
    strategy = registry.training.get("strategy")()
    with strategy.scope():
        variables = Variables(seed)
        factory = building.encoder_factory(model, variables, tokens.special_ids.size)
        built: Objective = registry.objectives.get(objective)(
            encoders=factory, variables=variables, special_ids=tokens.special_ids
        )
        flops_per_step = _flops_per_step(built, max_seq_length, batch_size)
        train_steps = _num_steps(train_steps, train_flops, flops_per_step)
        trainable = tuple(built.trainable_variables)
        adamw = building.optimizer(trainable, train_steps, built.encoder.num_layers)
    name = corpora_of_run.register(corpus, corpora)
    flops = flops_per_step and flops_per_step * train_steps
    with run_context.use(
        vocabulary=tokens, data_dir=data_dir or run_context.current().data_dir
    ):
        if session.dry_run:
            plan.show(
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
    config_sha256 = open_run_dir(run_dir, session.snapshot(), session.overwrite)
    done = finished(run_dir)
    if done:
        print(f"{run_dir} is done already")
        return done
    session.begin()
    building.copy_vocabulary(tokens, run_dir)
    _save_model(run_dir, session, model)
    if init:
        restore(
            find_checkpoint(init),
            {variable_name(v): v for v in trainable},
        )
    trained = Trainer(
        built,
        adamw,
        strategy=strategy,
        num_steps=train_steps,
        settings=registry.training.get("loop")(),
        name=f"pretrain {label}",
    ).train(
        run_dir,
        seed,
        _dataset(train, batch_size, max_seq_length, seed, train_steps),
        _evaluation(built, held_out[0], batch_size, max_seq_length, eval_batches),
    )
    record = RunRecord(
        run_id=f"{label}-s{seed}-{config_sha256[:8]}",
        label=label,
        kind="pretrain",
        status="done",
        model=model,
        objective=objective,
        protocol=protocol,
        protocol_changes=recording.protocol_changes(protocol, session.parsed),
        seed=seed,
        pretrain_fraction=1.0,
        hparams=recording.hparams(session.parsed),
        train_examples=sum(len(part.store) for part in train),
        train_steps=trained.steps,
        tokens=trained.tokens,
        train_flops=flops,
        total_flops=flops,
        flops_method="v2" if flops else None,
        params=plan.num_parameters(built.encoder.trainable_variables),
        wall_s=trained.wall_s,
        strategy=type(strategy).__name__,
        results=(_result(held_out[0], trained.evaluation, eval_batches * batch_size),),
        vocab_sha256=tokens.sha256,
        config_sha256=config_sha256,
        checkpoint_sha256=recording.sha256_of_checkpoint(trained.checkpoint),
        started=started,
        ended=recording.now(),
        **recording.environment(),
    )
    write_record(run_dir, record)
    return record


def _flops_per_step(objective: Objective, seq: int, batch: int) -> float | None:
    """FLOPs of an update by method v2; None for an encoder that counts none."""
    count = getattr(objective, "train_flops_per_sequence", None)
    per_sequence = count(seq) if count else None
    return None if per_sequence is None else per_sequence * batch


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


def _dataset(
    parts: list[TaskExamples], batch_size: int, seq: int, seed: int, steps: int
):
    stores = [part.store for part in parts]
    rows = RandomPlan(
        [len(store) for store in stores],
        [part.rate for part in parts],
        batch_size,
        seed,
    )
    spec = signature(batch_size, seq)

    def make(step: int):
        return make_batch(stores, rows[step], seq)

    return lambda first: training_dataset(make, spec, first, steps)


def _evaluation(objective, held_out, batch_size, seq, eval_batches):
    outputs = tf.function(objective.outputs, reduce_retracing=True)

    def evaluate(step: int) -> dict[str, float]:
        del step  # every evaluation masks alike
        return evaluate_pretraining(
            objective, outputs, held_out.store, batch_size, seq, eval_batches
        )

    return evaluate


def _result(
    held_out: TaskExamples, metrics: Mapping[str, float], limit: int
) -> TaskResult:
    size = len(held_out.store)
    return TaskResult(
        task=held_out.task,
        task_version=registry.tasks.get(held_out.task).version,
        split="validation",
        subset=None if size <= limit else f"first {limit} of {size}",
        num_examples=min(size, limit),
        metrics=dict(metrics),
        main_metric=registry.tasks.get(held_out.task).main_metric,
        data_sha256=held_out.data_sha256,
    )


def _save_model(run_dir: str, session: Session, model: str) -> None:
    """Writes the bindings of the model alone, with which fine-tuning builds it again."""
    wanted = f"models.{model}."
    lines = [
        line
        for line in session.snapshot().splitlines()
        if line.startswith(wanted) or line.startswith(f"discriminator/{wanted}")
    ]
    path = os.path.join(run_dir, "model.gin")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(line.removeprefix("discriminator/") for line in lines))
        file.write("\n")
