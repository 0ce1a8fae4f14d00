"""Replaced token detection: a generator corrupts text, a discriminator finds where."""

from typing import NamedTuple

import tensorflow as tf

from electra_bench.core import (
    Batch,
    EncoderFactory,
    LossTerm,
    Seed,
    SpecialIds,
    Variables,
)
from electra_bench.data.corruption import (
    Masked,
    corrupt,
    mask,
    max_predictions,
    sample_replacements,
    unmask,
)
from electra_bench.models.flops import (
    TRAIN_FACTOR,
    discriminator_head_flops,
    sampling_flops,
)
from electra_bench.objectives.generator import (
    MaskedLM,
    check_mask_prob,
    masked_lm_losses,
    masked_lm_term,
)
from electra_bench.objectives.heads import DiscriminatorHead
from electra_bench.objectives.pretrain_metrics import ElectraMetrics
from electra_bench.registry import objectives


class Hyperparameters(NamedTuple):
    """See `electra`."""

    mask_prob: float
    gen_weight: float
    disc_weight: float
    temperature: float
    disallow_correct: bool
    distinct_positions: bool


@objectives.register("electra")
def electra(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    mask_prob: float = 0.15,
    gen_weight: float = 1.0,
    disc_weight: float = 50.0,
    generator_hidden_size: float = 0.25,
    generator_layers: float = 1.0,
    untied_generator: bool = True,
    temperature: float = 1.0,
    disallow_correct: bool = False,
    distinct_positions: bool = False,
) -> "Electra":
    """Builds the objective.

    Generator and discriminator share the whole embedding layer, or all layers.

    Args:
        encoders: builds discriminator and generator.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.
        mask_prob: fraction of the tokens to replace, in (0, 1).
        gen_weight: coefficient of the generator's loss.
        disc_weight: coefficient of the discriminator's loss.
        generator_hidden_size: the generator's hidden size as a fraction of the
            discriminator's; FFN and heads follow.
        generator_layers: its number of layers as a fraction.
        untied_generator: whether the generator has layers of its own. If not, one encoder
            of full size does both, and the two fractions do not count.
        temperature: divides the generator's logits when sampling.
        disallow_correct: never sample the original token, so that every sampled token is
            fake.
        distinct_positions: draw positions without replacement. The original draws with
            replacement: fewer tokens are replaced, and where two samples for one position
            differ, their mean, rounded down, takes it: an arbitrary token.

    Returns:
        The objective.

    Raises:
        ValueError: a number is out of range.

    Source: Clark et al. 2020, sections 2 and 3.2; google-research/electra
    run_pretraining.py, configure_pretraining.py.
    """
    check_mask_prob(mask_prob, "electra")
    for name, value in {
        "generator_hidden_size": generator_hidden_size,
        "generator_layers": generator_layers,
        "temperature": temperature,
    }.items():
        if value <= 0:
            raise ValueError(f"objectives.electra.{name} must be above 0, got {value}")
    discriminator = encoders("discriminator")
    generator = discriminator
    if untied_generator:
        generator = encoders(
            "generator",
            embeddings=discriminator.embeddings,
            width=generator_hidden_size,
            depth=generator_layers,
        )
    return Electra(
        MaskedLM(variables, generator),
        discriminator,
        DiscriminatorHead(
            variables, "discriminator_predictions", discriminator.hidden_size
        ),
        special_ids,
        Hyperparameters(
            mask_prob,
            gen_weight,
            disc_weight,
            temperature,
            disallow_correct,
            distinct_positions,
        ),
    )


class Forward(NamedTuple):
    """A forward pass of both networks.

    Attributes:
        mlm_logits: the generator's, float32 [batch, preds, vocab].
        sampled_ids: its samples, int32 [batch, preds].
        input_ids: what the discriminator reads, int32 [batch, seq].
        labels: 1 where a token was replaced by another, int32 [batch, seq].
        disc_logits: positive means replaced, float32 [batch, seq].
    """

    mlm_logits: tf.Tensor
    sampled_ids: tf.Tensor
    input_ids: tf.Tensor
    labels: tf.Tensor
    disc_logits: tf.Tensor


