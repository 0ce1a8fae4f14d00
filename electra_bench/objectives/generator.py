"""The masked language model: an encoder and a softmax at the masked positions."""

import tensorflow as tf

from electra_bench.core import Batch, Encoder, LossTerm, Seed, Variables
from electra_bench.data.corruption import Masked, gather_positions
from electra_bench.models.flops import masked_lm_head_flops
from electra_bench.objectives.heads import MaskedLMHead


class MaskedLM(tf.Module):
    """ELECTRA's generator, or BERT.

    Source: Clark et al. 2020, section 2; google-research/electra run_pretraining.py
    `_get_masked_lm_output`.
    """

    def __init__(self, variables: Variables, encoder: Encoder):
        """Creates the head, `generator_predictions/...`."""
        super().__init__()
        self.encoder = encoder
        self._head = MaskedLMHead(
            variables,
            "generator_predictions",
            encoder.hidden_size,
            encoder.embeddings.table,
        )

    def __call__(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> tf.Tensor:
        """Logits of the tokens at the masked positions, [batch, preds, vocab]."""
        encoded = self.encoder(
            masked.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed,
            training=training,
        )
        return self._head(gather_positions(encoded.sequence, masked.positions))

    def forward_flops(self, seq_length: int, num_predictions: int) -> float | None:
        """Operations for one sequence; None if the encoder does not count its own."""
        count = getattr(self.encoder, "forward_flops", None)
        if count is None:
            return None
        vocab, embed = self.encoder.embeddings.table.shape
        return count(seq_length) + masked_lm_head_flops(
            self.encoder.hidden_size, embed, vocab, num_predictions
        )


def masked_lm_losses(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Negative log likelihood of the true tokens, float32 [batch, preds].

    Args:
        logits: float32 [batch, preds, vocab].
        ids: int32 [batch, preds].
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(ids, logits)


def masked_lm_term(
    losses: tf.Tensor, weights: tf.Tensor, coefficient: float
) -> LossTerm:
    """The loss at all used slots; a position that was drawn twice counts twice.

    Args:
        losses: float32 [batch, preds].
        weights: 1 for used slots, float32 [batch, preds].
        coefficient: of this term.
    """
    return LossTerm(
        tf.reduce_sum(losses * weights), tf.reduce_sum(weights), coefficient
    )


def check_mask_prob(mask_prob: float, objective: str) -> None:
    """Raises ValueError unless `mask_prob` is in (0, 1)."""
    if not 0.0 < mask_prob < 1.0:
        raise ValueError(
            f"objectives.{objective}.mask_prob must be in (0, 1), got {mask_prob}"
        )
