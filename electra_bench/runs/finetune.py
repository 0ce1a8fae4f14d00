"""`electra-bench finetune`."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gin
import numpy as np
import seqio
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import variable_name
from electra_bench.data import run_context
from electra_bench.models.flops import TRAIN_FACTOR
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
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.registration import load_task
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.checkpoints import restore
from electra_bench.training.evaluation import Evaluator
from electra_bench.training.stages import TrainingStage
from electra_bench.training.strategy import make_deterministic
from electra_bench.training.trainer import Loop, Trainer


@gin.configurable(module="runs")
def finetune(
    session: Session,
    *,
    task: str,
    workdir: str,
    seed: int | Sequence[int],
    init: str | None = None,
    model: str | None = None,
    vocab: str | None = None,
    vocabulary: str | None = None,
    label: str | None = None,
    data_dir: str | None = None,
    files: Mapping[str, str] | None = None,
    epochs: float | None = None,
    max_seq_length: int | None = None,
    batch_size: int = 32,
    composition: str = "by_length",
    weight_decay: float = 0.0,
    splits: Mapping[str, Sequence[str]] | None = None,
    protocol: str | None = None,
) -> list[RunRecord]:
    """Fine-tunes an encoder on one task, once for every seed, and scores it.

    Args:
        session: how the run was started.
        task: registered task.
        workdir: every run's folder is made inside it.
        seed: one seed, or several for as many runs; of the head's initial values, order
            and dropout.
        init: a run's folder, a checkpoint, or the original's model folder; None starts
            from random values.
        model: registered model; None takes the one of `init`.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary; None tells by the file's content.
        label: row of the leaderboard; the label of `init` by default.
        data_dir: folder with data sets.
        files: split to path, for data that lies elsewhere.
        epochs: passes over the training set; None takes the card's.
        max_seq_length: token limit; None takes the card's.
        batch_size: examples in an update.
        composition: "by_length" groups examples of similar length, padded to a multiple
            of 8; "random" draws batches at random and pads to the longest member, as the
            original composed them.
        weight_decay: of the optimizer; pre-training has its own.
        splits: task to (split to train on, split to score), where the card's are not
            meant.
        protocol: set by the files in gin/protocols.

    Returns:
        The records, one a seed.
    """
    strategy = building.strategy(batch_size)
    card = trainable_card(task)
    pretrained = find_pretrained(init)
    model = model or pretrained.of_record("model") or "electra"
    label = label or pretrained.label or f"{model}-untrained"
    runs = {s: os.path.join(workdir, f"{label}-{task}-s{s}") for s in _seeds(seed)}
    keep_freed_memory()
    make_deterministic()
    tokens = building.open_vocabulary(
        vocabulary, building.find_vocabulary(vocab, pretrained.folder)
    )
    length = max_seq_length or card.max_seq_length
    train_split, eval_split = chosen_splits(card, splits)
    _check_files(files or {}, load_task(task))
    with run_context.use(
        vocabulary=tokens,
        data_dir=data_dir or run_context.current().data_dir,
        files=dict(files or {}),
    ):
        [train] = examples(task, train_split, length)
        [held_out] = examples(task, eval_split, length)
        further = _further(card, eval_split, length)
    batches = TrainingBatches.passes(
        train, batch_size, card.epochs if epochs is None else epochs, composition
    )
    setup = _Setup.build(strategy, model, card, tokens, batches, weight_decay)
    building.check_length(setup.objective.encoder, length)
    building.check_protocol(protocol)
    _check_vocabulary(pretrained, tokens)
    # Now, so that a checkpoint that does not fit is found before anything is written.
    setup.reset(next(iter(runs)), pretrained)
    marks = score_marks(pretrained, card, [train.store, held_out.store])
    flops = _train_flops(setup.objective, train, batches)
    if session.dry_run:
        plan.show_training(
            ", ".join(runs.values()),
            setup.objective,
            {"task": task, "steps": batches.num_steps, "batch": batch_size},
            flops,
            train.store,
            None,
        )
        return []
    trainer = setup.trainer(batches.num_steps, f"finetune {label} {task}")
    scored_splits = [
        (split, part, Evaluator(setup.objective, load_task(task), part.store, 64))
        for split, part in [(eval_split, held_out), *further]
    ]
    evaluator = scored_splits[0][-1]
    content = {
        "vocabulary": tokens.sha256,
        "init": pretrained.sha256,
        f"data of {train_split}": train.data_sha256,
        f"data of {eval_split}": held_out.data_sha256,
    }

    def evaluate(step: int) -> dict[str, dict[str, float]]:
        del step
        return {task: evaluator.score().metrics}

    def one(number: int, run_dir: str) -> RunRecord:
        check_spared(pretrained.checkpoint, run_dir, session.overwrite)
        config_text = session.snapshot(runs__finetune__seed=number)
        with open_run_dir(run_dir, config_text, content, session.overwrite) as sha256:
            done = finished(run_dir)
            if done:
                print(f"{run_dir} is done already")
                return done
            session.begin()
            if "unseen positions" in marks:
                print(f"warning: {task}: {marks['unseen positions']}", flush=True)
            started = recording.now()
            building.copy_vocabulary(tokens, run_dir)
            building.save_model(run_dir, config_text, model)
            setup.reset(number, pretrained)
            # Without periods the only evaluation is the one after training.
            trained = trainer.train(
                run_dir,
                number,
                batches.dataset(number),
                evaluate if setup.settings.eval_every else None,
            )
            results = [
                _result(card, part, split, scores.score(), run_dir, marks)
                for split, part, scores in scored_splits
            ]
            run = recording.Run(
                started,
                label,
                "finetune",
                number,
                model,
                card.kind,
                protocol,
                config_text,
                sha256,
                tokens.sha256,
                pretrained,
            )
            record = recording.make_record(
                run,
                name=f"{label}-{task}-s{number}",
                encoder=setup.objective.encoder,
                strategy=setup.strategy,
                trained=trained,
                train_examples=len(train.store),
                train_flops=flops,
                results=results,
                suite=session.suite,
                cell_id=session.cell_id,
                pretrain_seed=pretrained.of_record("seed"),
                pretrain_fraction=pretrained.of_record("pretrain_fraction"),
                positions_seen=pretrained.of_record("positions_seen"),
                contaminated=pretrained.of_record("contaminated") or {},
                collapsed=_collapsed(card, results[0]),
            )
            write_record(run_dir, record)
        return record

    return [one(number, run_dir) for number, run_dir in runs.items()]


def trainable_card(task: str) -> TaskCard:
    """The card of a task.

    Raises:
        UnknownName: no such task.
        ValueError: nothing can be fine-tuned on it.
    """
    card: TaskCard = registry.tasks.get(task)
    if card.kind not in registry.kinds.names():
        raise ValueError(
            f"task {task!r} is of kind {card.kind!r}, which cannot be fine-tuned; kinds: "
            f"{registry.kinds.names()}"
        )
    if card.trained_on:
        raise ValueError(
            f"task {task!r} has no training set: fine-tune on {card.trained_on!r}, then "
            "evaluate or predict"
        )
    return card


def chosen_splits(
    card: TaskCard, splits: Mapping[str, Sequence[str]] | None
) -> tuple[str, str]:
    """The splits to train on and to score: a task's in `splits`, or its card's."""
    train, scored = (splits or {}).get(card.name, (card.train_split, card.eval_split))
    return train, scored


def _train_flops(
    objective: Objective, train: TaskExamples, batches: TrainingBatches
) -> float | None:
    """FLOPs of the encoder over the whole training, method v2, without padding.

    None for an encoder that counts none. The head's share is left out: it is below a
    thousandth.
    """
    count = getattr(objective.encoder, "forward_flops", None)
    if count is None:
        return None
    lengths, numbers = np.unique(train.store.lengths("input_ids"), return_counts=True)
    forward = sum(
        count(int(length)) * int(number)
        for length, number in zip(lengths, numbers, strict=True)
    )
    passes = batches.num_steps * batches.batch_size / len(train.store)
    return TRAIN_FACTOR * forward * passes


def _further(
    card: TaskCard, eval_split: str, length: int
) -> list[tuple[str, TaskExamples]]:
    """The card's further splits; those without a file are named and left out."""
    if eval_split != card.eval_split:
        return []
    found = []
    for split in card.further_splits:
        try:
            [part] = examples(card.name, split, length)
        except FileNotFoundError as error:
            print(f"{card.name}: {split} is not scored: {error}", flush=True)
        else:
            found.append((split, part))
    return found


