"""Replace MLM: a masked language model that reads samples instead of [MASK]."""

import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, LossTerm, SpecialIds, Variables
from electra_bench.models.flops import masked_lm_head_flops
from electra_bench.models.flops_paper import Transformer
from electra_bench.objectives.electra import like_electra
from electra_bench.objectives.generators import mean_term, token_losses
from electra_bench.objectives.heads import MaskedLMHead
from electra_bench.objectives.positions import gather_positions
from electra_bench.objectives.pretrain_metrics import RestoringMetrics
from electra_bench.objectives.replaced_tokens import Forward, ReplacedTokens
from electra_bench.registry import objectives


class ReplaceMLM(ReplacedTokens):
    """Tells the original tokens at the masked positions."""

    def make_heads(self, variables: Variables) -> None:
        """Creates `restoring_predictions/...`."""
        self._head = MaskedLMHead(
            variables,
            "restoring_predictions",
            self.encoder.hidden_size,
            self.encoder.embeddings.table,
        )

    def encoder_terms(self, batch: Batch, forward: Forward) -> dict[str, LossTerm]:
        """`restoring`: mean over the used slots."""
        del batch
        masked = forward.masked
        losses = token_losses(self.logits(forward), masked.ids)
        return {"restoring": mean_term(losses, masked.weights, self._weight)}

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

    def metrics(self) -> RestoringMetrics:
        """An accumulator of evaluation metrics."""
        return RestoringMetrics()

    def head_flops(self, seq_length: int, slots: int) -> float:
        """Operations of the softmax at the slots of one sequence."""
        del seq_length
        vocab, embed = self.encoder.embeddings.table.shape
        return masked_lm_head_flops(self.encoder.hidden_size, embed, vocab, slots)

    def paper_head_flops(self, sizes: Transformer) -> float:
        """The same by method `paper-v1`."""
        return sizes.embedding_output()


@objectives.register("replace_mlm")
def replace_mlm(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    weight: float = 1.0,
) -> ReplacedTokens:
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
