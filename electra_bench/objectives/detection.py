"""Telling which tokens of a text were changed, however they were."""

import abc
from typing import NamedTuple

import tensorflow as tf

from electra_bench.core import Batch, Encoder, Seed, SpecialIds, Variables
from electra_bench.core.loss_term import LossTerm, LossTerms, measured
from electra_bench.models.encoder import last_states
from electra_bench.objectives.flops import CountedByParts, Part
from electra_bench.objectives.heads import DiscriminatorHead
from electra_bench.objectives.losses import mean_term
from electra_bench.objectives.pretrain_metrics import DETECTION, HeldOutMetrics
from electra_bench.objectives.sampling import Corrupted


class Detected(NamedTuple):
    """What an encoder says of every token that may have been changed.

    Attributes:
        logits: log odds that it was, float32 [batch, seq].
        labels: 1 where it was, int32 [batch, seq].
        weights: 1 for tokens that count and 0 for others, float32 [batch, seq].
    """

    logits: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor

    def losses(self) -> tf.Tensor:
        """Binary cross-entropy of every token, float32 [batch, seq]."""
        labels = tf.cast(self.labels, tf.float32)
        return tf.nn.sigmoid_cross_entropy_with_logits(labels, self.logits)

    def term(self, coefficient: float) -> LossTerm:
        """The mean over the tokens that count."""
        return mean_term(self.losses(), self.weights, coefficient)

    def measures(self) -> LossTerms:
        """How good the encoder is: its AUC, and precision and recall at 0.5.

        The AUC is that of each replica's rows.
        """
        labels, weights = self.labels, tf.cast(self.weights, tf.int32)
        found = tf.cast(self.logits > 0, tf.int32)
        area = auc(labels, self.logits, weights)
        return {
            "disc_auc": measured(area, tf.ones_like(area)),
            "disc_precision": measured(labels, found * weights),
            "disc_recall": measured(found, labels * weights),
        }

    def outputs(self, input_mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the metrics of `DETECTION` need; `input_mask` is 1 for tokens."""
        totals = tf.reduce_sum(self.losses() * self.weights, -1)
        return {
            "input_mask": input_mask,
            "disc_loss": totals / (1e-6 + tf.reduce_sum(self.weights, -1)),
            "disc_labels": self.labels * input_mask,
            "disc_probs": tf.sigmoid(self.logits) * tf.cast(input_mask, tf.float32),
            "disc_preds": tf.cast(self.logits > 0, tf.int32) * input_mask,
        }


def auc(labels: tf.Tensor, scores: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Probability that a positive scores higher than a negative: float32 scalar.

    By ranks (Mann and Whitney), so exact for one batch but for ties, which count as they
    happen to be sorted. 0.5 where one of the two is missing. All shapes are static, for
    compilers.

    Args:
        labels: 1 for positives, int32 [...].
        scores: float32 [...].
        weights: 1 for items that count and 0 for others, int32 or float32 [...].
    """
    labels, weights = (
        tf.cast(tf.reshape(x, [-1]), tf.float32) for x in (labels, weights)
    )
    order = tf.argsort(tf.reshape(scores, [-1]))
    counted = tf.gather(weights, order)
    positive = tf.gather(labels, order) * counted
    negative = counted - positive
    # Negatives that score lower than each positive.
    outranked = tf.reduce_sum(positive * tf.cumsum(negative))
    pairs = tf.reduce_sum(positive) * tf.reduce_sum(negative)
    return tf.where(pairs > 0, tf.math.divide_no_nan(outranked, pairs), 0.5)


class Detection(CountedByParts):
    """An objective without a generator: subclasses say how a text is changed.

    One encoder and ELECTRA's head, which tells for every token whether it was changed.
    """

    def __init__(self, encoder: Encoder, variables: Variables, special_ids: SpecialIds):
        """Makes the head.

        Args:
            encoder: reads the changed text.
            variables: creates `discriminator_predictions/...`.
            special_ids: of the vocabulary.
        """
        super().__init__()
        self.encoder = encoder
        self.special_ids = special_ids
        self._head = DiscriminatorHead(
            variables, "discriminator_predictions", encoder.hidden_size
        )

    @abc.abstractmethod
    def corrupt(self, batch: Batch, seed: Seed) -> Corrupted:
        """The text as the encoder reads it, and where it was changed."""

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """`disc`: mean over all tokens; `Detected.measures` are logged besides."""
        found = self._detected(batch, seed, training)
        return {"disc": found.term(1.0), **found.measures()}

    def outputs(self, batch: Batch, seed: Seed) -> dict[str, tf.Tensor]:
        """What `metrics` needs."""
        return self._detected(batch, seed, training=False).outputs(batch.input_mask)

    def metrics(self) -> HeldOutMetrics:
        """An accumulator of evaluation metrics."""
        return HeldOutMetrics(DETECTION)

    def parts(self) -> list[Part]:
        """The encoder with its head."""
        return [Part((self.encoder,), self._head)]

    def _detected(self, batch: Batch, seed: Seed, training: bool) -> Detected:
        corrupted = self.corrupt(batch, seed)
        text = batch._replace(input_ids=corrupted.input_ids)
        logits = self._head(
            last_states(self.encoder, text, seed.fold("discriminator"), training)
        )
        weights = tf.cast(batch.input_mask, tf.float32)
        return Detected(logits, corrupted.labels, weights)
