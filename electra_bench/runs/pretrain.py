"""`electra-bench pretrain`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gin

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.records import RunRecord, write_record
from electra_bench.runs import building, plan, recording
from electra_bench.runs import corpora as corpora_of_run
from electra_bench.runs.batches import TrainingBatches
from electra_bench.runs.corpus_training import CorpusTraining
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.run_dir import check_spared, finished, open_run_dir
from electra_bench.tasks.examples import examples, sample, token_counts
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.checkpoints import restore
from electra_bench.training.strategy import make_deterministic


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
    training = CorpusTraining.build(
        objective,
        model,
        tokens,
        seed=seed,
        batch_size=batch_size,
        max_seq_length=max_seq_length,
        train_steps=train_steps,
        train_flops=train_flops,
        eval_batches=eval_batches,
    )
    building.check_protocol(protocol)
    change = pretrained.vocabulary_change(tokens)
    # Now, so that a checkpoint that does not fit is found before anything is written.
    if pretrained.checkpoint:
        restore(pretrained.checkpoint, training.trainable_variables, change=change)
    name = corpora_of_run.register(corpus, corpora, data_dir)
    with run_context.use(
        vocabulary=tokens, data_dir=data_dir or run_context.current().data_dir
    ):
        if session.dry_run:
            plan.show_training(
                run_dir,
                training.objective,
                {"corpus": name, "steps": training.num_steps, "batch": batch_size},
                training.train_flops,
                sample(name, "train", max_seq_length, 2),
                max_seq_length,
            )
            return RunRecord(run_dir, label, "pretrain", "planned")
        train = examples(name, "train", max_seq_length, processes)
        held_out = examples(name, "validation", max_seq_length, processes)
    batches = TrainingBatches.mixture(
        train, batch_size, training.num_steps, max_seq_length
    )
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
        if hasattr(training.objective, "count_tokens"):
            size = tokens.special_ids.size
            training.objective.count_tokens(
                lambda: token_counts(train, "input_ids", size)
            )
        building.copy_vocabulary(tokens, run_dir)
        building.save_model(run_dir, config_text, model)
        trained = training.trainer(f"pretrain {label}", keep_at).train(
            run_dir, seed, batches.dataset(seed), training.evaluation(held_out)
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
            encoder=training.objective.encoder,
            strategy=training.strategy,
            trained=trained,
            train_examples=sum(len(part.store) for part in train),
            train_flops=training.train_flops,
            results=[
                training.result(part, trained.evaluation[part.task])
                for part in held_out
            ],
            suite=session.suite,
            cell_id=session.cell_id,
            pretrain_fraction=1.0,
            paper_flops=training.paper_flops,
            positions_seen=_positions_seen(max_seq_length, pretrained),
            new_tokens=change and change.num_new,
            contaminated={
                **(pretrained.of_record("contaminated") or {}),
                **(contaminated or {}),
            },
        )
        write_record(run_dir, record)
    return record


def _positions_seen(max_seq_length: int, pretrained: Pretrained) -> int | None:
    """None where nobody knows what the checkpoint had seen before."""
    if pretrained.checkpoint is None:
        return max_seq_length
    before = pretrained.of_record("positions_seen")
    return before and max(before, max_seq_length)