def _check_vocabulary(pretrained: Pretrained, tokens: Any) -> None:
    change = pretrained.vocabulary_change(tokens)
    if change:
        raise ValueError(
            f"{tokens.path} has {change.num_new} tokens that the vocabulary in "
            f"{pretrained.folder} lacks, or another order: fine-tune with the vocabulary "
            "of INIT, or continue its pre-training with this one"
        )


def _check_files(files: Mapping[str, str], task: seqio.Task) -> None:
    # Of splits that are made of another split's file, only that one can be given.
    names = getattr(task.source, "file_names", task.splits)
    for split, path in files.items():
        if split not in names:
            raise ValueError(
                f"files: task {task.name!r} reads no file for {split!r}; it reads "
                f"{sorted(names)}"
            )
        if not os.path.isfile(path):
            raise FileNotFoundError(f"files: no file {path!r} for split {split!r}")


def _seeds(seed: int | Sequence[int]) -> list[int]:
    seeds = [seed] if isinstance(seed, int) else list(seed)
    numbers = all(isinstance(number, int) and number >= 0 for number in seeds)
    if not seeds or not numbers or len(set(seeds)) < len(seeds):
        raise ValueError(
            f"SEED must be one or several different whole numbers >= 0, got {seed!r}"
        )
    return seeds


