"""What `evaluate` and `predict` share: a run's model and the examples it is given."""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench import registry
from electra_bench.core import Objective
from electra_bench.core.optional import tasks_of
from electra_bench.data import run_context
from electra_bench.records import RunRecord, TaskCard
from electra_bench.runs.pretrained import Pretrained, restored_objective
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.leaks.find import find_leaks
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.leaks.training_text import TextGone, split_of
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.task_data import check_files, with_settings
from electra_bench.training.evaluation import Evaluator
from electra_bench.vocabularies.load import open_vocabulary


class ReadingOptions(NamedTuple):
    """What a run reads beside its checkpoint; see the parameters of `evaluate`."""

    vocab: str | None = None
    vocabulary: str | None = None
    data_dir: str | None = None
    files: Mapping[str, str | Sequence[str]] | None = None
    max_seq_length: int | None = None
    on_error: str | None = None
    max_skipped: float | None = None


class RestoredRun(NamedTuple):
    """What a run has trained, with what its examples are made by.

    Attributes:
        pretrained: the run.
        objective: with the checkpoint's values.
        tokenizer: of its vocabulary.
        options: what it reads; what is not given is the run's.
        strategy: the configured one, that of the run unless bindings say otherwise.
    """

    pretrained: Pretrained
    objective: Objective
    tokenizer: Any
    options: ReadingOptions
    strategy: tf.distribute.Strategy

    @classmethod
    def open(
        cls, cards: Sequence[TaskCard], pretrained: Pretrained, options: ReadingOptions
    ) -> "RestoredRun":
        """Builds it; gin holds the run's configuration.

        Args:
            cards: see `restored_objective`.
            pretrained: the run.
            options: what it reads.

        Raises:
            FileNotFoundError: no vocabulary.
            CheckpointError: a variable is missing or of another size.
        """
        tokenizer = open_vocabulary(
            options.vocabulary, options.vocab, pretrained.folder
        )
        of_run = {
            name: getattr(options, name) or _parameter(pretrained, name)
            for name in ("max_seq_length", "on_error")
        }
        if options.max_skipped is None:
            of_run["max_skipped"] = _parameter(pretrained, "max_skipped")
        strategy = registry.training.get("strategy")()
        with strategy.scope():
            objective = restored_objective(cards, pretrained, tokenizer)
        options = options._replace(**of_run)
        return cls(pretrained, objective, tokenizer, options, strategy)

    def limit(self, card: TaskCard) -> int:
        """Token limit: that of the options or the run, or else of a task."""
        settings = _parameter(self.pretrained, "task_settings")
        return (
            self.options.max_seq_length or with_settings(card, settings).max_seq_length
        )

    def check_files(self, tasks: Sequence[str]) -> None:
        """Checks files that are bound by hand; the run's own were checked before.

        Raises:
            FileNotFoundError: one does not exist.
            ValueError: none of these tasks reads such a file, or several do.
        """
        files = self.options.files
        if files and files != _parameter(self.pretrained, "files"):
            with run_context.use(data_dir=self._data_dir, files=dict(files)):
                check_files(files, tasks)

    def examples(self, task: str, split: str, length: int) -> TaskExamples:
        """The examples of a split of a task.

        Args:
            task: registered name.
            split: one of its splits.
            length: token limit.

        Raises:
            FileNotFoundError: no such file.
            ValueError: no such split, or a split without examples.
        """
        with self._context(task):
            [part] = examples(task, split, length)
        return part

    def leaks(
        self, parts: Sequence[tuple[TaskExamples, str]]
    ) -> Callable[[], Mapping[tuple[str, str], Leaks]]:
        """Finds what the run has seen of splits of tasks, in training or before.

        Args:
            parts: examples of the splits, and the splits' names.

        Returns:
            Gives task and split to what was found. All are looked up at once, when it is
            first called; it holds no model.
        """
        record, data_dir, scored = self.pretrained.record, self._data_dir, []
        for part, split in parts:
            with self._context(part.task):
                one = Split.here(part.task, split, part.data_sha256)
            scored.append((one, part.num_examples))

        @functools.cache
        def find() -> Mapping[tuple[str, str], Leaks]:
            with run_context.use(data_dir=data_dir):
                return leaks_of_run(record, scored)

        return find

    def _context(self, task: str) -> contextlib.AbstractContextManager:
        limit = self.options.max_skipped
        return run_context.use(
            vocabulary=self.tokenizer,
            data_dir=self._data_dir,
            files=self._files(task),
            on_error=self.options.on_error,
            **({} if limit is None else {"max_skipped": limit}),
        )

    @property
    def _data_dir(self) -> str | None:
        return self.options.data_dir or run_context.current().data_dir

    def _files(self, task: str) -> dict[str, str | Sequence[str]]:
        """Those that are bound for a task: the run's own are for its task only."""
        files = dict(self.options.files or {})
        record = self.pretrained.record
        tasks = record.tasks if record else ()
        is_own = files == _parameter(self.pretrained, "files")
        return {} if is_own and task not in tasks else files

    def evaluator(
        self, part: TaskExamples, batch_size: int, head: str | None = None
    ) -> Evaluator:
        """What predicts and scores the examples of a task, not of a corpus.

        Args:
            part: the examples.
            batch_size: examples at once.
            head: of several tasks the one whose head answers.
        """
        name, task = head or part.task, load_task(part.task)
        kind = tasks_of(self.objective, name)[name]
        return Evaluator(kind, task, part.store, batch_size, self.strategy)


def leaks_of_run(
    record: RunRecord | None, scored: Sequence[tuple[Split, int]]
) -> dict[tuple[str, str], Leaks]:
    """What a finished run has seen of splits that it is scored on now.

    Args:
        record: of the run; None for a model from elsewhere.
        scored: see `find_leaks`.

    Returns:
        See `find_leaks`.
    """
    trained: list[Split] | str = "its record does not say what it was trained on"
    if record and record.texts is not None:
        try:
            trained = [split_of(text) for text in record.texts]
        except (TextGone, OSError, LookupError, ValueError) as error:
            trained = f"what it was trained on is not there: {error}"
    before = record.texts_before if record else None
    return find_leaks(scored, trained, before)


def answering_head(record: RunRecord, card: TaskCard) -> str:
    """The task of a fine-tuned run whose head answers a task.

    Args:
        record: of the run.
        card: of any task.

    Raises:
        ValueError: no task of the run has its kind and labels.
    """
    own: list[TaskCard] = [registry.tasks.get(name) for name in record.tasks]
    heads = [c.name for c in own if _answers_of(c) == _answers_of(card)]
    if not heads:
        raise ValueError(
            f"a run of {', '.join(map(_shown, own))} cannot answer {_shown(card)}: kind "
            "and labels must be the same"
        )
    of_card = [name for name in (card.name, card.trained_on) if name in heads]
    return (of_card or heads)[0]


def _answers_of(card: TaskCard) -> tuple:
    return card.kind, card.labels, card.label_range


def _shown(card: TaskCard) -> str:
    return f"{card.name!r} ({card.kind}, {len(card.labels)} labels)"


def _parameter(pretrained: Pretrained, name: str) -> Any:
    """What the run was made with; None without a record, or where nothing was said."""
    record = pretrained.record
    return record and record.hparams.get(f"runs.{record.kind}.{name}")
