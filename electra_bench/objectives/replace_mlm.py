"""Replace MLM: a masked language model that reads samples instead of [MASK]."""

from collections.abc import Sequence

import tensorflow as tf

from electra_bench.config.ranges import NotNegative
from electra_bench.config.roles import Result
from electra_bench.core import Batch, EncoderFactory, LossTerms, SpecialIds, Variables
from electra_bench.core.optional import num_tokens_of
from electra_bench.objectives import pretrain_metrics
from electra_bench.objectives.electra import Electra, Forward, like_electra
from electra_bench.objectives.flops import Part
from electra_bench.objectives.heads import MaskedLMHead
from electra_bench.objectives.losses import mean_term, token_losses
from electra_bench.objectives.masking import gather_positions
from electra_bench.registry import objectives


class ReplaceMLM(Electra):
    """ELECTRA whose encoder tells the original tokens at the masked positions."""

    def make_heads(self, variables: Variables) -> None:
        """Creates `restoring_predictions/...`."""
        self._head = MaskedLMHead(
            variables,
            "restoring_predictions",
            self.encoder.hidden_size,
            self.encoder.embeddings.table,
            num_tokens_of(self.encoder.embeddings),
        )

    def encoder_terms(self, batch: Batch, forward: Forward) -> LossTerms:
        """`restoring`: mean over the used slots."""
        del batch
        masked = forward.masked
        losses = token_losses(self.logits(forward), masked.ids)
        weight = self.settings.disc_weight
        return {"restoring": mean_term(losses, masked.weights, weight)}

    def logits(self, forward: Forward) -> tf.Tensor:
        """Of the tokens at the masked positions, float32 [batch, preds, vocab]."""
        return self._head(gather_positions(forward.sequence, forward.masked.positions))

    def encoder_outputs(self, batch: Batch, forward: Forward) -> dict[str, tf.Tensor]:
        """Predictions and losses at the slots."""
        del batch
        masked, logits = forward.masked, self.logits(forward)
        return {
            "restored_ids": masked.ids,
            "restored_preds": tf.argmax(logits, -1, output_type=tf.int32),
            "restored_weights": masked.weights,
            "restoring_loss": token_losses(logits, masked.ids),
        }

    def encoder_measures(self, batch: Batch, forward: Forward) -> LossTerms:
        """None: nothing is detected."""
        del batch, forward
        return {}

    def metrics(self) -> pretrain_metrics.HeldOutMetrics:
        """An accumulator of evaluation metrics."""
        table = pretrain_metrics.GENERATOR | pretrain_metrics.RESTORING
        return pretrain_metrics.HeldOutMetrics(table)

    def encoder_parts(self) -> Sequence[Part]:
        """The encoder, with a softmax at the masked positions."""
        return [Part((self.encoder,), self._head, self.settings.masking.mask_prob)]


@objectives.register("replace_mlm")
def replace_mlm(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    weight: Result[NotNegative[float]] = 1.0,
) -> Electra:
    """Builds the objective; its other parameters are those bound to `electra`.

    `disc_weight` does not count; `weight` stands for it.

    It shows how much ELECTRA gains because no [MASK] stands in what it reads.

    Args:
        encoders: builds the encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.
        weight: coefficient of its loss; the paper does not say which it took.

    Source: Clark et al. 2020, section 3.5, "Replace MLM".
    """
    return like_electra(
        ReplaceMLM, encoders, variables, special_ids, disc_weight=weight
    )
