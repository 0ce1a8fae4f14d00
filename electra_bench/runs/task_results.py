"""What a fine-tuned run's record says of each split that was scored."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from electra_bench.records import TaskCard, TaskResult, write_predictions
from electra_bench.runs.task_data import TaskData
from electra_bench.system.file_hashes import file_sha256
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.majority_baseline import majority_answers
from electra_bench.tasks.registration import load_task
from electra_bench.training.checkpoints import Best
from electra_bench.training.evaluation import Scored


def task_result(
    card: TaskCard,
    split: str,
    part: TaskExamples,
    scored: Scored,
    run_dir: str,
    marks: Mapping[str, str],
) -> TaskResult:
    """The scores of a split, whose predictions are written into the run's folder.

    Args:
        card: of the task.
        split: its name.
        part: its examples.
        scored: predictions and metrics.
        run_dir: the run's folder.
        marks: see `TaskResult.marks`.
    """
    path = os.path.join("predictions", f"{card.name}-{split}.jsonl.gz")
    os.makedirs(os.path.join(run_dir, "predictions"), exist_ok=True)
    write_predictions(os.path.join(run_dir, path), scored.predictions)
    size = len(scored.predictions)
    subset = other_size(card, split, size)
    is_published = split == card.eval_split and subset is None
    targets = [one.target for one in scored.predictions]
    return TaskResult(
        task=card.name,
        task_version=card.version,
        split=split,
        subset=subset,
        num_examples=size,
        metrics=scored.metrics,
        main_metric=card.main_metric,
        data_sha256=part.data_sha256,
        higher_is_better=card.higher_is_better,
        floor=card.floor if is_published else trivial_score(card, targets),
        marks=marks,
        predictions_path=path,
        predictions_sha256=file_sha256(os.path.join(run_dir, path)),
    )


def trivial_score(card: TaskCard, targets: Sequence[Any]) -> float | None:
    """The main metric of the best answer that is always the same.

    The floor of a card is that of the published examples. A part of them may be another
    thing: of MNLI's 1,599 hard examples 45 % are neutral, of all 9,815 a third.

    Args:
        card: of the task.
        targets: right answers, one an example, as its metrics take them.

    Returns:
        0-100; the card's floor where it does not depend on the examples, as that of
        correlations; None where it is not known.
    """
    if card.floor is None:
        return None
    if card.kind == "span_qa":
        # Never an answer, which is right where there is none.
        return 100 * sum(not target for target in targets) / len(targets)
    if card.kind not in ("classification", "tagging"):
        return card.floor
    metrics: dict[str, float] = {}
    for function in load_task(card.name).predict_metric_fns:
        metrics |= function(targets, majority_answers(targets))
    # A metric of scores has none of an answer alone.
    return float(metrics[card.main_metric]) if card.main_metric in metrics else None


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


def other_training_set(data: TaskData) -> dict[str, str]:
    """The mark of scores whose training set has not its published size; or none."""
    train, split = data.train, data.train_split
    other = other_size(data.card, split, train.num_examples + train.num_skipped)
    return {"other training set": f"{split}: {other}"} if other else {}


def chosen_on(data: TaskData, split: str, best: Best | None) -> dict[str, str]:
    """The mark of a score that the checkpoint was chosen by; none for other scores."""
    if best is None or split != data.scored[0][0]:
        return {}
    return {
        "best on it": f"the checkpoint of step {best.step} was chosen by {best.metric} on "
        "this split"
    }


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
    score = result.main_score
    if score is not None and card.floor is not None and math.isnan(score):
        return True
    return result.is_trivial(card.higher_is_better)
