"""Masked language modelling with an encoder of full size (BERT, as ELECTRA trains it)."""

from collections.abc import Sequence

import tensorflow as tf

from electra_bench.config.ranges import NotNegative, Share
from electra_bench.config.roles import Result
from electra_bench.core import Batch, EncoderFactory, Seed, SpecialIds, Variables
from electra_bench.core.loss_term import LossTerms, measured
from electra_bench.objectives import pretrain_metrics
from electra_bench.objectives.flops import CountedByParts, Part
from electra_bench.objectives.generators import MaskedLM, Proposed
from electra_bench.objectives.losses import is_likeliest, mean_term, token_losses
from electra_bench.objectives.masking import Masked, Masking
from electra_bench.registry import objectives


@objectives.register("mlm")
def mlm(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    mask_prob: Result[float] = 0.15,
    distinct_positions: Result[bool] = False,
    repeated_positions: Result[str] = "mean",
    mask_token_prob: Result[Share[float]] = 0.85,
    random_token_prob: Result[Share[float]] = 0.0,
    weight: Result[NotNegative[float]] = 1.0,
) -> "MaskedLanguageModelling":
    """Builds the objective.

    Args:
        encoders: builds the encoder.
        variables: creates the head's variables.
        special_ids: of the vocabulary.
        mask_prob: fraction of the tokens to predict, in (0, 1).
        distinct_positions: draw positions without replacement; the original draws with
            replacement, so that about 14 % of 128 tokens are masked at 0.15.
        repeated_positions: whether a position that was drawn several times counts as
            often ("mean", as in the original) or "once".
        mask_token_prob: fraction of these tokens that become [MASK]; 0.85 in the
            original, 0.8 in BERT.
        random_token_prob: fraction that become any token of the vocabulary; none in the
            original, 0.1 in BERT. What is left stays as it is.
        weight: coefficient of the loss, `gen_weight` in the original.

    Returns:
        The objective.

    Raises:
        ValueError: a number is out of range.

    Source: Devlin et al. 2019, section 3.1; google-research/electra run_pretraining.py
    with `electra_objective` false.
    """
    masking = Masking(
        mask_prob,
        distinct_positions,
        repeated_positions,
        mask_token_prob,
        random_token_prob,
    )
    masking.check("mlm")
    return MaskedLanguageModelling(
        MaskedLM(variables, encoders("encoder")), special_ids, masking, weight
    )


class MaskedLanguageModelling(CountedByParts):
    """Predicts masked tokens with an encoder of full size."""

    def __init__(
        self,
        model: MaskedLM,
        special_ids: SpecialIds,
        masking: Masking,
        weight: float = 1.0,
    ):
        """Takes the network and its settings.

        Args:
            model: encoder and head.
            special_ids: of the vocabulary.
            masking: which tokens are predicted.
            weight: coefficient of the loss.
        """
        super().__init__()
        self.encoder = model.encoder
        self.masked_lm = model
        self._special_ids = special_ids
        self._masking = masking
        self._weight = weight

    def mask(self, batch: Batch, seed: Seed) -> Masked:
        """Masks the batch anew."""
        return self._masking(batch, self._special_ids, seed.fold("mask"))

    def run(self, batch: Batch, seed: Seed, training: bool) -> tuple[Masked, Proposed]:
        """Masks the batch anew; and what the model says of the masked positions."""
        masked = self.mask(batch, seed)
        seed = seed.fold("encoder")
        return masked, self.masked_lm(batch, masked, seed=seed, training=training)

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """`mlm`: mean over the used slots; `mlm_accuracy` is logged besides."""
        masked, proposed = self.run(batch, seed, training)
        hits = is_likeliest(proposed.logits, masked.ids)
        return {
            **self.terms(masked, proposed),
            "mlm_accuracy": measured(hits, masked.weights),
        }

    def terms(self, masked: Masked, proposed: Proposed) -> LossTerms:
        """The loss: mean negative log likelihood of the masked tokens."""
        losses = token_losses(proposed.logits, masked.ids)
        return {"mlm": mean_term(losses, masked.weights, self._weight)}

    def outputs(self, batch: Batch, seed: Seed) -> dict[str, tf.Tensor]:
        """What `metrics` needs."""
        masked, proposed = self.run(batch, seed, training=False)
        return pretrain_metrics.masked_lm_outputs(masked, proposed.logits)

    def metrics(self) -> pretrain_metrics.HeldOutMetrics:
        """An accumulator of evaluation metrics."""
        return pretrain_metrics.HeldOutMetrics(pretrain_metrics.MASKED_LM)

    def parts(self) -> Sequence[Part]:
        """What runs over every sequence in training."""
        return self.masked_lm.parts(self._masking.mask_prob)
