"""SQuAD and the sets of MRQA: from their cards to seqio tasks."""

import functools

import seqio

from electra_bench.data.readers import questions
from electra_bench.data.readers.bad_rows import OnError
from electra_bench.data.readers.split_files import layouts
from electra_bench.records import TaskCard
from electra_bench.tasks.metrics.squad import mrqa_scores, squad_v1, squad_v2
from electra_bench.tasks.text_tasks import add_labelled_task

# As the original, which leaves bad questions out.
USUAL: OnError = "skip"
SPLITS = ("train", "dev")


def squad(card: TaskCard) -> seqio.Task:
    """Registers SQuAD 2.0."""
    source = _squad_source(card, "2.0")
    return add_labelled_task(card, source, [squad_v2()], unanswerable=True)


def squadv1(card: TaskCard) -> seqio.Task:
    """Registers SQuAD 1.1."""
    return add_labelled_task(card, _squad_source(card, "1.1"), [squad_v1])


def mrqa(card: TaskCard) -> seqio.Task:
    """Registers a task of MRQA 2019."""
    folders = (f"mrqa/{card.name}", f"mrqa/extra/{card.name}")
    files = {split: layouts(card.name, split, ".jsonl", *folders) for split in SPLITS}
    source = questions.QuestionSource(files, questions.mrqa_questions, USUAL)
    return add_labelled_task(card, source, [mrqa_scores])


def _squad_source(card: TaskCard, version: str) -> questions.QuestionSource:
    files = {
        split: [
            *layouts(card.name, split, ".json"),
            f"squad/{split}-v{version}.json",
            f"{split}-v{version}.json",
        ]
        for split in SPLITS
    }
    read = functools.partial(questions.squad_questions, unanswerable=version == "2.0")
    return questions.QuestionSource(files, read, USUAL)
