"""`electra-bench finetune`."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import gin
import seqio
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import variable_name
from electra_bench.data import run_context
from electra_bench.data.batch_plan import ByLengthPlan, RandomPlan
from electra_bench.data.batching import make_batch, signature, training_dataset
from electra_bench.records import (
    RunRecord,
    TaskCard,
    TaskResult,
    write_predictions,
    write_record,
)
from electra_bench.runs import building, plan, recording
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.run_dir import finished, open_run_dir
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.registration import load_task
from electra_bench.training.checkpoints import restore
from electra_bench.training.evaluation import Evaluator
from electra_bench.training.strategy import make_deterministic
from electra_bench.training.trainer import Trainer


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
    vocabulary: str = "wordpiece",
    label: str | None = None,
    data_dir: str | None = None,
    files: Mapping[str, str] | None = None,
    epochs: float | None = None,
    max_seq_length: int | None = None,
    batch_size: int = 32,
    composition: str = "by_length",
    train_split: str | None = None,
    eval_split: str | None = None,
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
        vocabulary: registered vocabulary.
        label: row of the leaderboard; the label of `init` by default.
        data_dir: folder with data sets.
        files: split to path, for data that lies elsewhere.
        epochs: passes over the training set; None takes the card's.
        max_seq_length: token limit; None takes the card's.
        batch_size: examples in an update.
        composition: "by_length" groups examples of similar length, padded to a multiple
            of 8; "random" draws batches at random and pads to the longest member, as the
            original composed them.
        train_split: split to train on; None takes the card's.
        eval_split: split to score; None takes the card's.
        protocol: set by the files in gin/protocols.

    Returns:
        The records, one a seed.
    """
    card: TaskCard = registry.tasks.get(task)
    pretrained = find_pretrained(init)
    label = label or pretrained.label or f"{model}-untrained"
    runs = {s: os.path.join(workdir, f"{label}-{task}-s{s}") for s in _seeds(seed)}
    make_deterministic()
    tokens = building.open_vocabulary(
        vocabulary, building.find_vocabulary(vocab, pretrained.folder)
    )
    length = max_seq_length or card.max_seq_length
    _check_files(files or {}, load_task(task))
    with run_context.use(
        vocabulary=tokens,
        data_dir=data_dir or run_context.current().data_dir,
        files=dict(files or {}),
    ):
        [train] = examples(task, train_split or card.train_split, length)
        [held_out] = examples(task, eval_split or card.eval_split, length)
    batches = _Batches.of(
        composition, train, batch_size, card.epochs if epochs is None else epochs
    )
    setup = _Setup.build(
        model or pretrained.model or "electra", card, tokens, batches.num_steps
    )
    if session.dry_run:
        plan.show(
            ", ".join(runs.values()),
            setup.objective,
            {"task": task, "steps": batches.num_steps, "batch": batch_size},
            None,
            train.store,
            None,
        )
        return []
    trainer = setup.trainer(batches.num_steps, f"finetune {label} {task}")
    evaluator = Evaluator(setup.objective, load_task(task), held_out.store, 64)
    records = []
    for number, run_dir in runs.items():
        config = session.snapshot(runs__finetune__seed=number)
        config_sha256 = open_run_dir(run_dir, config, session.overwrite)
        done = finished(run_dir)
        if done:
            print(f"{run_dir} is done already")
            records.append(done)
            continue
        session.begin()
        started = recording.now()
        building.copy_vocabulary(tokens, run_dir)
        setup.reset(number, pretrained)
        trained = trainer.train(run_dir, number, batches.dataset(number))
        scored = evaluator.score()
        result = _result(card, held_out, eval_split or card.eval_split, scored, run_dir)
        record = RunRecord(
            run_id=f"{label}-{task}-s{number}-{config_sha256[:8]}",
            label=label,
            kind="finetune",
            status="done",
            model=setup.model,
            objective=card.kind,
            protocol=protocol,
            protocol_changes=recording.protocol_changes(protocol, session.parsed),
            seed=number,
            pretrain_seed=pretrained.seed,
            pretrain_fraction=pretrained.fraction,
            hparams=recording.hparams(session.parsed),
            train_examples=len(train.store),
            train_steps=trained.steps,
            tokens=trained.tokens,
            params=plan.num_parameters(setup.objective.encoder.trainable_variables),
            wall_s=trained.wall_s,
            strategy=type(setup.strategy).__name__,
            results=(result,),
            collapsed=_collapsed(card, result),
            vocab_sha256=tokens.sha256,
            config_sha256=config_sha256,
            checkpoint_sha256=recording.sha256_of_checkpoint(trained.checkpoint),
            parent_run_id=pretrained.run_id,
            total_flops=pretrained.flops,
            flops_method="v2" if pretrained.flops else None,
            started=started,
            ended=recording.now(),
            **recording.environment(),
        )
        write_record(run_dir, record)
        records.append(record)
    return records


