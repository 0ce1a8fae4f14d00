"""How a task scores predictions, and what scoring a split of it gives."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import seqio

from electra_bench.data.examples.store import ExampleStore
from electra_bench.records import Prediction
from electra_bench.tasks.groups import EXAMPLE


class Scored(NamedTuple):
    """What evaluating one split gives.

    Attributes:
        metrics: name to value; percentages.
        predictions: one an example, in the order of the split.
        unit: what their groups are, see `tasks/groups.py`.
        out_of_reach: why the kind cannot give right answers, to how many of them.
        main_metric: the metric that tables show; None for that of the card.
        threshold: see `TaskResult.threshold`.
    """

    metrics: dict[str, float]
    predictions: list[Prediction]
    unit: str = EXAMPLE
    out_of_reach: Mapping[str, int] = MappingProxyType({})
    main_metric: str | None = None
    threshold: Mapping[str, Any] = MappingProxyType({})

    @property
    def num_groups(self) -> int:
        """How many groups the examples are of; one that stands for itself is one."""
        groups = [one.group for one in self.predictions]
        return len(set(groups) - {None}) + groups.count(None)


def target_of(task: seqio.Task, store: ExampleStore, rows: Sequence[int]) -> Any:
    """What metrics compare predictions with; None where it is not known.

    Args:
        task: the example's.
        store: where it is.
        rows: its rows, whose values or labels are taken one after the other.
    """
    for feature in ("values", "labels"):
        values = np.concatenate([store.row(feature, row) for row in rows])
        if len(values):
            example = store[rows[0]]
            return task.postprocess_fn(values, example=example, is_target=True)
    return None


def task_metrics(
    task: seqio.Task, targets: Sequence, predictions: Sequence, scores: Sequence
) -> dict[str, float]:
    """What a task's metric functions give.

    As in seqio, the names of a function's parameters say what it compares the targets
    with: `(targets, predictions)` or `(targets, scores)`.

    Args:
        task: a seqio task.
        targets: one an example, postprocessed.
        predictions: an answer an example, in the order of `targets`.
        scores: what each prediction was chosen by, as the task kind decodes it.
    """
    calls = [(function, predictions) for function in task.predict_metric_fns]
    calls += [(function, scores) for function in task.score_metric_fns]
    found = [function(targets, values) for function, values in calls]
    return {name: float(value) for part in found for name, value in part.items()}
