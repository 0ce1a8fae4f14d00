"""The Transformer encoder of BERT and ELECTRA."""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench.core import Batch, Direction, Encoder, EncoderOutput, Variables
from electra_bench.core.computing import compute_type, recomputes_layers
from electra_bench.core.optional import HasPacked
from electra_bench.core.random import Seed, dropout
from electra_bench.models.flops import EncoderSizes, encoder_flops
from electra_bench.models.layers import Dense, LayerNorm, dense, gelu, layer_norm
from electra_bench.models.packing import Packing

# Added to attention scores of padding. Larger than any score, but not infinite: where
# every key is masked, the softmax runs over the plain scores, as in the original.
MASKED_SCORE = -10000.0


class EmbeddingLayer(tf.Module):
    """Sum of word, position and segment embeddings, normalised.

    Source: Devlin et al. 2019, section 3; google-research/electra model/modeling.py
    `embedding_lookup`, `embedding_postprocessor`.
    """

    def __init__(
        self,
        variables: Variables,
        name: str,
        vocab_size: int,
        size: int,
        max_positions: int = 512,
        segment_types: int = 2,
        rows: int | None = None,
    ):
        """Creates the variables below `name`.

        Args:
            variables: creates them.
            name: complete: `electra/embeddings`.
            vocab_size: number of tokens.
            size: of an embedding.
            max_positions: longest sequence.
            segment_types: number of segment ids.
            rows: of the table of words, at least `vocab_size`: those after it belong to
                no token; None for none.

        Raises:
            ValueError: an empty vocabulary, or fewer rows than tokens.
        """
        super().__init__()
        if vocab_size < 1:
            raise ValueError(f"{name!r} needs vocab_size >= 1, got {vocab_size}")
        if rows is not None and rows < vocab_size:
            raise ValueError(
                f"{name!r} has a table of {rows} rows (vocab_rows), but the vocabulary has "
                f"{vocab_size} tokens; bind vocab_rows to None for a row a token"
            )
        self.num_tokens = vocab_size
        self.size = size
        self.max_positions = max_positions

        def table(part: str, rows: int) -> tf.Variable:
            return variables.truncated_normal(f"{name}/{part}_embeddings", [rows, size])

        self.table = table("word", rows or vocab_size)
        self._segments = table("token_type", segment_types)
        self._positions = table("position", max_positions)
        self._norm = LayerNorm(variables, f"{name}/LayerNorm", size)

    def __call__(self, input_ids: tf.Tensor, segment_ids: tf.Tensor) -> tf.Tensor:
        """Embeds int32 [batch, seq] tokens: float32 [batch, seq, embed], no dropout.

        Raises:
            ValueError: sequences longer than `max_positions`.
        """
        seq = input_ids.shape[1]
        if seq is not None and seq > self.max_positions:
            raise ValueError(
                f"sequences of {seq} tokens are too long for this encoder: its "
                f"max_positions is {self.max_positions}"
            )
        words = tf.gather(self.table, input_ids)
        # A product with one-hot rows has a cheap dense gradient, unlike a gather.
        segments = tf.one_hot(segment_ids, self._segments.shape[0]) @ self._segments
        positions = tf.slice(
            self._positions, [0, 0], [tf.shape(input_ids)[1], self.size]
        )
        return self._norm(words + segments + positions)


