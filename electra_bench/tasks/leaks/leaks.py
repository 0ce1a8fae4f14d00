"""Which examples of a scored split the model has seen, and what records say of it."""

import dataclasses
import gzip
import json
import os
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from electra_bench.records import Prediction, TaskCard
from electra_bench.records.leaks import InPretraining, InTraining
from electra_bench.system.atomic import atomic_file, make_folder
from electra_bench.tasks.leaks.in_text import Overlap
from electra_bench.tasks.leaks.in_training import Repeats
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.scores import Scored, task_metrics

# What a table says of a score whose examples are in the training set.
IN_TRAINING = "seen in train"
PARTLY_SEEN = "partly seen before"
CONTAMINATED = "contaminated"
FOLDER = "leaks"


class Leaks(NamedTuple):
    """What is known of the examples of one scored split.

    Attributes:
        in_training: counts of those in the training set; `repeats`: which; None if unknown.
        in_pretraining: counts of those in text before that; `overlap`: which.
    """

    in_training: InTraining
    in_pretraining: InPretraining
    repeats: Repeats | None = None
    overlap: Overlap | None = None

    @property
    def marks(self) -> dict[str, str]:
        """Marks of the score, for `TaskResult.marks`."""
        marks = {}
        seen, before = self.in_training, self.in_pretraining
        if seen.is_marked:
            marks[IN_TRAINING] = (
                f"of {seen.num_examples:,} examples {seen.exact:,} are in the training "
                f"set, {seen.near:,} more nearly"
            )
        if before.is_marked:
            marks[CONTAMINATED if before.is_contaminated else PARTLY_SEEN] = (
                f"{before.dirty:,} of {before.num_examples:,} examples are in text that "
                f"it was trained on before: {', '.join(before.texts)}"
            )
        return marks

    @property
    def warnings(self) -> list[str]:
        """What is said where it runs: the marks, and what could not be looked up."""
        whole = (self.in_training.not_checked, self.in_pretraining.not_checked)
        return [
            *(f"{mark}: {why}" for mark, why in self.marks.items()),
            *(f"not looked up: {why}" for why in dict.fromkeys(whole) if why),
        ]

    def fields(self, card: TaskCard, scored: Scored) -> dict[str, Any]:
        """Fields of a `TaskResult`: the counts, with the scores of seen and other ones."""
        of_task = self.repeats
        seen = {*of_task.exact, *of_task.near} if of_task else set()
        dirty = self.overlap.dirty if self.overlap else {}
        return {
            name: dataclasses.replace(
                counts, dirty_score=scores[0], clean_score=scores[1]
            )
            for name, counts, scores in (
                ("in_training", self.in_training, _two_scores(card, scored, seen)),
                (
                    "in_pretraining",
                    self.in_pretraining,
                    _two_scores(card, scored, dirty),
                ),
            )
        }

    def write(self, run_dir: str, card: TaskCard, split: str) -> str | None:
        """Writes which examples were seen into a run's folder.

        A line has an example's `id`, `in_training`: exact, near or shared, or null;
        `in_pretraining`: the share of its n-grams that are in that text; `too_short`:
        whether it has none. Other examples are in neither.

        Returns:
            The file, relative to the folder; None if there are no such examples.
        """
        lines: dict[str, dict[str, Any]] = {}
        for kind in ("exact", "near", "shared"):
            for name in getattr(self.repeats, kind, ()):
                lines.setdefault(name, {})["in_training"] = kind
        overlap = self.overlap
        for name, share in (overlap.found if overlap else {}).items():
            lines.setdefault(name, {})["in_pretraining"] = share
        for name in overlap.too_short if overlap else ():
            lines.setdefault(name, {})["too_short"] = True
        if not lines:
            return None
        path = os.path.join(FOLDER, f"{card.name}-{split}.jsonl.gz")
        make_folder(os.path.join(run_dir, FOLDER))
        empty = {"in_training": None, "in_pretraining": 0.0, "too_short": False}
        with atomic_file(os.path.join(run_dir, path), gzip.open) as file:
            for name, found in lines.items():
                line = {"id": name, **empty, **found}
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        return path


def _two_scores(
    card: TaskCard, scored: Scored, seen: Collection[str]
) -> tuple[float | None, float | None]:
    """The main metric of the examples that were seen, and of the others.

    None without such, and where a preprocessor made other ids than the data have.
    """
    known = {prediction.id for prediction in scored.predictions}
    if not scored.metrics or not seen or not known.issuperset(seen):
        return None, None
    parts = [
        [p for p in scored.predictions if (p.id in seen) == b] for b in (True, False)
    ]
    metric = scored.main_metric or card.main_metric
    dirty, clean = (_score(card.name, metric, part) for part in parts)
    return dirty, clean


def _score(task: str, metric: str, part: Sequence[Prediction]) -> float | None:
    """None of fewer than two examples, of which some metrics are undefined."""
    if len(part) < 2:
        return None
    targets, answers = [p.target for p in part], [p.prediction for p in part]
    scores = [p.scores for p in part]
    try:
        return task_metrics(load_task(task), targets, answers, scores).get(metric)
    except Exception as error:  # a metric may raise anything where a class is missing
        print(
            f"{task}: {metric} of {len(part):,} examples is not known: {error}",
            flush=True,
        )
        return None
