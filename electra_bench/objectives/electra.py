"""ELECTRA: a generator replaces tokens of a text, a discriminator finds which.

`Electra` is the method from top to bottom, in the order in which it computes. Electric and
the ablations of the paper are subclasses that change one step each.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.config.ranges import NotNegative, Positive, Share
from electra_bench.config.roles import Result, Subject
from electra_bench.core import Batch, Encoder, EncoderFactory, Seed, SpecialIds
from electra_bench.core.loss_term import LossTerms, measured
from electra_bench.core.optional import HasCount
from electra_bench.core.variables import Variables
from electra_bench.models.encoder import last_states
from electra_bench.objectives import pretrain_metrics
from electra_bench.objectives.detection import Detected
from electra_bench.objectives.flops import CountedByParts, Part, Sampling
from electra_bench.objectives.generators import Generator, Proposed, build_generator
from electra_bench.objectives.heads import DiscriminatorHead
from electra_bench.objectives.losses import is_likeliest, mean_term, token_losses
from electra_bench.objectives.masking import Masked, Masking, candidates, unmask
from electra_bench.objectives.sampling import Corrupted, corrupt, draw, proposals
from electra_bench.registry import objectives

# AUC of a discriminator that has learnt next to nothing.
CHANCE = 0.55
# A generator that finds so many of the tokens replaces too few. ELECTRA's reaches about
# 0.5 (Clark et al. 2020, section 3.2: 65 % for its likeliest token).
TOO_GOOD = 0.9


class Settings(NamedTuple):
    """How tokens are replaced, and the weights of the two losses; see `electra`."""

    masking: Masking
    gen_weight: NotNegative[float]
    disc_weight: NotNegative[float]
    temperature: Positive[float]
    disallow_correct: bool


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


class Electra(CountedByParts):
    """Tells for every token whether it was replaced: one logit, positive if so."""

    def __init__(
        self,
        variables: Variables,
        generator: Generator,
        encoder: Encoder,
        special_ids: SpecialIds,
        settings: Settings,
    ):
        """Takes the networks and makes the heads.

        Args:
            variables: creates the heads' variables.
            generator: what proposes tokens.
            encoder: the discriminator's; it is what fine-tuning starts from.
            special_ids: of the vocabulary.
            settings: how tokens are replaced, and the weights of the losses.
        """
        super().__init__()
        self.generator = generator
        self.encoder = encoder
        self.settings = settings
        self._special_ids = special_ids
        self.make_heads(variables)

    def make_heads(self, variables: Variables) -> None:
        """Creates `discriminator_predictions/...`."""
        self._head = DiscriminatorHead(
            variables, "discriminator_predictions", self.encoder.hidden_size
        )

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """The two losses, and what is only logged in every step."""
        forward = self.run(batch, seed, training)
        return self.terms(batch, forward) | self.measures(batch, forward)

    def run(self, batch: Batch, seed: Seed, training: bool) -> Forward:
        """Masks the batch anew, generates, samples, and encodes what comes of it."""
        masked = self.mask(batch, seed)
        # Here, not where they are used: TensorFlow adds gradients up in an order that the
        # names of operations decide, and so their number before the networks.
        uniform = self.draws(masked, seed)
        # [batch, seq] -> [batch, preds, vocab]
        proposed = self.generator(
            batch, masked, seed=seed.fold("generator"), training=training
        )
        # [batch, preds, vocab] -> [batch, preds]
        sampled_ids = draw(self.proposals(masked, proposed), uniform)
        # [batch, preds] -> [batch, seq, hidden]
        return self.encode(
            batch, masked, proposed, sampled_ids, seed=seed, training=training
        )

    def mask(self, batch: Batch, seed: Seed) -> Masked:
        """Chooses positions, [batch, preds], and puts [MASK] there: [batch, seq]."""
        return self.settings.masking(batch, self._special_ids, seed.fold("mask"))

    def draws(self, masked: Masked, seed: Seed) -> tf.Tensor:
        """Uniform draws for sampling, float32 [batch, preds]."""
        shape = [tf.shape(masked.positions)[0], masked.positions.shape[1]]
        return seed.fold("samples").uniform(shape)

    def proposals(self, masked: Masked, proposed: Proposed) -> tf.Tensor:
        """What samples are drawn from, float32 [batch, preds, vocab]; no gradient."""
        return proposals(
            proposed.logits,
            masked.ids,
            temperature=self.settings.temperature,
            disallow_correct=self.settings.disallow_correct,
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
        # The original text [batch, seq] with samples; labels are 1 where it has changed.
        corrupted = corrupt(unmask(masked), masked.positions, sampled_ids)
        text = batch._replace(input_ids=corrupted.input_ids)
        # [batch, seq] -> [batch, seq, hidden]
        sequence = last_states(self.encoder, text, seed.fold("discriminator"), training)
        return Forward(masked, proposed, sampled_ids, corrupted, sequence)

    def terms(self, batch: Batch, forward: Forward) -> LossTerms:
        """The loss: gen_weight times the generator's, disc_weight times the other."""
        return self.generator_terms(batch, forward) | self.encoder_terms(batch, forward)

    def generator_terms(self, batch: Batch, forward: Forward) -> LossTerms:
        """`mlm`, or `cloze` of a generator that predicts every token.

        Mean negative log likelihood of the original tokens, at the masked positions or at
        all that may be masked.
        """
        masked, proposed = forward.masked, forward.proposed
        if proposed.cloze_logits is None:
            # [batch, preds]
            losses = token_losses(proposed.logits, masked.ids)
            return {"mlm": mean_term(losses, masked.weights, self.settings.gen_weight)}
        # [batch, seq]
        losses = token_losses(proposed.cloze_logits, batch.input_ids)
        allowed = candidates(batch.input_ids, batch.input_mask, self._special_ids)
        weights = tf.cast(allowed, tf.float32)
        return {"cloze": mean_term(losses, weights, self.settings.gen_weight)}

    def encoder_terms(self, batch: Batch, forward: Forward) -> LossTerms:
        """`disc`: mean binary cross-entropy over all tokens."""
        return {"disc": self.detected(batch, forward).term(self.settings.disc_weight)}

    def detected(self, batch: Batch, forward: Forward) -> Detected:
        """What the discriminator finds, [batch, seq]."""
        weights = self.weights(batch, forward)
        return Detected(self.logits(forward), self.labels(forward), weights)

    def logits(self, forward: Forward) -> tf.Tensor:
        """Positive where a token seems replaced, float32 [batch, seq]."""
        return self._head(forward.sequence)

    def labels(self, forward: Forward) -> tf.Tensor:
        """1 where a token was replaced by another, int32 [batch, seq]."""
        return forward.corrupted.labels

    def weights(self, batch: Batch, forward: Forward) -> tf.Tensor:
        """1 for all tokens, [CLS] and [SEP] too, float32 [batch, seq]."""
        del forward
        return tf.cast(batch.input_mask, tf.float32)

    def measures(self, batch: Batch, forward: Forward) -> LossTerms:
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

    def encoder_measures(self, batch: Batch, forward: Forward) -> LossTerms:
        """AUC, precision and recall over the tokens that the encoder learns from."""
        return self.detected(batch, forward).measures()

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
        logits = forward.proposed.logits
        return {
            **pretrain_metrics.masked_lm_outputs(forward.masked, logits),
            "sampled_ids": forward.sampled_ids,
            **self.encoder_outputs(batch, forward),
        }

    def encoder_outputs(self, batch: Batch, forward: Forward) -> dict[str, tf.Tensor]:
        """What the metrics of the encoder need."""
        return self.detected(batch, forward).outputs(batch.input_mask)

    def metrics(self) -> pretrain_metrics.HeldOutMetrics:
        """An accumulator of evaluation metrics."""
        table = pretrain_metrics.GENERATOR | pretrain_metrics.DETECTION
        return pretrain_metrics.HeldOutMetrics(table)

    def read(self, batch: Batch) -> tf.Tensor:
        """Logits of the tokens of a text as it is, float32 [batch, seq]; no dropout."""
        return self._head(last_states(self.encoder, batch, Seed.of(0), training=False))

    def count_tokens(self, count: Callable[[], np.ndarray]) -> None:
        """Called before training; `count()` gives the occurrences of every token."""
        if isinstance(self.generator, HasCount):
            self.generator.count(count())

    def parts(self) -> Sequence[Part]:
        """What runs over every sequence in training."""
        prob = self.settings.masking.mask_prob
        sampling = Part((), Sampling(self._special_ids.size), prob)
        return [*self.generator.parts(prob), sampling, *self.encoder_parts()]

    def encoder_parts(self) -> Sequence[Part]:
        """The discriminator."""
        return [Part((self.encoder,), self._head)]