def _check_files(files: Mapping[str, str], task: seqio.Task) -> None:
    for split, path in files.items():
        if split not in task.splits:
            raise ValueError(
                f"files: task {task.name!r} has no split {split!r}; it has "
                f"{sorted(task.splits)}"
            )
        if not os.path.isfile(path):
            raise FileNotFoundError(f"files: no file {path!r} for split {split!r}")


def _seeds(seed: int | Sequence[int]) -> list[int]:
    seeds = [seed] if isinstance(seed, int) else list(seed)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different numbers, at least one, got {seed}")
    return seeds


class _Batches(NamedTuple):
    """The training batches of any seed."""

    num_steps: int
    make_plan: Callable[[int], Any]
    store: Any
    batch_size: int
    multiple: int

    @classmethod
    def of(
        cls, composition: str, train: TaskExamples, batch_size: int, epochs: float
    ) -> "_Batches":
        size = len(train.store)
        lengths = train.store.lengths("input_ids")
        if composition == "random":
            # The original pads the training set to whole batches and counts those.
            steps = int(math.ceil(size / batch_size) * epochs)
            return cls(
                steps,
                lambda seed: RandomPlan([size], [1.0], batch_size, seed),
                train.store,
                batch_size,
                1,
            )
        if composition == "by_length":
            steps = int(ByLengthPlan(lengths, batch_size, 0).steps_per_epoch * epochs)
            return cls(
                steps,
                lambda seed: ByLengthPlan(lengths, batch_size, seed),
                train.store,
                batch_size,
                8,
            )
        raise ValueError(
            f"composition must be 'by_length' or 'random', got {composition!r}"
        )

    def dataset(self, seed: int) -> Callable[[int], tf.data.Dataset]:
        rows = self.make_plan(seed)

        def make(step: int):
            return make_batch([self.store], rows[step], None, self.multiple)

        spec = signature(self.batch_size)
        return lambda first: training_dataset(make, spec, first, self.num_steps)


class _Setup(NamedTuple):
    """Encoder, head and optimizer, built once and reset for every seed."""

    model: str
    strategy: tf.distribute.Strategy
    variables: Variables
    objective: Objective
    adamw: Any

    @classmethod
    def build(cls, model: str, card: TaskCard, tokens: Any, num_steps: int) -> "_Setup":
        strategy = registry.training.get("strategy")()
        with strategy.scope():
            variables = Variables(0)
            factory = building.encoder_factory(
                model, variables, tokens.special_ids.size
            )
            objective = registry.kinds.get(card.kind)(
                encoders=factory, variables=variables, card=card
            )
            adamw = building.optimizer(
                tuple(objective.trainable_variables),
                num_steps,
                objective.encoder.num_layers,
            )
        return cls(model, strategy, variables, objective, adamw)

    def trainer(self, num_steps: int, name: str) -> Trainer:
        return Trainer(
            self.objective,
            self.adamw,
            strategy=self.strategy,
            num_steps=num_steps,
            settings=registry.training.get("loop")(),
            name=name,
        )

    def reset(self, seed: int, pretrained: Pretrained) -> None:
        """Gives every variable the value it has at step 0."""
        self.variables.reset(seed)
        for slot in self.adamw.slots.values():
            slot.assign(tf.zeros_like(slot))
        if pretrained.checkpoint:
            restore(
                pretrained.checkpoint,
                {variable_name(v): v for v in self.objective.encoder.variables},
                "variables of the encoder",
            )


def _result(
    card: TaskCard, held_out: TaskExamples, split: str, scored: Any, run_dir: str
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
