"""Several tasks on one encoder, each with its head."""

from collections.abc import Mapping

import tensorflow as tf

from electra_bench.core import Batch, LossTerms, Objective, Seed
from electra_bench.core.batch import NO_LABEL


class MultiTask(tf.Module):
    """The sum of the losses of several task kinds, each on its own rows of a batch.

    Every kind gets the rows of its task as a batch of their own, so it need not know of
    the others; the encoder sees every row once. Rows of one task are numbered within the
    batch of a replica, so with several replicas dropout differs from that of one.

    Source: google-research/electra run_finetuning.py, `FinetuningModel`, whose losses of
    all tasks are added up. Differs: there every head runs on every row, masked.
    """

    def __init__(self, tasks: Mapping[str, Objective]):
        """Joins objectives that share an encoder.

        Args:
            tasks: name to its kind, in the order of `Batch.task_id`.
        """
        super().__init__(name="multi_task")
        self.tasks = dict(tasks)
        self.encoder = next(iter(self.tasks.values())).encoder

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """The terms of every task, with its name before theirs."""
        # Wide enough for every kind, also where a batch has no row of some task.
        tokens = tf.shape(batch.input_ids)[1]
        batch = batch._replace(
            labels=_widened(batch.labels, tokens, NO_LABEL),
            values=_widened(batch.values, 1, 0.0),
        )
        terms = {}
        for number, (name, objective) in enumerate(self.tasks.items()):
            rows = tf.where(batch.task_id == number)[:, 0]
            own = Batch(*(tf.gather(column, rows) for column in batch))
            own = own.without_empty_rows()
            found = objective.loss_terms(own, seed.fold(name), training)
            terms |= {f"{name}_{term}": value for term, value in found.items()}
        return terms


def _widened(columns: tf.Tensor, width: tf.Tensor | int, fill: float) -> tf.Tensor:
    """[rows, n] -> [rows, max(n, width)]."""
    missing = tf.maximum(width - tf.shape(columns)[1], 0)
    return tf.pad(columns, [[0, 0], [0, missing]], constant_values=fill)