class _Setup(NamedTuple):
    """Encoder, head and optimizer, built once and reset for every seed."""

    strategy: tf.distribute.Strategy
    settings: Loop
    variables: Variables
    objective: Objective
    stages: tuple[TrainingStage, ...]

    @classmethod
    def build(
        cls,
        strategy: tf.distribute.Strategy,
        model: str,
        card: TaskCard,
        tokens: Any,
        batches: TrainingBatches,
        weight_decay: float,
    ) -> "_Setup":
        settings = registry.training.get("loop")()
        with strategy.scope():
            variables = Variables(0)
            objective = building.task_objective(card, model, variables, tokens)
            stages = building.stages(
                objective, batches.num_steps, weight_decay=weight_decay
            )
        return cls(strategy, settings, variables, objective, stages)

    def trainer(self, num_steps: int, name: str) -> Trainer:
        return Trainer(
            self.objective,
            self.stages,
            strategy=self.strategy,
            num_steps=num_steps,
            settings=self.settings,
            name=name,
        )

    def reset(self, seed: int, pretrained: Pretrained) -> None:
        """Gives every variable the value it has at step 0."""
        self.variables.reset(seed)
        for stage in self.stages:
            for slot in stage.optimizer.slots.values():
                slot.assign(tf.zeros_like(slot))
        if pretrained.checkpoint:
            restore(
                pretrained.checkpoint,
                {variable_name(v): v for v in self.objective.encoder.variables},
                "variables of the encoder",
            )


def _result(
    card: TaskCard,
    held_out: TaskExamples,
    split: str,
    scored: Any,
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
        data_sha256=held_out.data_sha256,
        floor=card.floor,
        marks=marks,
        predictions_path=path,
        predictions_sha256=recording.sha256_of_file(os.path.join(run_dir, path)),
    )


def _collapsed(card: TaskCard, result: TaskResult) -> bool | None:
    """Whether the model does no better than the trivial answer."""
    score = result.main_score
    if score is None or card.floor is None:
        return None
    if math.isnan(score):
        return True
    return score <= card.floor if card.higher_is_better else score >= card.floor
