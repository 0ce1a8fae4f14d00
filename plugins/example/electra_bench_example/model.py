"""An encoder without attention: every layer looks at three neighbours."""

import tensorflow as tf

from electra_bench.core import EncoderOutput, Variables
from electra_bench.core.random import dropout
from electra_bench.models.encoder import EmbeddingLayer
from electra_bench.models.layers import Dense, LayerNorm, gelu
from electra_bench.registry import models


class Convolution(tf.Module):
    """Residual layers, each a dense network on a token and its two neighbours."""

    def __init__(self, variables, name, embeddings, hidden, layers, rate):
        super().__init__()
        self.embeddings, self.hidden_size, self.num_layers = embeddings, hidden, layers
        self._rate = rate
        self._project = Dense(
            variables, f"{name}/embeddings_project", embeddings.size, hidden
        )
        names = [f"{name}/encoder/layer_{i}" for i in range(layers)]
        self._dense = [
            Dense(variables, f"{n}/dense", 3 * hidden, hidden, activation=gelu)
            for n in names
        ]
        self._norms = [LayerNorm(variables, f"{n}/LayerNorm", hidden) for n in names]

    def __call__(self, input_ids, input_mask, segment_ids, *, seed, training):
        embedded = self._project(self.embeddings(input_ids, segment_ids))
        # [batch, seq, 1]
        inside = tf.cast(input_mask, tf.float32)[..., tf.newaxis]
        x, outputs = embedded, []
        for i, (dense, norm) in enumerate(zip(self._dense, self._norms, strict=True)):
            padded = tf.pad(x * inside, [[0, 0], [1, 1], [0, 0]])
            # [batch, seq, 3 * hidden]
            window = tf.concat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], -1)
            x = norm(x + dropout(dense(window), self._rate, seed.fold(i), training))
            outputs.append(x)
        return EncoderOutput(x, embedded, tuple(outputs), ())


@models.register("convolution")
def convolution(
    variables: Variables,
    name: str,
    vocab_size: int,
    embeddings: EmbeddingLayer | None = None,
    width: float = 1.0,
    depth: float = 1.0,
    *,
    hidden_size: int = 64,
    num_layers: int = 3,
    dropout_rate: float = 0.1,
) -> Convolution:
    """Builds the encoder.

    Args:
        variables: creates its variables.
        name: start of their names.
        vocab_size: number of tokens.
        embeddings: an embedding layer to share.
        width: factor of the hidden size.
        depth: factor of the number of layers.
        hidden_size: size of a layer's output.
        num_layers: number of layers.
        dropout_rate: probability of dropping, in [0, 1).
    """
    embeddings = embeddings or EmbeddingLayer(
        variables, f"{name}/embeddings", vocab_size, hidden_size, 512, 2
    )
    hidden, layers = round(hidden_size * width), round(num_layers * depth)
    return Convolution(variables, name, embeddings, hidden, layers, dropout_rate)
