"""All-Tokens MLM: tells the original token everywhere, with a mechanism to copy."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from electra_bench.config.ranges import NotNegative
from electra_bench.config.roles import Result
from electra_bench.core import Batch, EncoderFactory, LossTerms, SpecialIds, Variables
from electra_bench.objectives.electra import Electra, Forward, like_electra
from electra_bench.objectives.flops import Part
from electra_bench.objectives.heads import logit
from electra_bench.objectives.losses import mean_term, token_losses
from electra_bench.objectives.replace_mlm import ReplaceMLM
from electra_bench.registry import objectives

# Stands for minus infinity, with which gradients would not be finite.
NEVER = -1e4


class Restored(NamedTuple):
    """What the encoder tells of every position.

    Attributes:
        logits: of the softmax, float32 [batch, seq, vocab].
        copy: log odds D / (1 - D) of copying what stands there, float32 [batch, seq].
    """

    logits: tf.Tensor
    copy: tf.Tensor

    def log_odds(self, ids: tf.Tensor, read: tf.Tensor) -> tf.Tensor:
        """Logarithm of P(id) / (1 - D), float32 [batch, seq].

        Args:
            ids: int32 [batch, seq].
            read: the tokens that stand there, int32 [batch, seq].
        """
        written = -token_losses(self.logits, ids)
        copied = tf.where(ids == read, self.copy, NEVER)
        return tf.reduce_logsumexp(tf.stack([written, copied]), 0)

    def losses(self, ids: tf.Tensor, read: tf.Tensor) -> tf.Tensor:
        """Negative log likelihood of the tokens, float32 [batch, seq]."""
        return tf.nn.softplus(self.copy) - self.log_odds(ids, read)

    def likeliest(self, read: tf.Tensor) -> tf.Tensor:
        """The token with the largest probability, int32 [batch, seq]."""
        written = tf.argmax(self.logits, -1, output_type=tf.int32)
        copied = self.log_odds(read, read) >= self.log_odds(written, read)
        return tf.where(copied, read, written)


class AllTokensMLM(ReplaceMLM):
    """Tells the original token of every position.

    The probability of a token is D, if it is the one that stands there, plus 1 - D times
    what the softmax says.
    """

    def make_heads(self, variables: Variables) -> None:
        """Creates `restoring_predictions/...` and `copy_predictions/...`."""
        super().make_heads(variables)
        name = "copy_predictions/dense"
        self._copy = logit(variables, name, self.encoder.hidden_size)

    def restored(self, forward: Forward) -> Restored:
        """What the encoder tells."""
        copy = tf.squeeze(self._copy(forward.sequence), -1)
        return Restored(self._head(forward.sequence), copy)

    def encoder_terms(self, batch: Batch, forward: Forward) -> LossTerms:
        """`restoring`: mean over all tokens, [CLS] and [SEP] too."""
        weights, read = self.weights(batch, forward), forward.corrupted.input_ids
        losses = self.restored(forward).losses(batch.input_ids, read)
        return {"restoring": mean_term(losses, weights, self.settings.disc_weight)}

    def encoder_outputs(self, batch: Batch, forward: Forward) -> dict[str, tf.Tensor]:
        """Predictions and losses at all positions."""
        restored, read = self.restored(forward), forward.corrupted.input_ids
        return {
            "restored_ids": batch.input_ids,
            "restored_preds": restored.likeliest(read),
            "restored_weights": self.weights(batch, forward),
            "restoring_loss": restored.losses(batch.input_ids, read),
        }

    def encoder_parts(self) -> Sequence[Part]:
        """The encoder, with softmax and D at all positions."""
        return [Part((self.encoder,), self._head), Part((), self._copy)]


@objectives.register("all_tokens_mlm")
def all_tokens_mlm(
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    *,
    weight: Result[NotNegative[float]] = 1.0,
) -> Electra:
    """Builds the objective; its other parameters are those bound to `electra`.

    `disc_weight` does not count; `weight` stands for it.

    Replace MLM that learns from every token; a generative counterpart of ELECTRA.

    Args:
        encoders: builds the encoders.
        variables: creates the heads' variables.
        special_ids: of the vocabulary.
        weight: coefficient of its loss; the paper does not say which it took.

    Source: Clark et al. 2020, section 3.5, "All-Tokens MLM".
    """
    return like_electra(
        AllTokensMLM, encoders, variables, special_ids, disc_weight=weight
    )
