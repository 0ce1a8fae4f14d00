"""`electra-bench evaluate`."""

import os
from collections.abc import Mapping
from typing import Any

import gin
import tensorflow as tf

from electra_bench import registry
from electra_bench.objectives.pretrain_metrics import percentages
from electra_bench.records import RunRecord, TaskCard, TaskResult
from electra_bench.runs import corpora as corpora_of_run
from electra_bench.runs import plan
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.restored import Inputs, RestoredRun, answering_head
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.evaluation import evaluate_pretraining, num_evaluated
from electra_bench.training.strategy import make_deterministic


@gin.configurable(module="runs")
def evaluate(
    session: Session,
    *,
    init: str,
    task: str,
    split: str | None = None,
    corpora: Mapping[str, Mapping[str, Any]] | None = None,
    vocab: str | None = None,
    vocabulary: str | None = None,
    data_dir: str | None = None,
    files: Mapping[str, str] | None = None,
    on_error: str | None = None,
    max_seq_length: int | None = None,
    batch_size: int = 64,
    eval_batches: int = 100,
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
        files: split to path, for data that lies elsewhere.
        on_error: see `finetune`; None takes the run's.
        max_seq_length: token limit; None takes the run's, or the card's.
        batch_size: examples at once.
        eval_batches: of a corpus, at most so many batches.

    Returns:
        A record; it is not written.
    """
    keep_freed_memory()
    make_deterministic()
    pretrained = find_pretrained(init)
    record = pretrained.record
    name = corpora_of_run.register(task, corpora, data_dir)
    card: TaskCard = registry.tasks.get(name)
    if split is None:
        trained_on = {r.task: r.split for r in record.results} if record else {}
        split = trained_on.get(name, card.eval_split)
    is_task = card.kind != "corpus"
    fine_tuned = record is not None and record.kind == "finetune"
    head = answering_head(record, card) if is_task and fine_tuned else name
    run = RestoredRun.open(
        [registry.tasks.get(head)],
        pretrained,
        Inputs(vocab, vocabulary, data_dir, files, max_seq_length, on_error),
    )
    if is_task:
        run.check_files([name])
    length = run.limit(registry.tasks.get(head))
    part = run.examples(name, split, length)
    if session.dry_run:
        plan.show_evaluation(
            run.objective,
            {
                "checkpoint": pretrained.checkpoint,
                "task": name,
                "split": split,
                "examples": part.num_examples if is_task else len(part.store),
            },
            part.store,
            None if is_task else length,
        )
        return _record(init, pretrained, "planned", ())
    session.begin()
    if not is_task:
        metrics = percentages(
            evaluate_pretraining(
                run.objective,
                tf.function(run.objective.outputs, reduce_retracing=True),
                part.store,
                batch_size,
                length,
                eval_batches,
            )
        )
        count = num_evaluated(part.store, batch_size, eval_batches)
    else:
        scored = run.evaluator(part, batch_size, head).score(f"score {name} {split}")
        metrics, count = scored.metrics, len(scored.predictions)
    result = run.result(card, split, part, metrics, count)
    return _record(init, pretrained, "done", (result,))


def _record(
    init: str, pretrained: Pretrained, status: str, results: tuple[TaskResult, ...]
) -> RunRecord:
    return RunRecord(
        os.path.basename(os.path.normpath(init)),
        pretrained.label,
        "evaluate",
        status,
        results=results,
        parent_run_id=pretrained.of_record("run_id"),
    )