class Electra(tf.Module):
    """See `electra`."""

    def __init__(
        self,
        generator: MaskedLM,
        encoder: tf.Module,
        head: DiscriminatorHead,
        special_ids: SpecialIds,
        hparams: Hyperparameters,
    ):
        """Takes what `electra` has built; `encoder` is the discriminator's."""
        super().__init__()
        self.generator = generator
        self.encoder = encoder
        self._head = head
        self._special_ids = special_ids
        self._hparams = hparams

    def mask(self, batch: Batch, seed: Seed) -> Masked:
        """Masks the batch anew."""
        return mask(
            batch.input_ids,
            batch.input_mask,
            self._special_ids,
            self._hparams.mask_prob,
            seed.fold("mask"),
            distinct=self._hparams.distinct_positions,
        )

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
        """Generates, replaces and discriminates.

        Args:
            batch: the original text.
            masked: what the generator reads.
            uniform: see `draws`.
            seed: of dropout.
            training: whether to drop.
        """
        mlm_logits = self.generate(batch, masked, seed=seed, training=training)
        sampled_ids = sample_replacements(
            mlm_logits,
            masked.ids,
            uniform,
            temperature=self._hparams.temperature,
            disallow_correct=self._hparams.disallow_correct,
        )
        return self.discriminate(
            batch, masked, mlm_logits, sampled_ids, seed=seed, training=training
        )

    def generate(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> tf.Tensor:
        """The generator's logits, float32 [batch, preds, vocab]."""
        return self.generator(
            batch, masked, seed=seed.fold("generator"), training=training
        )

    def discriminate(
        self,
        batch: Batch,
        masked: Masked,
        mlm_logits: tf.Tensor,
        sampled_ids: tf.Tensor,
        *,
        seed: Seed,
        training: bool,
    ) -> Forward:
        """Puts the samples, int32 [batch, preds], into the text and discriminates."""
        corrupted = corrupt(unmask(masked), masked.positions, sampled_ids)
        encoded = self.encoder(
            corrupted.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed.fold("discriminator"),
            training=training,
        )
        return Forward(
            mlm_logits,
            sampled_ids,
            corrupted.input_ids,
            corrupted.labels,
            self._head(encoded.sequence),
        )

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> dict[str, LossTerm]:
        """`mlm`: mean over the used slots; `disc`: mean over all tokens."""
        masked = self.mask(batch, seed)
        uniform = self.draws(masked, seed)
        forward = self.forward(batch, masked, uniform, seed=seed, training=training)
        return self.terms(batch, masked, forward)

    def terms(
        self, batch: Batch, masked: Masked, forward: Forward
    ) -> dict[str, LossTerm]:
        """The loss terms of a forward pass."""
        mlm_losses = masked_lm_losses(forward.mlm_logits, masked.ids)
        disc_losses, weights = _discriminator_losses(batch, forward)
        return {
            "mlm": masked_lm_term(mlm_losses, masked.weights, self._hparams.gen_weight),
            "disc": LossTerm(
                tf.reduce_sum(disc_losses),
                tf.reduce_sum(weights),
                self._hparams.disc_weight,
            ),
        }

    def outputs(self, batch: Batch, seed: Seed) -> dict[str, tf.Tensor]:
        """What `metrics` needs."""
        masked = self.mask(batch, seed)
        uniform = self.draws(masked, seed)
        forward = self.forward(batch, masked, uniform, seed=seed, training=False)
        return self.evaluated(batch, masked, forward)

    def evaluated(
        self, batch: Batch, masked: Masked, forward: Forward
    ) -> dict[str, tf.Tensor]:
        """What `metrics` needs, from a forward pass."""
        losses, weights = _discriminator_losses(batch, forward)
        return {
            "input_mask": batch.input_mask,
            "masked_lm_ids": masked.ids,
            "masked_lm_weights": masked.weights,
            "masked_lm_preds": tf.argmax(forward.mlm_logits, -1, output_type=tf.int32),
            "mlm_loss": masked_lm_losses(forward.mlm_logits, masked.ids),
            "sampled_ids": forward.sampled_ids,
            "disc_loss": tf.reduce_sum(losses, -1)
            / (1e-6 + tf.reduce_sum(weights, -1)),
            "disc_labels": forward.labels,
            "disc_probs": tf.sigmoid(forward.disc_logits),
            "disc_preds": tf.cast(forward.disc_logits > 0, tf.int32),
        }

    def metrics(self) -> ElectraMetrics:
        """An accumulator of evaluation metrics."""
        return ElectraMetrics()

    def train_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, method `v2`.

        None if the encoder does not count its own.
        """
        slots = max_predictions(seq_length, self._hparams.mask_prob)
        generator = self.generator.forward_flops(seq_length, slots)
        count = getattr(self.encoder, "forward_flops", None)
        if generator is None or count is None:
            return None
        head = discriminator_head_flops(self.encoder.hidden_size, seq_length)
        forward = generator + count(seq_length) + head
        return TRAIN_FACTOR * forward + sampling_flops(self._special_ids.size, slots)


def _discriminator_losses(
    batch: Batch, forward: Forward
) -> tuple[tf.Tensor, tf.Tensor]:
    """Losses and weights of all tokens, [CLS] and [SEP] too, float32 [batch, seq]."""
    weights = tf.cast(batch.input_mask, tf.float32)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(
        tf.cast(forward.labels, tf.float32), forward.disc_logits
    )
    return losses * weights, weights