@objectives.register("electra")
def electra(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    method: Callable[..., Electra] = Electra,
    *,
    mask_prob: Result[float] = 0.15,
    gen_weight: Result[NotNegative[float]] = 1.0,
    disc_weight: Result[NotNegative[float]] = 50.0,
    generator: Subject[str | Generator] = "masked_lm",
    generator_hidden_size: Subject[Positive[float]] = 0.25,
    generator_layers: Subject[Positive[float]] = 1.0,
    untied_generator: Result[bool] = True,
    untied_generator_embeddings: Result[bool] = False,
    temperature: Result[Positive[float]] = 1.0,
    disallow_correct: Result[bool] = False,
    distinct_positions: Result[bool] = False,
    repeated_positions: Result[str] = "mean",
    mask_token_prob: Result[Share[float]] = 0.85,
    random_token_prob: Result[Share[float]] = 0.0,
) -> Electra:
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
        tables = None if untied_generator_embeddings else encoder.embeddings
        narrower = functools.partial(
            encoders,
            embeddings=tables,
            width=generator_hidden_size,
            depth=generator_layers,
            projected=tables is not None,
        )
        shared = None if untied_generator else encoder
        generator = build_generator(generator, narrower, variables, special_ids, shared)
    settings = Settings(masking, gen_weight, disc_weight, temperature, disallow_correct)
    return method(variables, generator, encoder, special_ids, settings)


def like_electra(
    method: Callable[..., Electra],
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    **own: Any,
) -> Any:
    """Builds another method with everything that is bound to `electra`.

    Args:
        method: a subclass of `Electra`.
        encoders: builds the encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.
        **own: parameters of `electra` that the method sets itself.
    """
    build = objectives.get("electra")
    return build(encoders, variables, special_ids, method, **own)
