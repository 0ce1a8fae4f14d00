"""What a record says of each split that was scored, and what its readers must know."""

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from electra_bench.records import RunRecord, TaskCard, TaskResult, write_predictions
from electra_bench.system.atomic import make_folder
from electra_bench.system.file_hashes import file_sha256
from electra_bench.tasks.corpora.losses import MARKS
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.majority_baseline import trivial_score
from electra_bench.tasks.scores import Scored
from electra_bench.tasks.task_data import TaskData

# Mark of a split on which no answer can be told from another.
ONE_ANSWER = "one answer only"

# The mark of scores of what was trained on a corpus that lost more than usual.
PRETRAINING_TEXT = "pre-training text"
# That of a run without a record, and of what starts from it.
UNFINISHED = "unfinished run"
# That of a checkpoint before the last one, which is damaged.
EARLIER = "earlier checkpoint"
INHERITED = (PRETRAINING_TEXT, UNFINISHED, EARLIER)
# That of a split whose scores chose the checkpoint.
CHOSEN_ON = re.compile(r"best of \d+ on it")


def task_result(
    card: TaskCard,
    split: str,
    part: TaskExamples,
    scored: Scored,
    run_dir: str,
    marks: Mapping[str, str],
    leaks: Leaks,
) -> TaskResult:
    """As `result_of`; predictions are written into the run's folder, `run_dir`."""
    path = os.path.join("predictions", f"{card.name}-{split}.jsonl.gz")
    make_folder(os.path.join(run_dir, "predictions"))
    write_predictions(os.path.join(run_dir, path), scored.predictions)
    return dataclasses.replace(
        result_of(card, split, part, scored, marks, leaks),
        leaks_path=leaks.write(run_dir, card, split),
        predictions_path=path,
        predictions_sha256=file_sha256(os.path.join(run_dir, path)),
    )


def result_of(
    card: TaskCard,
    split: str,
    part: TaskExamples,
    scored: Scored,
    marks: Mapping[str, str],
    leaks: Leaks,
) -> TaskResult:
    """The scores of a split of a task, not of a corpus.

    Args:
        card: of the task.
        split: its name.
        part: its examples.
        scored: predictions and metrics.
        marks: see `TaskResult.marks`.
        leaks: what the model has seen of it.
    """
    size = len(scored.predictions)
    subset = other_size(card, split, size)
    return TaskResult.of(
        card,
        split,
        size,
        scored.metrics,
        scored.main_metric,
        threshold=scored.threshold,
        subset=subset,
        data_sha256=part.data_sha256,
        floor=_floor(card, split, subset, scored),
        marks={**marks, **out_of_reach(scored), **one_answer(card, scored)},
        **leaks.fields(card, scored),
        unit=scored.unit,
        num_groups=scored.num_groups,
    )


def _floor(
    card: TaskCard, split: str, subset: str | None, scored: Scored
) -> float | None:
    """The main metric of the majority baseline; None where nothing is scored."""
    if not scored.metrics:
        return None
    if split == card.eval_split and subset is None:
        return card.floor
    return trivial_score(card, [one.target for one in scored.predictions])


def other_size(card: TaskCard, split: str, size: int) -> str | None:
    """How many examples there are of how many published ones; None if all and no more.

    Args:
        card: of the task.
        split: its name.
        size: number of examples.
    """
    published = card.splits.get(split)
    if published in (None, size):
        return None
    if size < published:
        return f"{size} of {published}"
    return f"{size} rows, {published} published"


def score_marks(
    pretrained: RunRecord | None,
    card: TaskCard,
    parts: Sequence[TaskExamples],
    leaks: Leaks | None = None,
) -> dict[str, str]:
    """Marks of a score, for `TaskResult.marks`, that the pre-training and data give.

    Args:
        pretrained: record of what the scored model started from; None if it has none.
        card: of the task.
        parts: its examples, those to train on, if any, before those to score.
        leaks: what the model has seen of those to score; None of a corpus.

    Returns:
        "contaminated": pre-training has seen the task or its source, as was declared or
        found; "partly seen before": few of the examples; "seen in train": the training
        set has scored examples; "unseen positions": there are longer examples than any in
        pre-training; "pre-training text": its corpus lost more than usual, and the like,
        see `inherited_marks`; "best of 5 on it": the
        split chose the checkpoint that is scored or trained on; "rows skipped": the data
        had rows that could not be used; "tags mended", "labels alike" and the like: what
        was noted of rows that were used; "words cut" and the like: how much of the
        examples the limits of their features left out; "cased vocabulary" and the like:
        the vocabulary is used otherwise than it was made. Each with the whole of it.
    """
    stores = [part.store for part in parts]
    marks = leaks.marks if leaks else {}
    known = pretrained.contaminated if pretrained else {}
    if card.name in known:
        found = marks.get("contaminated")
        marks["contaminated"] = "; ".join(filter(None, [known[card.name], found]))
    seen = pretrained.positions_seen if pretrained else None
    if seen is not None:
        longer = sum(int((s.lengths("input_ids") > seen).sum()) for s in stores)
        if longer:
            marks["unseen positions"] = (
                f"{longer} of {sum(map(len, stores))} examples are longer than the "
                f"{seen} tokens of the longest sequence in pre-training"
            )
    marks |= inherited_marks(pretrained) | _chosen_on(pretrained, parts[-1])
    doubts = {mark: why for part in parts for mark, why in part.doubts.items()}
    return marks | doubts | _told(parts) | _cut(parts)


