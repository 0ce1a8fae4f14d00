"""Replaced token detection: a generator corrupts text, a discriminator finds where."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from electra_bench.core import (
    Batch,
    EncoderFactory,
    LossTerm,
    Seed,
    SpecialIds,
    Variables,
)
from electra_bench.models.flops import discriminator_head_flops
from electra_bench.models.flops_paper import Transformer
from electra_bench.objectives.detection import detection_measures
from electra_bench.objectives.generators import Generator, build_generator, mean_term
from electra_bench.objectives.heads import DiscriminatorHead
from electra_bench.objectives.masking import Masking
from electra_bench.objectives.pretrain_metrics import ElectraMetrics, detection_outputs
from electra_bench.objectives.replaced_tokens import Forward, ReplacedTokens, Replacing
from electra_bench.registry import objectives

# AUC of a discriminator that has learnt next to nothing.
CHANCE = 0.55


class Electra(ReplacedTokens):
    """Tells for every token whether it was replaced: one logit, positive if so."""

    def make_heads(self, variables: Variables) -> None:
        """Creates `discriminator_predictions/...`."""
        self._head = DiscriminatorHead(
            variables, "discriminator_predictions", self.encoder.hidden_size
        )

    def logits(self, forward: Forward) -> tf.Tensor:
        """Positive where a token seems replaced, float32 [batch, seq]."""
        return self._head(forward.sequence)

    def read(self, batch: Batch) -> tf.Tensor:
        """What the head says of every token of a text as it is, without dropout.

        Returns:
            float32 [batch, seq]; the logit of being replaced, unless a subclass gives it
            another meaning.
        """
        encoded = self.encoder(
            batch.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=Seed.of(0),
            training=False,
        )
        return self._head(encoded.sequence)

    def labels(self, forward: Forward) -> tf.Tensor:
        """1 where a token was replaced by another, int32 [batch, seq]."""
        return forward.corrupted.labels

    def weights(self, batch: Batch, forward: Forward) -> tf.Tensor:
        """1 for all tokens, [CLS] and [SEP] too, float32 [batch, seq]."""
        del forward
        return tf.cast(batch.input_mask, tf.float32)

    def losses(self, forward: Forward, logits: tf.Tensor) -> tf.Tensor:
        """Of every token, float32 [batch, seq]."""
        return tf.nn.sigmoid_cross_entropy_with_logits(
            tf.cast(self.labels(forward), tf.float32), logits
        )

    def encoder_terms(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """`disc`: mean over all tokens."""
        weights = self.weights(batch, forward)
        losses = self.losses(forward, self.logits(forward))
        return {"disc": mean_term(losses, weights, self._weight)}

    def encoder_outputs(self, batch: Batch, forward: Forward) -> dict[str, tf.Tensor]:
        """Labels, probabilities and losses."""
        logits = self.logits(forward)
        return detection_outputs(
            logits,
            self.labels(forward),
            self.losses(forward, logits),
            self.weights(batch, forward),
        )

    def measures(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """The same of the discriminator: its AUC, and precision and recall at 0.5.

        Over the tokens that it learns from; the AUC is that of each replica's rows.
        """
        weights = tf.cast(self.weights(batch, forward), tf.int32)
        return super().measures(batch, forward) | detection_measures(
            self.logits(forward), self.labels(forward), weights
        )

    def warning(self, means: Mapping[str, float]) -> str | None:
        """The same, and whether the discriminator has learnt anything."""
        if means["disc_auc"] < CHANCE:
            return (
                f"the discriminator is at chance (AUC {means['disc_auc']:.2f}): it may "
                "need more updates, another learning rate, a weaker generator or another "
                "objectives.electra.disc_weight"
            )
        return super().warning(means)

    def metrics(self) -> ElectraMetrics:
        """An accumulator of evaluation metrics."""
        return ElectraMetrics()

    def head_flops(self, seq_length: int, slots: int) -> float:
        """Operations of the binary classifier for one sequence."""
        del slots
        return discriminator_head_flops(self.encoder.hidden_size, seq_length)

    def paper_head_flops(self, sizes: Transformer) -> float:
        """The same by method `paper-v1`."""
        return sizes.binary_output()


@objectives.register("electra")
def electra(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    method: Callable[..., ReplacedTokens] = Electra,
    *,
    mask_prob: float = 0.15,
    gen_weight: float = 1.0,
    disc_weight: float = 50.0,
    generator: str | Generator = "masked_lm",
    generator_hidden_size: float = 0.25,
    generator_layers: float = 1.0,
    untied_generator: bool = True,
    untied_generator_embeddings: bool = False,
    temperature: float = 1.0,
    disallow_correct: bool = False,
    distinct_positions: bool = False,
    repeated_positions: str = "mean",
    mask_token_prob: float = 0.85,
    random_token_prob: float = 0.0,
) -> ReplacedTokens:
    """Builds the objective.

    Generator and discriminator share the whole embedding layer, or all layers, or
    nothing. Electric and the paper's ablations are built by the same function, so that
    these parameters hold for them too.

    Args:
        encoders: builds discriminator and generator.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.
        method: what the encoder learns from the corrupted text.
        mask_prob: fraction of the tokens to replace, in (0, 1).
        gen_weight: coefficient of the generator's loss.
        disc_weight: coefficient of the discriminator's loss.
        generator: "masked_lm" reads the masked text; "two_tower" predicts every token
            from what stands before and after it; "unigram" proposes tokens
            by their frequency, "uniform" any token. Or one that is built already.
        generator_hidden_size: the generator's hidden size as a fraction of the
            discriminator's; FFN and heads follow.
        generator_layers: its number of layers as a fraction.
        untied_generator: whether the generator has layers of its own. If not, one encoder
            of full size does both, and the two fractions do not count.
        untied_generator_embeddings: whether it has embeddings of its own, as wide as its
            layers.
        temperature: divides the generator's logits when sampling.
        disallow_correct: never sample the original token, so that every sampled token is
            fake.
        distinct_positions: draw positions without replacement. The original draws with
            replacement, so that fewer tokens are replaced.
        repeated_positions: what becomes of a position that was drawn several times.
            "mean": it counts as often, and where its samples differ, their mean, rounded
            down, takes it: an arbitrary token, as in the original. "once": it counts once
            and has one sample.
        mask_token_prob: fraction of the chosen tokens that the generator reads as [MASK];
            0.85 in the original.
        random_token_prob: fraction that it reads as any token of the vocabulary, as BERT
            does; what is left it reads as it is.

    Returns:
        The objective.

    Raises:
        ValueError: a number is out of range, or there is no such generator.

    Source: Clark et al. 2020, sections 2 and 3.2; google-research/electra
    run_pretraining.py, configure_pretraining.py.
    """
    masking = Masking(
        mask_prob,
        distinct_positions,
        repeated_positions,
        mask_token_prob,
        random_token_prob,
    )
    masking.check("electra")
    for name, value in {
        "generator_hidden_size": generator_hidden_size,
        "generator_layers": generator_layers,
        "temperature": temperature,
    }.items():
        if value <= 0:
            raise ValueError(f"objectives.electra.{name} must be above 0, got {value}")
    encoder = encoders("discriminator")
    if isinstance(generator, str):
        generator = build_generator(
            generator,
            encoders,
            variables,
            special_ids,
            encoder,
            width=generator_hidden_size,
            depth=generator_layers,
            own_layers=untied_generator,
            own_embeddings=untied_generator_embeddings,
        )
    replacing = Replacing(masking, gen_weight, temperature, disallow_correct)
    return method(variables, generator, encoder, special_ids, replacing, disc_weight)


def like_electra(
    method: Callable[..., ReplacedTokens],
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    **own: Any,
) -> Any:
    """Builds another method with everything that is bound to `electra`.

    Args:
        method: what the encoder learns.
        encoders: builds the encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.
        **own: parameters of `electra` that the method sets itself.
    """
    return objectives.get("electra")(
        encoders=encoders,
        variables=variables,
        special_ids=special_ids,
        method=method,
        **own,
    )
