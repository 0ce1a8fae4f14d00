"""Telling which tokens of a text were changed, however they were."""

import abc

import tensorflow as tf

from electra_bench.core import Batch, Encoder, LossTerm, Seed, SpecialIds, Variables
from electra_bench.models.encoder import last_states
from electra_bench.objectives.flops import CountedByParts, Part
from electra_bench.objectives.heads import DiscriminatorHead
from electra_bench.objectives.losses import mean_term
from electra_bench.objectives.pretrain_metrics import (
    DETECTION,
    Detected,
    HeldOutMetrics,
    detection_measures,
    detection_outputs,
)
from electra_bench.objectives.sampling import Corrupted


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

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> dict[str, LossTerm]:
        """`disc`: mean over all tokens; `detection_measures` are logged besides."""
        found = self._detected(batch, seed, training)
        disc = mean_term(found.losses, found.weights, 1.0)
        return {"disc": disc, **detection_measures(found)}

    def outputs(self, batch: Batch, seed: Seed) -> dict[str, tf.Tensor]:
        """What `metrics` needs."""
        found = self._detected(batch, seed, training=False)
        return detection_outputs(found, batch.input_mask)

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
        losses = tf.nn.sigmoid_cross_entropy_with_logits(
            tf.cast(corrupted.labels, tf.float32), logits
        )
        weights = tf.cast(batch.input_mask, tf.float32)
        return Detected(logits, corrupted.labels, losses, weights)
