"""Any number of labels a text or pair of texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.config.ranges import Rate
from electra_bench.config.roles import Result
from electra_bench.core import Batch, EncoderFactory, LossTerms, Seed, Variables
from electra_bench.core.batch import NO_LABEL
from electra_bench.kinds.dense_head import EncoderWithHead
from electra_bench.records import TaskCard
from electra_bench.registry import kinds


class MultiLabel(EncoderWithHead):
    """A sigmoid for every label on the first token, [CLS]; none excludes another."""

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """Cross-entropies of an example's labels, added up; see `Classification`."""
        logits = self.text_logits(batch, seed, training)
        # A batch may pad labels or, where no row is of this task, have fewer.
        labels = self._of_classes(batch.labels)
        targets = tf.cast(tf.maximum(labels, 0), tf.float32)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
        counted = (batch.example_id >= 0) & (labels[:, 0] >= 0)
        return {"multi_label": self.term(tf.reduce_sum(losses, -1), counted)}

    def _of_classes(self, labels: tf.Tensor) -> tf.Tensor:
        """[batch, any number] -> [batch, classes]."""
        size = len(self.card.labels)
        missing = tf.maximum(size - tf.shape(labels)[1], 0)
        padded = tf.pad(labels, [[0, 0], [0, missing]], constant_values=NO_LABEL)
        return tf.ensure_shape(padded[:, :size], [None, size])

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """`logits` and `probs`, float32 [batch, classes]."""
        logits = self.text_logits(batch, seed, training=False)
        return {"logits": logits, "probs": tf.sigmoid(logits)}

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[list[int], list[float]]:
        """1 for every label that is more likely than not, else 0; all probabilities."""
        return (outputs["logits"] > 0).astype(int).tolist(), outputs["probs"].tolist()

    def right_answer(self, example: Mapping[str, Any]) -> tuple[list[int], list[float]]:
        """What `decode` says where it is right and certain."""
        labels = np.asarray(example["labels"])
        return labels.tolist(), labels.astype(float).tolist()

    def sample_targets(
        self, input_mask: np.ndarray, segment_ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """0 or 1 for every label of a row."""
        rows = len(input_mask)
        return rng.integers(0, 2, [rows, len(self.card.labels)]), np.zeros([rows, 0])


@kinds.register("multi_label")
def multi_label(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: Result[Rate[float]] = 0.1,
    reduction: Result[str] = "sum",
) -> MultiLabel:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the head's `task_specific/<task>/dense/kernel` and `bias`.
        card: the task; `labels` are those that a text may have.
        head_dropout: dropout on the state of [CLS], in [0, 1).
        reduction: "sum" adds the losses of a batch up, as the original does for other
            kinds; "mean" divides by the number of examples.

    Raises:
        ValueError: a card without labels.
    """
    if not card.labels:
        raise ValueError(f"task {card.name!r}: multi_label needs labels on its card")
    return MultiLabel(
        encoders, variables, card, len(card.labels), head_dropout, reduction
    )
