"""One number a text or pair of texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, LossTerm, Seed, Variables
from electra_bench.objectives.dense_head import DenseHead
from electra_bench.records import TaskCard
from electra_bench.registry import kinds


class Regression(tf.Module):
    """An unbounded linear output on the first token, [CLS], trained by squared error.

    Source: google-research/electra finetune/classification/classification_tasks.py,
    `RegressionTask`.
    """

    def __init__(
        self,
        encoders: EncoderFactory,
        variables: Variables,
        card: TaskCard,
        head_dropout: float,
        reduction: str,
    ):
        super().__init__(name="regression")
        self.encoder = encoders()
        self._reduction = reduction
        self._head = DenseHead(
            variables, card.name, self.encoder.hidden_size, 1, head_dropout
        )

    def _predictions(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        encoded = self.encoder(
            batch.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed,
            training=training,
        )
        # [batch, seq, hidden] -> [batch]
        return self._head(encoded.sequence[:, 0], seed, training)[:, 0]

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> Mapping[str, LossTerm]:
        """Squared error on the model's scale; rows without an example do not count."""
        predictions = self._predictions(batch, seed, training)
        counted = batch.example_id >= 0
        losses = tf.square(predictions - batch.values[:, 0])
        term = LossTerm(
            tf.reduce_sum(tf.where(counted, losses, 0.0)),
            tf.reduce_sum(tf.cast(counted, tf.float32)),
            reduction=self._reduction,
        )
        return {"regression": term}

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """`predictions` on the model's scale, float32 [batch]."""
        return {"predictions": self._predictions(batch, seed, training=False)}

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[float, None]:
        """The value on the model's scale; there is nothing it was chosen by."""
        return float(outputs["predictions"]), None


@kinds.register("regression")
def regression(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: float = 0.1,
    reduction: str = "sum",
) -> Regression:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the head's `task_specific/<task>/dense/kernel` and `bias`.
        card: the task.
        head_dropout: dropout on the state of [CLS], in [0, 1).
        reduction: "sum" adds the losses of a batch up, as the original does; "mean"
            divides by the number of examples.
    """
    return Regression(encoders, variables, card, head_dropout, reduction)
