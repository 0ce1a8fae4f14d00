"""`electra-bench evaluate`."""

import os
from collections.abc import Mapping
from typing import Any

import gin
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Variables
from electra_bench.core.variables import variable_name
from electra_bench.data import run_context
from electra_bench.records import RunRecord, TaskCard, TaskResult
from electra_bench.runs import building, corpora
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import find_pretrained
from electra_bench.tasks.examples import examples
from electra_bench.tasks.registration import load_task
from electra_bench.training.checkpoints import restore
from electra_bench.training.evaluation import Evaluator, evaluate_pretraining
from electra_bench.training.strategy import make_deterministic


@gin.configurable(module="runs")
def evaluate(
    session: Session,
    *,
    init: str,
    task: str,
    split: str | None = None,
    corpora_files: Mapping[str, Mapping[str, Any]] | None = None,
    vocab: str | None = None,
    vocabulary: str = "wordpiece",
    data_dir: str | None = None,
    max_seq_length: int | None = None,
    batch_size: int = 64,
    eval_batches: int = 100,
) -> RunRecord:
    """Scores a checkpoint on a task, or a pre-training checkpoint on a corpus.

    Args:
        session: how the run was started.
        init: a run's folder or a checkpoint.
        task: registered task of the fine-tuned checkpoint, or a corpus for a pre-trained
            one.
        split: what to score; the card's evaluation split by default.
        corpora_files: names to arguments of `add_corpus`, as in `runs.pretrain`.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary.
        data_dir: folder with data sets.
        max_seq_length: token limit; None takes the card's.
        batch_size: examples at once.
        eval_batches: of a corpus, at most so many batches.

    Returns:
        A record; it is not written.
    """
    del session
    make_deterministic()
    pretrained = find_pretrained(init)
    name = corpora.register(task, corpora_files)
    card: TaskCard = registry.tasks.get(name)
    split = split or card.eval_split
    tokens = building.open_vocabulary(
        vocabulary, building.find_vocabulary(vocab, pretrained.folder)
    )
    length = max_seq_length or card.max_seq_length
    objective = _objective(card, pretrained, tokens)
    restore(pretrained.checkpoint, {variable_name(v): v for v in objective.variables})
    with run_context.use(
        vocabulary=tokens, data_dir=data_dir or run_context.current().data_dir
    ):
        [part] = examples(name, split, length)
    if card.kind == "corpus":
        metrics = evaluate_pretraining(
            objective,
            tf.function(objective.outputs, reduce_retracing=True),
            part.store,
            batch_size,
            length,
            eval_batches,
        )
        count = min(len(part.store), eval_batches * batch_size)
    else:
        scored = Evaluator(objective, load_task(name), part.store, batch_size).score()
        metrics, count = scored.metrics, len(scored.predictions)
    result = TaskResult(
        name,
        card.version,
        split,
        count,
        metrics,
        card.main_metric,
        data_sha256=part.data_sha256,
    )
    return RunRecord(
        os.path.basename(os.path.normpath(init)),
        pretrained.label,
        "evaluate",
        "done",
        results=(result,),
        parent_run_id=pretrained.run_id,
    )


def _objective(card: TaskCard, pretrained, tokens):
    variables = Variables(0)
    factory = building.encoder_factory(
        pretrained.model or "electra", variables, tokens.special_ids.size
    )
    if card.kind == "corpus":
        return registry.objectives.get(pretrained.objective or "electra")(
            encoders=factory, variables=variables, special_ids=tokens.special_ids
        )
    return registry.kinds.get(card.kind)(
        encoders=factory, variables=variables, card=card
    )
