"""Builders of the tasks of questions about a context: from cards to seqio tasks."""

import functools
from collections.abc import Callable, Mapping, Sequence

import seqio

from electra_bench.data.readers.bad_rows import OnError
from electra_bench.data.readers.locate import layouts
from electra_bench.data.readers.questions import (
    QuestionSource,
    mrqa_questions,
    squad_questions,
)
from electra_bench.records import TaskCard
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.features.windows import (
    answer_or_none,
    answer_texts,
    encode_windows,
)
from electra_bench.tasks.metrics.squad import mrqa_scores, squad_v1, squad_v2
from electra_bench.tasks.postprocessors import Postprocess
from electra_bench.tasks.registration import add_task

# As the original, which leaves bad questions out.
USUAL: OnError = "skip"


def squad(card: TaskCard) -> seqio.Task:
    """Registers SQuAD 2.0.

    Args:
        card: the task's card.
    """
    source = _squad_source(card, "2.0")
    return _add(card, source, answer_or_none, [squad_v2()])


def squadv1(card: TaskCard) -> seqio.Task:
    """Registers SQuAD 1.1.

    Args:
        card: the task's card.
    """
    source = _squad_source(card, "1.1")
    return _add(card, source, answer_texts, [squad_v1])


def mrqa(card: TaskCard) -> seqio.Task:
    """Registers a task of MRQA 2019.

    Args:
        card: the task's card.
    """
    folders = (f"mrqa/{card.name}", f"mrqa/extra/{card.name}")
    files = {
        split: layouts(card.name, split, ".jsonl", *folders)
        for split in ("train", "dev")
    }
    source = QuestionSource(card.name, files, mrqa_questions, USUAL)
    return _add(card, source, answer_texts, [mrqa_scores])


def _squad_source(card: TaskCard, version: str) -> QuestionSource:
    files = {
        split: [
            *layouts(card.name, split, ".json"),
            f"squad/{split}-v{version}.json",
            f"{split}-v{version}.json",
        ]
        for split in ("train", "dev")
    }
    read = functools.partial(squad_questions, unanswerable=version == "2.0")
    return QuestionSource(card.name, files, read, USUAL)


def _add(
    card: TaskCard,
    source: seqio.DataSource,
    postprocess_fn: Postprocess,
    metric_fns: Sequence[Callable[[list, list], Mapping[str, float]]],
) -> seqio.Task:
    return add_task(
        card,
        source,
        [encode_windows(), preprocessors.complete],
        postprocess_fn,
        metric_fns,
    )
