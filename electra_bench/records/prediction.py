"""Per-example predictions: `predictions/<task>-<split>.jsonl.gz`."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from electra_bench.system.atomic import atomic_file


@dataclass(frozen=True)
class Prediction:
    """One line of a predictions file.

    Attributes:
        id: the example's id in its file, or its row number; equal for every model.
        target: the right answer, as the task's metrics see it; None if unknown.
        prediction: the model's answer, in the same form.
        scores: what the answer was chosen by (class probabilities, n-best spans).
        group: names the examples that this one belongs with, as those of one document:
            they are not independent of one another. None if it stands for itself, or, in
            files of earlier versions, if nobody knows.
    """

    id: str
    target: Any
    prediction: Any
    scores: Any = None
    group: str | None = None


def write_predictions(path: str, predictions: Iterable[Prediction]) -> None:
    """Writes one JSON object a line, atomically; equal predictions give equal bytes."""
    with (
        atomic_file(path) as raw,
        # mtime=0: the sha256 of the file identifies its content.
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file,
    ):
        for prediction in predictions:
            line = asdict(prediction)
            if prediction.group is None:
                del line["group"]
            file.write(json.dumps(line, sort_keys=True).encode() + b"\n")


def read_predictions(path: str) -> Iterator[Prediction]:
    """Yields what `write_predictions` wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield Prediction(**json.loads(line))
