"""One class a text or pair of texts."""

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


class Classification(EncoderWithHead):
    """Softmax over classes on the first token, [CLS].

    There is no pooler: one dense layer on the encoder's last state.

    Source: Clark et al. 2020, section 3.1; google-research/electra
    finetune/classification/classification_tasks.py, `ClassificationTask`.
    """

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """Cross-entropy; rows without an example or without a label do not count."""
        logits = self.text_logits(batch, seed, training)
        labels = batch.labels[:, 0]
        counted = (batch.example_id >= 0) & (labels >= 0)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.maximum(labels, 0), logits
        )
        return {"classification": self.term(losses, counted)}

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """`logits` and `probs`, float32 [batch, classes]."""
        logits = self.text_logits(batch, seed, training=False)
        return {"logits": logits, "probs": tf.nn.softmax(logits)}

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[int, list[float]]:
        """The most probable class id, and the probabilities of all."""
        return int(np.argmax(outputs["logits"])), outputs["probs"].tolist()

    def right_answer(self, example: Mapping[str, Any]) -> tuple[int, list[float]]:
        """What `decode` says where it is right and certain."""
        label = int(example["labels"][0])
        return label, [float(label == i) for i in range(len(self.card.labels))]

    def sample_targets(
        self, input_mask: np.ndarray, segment_ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One class id a row."""
        rows = len(input_mask)
        return rng.integers(0, len(self.card.labels), [rows, 1]), np.zeros([rows, 0])


@kinds.register("classification")
def classification(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: Result[Rate[float]] = 0.1,
    reduction: Result[str] = "sum",
) -> Classification:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the head's `task_specific/<task>/dense/kernel` and `bias`.
        card: the task; `labels` are its classes.
        head_dropout: dropout on the state of [CLS], in [0, 1).
        reduction: "sum" adds the losses of a batch up, as the original does; "mean"
            divides by the number of examples.

    Raises:
        ValueError: a card with fewer than two labels.
    """
    if len(card.labels) < 2:
        raise ValueError(
            f"task {card.name!r}: classification needs at least two labels on its card, "
            f"got {list(card.labels)}"
        )
    return Classification(
        encoders, variables, card, len(card.labels), head_dropout, reduction
    )
