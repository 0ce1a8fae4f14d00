"""The kind: head, loss and decoding."""

import numpy as np
import tensorflow as tf

from electra_bench.core import EncoderFactory, Variables
from electra_bench.kinds.dense_head import EncoderWithHead
from electra_bench.records import TaskCard
from electra_bench.registry import kinds


class MultiLabel(EncoderWithHead):
    """A sigmoid for every label, on [CLS]; the methods are those of `core.TaskKind`."""

    def loss_terms(self, batch, seed, training):
        """Cross-entropies of an example's labels, added up."""
        logits = self.text_logits(batch, seed, training)
        # A batch may pad labels: [batch, labels or more] -> [batch, labels]
        labels = batch.labels[:, : len(self.card.labels)]
        targets = tf.cast(tf.maximum(labels, 0), tf.float32)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
        counted = (batch.example_id >= 0) & (labels[:, 0] >= 0)
        return {"multilabel": self.term(tf.reduce_sum(losses, -1), counted)}

    def outputs(self, batch, seed):
        """`probs`, float32 [batch, labels]."""
        return {"probs": tf.sigmoid(self.text_logits(batch, seed, training=False))}

    def decode(self, outputs, example):
        """1 for every label that is more likely than not; all probabilities."""
        probs = outputs["probs"]
        return (probs > 0.5).astype(int).tolist(), probs.tolist()

    def right_answer(self, example):
        """What `decode` says where it is right and certain."""
        labels = example["labels"]
        return labels.tolist(), labels.astype(float).tolist()

    def sample_targets(self, input_mask, segment_ids, rng):
        """0 or 1 for every label of a row."""
        rows = len(input_mask)
        return rng.integers(0, 2, [rows, len(self.card.labels)]), np.zeros([rows, 0])


@kinds.register("multilabel")
def multilabel(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: float = 0.1,
) -> MultiLabel:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the head's variables.
        card: the task; `labels` are those that a text may have.
        head_dropout: dropout on the state of [CLS], in [0, 1).
    """
    return MultiLabel(encoders, variables, card, len(card.labels), head_dropout)