def inherited_marks(start: RunRecord | None) -> dict[str, str]:
    """Marks of the scores of a run that scores of what starts from it have, too.

    What corpora lost is one mark of theirs, "pre-training text".

    Args:
        start: record of the run; None if there is none.
    """
    if start is None:
        return {}
    own = MARKS if start.kind == "pretrain" else ()
    found: dict[str, list[str]] = {mark: [] for mark in INHERITED}
    for result in start.results:
        for mark, why in result.marks.items():
            if mark in own:
                found[PRETRAINING_TEXT].append(f"{mark}: {why}")
            elif mark in INHERITED:
                found[mark].append(why)
    return {mark: "; ".join(sorted(set(all))) for mark, all in found.items() if all}


def _chosen_on(start: RunRecord | None, part: TaskExamples) -> dict[str, str]:
    """The mark of a split that the checkpoint of a run was chosen by; or none."""
    if start is None or start.chosen_step is None:
        return {}
    is_chosen = start.chosen_step == start.train_steps
    return {
        mark: why
        for result in start.results
        for mark, why in result.marks.items()
        if is_chosen
        and result.data_sha256 == part.data_sha256
        and CHOSEN_ON.fullmatch(mark)
    }


def _told(parts: Sequence[TaskExamples]) -> dict[str, str]:
    """What readers left out or noted, to how much of it and its first places."""
    counts: dict[str, Counter[str]] = {}
    places: dict[str, dict[str, None]] = {}
    for purpose, part in _with_purposes(parts):
        skipped = {"rows skipped": (part.num_skipped, part.reasons)}
        for mark, (count, some) in (skipped | dict(part.notes)).items():
            if count:
                counts.setdefault(mark, Counter())[purpose] += count
                # A cure is that of all.
                places.setdefault(mark, {}).update(dict.fromkeys(some))
    return {
        mark: ", ".join(f"{count:,} {purpose}" for purpose, count in found.items())
        + f", the first of them: {'; '.join([*places[mark]][:3])}"
        for mark, found in counts.items()
    }


def _cut(parts: Sequence[TaskExamples]) -> dict[str, str]:
    """What the limits of features left out, to how much of it."""
    found: dict[str, list[str]] = {}
    for purpose, part in _with_purposes(parts):
        for what, (cut, total) in part.cut.items():
            found.setdefault(what, []).append(f"{cut:,} of {total:,} {purpose}")
    return {what: ", ".join(shares) for what, shares in found.items()}


def _with_purposes(parts: Sequence[TaskExamples]) -> list[tuple[str, TaskExamples]]:
    """The parts as they are told of: the last one, which is scored, first."""
    *to_train, to_score = parts
    return [("to score", to_score), *(("to train on", part) for part in to_train)]


def out_of_reach(scored: Scored) -> dict[str, str]:
    """Marks of a score for right answers that the kind of the task cannot give."""
    size = len(scored.predictions)
    return {w: f"{n:,} of {size:,}" for w, n in scored.out_of_reach.items()}


def one_answer(card: TaskCard, scored: Scored) -> dict[str, str]:
    """The mark of a split whose right answers are all the same; or none.

    A correlation is then not defined, Matthews' is 0, and the baseline is right always.
    """
    if not scored.metrics or card.kind == "span_qa":
        return {}
    answers = {
        repr(label)
        for one in scored.predictions
        for label in (one.target if card.kind == "tagging" else [one.target])
    }
    if len(answers) != 1:
        return {}
    every = f"all {len(scored.predictions):,} right answers are {answers.pop()}"
    undefined = ", so there is no correlation" if card.kind == "regression" else ""
    return {ONE_ANSWER: every + undefined}


def other_training_set(data: TaskData) -> dict[str, str]:
    """The mark of scores whose training set has not its published size; or none."""
    train, split = data.train, data.train_split
    other = other_size(data.card, split, train.num_examples + train.num_skipped)
    return {"other training set": f"{split}: {other}"} if other else {}


def any_collapsed(
    data: Sequence[TaskData], results: Sequence[TaskResult]
) -> bool | None:
    """Whether a task's main split is answered no better than trivially."""
    main = {(d.card.name, d.scored[0][0]): d.card for d in data}
    found = [
        _collapsed(main[result.task, result.split], result)
        for result in results
        if (result.task, result.split) in main
    ]
    return None if all(f is None for f in found) else any(found)


def _collapsed(card: TaskCard, result: TaskResult) -> bool | None:
    # An undefined score counts as the floor.
    if result.main_score is None and card.floor is not None:
        return True
    return result.is_trivial(card.higher_is_better)
