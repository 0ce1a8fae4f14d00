"""Predictions of a task kind, and metrics of a pre-training objective."""

import collections
import contextlib
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import PretrainingObjective, Seed, TaskKind
from electra_bench.core.optional import HasMerge, HasOutOfReach, HasThreshold
from electra_bench.data.examples import batches
from electra_bench.data.examples.batch_plan import Rows
from electra_bench.data.examples.store import ExampleStore
from electra_bench.records import Prediction, TaskCard
from electra_bench.tasks.groups import Groups, groups, identity_of
from electra_bench.tasks.scores import Scored, target_of, task_metrics
from electra_bench.training.progress import ScoringProgress
from electra_bench.training.replicas import on_all_replicas


class Evaluator:
    """Scores an objective with `decode` (a task kind) on one split of its task."""

    def __init__(
        self,
        objective: TaskKind,
        task: seqio.Task,
        store: ExampleStore,
        batch_size: int,
        strategy: tf.distribute.Strategy,
    ):
        """Compiles the forward pass once, for any number of evaluations.

        Args:
            objective: what predicts.
            task: what it is scored on.
            store: the task's examples.
            batch_size: rows at once, over all replicas.
            strategy: under whose scope the objective was built.
        """
        self._objective = objective
        self._task = task
        self._store = store
        self._batch_size = batch_size
        outputs = on_all_replicas(strategy, objective.outputs)
        self._outputs: Callable = tf.function(
            lambda batch: outputs(batch, Seed.of(0)),
            input_signature=[batches.signature(batch_size)],
            autograph=False,
        )

    def score(self, name: str | None = None) -> Scored:
        """Predicts every example and computes the task's metrics.

        Splits without labels have predictions, but no metrics.

        Args:
            name: what a display of the progress is called; None shows none.
        """
        predicted = self._decoded(name)
        predictions, out_of_reach = [], self._out_of_reach
        unit, groups = self._groups
        examples = zip(self._examples, self._targets, groups, strict=True)
        for rows, target, group in examples:
            example = self._store[rows[0]]
            decoded = [predicted[row] for row in rows]
            if isinstance(self._objective, HasMerge):
                value, scores = self._objective.merge(decoded)
            else:
                [(value, scores)] = decoded
            value = self._task.postprocess_fn(value, example=example, is_target=False)
            identity = identity_of(example)
            predictions.append(Prediction(identity, target, value, scores, group))
        if any(p.target is None for p in predictions):
            return Scored({}, predictions, unit, out_of_reach)
        metrics = task_metrics(
            self._task,
            [p.target for p in predictions],
            [p.prediction for p in predictions],
            [p.scores for p in predictions],
        )
        scored = Scored(metrics, predictions, unit, out_of_reach)
        kind = self._objective
        if not isinstance(kind, HasThreshold):
            return scored
        card: TaskCard = registry.tasks.get(self._task.name)
        return scored._replace(
            main_metric=kind.main_metric(card.main_metric, metrics),
            threshold=kind.threshold(metrics),
        )

    def _decoded(self, name: str | None) -> list[tuple[Any, Any]]:
        """Every row's answer, and what it was chosen by."""
        decoded: list[Any] = [None] * len(self._store)
        total = int(self._store.lengths("input_ids").sum())
        progress = ScoringProgress(name, len(decoded), total) if name else None
        with progress or contextlib.nullcontext():
            for batch in batches.evaluation_batches(self._store, self._batch_size):
                tensors = self._outputs(_tensors(batch))
                outputs = {name: value.numpy() for name, value in tensors.items()}
                rows = np.flatnonzero(batch.example_id >= 0)
                for i in rows:
                    row = int(batch.example_id[i])
                    own = {name: value[i] for name, value in outputs.items()}
                    decoded[row] = self._objective.decode(own, self._store[row])
                if progress:
                    progress.update(len(rows), int(batch.input_mask.sum()))
        return decoded

    # What follows is of the examples alone, and the same in every evaluation.

    @functools.cached_property
    def _out_of_reach(self) -> Mapping[str, int]:
        """Why right answers cannot be given, to how many."""
        if not isinstance(self._objective, HasOutOfReach):
            return {}
        why_not = self._objective.out_of_reach
        found = [{why_not(self._store[row]) for row in rows} for rows in self._examples]
        return collections.Counter(why for one in found for why in one if why)

    @functools.cached_property
    def _targets(self) -> list[Any]:
        """What metrics compare the predictions with."""
        return [target_of(self._task, self._store, rows) for rows in self._examples]

    @functools.cached_property
    def _groups(self) -> Groups:
        card = registry.tasks.get(self._task.name)
        return groups(card, self._store, [rows[0] for rows in self._examples])

    @functools.cached_property
    def _examples(self) -> list[list[int]]:
        """Rows of the store that belong to one example, in the order of the split."""
        grouped = collections.defaultdict(list)
        for row in range(len(self._store)):
            grouped[int(self._store.row("example_id", row)[0])].append(row)
        return list(grouped.values())


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
        rows = Rows.of(np.arange(number * size, (number + 1) * size))
        batch = batches.make_batch([store], rows, [seq_length])
        metrics.update(outputs(_tensors(batch), Seed.of(0, number)))
    return metrics.result()
