"""Prediction heads of pre-training."""

import tensorflow as tf

from electra_bench.core import Variables
from electra_bench.core.computing import compute_type
from electra_bench.models import flops
from electra_bench.models.layers import Dense, LayerNorm, gelu


class MaskedLMHead(tf.Module):
    """Predicts tokens with a softmax that is tied to the word embeddings.

    Source: google-research/electra run_pretraining.py `get_token_logits`.
    """

    def __init__(
        self,
        variables: Variables,
        name: str,
        hidden_size: int,
        table: tf.Variable,
        num_tokens: int | None = None,
    ):
        """Creates the variables below `name`.

        Args:
            variables: creates them.
            name: `generator_predictions`.
            hidden_size: of the encoder.
            table: word embeddings, float32 [vocab or more, embed].
            num_tokens: rows of it that belong to tokens, the first ones; None for all. The
                others have a bias, too, but no probability.
        """
        super().__init__()
        rows, embed = table.shape
        self.hidden_size = hidden_size
        self.table = table
        self._num_tokens = num_tokens or rows
        self._dense = Dense(
            variables, f"{name}/dense", hidden_size, embed, activation=gelu
        )
        self._norm = LayerNorm(variables, f"{name}/LayerNorm", embed)
        self._bias = variables.zeros(f"{name}/output_bias", [rows])

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps float32 [batch, preds, hidden] to logits [batch, preds, vocab]."""
        rows, embed = self.table.shape
        # [batch, preds, hidden] -> [batch * preds, embed]
        y = self._norm(self._dense(tf.cast(x, compute_type())))
        y = tf.reshape(y, [-1, embed])
        products = tf.matmul(y, tf.cast(self.table, y.dtype), transpose_b=True)
        logits = tf.nn.bias_add(tf.cast(products, tf.float32), self._bias)
        if rows > self._num_tokens:
            logits = logits[:, : self._num_tokens]
        return tf.reshape(logits, tf.concat([tf.shape(x)[:-1], [self._num_tokens]], 0))

    def forward_flops(self, positions: int) -> float:
        """Operations at so many positions, see `models/flops.py`."""
        rows, embed = self.table.shape
        return flops.masked_lm_head_flops(self.hidden_size, embed, rows, positions)


def logit(variables: Variables, name: str, inputs: int) -> Dense:
    """A linear layer with one output, and the original's initial values of those."""
    return Dense(variables, name, inputs, 1, initializer="glorot_uniform")


class DiscriminatorHead(tf.Module):
    """Tells for every token whether it was replaced.

    Source: Clark et al. 2020, section 2; google-research/electra run_pretraining.py
    `_get_discriminator_output`.
    """

    def __init__(self, variables: Variables, name: str, hidden_size: int):
        """Creates the variables below `name`: `discriminator_predictions`."""
        super().__init__()
        self.hidden_size = hidden_size
        self._dense = Dense(
            variables, f"{name}/dense", hidden_size, hidden_size, activation=gelu
        )
        self._logit = logit(variables, f"{name}/dense_1", hidden_size)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps float32 [batch, seq, hidden] to logits [batch, seq]."""
        hidden = self._dense(tf.cast(x, compute_type()))
        return tf.squeeze(self._logit(tf.cast(hidden, tf.float32)), -1)

    def forward_flops(self, positions: int) -> float:
        """Operations at so many positions, see `models/flops.py`."""
        return flops.discriminator_head_flops(self.hidden_size, positions)
