"""Predictions of a task kind and their scores, by the task's own functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import seqio
import tensorflow as tf

from electra_bench.core import PretrainingObjective, Seed, TaskKind
from electra_bench.core.optional import HasMerge
from electra_bench.data.examples.batch_plan import Row
from electra_bench.data.examples.batches import (
    evaluation_batches,
    make_batch,
    signature,
)
from electra_bench.data.examples.store import ExampleStore
from electra_bench.records import Prediction
from electra_bench.training.scoring_progress import ScoringProgress


class Scored(NamedTuple):
    """What evaluating one split gives.

    Attributes:
        metrics: name to value; percentages.
        predictions: one an example, in the order of the split.
    """

    metrics: dict[str, float]
    predictions: list[Prediction]


class Evaluator:
    """Scores an objective with `decode` (a task kind) on one split of its task."""

    def __init__(
        self,
        objective: TaskKind,
        task: seqio.Task,
        store: ExampleStore,
        batch_size: int,
    ):
        """Compiles the forward pass once, for any number of evaluations."""
        self._objective = objective
        self._task = task
        self._store = store
        self._batch_size = batch_size
        self._outputs: Callable = tf.function(
            lambda batch: objective.outputs(batch, Seed.of(0)),
            input_signature=[signature(batch_size)],
            autograph=False,
        )

    def score(self, name: str | None = None) -> Scored:
        """Predicts every example and computes the task's metrics.

        Splits without labels have predictions, but no metrics.

        Args:
            name: what a display of the progress is called; None shows none.
        """
        predicted = self._decoded(name)
        targets, values, predictions = [], [], []
        for rows in self._examples():
            example = self._store[rows[0]]
            decoded = [predicted[row] for row in rows]
            if isinstance(self._objective, HasMerge):
                value, scores = self._objective.merge(decoded)
            else:
                [(value, scores)] = decoded
            value = self._task.postprocess_fn(value, example=example, is_target=False)
            target = target_of(self._task, example)
            targets.append(target)
            values.append(value)
            predictions.append(
                Prediction(str(example.get("id", rows[0])), target, value, scores)
            )
        metrics: dict[str, float] = {}
        if all(target is not None for target in targets):
            metrics = task_metrics(
                self._task, targets, values, [p.scores for p in predictions]
            )
        return Scored(metrics, predictions)

    def _decoded(self, name: str | None) -> list[tuple[Any, Any]]:
        if name is None:
            return self._decode_all(lambda rows, tokens: None)
        total = int(self._store.lengths("input_ids").sum())
        with ScoringProgress(name, len(self._store), total) as progress:
            return self._decode_all(progress.update)

    def _decode_all(
        self, on_batch: Callable[[int, int], None]
    ) -> list[tuple[Any, Any]]:
        """Every row's answer; `on_batch` gets rows and tokens of each batch."""
        decoded: list[Any] = [None] * len(self._store)
        for batch in evaluation_batches(self._store, self._batch_size):
            outputs = {
                name: value.numpy()
                for name, value in self._outputs(_tensors(batch)).items()
            }
            for i, row in enumerate(batch.example_id):
                if row >= 0:
                    decoded[row] = self._objective.decode(
                        {name: value[i] for name, value in outputs.items()},
                        self._store[int(row)],
                    )
            rows = int((batch.example_id >= 0).sum())
            on_batch(rows, int(batch.input_mask.sum()))
        return decoded

    def _examples(self) -> list[list[int]]:
        """Rows of the store that belong to one example, in the order of the split."""
        grouped: dict[int, list[int]] = {}
        for row in range(len(self._store)):
            identity = int(self._store.row("example_id", row)[0])
            grouped.setdefault(identity, []).append(row)
        return list(grouped.values())


def target_of(task: seqio.Task, example: Mapping[str, Any]) -> Any:
    """What metrics compare predictions with; None where it is not known.

    Args:
        task: the example's.
        example: a row of its store.
    """
    values = example["values"] if len(example["values"]) else example["labels"]
    if len(values) == 0:
        return None
    return task.postprocess_fn(values, example=example, is_target=True)


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
    metrics: dict[str, float] = {}
    for functions, values in (
        (task.predict_metric_fns, predictions),
        (task.score_metric_fns, scores),
    ):
        for function in functions:
            found = function(targets, values)
            metrics |= {name: float(value) for name, value in found.items()}
    return metrics


def _tensors(batch):
    return tf.nest.map_structure(tf.constant, batch)


def num_evaluated(store: ExampleStore, batch_size: int, max_batches: int) -> int:
    """How many examples `evaluate_pretraining` uses."""
    size = min(batch_size, len(store))
    return size * min(max_batches, len(store) // size)


def evaluate_pretraining(
    objective: PretrainingObjective,
    outputs: Callable,
    store: ExampleStore,
    batch_size: int,
    seq_length: int,
    max_batches: int,
) -> dict[str, float]:
    """Generator and discriminator metrics on held-out text.

    Every evaluation masks the same positions, so that the values of a run can be compared
    with one another.

    Args:
        objective: gives `metrics()`.
        outputs: its compiled `outputs(batch, seed)`.
        store: the held-out examples.
        batch_size: rows at once; what does not fill a batch at the end is left out.
        seq_length: pad to this length.
        max_batches: evaluate on so many batches at the most.
    """
    metrics = objective.metrics()
    size = min(batch_size, len(store))
    for number in range(num_evaluated(store, batch_size, max_batches) // size):
        rows = [Row(0, number * size + i) for i in range(size)]
        batch = make_batch([store], rows, seq_length)
        metrics.update(outputs(_tensors(batch), Seed.of(0, number)))
    return metrics.result()
