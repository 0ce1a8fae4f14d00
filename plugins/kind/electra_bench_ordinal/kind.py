"""The kind: head, loss and decoding."""

import numpy as np
import tensorflow as tf

from electra_bench.core import EncoderFactory, Variables
from electra_bench.kinds.dense_head import EncoderWithHead
from electra_bench.records import TaskCard
from electra_bench.registry import kinds


class Ordinal(EncoderWithHead):
    """A sigmoid for every class but the first, on [CLS]: is the text at least of it?

    The methods are those of `core.TaskKind`. Source: Frank and Hall 2001, section 2; here
    all questions share an encoder.
    """

    def loss_terms(self, batch, seed, training):
        """Cross-entropies of an example's questions, added up."""
        logits = self.text_logits(batch, seed, training)
        # A batch may pad labels: [batch, steps or more] -> [batch, steps]
        labels = batch.labels[:, : len(self.card.labels) - 1]
        targets = tf.cast(tf.maximum(labels, 0), tf.float32)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
        counted = (batch.example_id >= 0) & (labels[:, 0] >= 0)
        return {"ordinal": self.term(tf.reduce_sum(losses, -1), counted)}

    def outputs(self, batch, seed):
        """`probs`, float32 [batch, steps]."""
        return {"probs": tf.sigmoid(self.text_logits(batch, seed, training=False))}

    def decode(self, outputs, example):
        """1 for every step that is more likely taken than not; all probabilities."""
        return (outputs["probs"] > 0.5).astype(int).tolist(), outputs["probs"].tolist()

    def right_answer(self, example):
        """What `decode` says where it is right and certain."""
        return example["labels"].tolist(), example["labels"].astype(float).tolist()

    def sample_targets(self, input_mask, segment_ids, rng):
        """The steps up to some class, 1 or 0, of every row."""
        rows, steps = len(input_mask), len(self.card.labels) - 1
        classes = rng.integers(0, steps + 1, [rows, 1])
        return (np.arange(steps) < classes).astype(int), np.zeros([rows, 0])


@kinds.register("ordinal")
def ordinal(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: float = 0.1,
) -> Ordinal:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the head's variables.
        card: the task; `labels` are its classes, the lowest first.
        head_dropout: dropout on the state of [CLS], in [0, 1).
    """
    return Ordinal(encoders, variables, card, len(card.labels) - 1, head_dropout)
