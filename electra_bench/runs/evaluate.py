"""`electra-bench evaluate`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gin

from electra_bench import registry
from electra_bench.config.ranges import Length, Positive, Share
from electra_bench.config.roles import (
    Content,
    Detail,
    Machine,
    PerTask,
    Result,
    Subject,
)
from electra_bench.data.text import packing
from electra_bench.objectives.pretrain_metrics import percentages
from electra_bench.protocols.protocol import scoring_fields
from electra_bench.records import RunRecord, TaskCard, TaskResult
from electra_bench.runs.identity import DATA_OF, Inputs, inputs_of
from electra_bench.runs.lifecycle import open_run
from electra_bench.runs.pretrained import find_pretrained
from electra_bench.runs.restored import ReadingOptions, RestoredRun, answering_head
from electra_bench.runs.session import Session
from electra_bench.runs.spec import RunSpec
from electra_bench.tasks.corpora.configured import register_corpora
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.results import result_of, score_marks, task_result
from electra_bench.training import dry_run
from electra_bench.training.build import prepare
from electra_bench.training.environment import environment
from electra_bench.training.held_out import HeldOut

# What a record of evaluation has of the run that is scored.
OF_RUN = (
    *("model", "objective", "pretrain_seed", "pretrain_fraction", "choice"),
    *("chosen_step", "contaminated", "positions_seen", "new_tokens"),
    *("train_data_sha256", "total_flops", "flops_method", "paper_flops"),
)


@gin.configurable(module="runs")
def evaluate(
    session: Session,
    *,
    init: Content[str],
    task: Subject[str],
    split: Subject[str | None] = None,
    corpora: Subject[Mapping[str, Mapping[str, Any]] | None] = None,
    vocab: Content[str | None] = None,
    vocabulary: Subject[str | None] = None,
    data_dir: Machine[str | None] = None,
    files: Content[Mapping[str, str | Sequence[str]] | None] = None,
    on_error: PerTask[str | None] = None,
    max_skipped: Machine[Share[float] | None] = None,
    max_seq_length: PerTask[Length[int] | None] = None,
    batch_size: Detail[Positive[int]] = 64,
    eval_batches: Result[Positive[int]] = 100,
    workdir: Machine[str | None] = None,
) -> RunRecord:
    """Scores a checkpoint on a task, or a pre-training checkpoint on a corpus.

    Args:
        session: how the run was started.
        init: a run's folder or a checkpoint.
        task: registered task of the fine-tuned checkpoint or any other with the kind and
            labels of one, or a corpus for a pre-trained checkpoint.
        split: what to score; None takes the one that the run was scored on, or the
            card's.
        corpora: names to arguments of `add_corpus`, as in `runs.pretrain`.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary; None tells by the file's content.
        data_dir: folder with data sets.
        files: split to its files, names or globs, for data that lies elsewhere.
        on_error: see `finetune`; None takes the run's.
        max_skipped: see `finetune`; None takes the run's.
        max_seq_length: token limit; None takes the run's, or the card's.
        batch_size: examples at once.
        eval_batches: of a corpus, at most so many batches.
        workdir: record and predictions go into a folder inside it, from where tables
            show the score in a column of its own; None keeps none.

    Returns:
        A record, of kind `evaluate` and with the run as its parent.

    Raises:
        ValueError: a folder for the record of a corpus, which no table shows.
    """
    prepare()
    pretrained = find_pretrained(init)
    record = pretrained.record
    name = register_corpora(task, corpora, data_dir)
    card: TaskCard = registry.tasks.get(name)
    if split is None:
        split = _scored_split(record, card)
    is_task = card.kind != "corpus"
    if workdir is not None and not is_task:
        raise ValueError(
            f"--workdir {workdir!r}: {name!r} is a corpus, and records of evaluation are "
            "those of tasks; leave it out"
        )
    head = name
    if is_task and record is not None and record.kind == "finetune":
        head = answering_head(record, card)
    run = RestoredRun.open(
        [registry.tasks.get(head)],
        pretrained,
        ReadingOptions(
            vocab, vocabulary, data_dir, files, max_seq_length, on_error, max_skipped
        ),
    )
    if is_task:
        run.check_files([name])
    length = run.limit(registry.tasks.get(head))
    part = run.examples(name, split, length)
    folder = os.path.basename(os.path.normpath(init))
    if workdir is not None:
        folder = "-".join([folder, "on", name, split, *_stem((files or {}).get(split))])
    spec = session.spec(pretrained.label or "", folder, pretrained.of_record("seed"))
    if session.dry_run:
        dry_run.show_scoring(
            run.objective,
            {
                "checkpoint": pretrained.checkpoint,
                "task": name,
                "split": split,
                "examples": part.num_examples if is_task else len(part.store),
            },
            part.store,
            () if is_task else [length],
        )
        return RunRecord(
            folder,
            spec.label,
            spec.root,
            "planned",
            parent_run_id=pretrained.of_record("run_id"),
        )
    inputs = _inputs(spec, run, part, split)
    spared = [pretrained.checkpoint]
    with open_run(session, spec, inputs, workdir, spared=spared) as opened:
        if opened.record:
            return opened.record
        if is_task:
            scored = run.evaluator(part, batch_size, head).score(
                f"score {name} {split}"
            )
            leaks = run.leaks([(part, split)])()[name, split]
            marks = score_marks(record, card, [part], leaks) | dict(pretrained.marks)
            result = (
                task_result(card, split, part, scored, opened.folder, marks, leaks)
                if opened.folder
                else result_of(card, split, part, scored, marks, leaks)
            )
        else:
            held = HeldOut(
                run.objective, [part], batch_size, length, eval_batches, run.strategy
            )
            result = TaskResult.of(
                card,
                split,
                held.num_evaluated(part),
                percentages(held.evaluation()(0)[part.task]),
                data_sha256=part.data_sha256,
                marks=score_marks(record, card, [part]) | dict(pretrained.marks),
            )
        return opened.finish(results=(result,), **_fields(run, spec))


def _stem(bound: str | Sequence[str] | None) -> list[str]:
    """What a folder is called after files that were bound by hand: the first one."""
    first = bound if isinstance(bound, str) else next(iter(bound or ()), "")
    name = os.path.basename(first)
    for ending in packing.ENDINGS:
        name = name.removesuffix(ending)
    stem, _ = os.path.splitext(name)
    return [stem] if stem else []


def _inputs(spec: RunSpec, run: RestoredRun, part: TaskExamples, split: str) -> Inputs:
    start = run.pretrained
    content = {
        "vocabulary": run.tokenizer.sha256,
        "init": start.sha256,
        f"{DATA_OF}{part.task} {split}": part.data_sha256,
    }
    builders = [f"models.{start.of_record('model') or 'electra'}"]
    return inputs_of(spec.root, spec.parameters, content, builders, start.start)


def _fields(run: RestoredRun, spec: RunSpec) -> dict[str, Any]:
    """Fields of a record that say what was scored, as far as its own record tells."""
    record = run.pretrained.record
    fields = {
        "params": dry_run.num_parameters(run.objective.encoder),
        "vocab_sha256": run.tokenizer.sha256,
        "checkpoint_sha256": run.pretrained.sha256,
        "parent_run_id": run.pretrained.of_record("run_id"),
        **scoring_fields(record, spec.parameters),
        **environment(),
    }
    if record is None:
        return fields
    # What tables say of the run that is scored.
    return {**{name: getattr(record, name) for name in OF_RUN}, **fields}


def _scored_split(record: RunRecord | None, card: TaskCard) -> str:
    """The split that a run was scored on; the card's of other tasks, and of a trial.

    What a trial was scored on is a part of the training set, and no split.
    """
    if record is None or record.is_trial:
        return card.eval_split
    return {r.task: r.split for r in record.results}.get(card.name, card.eval_split)
