"""Reading the predictions behind a score, and refusing those that do not belong to it."""

import hashlib
import json
import zlib
from typing import Any, NamedTuple

from electra_bench.records import TaskResult, read_predictions


class Unusable(ValueError):
    """Predictions that say nothing about a score; the message is a few words."""


class Answers(NamedTuple):
    """The predictions of one run on one split, in the order of the examples' ids.

    Attributes:
        ids: the examples' ids, all different.
        targets: right answers.
        predictions: the model's answers.
        scores: what each of them was chosen by.
        groups: what each example belongs to; None where it stands for itself.
    """

    ids: tuple[str, ...]
    targets: tuple[Any, ...]
    predictions: tuple[Any, ...]
    scores: tuple[Any, ...]
    groups: tuple[str | None, ...] = ()

    def examples_sha256(self) -> str:
        """Hash of ids and targets; equal where two runs answered the same examples."""
        return _sha256([self.ids, self.targets])

    def groups_sha256(self) -> str:
        """Hash of the groups; empty where every example stands for itself."""
        return _sha256(self.groups) if any(self.groups) else ""


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def checked_sha256(path: str, result: TaskResult) -> str:
    """Hash of a predictions file that is the one that its record names.

    Raises:
        Unusable: it is missing, or is another.
    """
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise Unusable("predictions missing") from None
    except OSError as error:
        raise Unusable(f"predictions cannot be read: {error.strerror}") from error
    if result.predictions_sha256 not in (None, found):
        raise Unusable("predictions changed since the run")
    return found


def read_answers(path: str, result: TaskResult) -> Answers:
    """Reads a predictions file and checks that it holds what the result counts.

    Raises:
        Unusable: it is damaged, has another number of examples, repeats an id or lacks
            targets.
    """
    try:
        lines = sorted(read_predictions(path), key=lambda line: line.id)
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        # Cut or foreign gzip, JSON that is cut or no prediction.
        raise Unusable("predictions damaged") from error
    if len(lines) != result.num_examples:
        raise Unusable(f"predictions of {len(lines)} of {result.num_examples} examples")
    if len({line.id for line in lines}) != len(lines):
        raise Unusable("predictions repeat an id")
    if any(line.target is None for line in lines):
        raise Unusable("predictions without targets")
    parts = ("id", "target", "prediction", "scores", "group")
    return Answers(*(tuple(getattr(line, name) for line in lines) for name in parts))
