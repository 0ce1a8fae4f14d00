"""What is logged and evaluated of an objective like ELECTRA; no part of its loss."""

import abc
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from electra_bench.core import Batch, LossTerm, Seed, measured
from electra_bench.objectives import pretrain_metrics
from electra_bench.objectives.flops import CountedByParts
from electra_bench.objectives.generators import Proposed
from electra_bench.objectives.losses import is_likeliest
from electra_bench.objectives.masking import Masked
from electra_bench.objectives.sampling import Corrupted

# AUC of a discriminator that has learnt next to nothing.
CHANCE = 0.55
# A generator that finds so many of the tokens replaces too few. ELECTRA's reaches about
# 0.5 (Clark et al. 2020, section 3.2: 65 % for its likeliest token).
TOO_GOOD = 0.9


class Forward(NamedTuple):
    """A forward pass of generator and discriminator.

    Attributes:
        masked: what was to be replaced.
        proposed: what the generator says.
        sampled_ids: its samples, int32 [batch, preds].
        corrupted: what the discriminator reads.
        sequence: its last layer, float32 [batch, seq, hidden].
    """

    masked: Masked
    proposed: Proposed
    sampled_ids: tf.Tensor
    corrupted: Corrupted
    sequence: tf.Tensor


class Monitored(CountedByParts):
    """Measures, warnings and evaluation of `Electra`, which has the steps."""

    @abc.abstractmethod
    def run(self, batch: Batch, seed: Seed, training: bool) -> Forward:
        """A forward pass."""

    @abc.abstractmethod
    def detected(self, batch: Batch, forward: Forward) -> pretrain_metrics.Detected:
        """What the encoder finds."""

    def measures(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """What is logged in every step: how good the generator is, and the encoder.

        `generator_accuracy`: its likeliest token is the original one;
        `sampled_accuracy`: its sample is; `replaced`: fraction of all tokens that
        are others afterwards.
        """
        masked = forward.masked
        hits = is_likeliest(forward.proposed.logits, masked.ids)
        samples = forward.sampled_ids == masked.ids
        return {
            "generator_accuracy": measured(hits, masked.weights),
            "sampled_accuracy": measured(samples, masked.weights),
            "replaced": measured(forward.corrupted.labels, batch.input_mask),
            **self.encoder_measures(batch, forward),
        }

    def encoder_measures(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """AUC, precision and recall over the tokens that the encoder learns from."""
        return pretrain_metrics.detection_measures(self.detected(batch, forward))

    def warning(self, means: Mapping[str, float]) -> str | None:
        """What may be wrong, from the means of some steps after the warm-up."""
        if means.get("disc_auc", 1.0) < CHANCE:
            return (
                f"the discriminator is at chance (AUC {means['disc_auc']:.2f}): it may "
                "need more updates, another learning rate, a weaker generator or another "
                "objectives.electra.disc_weight"
            )
        if means["sampled_accuracy"] > TOO_GOOD:
            return (
                f"{100 * means['sampled_accuracy']:.0f} % of the generator's samples are "
                f"the original tokens, so only {100 * means['replaced']:.1f} % of the text "
                "is replaced: a smaller generator or objectives.electra.disallow_correct "
                "gives the encoder more to find"
            )
        return None

    def outputs(self, batch: Batch, seed: Seed) -> dict[str, tf.Tensor]:
        """What `metrics` needs."""
        return self.evaluated(batch, self.run(batch, seed, training=False))

    def evaluated(self, batch: Batch, forward: Forward) -> dict[str, tf.Tensor]:
        """What `metrics` needs, from a forward pass."""
        return {
            **pretrain_metrics.masked_lm_outputs(
                forward.masked, forward.proposed.logits
            ),
            "sampled_ids": forward.sampled_ids,
            **self.encoder_outputs(batch, forward),
        }

    def encoder_outputs(self, batch: Batch, forward: Forward) -> dict[str, tf.Tensor]:
        """What the metrics of the encoder need."""
        return pretrain_metrics.detection_outputs(
            self.detected(batch, forward), batch.input_mask
        )

    def metrics(self) -> pretrain_metrics.HeldOutMetrics:
        """An accumulator of evaluation metrics."""
        return pretrain_metrics.HeldOutMetrics(
            pretrain_metrics.GENERATOR | pretrain_metrics.DETECTION
        )