class SelfAttention(tf.Module):
    """Multi-head scaled dot-product attention of a sequence to itself."""

    def __init__(self, variables: Variables, name: str, hidden: int, heads: int):
        """Creates `query`, `key` and `value` below `name`."""
        super().__init__()
        self._heads = heads
        self.parts = tuple(
            Dense(variables, f"{name}/{part}", hidden, hidden)
            for part in ("query", "key", "value")
        )

    def __call__(
        self,
        x: tf.Tensor,
        mask_scores: tf.Tensor,
        rate: float,
        seed: Seed,
        training: bool,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Attends.

        Args:
            x: [batch, seq, hidden], of any float type, in which it is computed.
            mask_scores: added to the scores, float32, broadcast to
                [batch, heads, seq, seq].
            rate: of dropout on the probabilities.
            seed: of dropout.
            training: whether to drop.

        Returns:
            Weighted values, [batch, seq, hidden], and the probabilities before dropout,
            float32 [batch, heads, seq, seq].
        """
        weights = [part.weights for part in self.parts]
        return _attention(weights, x, mask_scores, self._heads, rate, seed, training)


class Layer(tf.Module):
    """Attention and a feed-forward network, each with a residual and a norm after it."""

    def __init__(
        self, variables: Variables, name: str, hidden: int, heads: int, ffn: int
    ):
        """Creates the variables below `name`."""
        super().__init__()
        self._heads = heads
        output = f"{name}/attention/output"
        attention = SelfAttention(variables, f"{name}/attention/self", hidden, heads)
        query, key, value = attention.parts
        self._parts = LayerParts(
            query=query,
            key=key,
            value=value,
            attention_output=Dense(variables, f"{output}/dense", hidden, hidden),
            attention_norm=LayerNorm(variables, f"{output}/LayerNorm", hidden),
            intermediate=Dense(variables, f"{name}/intermediate/dense", hidden, ffn),
            output=Dense(variables, f"{name}/output/dense", ffn, hidden),
            norm=LayerNorm(variables, f"{name}/output/LayerNorm", hidden),
        )

    def __call__(
        self,
        x: tf.Tensor,
        mask_scores: tf.Tensor,
        rates: tuple[float, float],
        seed: Seed,
        training: bool,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Maps [batch, seq, hidden] to the same shape and type.

        Args:
            x: the previous layer's output.
            mask_scores: added to the scores, float32, broadcast to
                [batch, heads, seq, seq].
            rates: of dropout on hidden states and on attention probabilities.
            seed: of dropout.
            training: whether to drop.

        Returns:
            The output, and the attention probabilities before dropout, float32
            [batch, heads, seq, seq].
        """
        seed = seed.as_tensors()

        def run(x: tf.Tensor, *flat: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            weights = tuple(zip(flat[::2], flat[1::2], strict=True))
            return _layer(weights, x, mask_scores, seed, self._heads, rates, training)

        if training and recomputes_layers():
            run = tf.recompute_grad(run)
        return run(x, *(weight for part in self._parts for weight in part.weights))


class LayerParts(NamedTuple):
    """What a layer has, or the weights of that: of each the matrix and the vector."""

    query: Any
    key: Any
    value: Any
    attention_output: Any
    attention_norm: Any
    intermediate: Any
    output: Any
    norm: Any


# A function of its own: layers of one shape have one graph between them, which is built and
# optimised once.
@functools.partial(
    tf.function, autograph=False, experimental_attributes={"_noinline": True}
)
def _layer(weights, x, mask_scores, seed, heads, rates, training):
    """See `Layer`; `weights` are those of `LayerParts`, in their order."""
    w, seed = LayerParts(*weights), Seed(*seed)
    rate, attention_rate = rates
    values, probs = _attention(
        w[:3], x, mask_scores, heads, attention_rate, seed.fold("attention"), training
    )
    attended = dense(values, *w.attention_output)
    attended = dropout(attended, rate, seed.fold("attention_output"), training)
    x = layer_norm(x + attended, *w.attention_norm)
    output = dense(gelu(dense(x, *w.intermediate)), *w.output)
    output = dropout(output, rate, seed.fold("output"), training)
    return layer_norm(x + output, *w.norm), probs


def _attention(
    weights: Sequence[tuple[tf.Tensor, tf.Tensor]],
    x: tf.Tensor,
    mask_scores: tf.Tensor,
    heads: int,
    rate: float,
    seed: Seed,
    training: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """See `SelfAttention`; `weights` are those of its parts."""

    def split(y: tf.Tensor) -> tf.Tensor:
        # [batch, seq, hidden] -> [batch, heads, seq, head_dim]
        shape = tf.concat([tf.shape(y)[:2], [heads, y.shape[-1] // heads]], 0)
        return _swap_middle(tf.reshape(y, shape))

    # [batch, heads, seq, head_dim]
    query, key, value = (split(dense(x, *part)) for part in weights)
    # Scaling the queries is the same as scaling the scores, on a smaller tensor.
    query *= 1.0 / math.sqrt(query.shape[-1])
    # [batch, heads, seq, seq]
    scores = tf.cast(tf.matmul(query, key, transpose_b=True), tf.float32)
    probs = tf.nn.softmax(scores + mask_scores)
    dropped = dropout(tf.cast(probs, x.dtype), rate, seed, training)
    # [batch, heads, seq, head_dim] -> [batch, seq, hidden]
    values = _swap_middle(tf.matmul(dropped, value))
    return tf.reshape(values, tf.shape(x)), probs


@tf.custom_gradient
def _swap_middle(x: tf.Tensor):
    """Transposes the two middle dimensions of four.

    TensorFlow's own gradient hands the order of dimensions from one function to another,
    where XLA does not find it in a loop.
    """
    return tf.transpose(x, [0, 2, 1, 3]), _swap_middle


class TransformerEncoder(tf.Module):
    """Embeddings, a projection where their size differs, and a stack of layers.

    There is no pooler: heads read the last layer.

    Source: Clark et al. 2020, section 3.1 and appendix A; google-research/electra
    model/modeling.py `BertModel`.
    """

    def __init__(
        self,
        variables: Variables,
        name: str,
        embeddings: EmbeddingLayer,
        sizes: EncoderSizes,
        *,
        dropout: float,
        attention_dropout: float,
        direction: Direction = "both",
        layers: Sequence[Layer] | None = None,
    ):
        """Creates the variables below `name`.

        Args:
            variables: creates them.
            name: `electra` or `generator`.
            embeddings: own or shared embedding layer.
            sizes: of everything else.
            dropout: probability of dropping hidden units, in [0, 1).
            attention_dropout: probability of dropping attention probabilities.
            direction: which tokens a token sees besides itself: all, those before it
                ("left_to_right") or those after it ("right_to_left").
            layers: what to apply one after the other, `sizes.layers` of them; None makes
                them, each with variables of its own.

        Raises:
            ValueError: the hidden size is no multiple of the number of heads.
        """
        super().__init__()
        if sizes.hidden % sizes.heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_heads, got {sizes.hidden} and "
                f"{sizes.heads} for the encoder {name!r}"
            )
        self.embeddings = embeddings
        self.sizes = sizes
        self.hidden_size = sizes.hidden
        self.num_layers = sizes.layers
        self._rates = (dropout, attention_dropout)
        self._direction = direction
        self._project = None
        if embeddings.size != sizes.hidden:
            self._project = Dense(
                variables,
                f"{name}/embeddings_project",
                embeddings.size,
                sizes.hidden,
                initializer="glorot_uniform",
            )
        inner = sizes.hidden, sizes.heads, sizes.ffn
        self._layers = layers or [
            Layer(variables, f"{name}/encoder/layer_{i}", *inner)
            for i in range(sizes.layers)
        ]

    def __call__(
        self,
        input_ids: tf.Tensor,
        input_mask: tf.Tensor,
        segment_ids: tf.Tensor,
        *,
        seed: Seed,
        training: bool,
    ) -> EncoderOutput:
        """Encodes int32 [batch, seq] ids, mask (1 for tokens) and segments."""
        x = self._embedded(input_ids, segment_ids, seed, training)
        # [batch, seq] -> [batch, 1, 1, seq]
        seen = tf.cast(input_mask, tf.float32)[:, tf.newaxis, tf.newaxis, :]
        return self._encoded(x, seen, seed, training)

    def packed(self, batch: Batch, *, seed: Seed, training: bool) -> EncoderOutput:
        """Encodes a packed batch: examples share rows, and none sees another.

        Returns:
            What a call would, one example a row, up to rounding and to what dropout draws;
            0 for padding, and no attentions.
        """
        packing = Packing.of(batch)
        x = self._embedded(batch.input_ids, batch.segment_ids, seed, training)
        at_first = seed._replace(first_row=packing.first_row)
        output = self._encoded(packing.pack(x), packing.seen(), at_first, training)
        embedding, *layers = map(packing.unpack, (output.embedding, *output.layers))
        return EncoderOutput(layers[-1], embedding, tuple(layers), ())

    def _embedded(
        self, input_ids: tf.Tensor, segment_ids: tf.Tensor, seed: Seed, training: bool
    ) -> tf.Tensor:
        """Embeddings of [batch, seq] tokens, of their own size."""
        # Dropout comes before the projection.
        x = tf.cast(self.embeddings(input_ids, segment_ids), compute_type())
        return dropout(x, self._rates[0], seed.fold("embeddings"), training)

    def _encoded(
        self, x: tf.Tensor, seen: tf.Tensor, seed: Seed, training: bool
    ) -> EncoderOutput:
        """Encodes embeddings [rows, seq, embed].

        `seen` is 1 for what a token sees and 0 for others, [rows, 1, 1 or seq, seq].
        """
        if self._project is not None:
            x = self._project(x)
        embedding = x
        if self._direction != "both":
            square = tf.ones([tf.shape(x)[1]] * 2)
            below = self._direction == "left_to_right"
            seen *= tf.linalg.band_part(square, *((-1, 0) if below else (0, -1)))
        mask_scores = (1.0 - seen) * MASKED_SCORE
        layers, attentions = [], []
        for i, layer in enumerate(self._layers):
            own = seed.fold(f"layer_{i}")
            x, probs = layer(x, mask_scores, self._rates, own, training)
            layers.append(x)
            attentions.append(probs)
        embedding, *layers = (tf.cast(y, tf.float32) for y in (embedding, *layers))
        return EncoderOutput(layers[-1], embedding, tuple(layers), tuple(attentions))

    def forward_flops(self, seq_length: int) -> float:
        """Operations of encoding one sequence, see `models/flops.py`."""
        return encoder_flops(self.sizes, seq_length)


def packing(encoder: Any) -> HasPacked:
    """The encoder, if it reads packed batches.

    Raises:
        ValueError: it does not.
    """
    if not isinstance(encoder, HasPacked):
        raise ValueError(
            f"the encoder {type(encoder).__name__} cannot put several examples into one "
            "row: it has no `packed`; train it without (runs.finetune.composition "
            "'by_length' or 'random', runs.pretrain.packed False)"
        )
    return encoder


def last_states(
    encoder: Encoder, batch: Batch, seed: Seed, training: bool
) -> tf.Tensor:
    """The last layer of any encoder on a batch, float32 [batch, seq, hidden].

    Raises:
        ValueError: the batch is packed, and the encoder cannot read those.
    """
    if batch.is_packed:
        return packing(encoder).packed(batch, seed=seed, training=training).sequence
    return encoder(
        batch.input_ids,
        batch.input_mask,
        batch.segment_ids,
        seed=seed,
        training=training,
    ).sequence
