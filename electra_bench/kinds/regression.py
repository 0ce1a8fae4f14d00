"""One number a text or pair of texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.config.ranges import Rate
from electra_bench.config.roles import Result
from electra_bench.core import Batch, EncoderFactory, LossTerms, Seed, Variables
from electra_bench.kinds.dense_head import EncoderWithHead
from electra_bench.records import TaskCard
from electra_bench.registry import kinds


class Regression(EncoderWithHead):
    """An unbounded linear output on the first token, [CLS], trained by squared error.

    Source: google-research/electra finetune/classification/classification_tasks.py,
    `RegressionTask`.
    """

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """Squared error on the model's scale; rows without an example do not count."""
        predictions = self.text_logits(batch, seed, training)[:, 0]
        counted = batch.example_id >= 0
        losses = tf.square(predictions - batch.values[:, 0])
        return {"regression": self.term(losses, counted)}

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """`predictions` on the model's scale, float32 [batch]."""
        return {"predictions": self.text_logits(batch, seed, training=False)[:, 0]}

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[float, None]:
        """The value on the model's scale; there is nothing it was chosen by."""
        return float(outputs["predictions"]), None

    def right_answer(self, example: Mapping[str, Any]) -> tuple[float, None]:
        """What `decode` says where it is right."""
        return float(example["values"][0]), None

    def sample_targets(
        self, input_mask: np.ndarray, segment_ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One value a row, from 0 to 1."""
        rows = len(input_mask)
        return np.zeros([rows, 0]), rng.random([rows, 1])


@kinds.register("regression")
def regression(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: Result[Rate[float]] = 0.1,
    reduction: Result[str] = "sum",
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
    return Regression(encoders, variables, card, 1, head_dropout, reduction)
