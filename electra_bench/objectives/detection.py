"""Telling which tokens of a text were changed, however they were."""

import abc

import tensorflow as tf

from electra_bench.core import (
    Batch,
    Encoder,
    LossTerm,
    Seed,
    SpecialIds,
    Variables,
    measured,
)
from electra_bench.models import flops_paper
from electra_bench.models.flops import TRAIN_FACTOR, discriminator_head_flops
from electra_bench.objectives.generators import mean_term
from electra_bench.objectives.heads import DiscriminatorHead
from electra_bench.objectives.pretrain_metrics import (
    DetectionMetrics,
    auc,
    detection_outputs,
)
from electra_bench.objectives.sampling import Corrupted


def detection_measures(
    logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor
) -> dict[str, LossTerm]:
    """How good a detector is: its AUC, and precision and recall at 0.5.

    The AUC is that of each replica's rows.

    Args:
        logits: log odds that a token was changed, float32 [batch, seq].
        labels: 1 where it was, int32 [batch, seq].
        weights: 1 for tokens that count and 0 for others, int32 [batch, seq].
    """
    found = tf.cast(logits > 0, tf.int32)
    area = auc(labels, logits, weights)
    return {
        "disc_auc": measured(area, tf.ones_like(area)),
        "disc_precision": measured(labels, found * weights),
        "disc_recall": measured(found, labels * weights),
    }


class Detection(tf.Module, abc.ABC):
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

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> dict[str, LossTerm]:
        """`disc`: mean over all tokens; `detection_measures` are logged besides."""
        logits, labels, losses = self._detect(batch, seed, training)
        weights = tf.cast(batch.input_mask, tf.float32)
        return {
            "disc": mean_term(losses, weights, 1.0),
            **detection_measures(logits, labels, batch.input_mask),
        }

    def outputs(self, batch: Batch, seed: Seed) -> dict[str, tf.Tensor]:
        """What `metrics` needs."""
        logits, labels, losses = self._detect(batch, seed, training=False)
        weights = tf.cast(batch.input_mask, tf.float32)
        detected = detection_outputs(logits, labels, losses, weights)
        return {"input_mask": batch.input_mask, **detected}

    def metrics(self) -> DetectionMetrics:
        """An accumulator of evaluation metrics."""
        return DetectionMetrics()

    def train_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, method `v2`.

        None if the encoder does not count its own.
        """
        count = getattr(self.encoder, "forward_flops", None)
        if count is None:
            return None
        head = discriminator_head_flops(self.encoder.hidden_size, seq_length)
        return TRAIN_FACTOR * (count(seq_length) + head)

    def paper_flops_per_sequence(self, seq_length: int) -> float | None:
        """The same by method `paper-v1`; None for encoders without sizes."""
        sizes = flops_paper.transformer(self.encoder, seq_length)
        if sizes is None:
            return None
        return flops_paper.TRAIN_FACTOR * sizes.forward(sizes.binary_output())

    def _detect(
        self, batch: Batch, seed: Seed, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Logits, labels and losses of every token, each [batch, seq]."""
        corrupted = self.corrupt(batch, seed)
        encoded = self.encoder(
            corrupted.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed.fold("discriminator"),
            training=training,
        )
        logits = self._head(encoded.sequence)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(
            tf.cast(corrupted.labels, tf.float32), logits
        )
        return logits, corrupted.labels, losses
