"""What a task is fine-tuned on and scored on."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from electra_bench import registry
from electra_bench.records import TaskCard
from electra_bench.tasks.examples import TaskExamples, examples
from electra_bench.tasks.registration import load_task

Splits = Mapping[str, Sequence[str]]


class TaskData(NamedTuple):
    """A task's examples in one run.

    Attributes:
        card: of the task.
        length: token limit.
        train_split: split to train on; `train`: its examples.
        scored: splits to score, the main one first, and their examples.
    """

    card: TaskCard
    length: int
    train_split: str
    train: TaskExamples
    scored: tuple[tuple[str, TaskExamples], ...]

    @classmethod
    def load(
        cls, card: TaskCard, splits: Splits | None, max_seq_length: int | None
    ) -> "TaskData":
        """Reads and encodes the examples, or finds them encoded.

        Args:
            card: of the task.
            splits: task to (split to train on, split to score); the card's for others.
            max_seq_length: token limit; None takes the card's.

        Raises:
            FileNotFoundError: no file for one of the two; further splits of the card that
                have none are named and left out.
            ValueError: something is wrong in a file.
        """
        length = max_seq_length or card.max_seq_length
        train_split, eval_split = chosen_splits(card, splits)
        [train] = examples(card.name, train_split, length)
        [held_out] = examples(card.name, eval_split, length)
        scored = [(eval_split, held_out)]
        for split in card.further_splits if eval_split == card.eval_split else ():
            try:
                [part] = examples(card.name, split, length)
            except FileNotFoundError as error:
                print(f"{card.name}: {split} is not scored: {error}", flush=True)
            else:
                scored.append((split, part))
        return cls(card, length, train_split, train, tuple(scored))

    @property
    def content(self) -> dict[str, str]:
        """Names of the data that decide the run to their hashes."""
        eval_split, held_out = self.scored[0]
        return {
            content_name(self.card, self.train_split): self.train.data_sha256,
            content_name(self.card, eval_split): held_out.data_sha256,
        }


def content_name(card: TaskCard, split: str) -> str:
    """What the hash of a split is called among a run's inputs."""
    return f"data of {card.name} {split}"


def chosen_by(best_metric: str | None, higher_is_better: bool) -> dict[str, str]:
    """What is said among a run's inputs of the choice of the checkpoint that is scored.

    The metric itself is no part of a run's identity: in pre-training it changes no result.
    """
    direction = "highest" if higher_is_better else "lowest"
    return {"checkpoint with the": f"{direction} {best_metric}"} if best_metric else {}


def chosen_splits(card: TaskCard, splits: Splits | None) -> tuple[str, str]:
    """The splits to train on and to score: a task's in `splits`, or its card's."""
    train, scored = (splits or {}).get(card.name, (card.train_split, card.eval_split))
    return train, scored


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


def check_files(files: Mapping[str, str], tasks: Sequence[str]) -> None:
    """Checks the files that are bound by hand.

    Raises:
        FileNotFoundError: one does not exist.
        ValueError: the task reads no such file, or there are several tasks.
    """
    if not files:
        return
    if len(tasks) > 1:
        raise ValueError(f"FILES belong to one task, got {len(tasks)}: {list(tasks)}")
    task = load_task(tasks[0])
    # Of splits that are made of another split's file, only that one can be given.
    names = getattr(task.source, "file_names", task.splits)
    for split, path in files.items():
        if split not in names:
            raise ValueError(
                f"files: task {task.name!r} reads no file for {split!r}; it reads "
                f"{sorted(names)}"
            )
        if not os.path.isfile(path):
            raise FileNotFoundError(f"files: no file {path!r} for split {split!r}")
