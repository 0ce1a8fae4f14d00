"""`electra-bench predict`."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import gin

from electra_bench import registry
from electra_bench.config.ranges import Length, Positive, Share
from electra_bench.config.roles import Content, Detail, Machine, PerTask, Subject
from electra_bench.records import Prediction, RunRecord, TaskCard, TaskResult
from electra_bench.records.run_folder import fine_tuned_record
from electra_bench.runs.pretrained import find_pretrained
from electra_bench.runs.restored import ReadingOptions, RestoredRun, answering_head
from electra_bench.runs.session import Session
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.results import result_of, score_marks
from electra_bench.tasks.submissions import check_rows
from electra_bench.training.build import prepare
from electra_bench.training.evaluation import Evaluator


@dataclasses.dataclass
class SplitPredictions:
    """What a run predicts for one split of a task.

    Attributes:
        name: `<label>-<task>-<split>-s<seed>`; a model from elsewhere has no seed.
        card: of the task.
        split: name of the split.
        head: the task of the run whose head predicts.
        part: its examples; None if they are absent.
        absent: why they are.
        evaluator: what predicts, until it has.
        predictions: one an example, in the order of the split; None before `predict`.
        result: their number and, where right answers are known, scores.
        run: its record.
        marks: of its checkpoint, see `Pretrained.marks`.
        leaks: gives what the run has seen of every split, see `RestoredRun.leaks`.
    """

    name: str
    card: TaskCard
    split: str
    head: str
    part: TaskExamples | None = None
    absent: str | None = None
    evaluator: Evaluator | None = None
    predictions: list[Prediction] | None = None
    result: TaskResult | None = None
    run: RunRecord | None = None
    marks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    leaks: Callable[[], Mapping[tuple[str, str], Leaks]] = dict

    def predict(self) -> None:
        """Predicts, unless the examples are absent."""
        if self.evaluator is None or self.part is None:
            return
        leaks = self.leaks()[self.card.name, self.split]
        marks = score_marks(self.run, self.card, [self.part], leaks) | dict(self.marks)
        scored = self.evaluator.score(f"predict {self.card.name} {self.split}")
        self.predictions = scored.predictions
        self.result = result_of(self.card, self.split, self.part, scored, marks, leaks)
        self.evaluator = None  # which holds the model


@gin.configurable(module="runs")
def predict(
    session: Session,
    *,
    init: Content[str],
    parts: Subject[Sequence[tuple[str | None, str | None]]] = ((None, None),),
    submission: Subject[bool] = False,
    vocab: Content[str | None] = None,
    vocabulary: Subject[str | None] = None,
    data_dir: Machine[str | None] = None,
    files: Content[Mapping[str, str | Sequence[str]] | None] = None,
    on_error: PerTask[str | None] = None,
    max_skipped: Machine[Share[float] | None] = None,
    max_seq_length: PerTask[Length[int] | None] = None,
    batch_size: Detail[Positive[int]] = 64,
) -> list[SplitPredictions]:
    """Predicts splits of the tasks of a fine-tuned run, with or without right answers.

    Args:
        session: how it was started.
        init: the run's folder.
        parts: tasks and splits. No task is the run's first; another one than the run's
            must have the same kind and labels as one of these. No split is `test` if the
            task has it, or the card's.
        submission: splits without a file are named and left out, the others must have
            all their published rows.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary; None tells by the file's content.
        data_dir: folder with data sets.
        files: split to its files, names or globs, for data that lies elsewhere.
        on_error: see `finetune`; None takes the run's.
        max_skipped: see `finetune`; None takes the run's.
        max_seq_length: token limit; None takes the run's, or the card's.
        batch_size: examples at once.

    Returns:
        The predictions of every part; of a dry run, before they are made.

    Raises:
        FileNotFoundError: no run, or a file that is not there.
        ValueError: no fine-tuned run, or a task or split that it cannot answer.
    """
    prepare()
    pretrained = find_pretrained(init)
    record = fine_tuned_record(pretrained.folder or init)
    chosen = [_chosen(record, task, split) for task, split in parts]
    heads = dict.fromkeys(one.head for one in chosen)
    run = RestoredRun.open(
        [registry.tasks.get(head) for head in heads],
        pretrained,
        ReadingOptions(
            vocab, vocabulary, data_dir, files, max_seq_length, on_error, max_skipped
        ),
    )
    run.check_files([*dict.fromkeys(one.card.name for one in chosen)])
    for one in chosen:
        _find_examples(run, one, batch_size, submission=submission)
    # All at once: what the run has seen is read once.
    there = [(one.part, one.split) for one in chosen if one.part is not None]
    leaks = run.leaks(there)
    for one in chosen:
        one.run, one.marks, one.leaks = pretrained.record, pretrained.marks, leaks
    if not session.dry_run:
        session.begin()
        for one in chosen:
            one.predict()
    return chosen


def _chosen(record: RunRecord, task: str | None, split: str | None) -> SplitPredictions:
    """A task and split that a run answers, and by which head."""
    card: TaskCard = registry.tasks.get(task or record.tasks[0])
    head = answering_head(record, card)
    if split is None:
        split = "test" if "test" in load_task(card.name).splits else card.eval_split
    seed = "" if record.seed is None else f"-s{record.seed}"
    name = f"{record.label}-{card.name}-{split}{seed}"
    return SplitPredictions(name, card, split, head)


def _find_examples(
    run: RestoredRun, one: SplitPredictions, batch_size: int, *, submission: bool
) -> None:
    """Adds the examples of the split, or why they are left out of a submission."""
    length = run.limit(registry.tasks.get(one.head))
    try:
        one.part = run.examples(one.card.name, one.split, length)
    except FileNotFoundError as error:
        if not submission:
            raise
        one.absent = str(error)
        return
    if submission:
        check_rows(one.card, one.split, one.part.num_examples)
    one.evaluator = run.evaluator(one.part, batch_size, one.head)
