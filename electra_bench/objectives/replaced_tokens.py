"""Text whose masked tokens a generator replaces, and an encoder that learns from it.

What ELECTRA, Electric and the ablations of the paper share. They differ in what the
encoder has to tell of the text: subclasses say so.
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
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
from electra_bench.models.flops import TRAIN_FACTOR, sampling_flops
from electra_bench.objectives.generators import (
    Generator,
    Proposed,
    is_likeliest,
    token_losses,
)
from electra_bench.objectives.masking import Masked, Masking, max_predictions, unmask
from electra_bench.objectives.pretrain_metrics import GeneratorMetrics
from electra_bench.objectives.sampling import Corrupted, corrupt, sample_replacements

# A generator that finds so many of the tokens replaces too few. ELECTRA's reaches about
# 0.5 (Clark et al. 2020, section 3.2: 65 % for its likeliest token).
TOO_GOOD = 0.9


class Replacing(NamedTuple):
    """How tokens are replaced; see `objectives.electra.electra`."""

    masking: Masking
    gen_weight: float
    temperature: float
    disallow_correct: bool

    @property
    def mask_prob(self) -> float:
        """Fraction of the tokens to replace."""
        return self.masking.mask_prob


class Forward(NamedTuple):
    """A forward pass of generator and encoder.

    Attributes:
        masked: what was to be replaced.
        proposed: what the generator says.
        sampled_ids: its samples, int32 [batch, preds].
        corrupted: what the encoder reads.
        sequence: the encoder's last layer, float32 [batch, seq, hidden].
    """

    masked: Masked
    proposed: Proposed
    sampled_ids: tf.Tensor
    corrupted: Corrupted
    sequence: tf.Tensor


class ReplacedTokens(tf.Module, abc.ABC):
    """An objective on corrupted text; subclasses say what the encoder learns from it."""

    def __init__(
        self,
        variables: Variables,
        generator: Generator,
        encoder: Encoder,
        special_ids: SpecialIds,
        replacing: Replacing,
        weight: float,
    ):
        """Takes the networks and makes the heads.

        Args:
            variables: creates the heads' variables.
            generator: what proposes tokens.
            encoder: reads the corrupted text.
            special_ids: of the vocabulary.
            replacing: how tokens are replaced.
            weight: coefficient of what the encoder learns.

        Raises:
            ValueError: the subclass needs another generator.
        """
        super().__init__()
        self.generator = generator
        self.encoder = encoder
        self._special_ids = special_ids
        self._replacing = replacing
        self._weight = weight
        self.make_heads(variables)

    @abc.abstractmethod
    def make_heads(self, variables: Variables) -> None:
        """Creates what tells something of the encoder's last layer."""

    @property
    def replacing(self) -> Replacing:
        """How tokens are replaced."""
        return self._replacing

    @abc.abstractmethod
    def encoder_terms(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """The loss of what the encoder learns."""

    @abc.abstractmethod
    def encoder_outputs(self, batch: Batch, forward: Forward) -> dict[str, tf.Tensor]:
        """What `metrics` needs of it."""

    @abc.abstractmethod
    def metrics(self) -> GeneratorMetrics:
        """An accumulator of evaluation metrics."""

    @abc.abstractmethod
    def head_flops(self, seq_length: int, slots: int) -> float:
        """Operations of the encoder's head for one sequence."""

    @abc.abstractmethod
    def paper_head_flops(self, sizes: flops_paper.Transformer) -> float:
        """The same by method `paper-v1`."""

    def generator_terms(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """The loss of the generator."""
        return self.generator.terms(
            batch, forward.masked, forward.proposed, self._replacing.gen_weight
        )

    def count_tokens(self, count: Callable[[], np.ndarray]) -> None:
        """Called before training; `count()` gives the occurrences of every token."""
        if hasattr(self.generator, "count"):
            self.generator.count(count())

    def mask(self, batch: Batch, seed: Seed) -> Masked:
        """Masks the batch anew."""
        return self._replacing.masking(batch, self._special_ids, seed.fold("mask"))

    def draws(self, masked: Masked, seed: Seed) -> tf.Tensor:
        """Uniform draws for sampling, float32 [batch, preds, vocab]."""
        batch, preds = tf.unstack(tf.shape(masked.positions))
        return seed.fold("samples").uniform([batch, preds, self._special_ids.size])

    def forward(
        self,
        batch: Batch,
        masked: Masked,
        uniform: tf.Tensor,
        *,
        seed: Seed,
        training: bool,
    ) -> Forward:
        """Generates, replaces and encodes.

        Args:
            batch: the original text.
            masked: what the generator reads.
            uniform: see `draws`.
            seed: of dropout.
            training: whether to drop.
        """
        proposed = self.propose(batch, masked, seed=seed, training=training)
        sampled_ids = sample_replacements(
            proposed.logits,
            masked.ids,
            uniform,
            temperature=self._replacing.temperature,
            disallow_correct=self._replacing.disallow_correct,
        )
        return self.encode(
            batch, masked, proposed, sampled_ids, seed=seed, training=training
        )

    def propose(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> Proposed:
        """What the generator says."""
        return self.generator(
            batch, masked, seed=seed.fold("generator"), training=training
        )

    def encode(
        self,
        batch: Batch,
        masked: Masked,
        proposed: Proposed,
        sampled_ids: tf.Tensor,
        *,
        seed: Seed,
        training: bool,
    ) -> Forward:
        """Puts the samples, int32 [batch, preds], into the text and encodes it."""
        corrupted = corrupt(unmask(masked), masked.positions, sampled_ids)
        encoded = self.encoder(
            corrupted.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed.fold("discriminator"),
            training=training,
        )
        return Forward(masked, proposed, sampled_ids, corrupted, encoded.sequence)

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> dict[str, LossTerm]:
        """The loss as named sums, and what `measures` adds."""
        forward = self._forward(batch, seed, training)
        return self.terms(batch, forward) | self.measures(batch, forward)

    def measures(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """What is logged in every step: how good the generator is.

        `generator_accuracy`: its likeliest token is the original one;
        `sampled_accuracy`: its sample is; `replaced`: fraction of all tokens that
        are others afterwards.
        """
        masked = forward.masked
        hits = is_likeliest(forward.proposed.logits, masked.ids)
        return {
            "generator_accuracy": measured(hits, masked.weights),
            "sampled_accuracy": measured(
                forward.sampled_ids == masked.ids, masked.weights
            ),
            "replaced": measured(forward.corrupted.labels, batch.input_mask),
        }

    def warning(self, means: Mapping[str, float]) -> str | None:
        """What may be wrong, from the means of some steps after the warm-up."""
        if means["sampled_accuracy"] > TOO_GOOD:
            return (
                f"{100 * means['sampled_accuracy']:.0f} % of the generator's samples are "
                f"the original tokens, so only {100 * means['replaced']:.1f} % of the text "
                "is replaced: a smaller generator or objectives.electra.disallow_correct "
                "gives the encoder more to find"
            )
        return None

    def terms(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """The loss terms of a forward pass."""
        return self.generator_terms(batch, forward) | self.encoder_terms(batch, forward)

    def outputs(self, batch: Batch, seed: Seed) -> dict[str, tf.Tensor]:
        """What `metrics` needs."""
        return self.evaluated(batch, self._forward(batch, seed, training=False))

    def evaluated(self, batch: Batch, forward: Forward) -> Mapping[str, Any]:
        """What `metrics` needs, from a forward pass."""
        masked, logits = forward.masked, forward.proposed.logits
        return {
            "input_mask": batch.input_mask,
            "masked_lm_ids": masked.ids,
            "masked_lm_weights": masked.weights,
            "masked_lm_preds": tf.argmax(logits, -1, output_type=tf.int32),
            "mlm_loss": token_losses(logits, masked.ids),
            "sampled_ids": forward.sampled_ids,
            **self.encoder_outputs(batch, forward),
        }

    def train_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, method `v2`.

        None if an encoder does not count its own.
        """
        slots = max_predictions(seq_length, self._replacing.mask_prob)
        generator = self.generator.forward_flops(seq_length, slots)
        count = getattr(self.encoder, "forward_flops", None)
        if generator is None or count is None:
            return None
        forward = generator + count(seq_length) + self.head_flops(seq_length, slots)
        return TRAIN_FACTOR * forward + sampling_flops(self._special_ids.size, slots)

    def paper_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, method `paper-v1`.

        None for encoders without sizes.
        """
        generator = self.generator.paper_flops(seq_length)
        sizes = flops_paper.transformer(self.encoder, seq_length)
        if generator is None or sizes is None:
            return None
        encoder = sizes.forward(self.paper_head_flops(sizes))
        return flops_paper.TRAIN_FACTOR * (generator + encoder)

    def _forward(self, batch: Batch, seed: Seed, training: bool) -> Forward:
        masked = self.mask(batch, seed)
        uniform = self.draws(masked, seed)
        return self.forward(batch, masked, uniform, seed=seed, training=training)
