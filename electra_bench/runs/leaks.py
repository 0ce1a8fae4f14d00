"""Scored examples that the scored model has seen, in training or before it."""

import dataclasses
import gzip
import json
import os
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from electra_bench.records import Prediction, RunRecord, TaskCard
from electra_bench.records.leaks import InPretraining, InTraining, TrainingText
from electra_bench.runs.pretrained import Pretrained
from electra_bench.system.atomic import atomic_file
from electra_bench.tasks.leaks.in_text import Overlap, overlaps, union
from electra_bench.tasks.leaks.in_training import Repeats, repeats
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.leaks.known_splits import known_splits
from electra_bench.tasks.leaks.training_text import TextGone, split_of
from electra_bench.tasks.registration import load_task
from electra_bench.training.evaluation import Scored, task_metrics

# What a table says of a score whose examples are in the training set.
IN_TRAINING = "seen in train"
PARTLY_SEEN = "partly seen before"
CONTAMINATED = "contaminated"
FOLDER = "leaks"
_UNKNOWN_TEXT = "nothing is known of the text that it was trained on"


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
        os.makedirs(os.path.join(run_dir, FOLDER), exist_ok=True)
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


def not_looked_up(size: int, why: str) -> Leaks:
    """The leaks of a split of so many examples that nobody has looked for."""
    return Leaks(
        InTraining(size, not_checked=why), InPretraining(size, not_checked=why)
    )


def find_leaks(
    scored: Sequence[tuple[Split, int]],
    trained: Sequence[Split] | str,
    before: Sequence[TrainingText] | None,
) -> dict[tuple[str, str], Leaks]:
    """Looks for the examples of scored splits in all that a model has seen.

    Args:
        scored: the splits, and how many examples each has.
        trained: what the run is trained on, or why that is not known.
        before: what its encoder was trained on before; None if that is not known.

    Returns:
        Task and split to what was found.
    """
    splits = [split for split, _ in scored]
    texts = {(text.name, text.split, text.data_sha256): text for text in before or ()}
    found = [(text.name, _in_text(text, splits)) for text in texts.values()]
    leaks = {}
    for number, (split, size) in enumerate(scored):
        in_training, of_task = InTraining(size), None
        if isinstance(trained, str):
            in_training = InTraining(size, not_checked=trained)
        elif trained:
            of_task = repeats(split, trained)
            counts = (len(of_task.exact), len(of_task.near), len(of_task.shared))
            in_training = InTraining(size, *counts)
        of_texts = [(name, parts[number]) for name, parts in found]
        known = [(n, one) for n, one in of_texts if isinstance(one, Overlap)]
        missing = [why for _, why in of_texts if isinstance(why, str)]
        missing += [_UNKNOWN_TEXT] if before is None else []
        whole = union([one for _, one in known]) if known else None
        in_pretraining = InPretraining(
            size,
            dirty=len(whole.dirty) if whole else 0,
            touched=len(whole.found) - len(whole.dirty) if whole else 0,
            too_short=len(whole.too_short) if whole else 0,
            texts=tuple(name for name, _ in known),
            not_checked="; ".join(missing),
        )
        key = split.task, split.split
        leaks[key] = Leaks(in_training, in_pretraining, of_task, whole)
    return leaks


def _in_text(text: TrainingText, splits: Sequence[Split]) -> list[Overlap | str]:
    """What of each split is in a text, or why that is not known."""
    try:
        return [*overlaps(text, splits)]
    except TextGone as error:
        if len(splits) == 1:
            return [str(error)]
        # Some of them may be known.
        return [one for split in splits for one in _in_text(text, [split])]


def look_up_known(texts: Sequence[TrainingText], processes: int | None = None) -> None:
    """Looks all splits that models will be scored on up in texts, for later runs.

    What is found is kept, so that it is known where the text is gone by then. Splits whose
    files come later are looked up when they are first scored.

    Args:
        texts: that a run is about to train on.
        processes: that read them; None for one a core.
    """
    splits = list(known_splits())
    for text in texts if splits else ():
        try:
            of_text = overlaps(text, splits, processes)
        except Exception as error:  # files that this run does not need may be broken
            print(f"not looked up for scored examples: {error}", flush=True)
            continue
        seen = [
            f"{len(one.dirty):,} of {one.num_examples:,} of {split.task} {split.split}"
            for split, one in zip(splits, of_text, strict=True)
            if one.dirty
        ]
        print(
            f"{text.name}: {len(splits)} scored splits were looked up in it; in it are "
            f"{', '.join(seen) or 'none of their examples'}",
            flush=True,
        )


def texts_before(pretrained: Pretrained) -> tuple[TrainingText, ...] | None:
    """What an encoder has seen that a run starts from; None if nobody knows."""
    if pretrained.checkpoint is None:
        return ()
    before, own = pretrained.of_record("texts_before"), pretrained.of_record("texts")
    return None if before is None or own is None else (*before, *own)


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
