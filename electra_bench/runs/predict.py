"""`electra-bench predict`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import gin

from electra_bench import registry
from electra_bench.records import Prediction, RunRecord, TaskCard, TaskResult
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import find_pretrained
from electra_bench.runs.restored import Inputs, RestoredRun, answering_head
from electra_bench.runs.run_dir import fine_tuned_record
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.submissions import check_rows
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.strategy import make_deterministic


class Answers(NamedTuple):
    """What a run says to one split of a task.

    Attributes:
        name: `<label>-<task>-<split>-s<seed>`; a model from elsewhere has no seed.
        card: of the task.
        split: name of the split.
        head: the task of the run whose head answers.
        part: its examples; None if they are absent.
        absent: why they are.
        predictions: one an example, in the order of the split; None in a dry run.
        result: their number and, where right answers are known, scores.
    """

    name: str
    card: TaskCard
    split: str
    head: str
    part: TaskExamples | None = None
    absent: str | None = None
    predictions: list[Prediction] | None = None
    result: TaskResult | None = None


@gin.configurable(module="runs")
def predict(
    session: Session,
    *,
    init: str,
    parts: Sequence[tuple[str | None, str | None]] = ((None, None),),
    submission: bool = False,
    planned: Sequence[Answers] | None = None,
    vocab: str | None = None,
    vocabulary: str | None = None,
    data_dir: str | None = None,
    files: Mapping[str, str] | None = None,
    on_error: str | None = None,
    max_seq_length: int | None = None,
    batch_size: int = 64,
) -> list[Answers]:
    """Predicts splits of the tasks of a fine-tuned run, with or without right answers.

    Args:
        session: how it was started.
        init: the run's folder.
        parts: tasks and splits. No task is the run's first; another one than the run's
            must have the same kind and labels as one of these. No split is `test` if the
            task has it, or the card's.
        submission: splits without a file are named and left out, the others must have
            all their published rows.
        planned: what a dry run returned; its examples are not looked up again.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary; None tells by the file's content.
        data_dir: folder with data sets.
        files: split to path, for data that lies elsewhere.
        on_error: see `finetune`; None takes the run's.
        max_seq_length: token limit; None takes the run's, or the card's.
        batch_size: examples at once.

    Returns:
        The answers to every part.

    Raises:
        FileNotFoundError: no run, or a file that is not there.
        ValueError: no fine-tuned run, or a task or split that it cannot answer.
    """
    keep_freed_memory()
    make_deterministic()
    pretrained = find_pretrained(init)
    record = fine_tuned_record(pretrained.folder)
    chosen = [_chosen(record, task, split) for task, split in parts]
    heads = dict.fromkeys(answers.head for answers in chosen)
    run = RestoredRun.open(
        [registry.tasks.get(head) for head in heads],
        pretrained,
        Inputs(vocab, vocabulary, data_dir, files, max_seq_length, on_error),
    )
    if planned is None:
        run.check_files([*dict.fromkeys(answers.card.name for answers in chosen)])
        planned = [_planned(run, answers, submission) for answers in chosen]
    if session.dry_run:
        return list(planned)
    session.begin()
    return [
        answers if answers.absent else _predicted(run, answers, batch_size)
        for answers in planned
    ]


def _chosen(record: RunRecord, task: str | None, split: str | None) -> Answers:
    """A task and split that a run answers, and by which head."""
    card: TaskCard = registry.tasks.get(task or record.tasks[0])
    head = answering_head(record, card)
    if split is None:
        split = "test" if "test" in load_task(card.name).splits else card.eval_split
    seed = "" if record.seed is None else f"-s{record.seed}"
    name = f"{record.label}-{card.name}-{split}{seed}"
    return Answers(name, card, split, head)


def _planned(run: RestoredRun, answers: Answers, submission: bool) -> Answers:
    """With the examples of the split, or why they are left out of a submission."""
    card, split = answers.card, answers.split
    length = run.limit(registry.tasks.get(answers.head))
    try:
        part = run.examples(card.name, split, length)
    except FileNotFoundError as error:
        if not submission:
            raise
        return answers._replace(absent=str(error))
    if submission:
        check_rows(card, split, len(part.store))
    return answers._replace(part=part)


def _predicted(run: RestoredRun, answers: Answers, batch_size: int) -> Answers:
    card, split, part = answers.card, answers.split, answers.part
    evaluator = run.evaluator(part, batch_size, answers.head)
    scored = evaluator.score(f"predict {card.name} {split}")
    count = len(scored.predictions)
    return answers._replace(
        predictions=scored.predictions,
        result=run.result(card, split, part, scored.metrics, count),
    )
