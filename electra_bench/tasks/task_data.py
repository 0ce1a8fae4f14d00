"""What a task is fine-tuned on and scored on."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench import registry
from electra_bench.config import types
from electra_bench.config.ranges import Length, Positive
from electra_bench.data import run_context
from electra_bench.data.readers import split_files
from electra_bench.records import TaskCard
from electra_bench.records.leaks import TrainingText
from electra_bench.tasks import held_out as tasks_held_out
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.scores import target_of

Splits = Mapping[str, Sequence[str]]
# Task to fields of its card.
Settings = Mapping[str, Mapping[str, Any]]
# After the name of a training split: the part of it that is scored.
HELD_OUT = "_held_out"
# Those that a run may have otherwise.
SETTINGS = {"epochs": Positive[float], "max_seq_length": Length[int]}


class TaskData(NamedTuple):
    """A task's examples in one run.

    Attributes:
        card: of the task.
        length: token limit.
        train_split: split to train on; `train`: its examples.
        scored: splits to score, the main one first, and their examples.
        arguments: how its files are found again, see `TrainingText`.
        is_trial: whether what is scored is a part of the training set.
    """

    card: TaskCard
    length: int
    train_split: str
    train: TaskExamples
    scored: tuple[tuple[str, TaskExamples], ...]
    arguments: Mapping[str, Any]
    is_trial: bool = False

    @classmethod
    def load(
        cls,
        card: TaskCard,
        splits: Splits | None,
        max_seq_length: int | None,
        held_out: float = 0.0,
    ) -> "TaskData":
        """Reads and encodes the examples, or finds them encoded.

        Args:
            card: of the task.
            splits: task to (split to train on, split to score); the card's for others.
            max_seq_length: token limit; None takes the card's.
            held_out: share of the training set that is scored instead of any split.

        Raises:
            FileNotFoundError: no file for one of the two; further splits of the card that
                have none are named and left out.
            ValueError: something is wrong in a file, or the split to score has no right
                answers.
        """
        length = max_seq_length or card.max_seq_length
        train_split, eval_split = chosen_splits(card, splits)
        [train] = examples(card.name, train_split, length)
        if held_out:
            train, part = tasks_held_out.held_out(card, train, held_out)
            scored = [(f"{train_split}{HELD_OUT}", part)]
        else:
            scored = _scored(card, eval_split, length)
        context = run_context.current()
        given = {"files": dict(context.files), "on_error": context.on_error}
        arguments = {name: value for name, value in given.items() if value}
        parts, is_trial = tuple(scored), held_out > 0
        return cls(card, length, train_split, train, parts, arguments, is_trial)

    @property
    def training_text(self) -> TrainingText:
        """What is trained on, as a record has it."""
        sha256 = self.train.data_sha256
        return TrainingText(self.card.name, self.train_split, sha256, self.arguments)

    @property
    def content(self) -> dict[str, str]:
        """Names of the data that decide the run to their hashes."""
        # The part of the training set that a trial is scored on follows from the set.
        scored = () if self.is_trial else self.scored
        return {
            content_name(self.card, name): part.data_sha256
            for name, part in ((self.train_split, self.train), *scored)
        }


def _scored(card: TaskCard, split: str, length: int) -> list[tuple[str, TaskExamples]]:
    """The splits to score: one, and the further ones of the card whose files are there."""
    [part] = examples(card.name, split, length)
    if target_of(load_task(card.name), part.store, [0]) is None:
        raise ValueError(
            f"task {card.name!r}: the split {split!r} has no right answers, which scoring "
            "needs; predict answers it"
        )
    scored = [(split, part)]
    for further in further_splits(card, split):
        try:
            [part] = examples(card.name, further, length)
        except FileNotFoundError as error:
            print(f"{card.name}: {further} is not scored: {error}", flush=True)
        else:
            scored.append((further, part))
    return scored


def content_name(card: TaskCard, split: str) -> str:
    """What the hash of a split is called among a run's inputs.

    A newer version of a task makes another run of it. The first one is not named.
    """
    version = f" version {card.version}" if card.version > 1 else ""
    return f"data of {card.name}{version} {split}"


def chosen_splits(card: TaskCard, splits: Splits | None) -> tuple[str, str]:
    """The splits to train on and to score: a task's in `splits`, or its card's."""
    train, scored = (splits or {}).get(card.name, (card.train_split, card.eval_split))
    return train, scored


def further_splits(card: TaskCard, eval_split: str) -> tuple[str, ...]:
    """Splits that are scored beside this one, where their files are there."""
    return card.further_splits if eval_split == card.eval_split else ()


def trainable_card(task: str) -> TaskCard:
    """The card of a task that can be fine-tuned on.

    Raises:
        UnknownName: no such task.
        ValueError: it is of no kind that is trained, or has no training set.
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


def with_settings(card: TaskCard, settings: Settings | None) -> TaskCard:
    """The card as a run has it.

    Args:
        card: of the task.
        settings: task to those of `SETTINGS` that are not as on its card.

    Raises:
        ValueError: other settings than these, or a number out of range.
    """
    changed = (settings or {}).get(card.name, {})
    unknown = sorted(set(changed) - set(SETTINGS))
    if unknown:
        raise ValueError(
            f"runs.finetune.task_settings of {card.name!r} may have {list(SETTINGS)}, got "
            f"{unknown}"
        )
    for name, value in changed.items():
        if not types.fits(value, SETTINGS[name]):
            raise ValueError(
                f"runs.finetune.task_settings of {card.name!r}: {name} = {value!r}: "
                f"expected {types.shown(SETTINGS[name])}"
            )
    return dataclasses.replace(card, **changed)


def check_files(files: Mapping[str, str | Sequence[str]], tasks: Sequence[str]) -> None:
    """Checks the files that are bound by hand, in the context that they are read in.

    Raises:
        FileNotFoundError: one does not exist.
        ValueError: no task reads such a file, or several do.
    """
    # Of splits that are made of another split's file, only that one can be given.
    readers = {
        name: getattr(load_task(name).source, "file_names", load_task(name).splits)
        for name in tasks
    }
    split_files.check_readers(files, readers)
    for split, path in files.items():
        if not any(split in names for names in readers.values()):
            known = (f"{task!r} reads {sorted(n)}" for task, n in readers.items())
            raise ValueError(
                f"files: no file is read for {split!r}; task {', '.join(known)}"
            )
        split_files.given(split, path)
