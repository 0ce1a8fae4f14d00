"""Floating-point operations as the ELECTRA paper counts them, method `paper-v1`.

For comparison with the figures that the paper prints (Table 1 and following); between the
models of this project method `v2` holds, see `models/flops.py`.

Source: google-research/electra flops_computation.py, with what is odd about it: the
backward pass costs as much as the forward pass, a look-up of embeddings is a product with
one-hot rows (of words, positions and segments), the norm after attention is counted for
one element only, and a softmax over the vocabulary runs at 0.15625 of the positions
whatever the masking.
"""

import dataclasses

from electra_bench.models.flops import DROPOUT, GELU, LAYER_NORM, SOFTMAX

TRAIN_FACTOR = 2
OUTPUT_FRACTION = 0.15625


@dataclasses.dataclass(frozen=True)
class Transformer:
    """Sizes of an encoder, or of a decoder that attends to one.

    Attributes:
        hidden: size of a layer's output.
        layers: number of layers.
        seq: tokens in a sequence.
        vocab: tokens in the vocabulary.
        embedding: size of the embeddings; None for `hidden`.
        ffn: inner size of the feed-forward network; None for four times `hidden`.
        heads: of attention; None for one every 64 units.
        attention: size of all queries of a position; None for `hidden`.
        output_fraction: of the positions at which a softmax over the vocabulary runs.
        one_hot: whether looking up a word is a product.
        decoder: whether every layer attends twice.
    """

    hidden: int
    layers: int
    seq: int = 512
    vocab: int = 30522
    embedding: int | None = None
    ffn: int | None = None
    heads: int | None = None
    attention: int | None = None
    output_fraction: float = OUTPUT_FRACTION
    one_hot: bool = True
    decoder: bool = False

    def layer(self) -> int:
        """One layer, forward, all positions."""
        h = self.hidden
        ffn = 4 * h if self.ffn is None else self.ffn
        heads = max(h // 64, 1) if self.heads is None else self.heads
        kqv = h if self.attention is None else self.attention
        attention = (
            6 * h * kqv  # projections
            + 3 * kqv
            + 2 * kqv * self.seq  # scores
            + self.seq * heads * (SOFTMAX + DROPOUT + 1)
            + 2 * h * self.seq  # weighted values
            + 2 * h * h
            + h
            + DROPOUT * h
            + h  # residual
            + LAYER_NORM  # not times h
        )
        feed_forward = (
            2 * h * ffn
            + (GELU + 1) * ffn
            + 2 * h * ffn
            + h
            + DROPOUT * h
            + h
            + LAYER_NORM * h
        )
        return self.seq * ((2 if self.decoder else 1) * attention + feed_forward)

    def embedding_input(self) -> int:
        """Embeddings and their projection, forward, all positions."""
        e = self._embedding
        one = 2 * e * (self.seq + 2) + 2 * e + (LAYER_NORM + DROPOUT) * e
        if self.one_hot:
            one += 2 * e * self.vocab
        if e != self.hidden:
            one += 2 * self.hidden * e + self.hidden
        return self.seq * one

    def embedding_output(self) -> float:
        """The softmax over the vocabulary, forward, at its share of the positions."""
        e = self._embedding
        one = (
            2 * e * self.vocab
            + 2 * self.hidden * e
            + e
            + (GELU + LAYER_NORM) * e
            + SOFTMAX * self.vocab
            + 2 * self.vocab  # picking the target
        )
        return self.output_fraction * one * self.seq

    def binary_output(self) -> int:
        """The discriminator's head, forward, all positions."""
        h = self.hidden
        return self.seq * (2 * h * h + h + GELU * h + 2 * h)

    def forward(self, head: float) -> float:
        """A forward pass with a head.

        Args:
            head: `embedding_output()`, `binary_output()`, or 0.
        """
        return self.layers * self.layer() + self.embedding_input() + head

    @property
    def _embedding(self) -> int:
        return self.hidden if self.embedding is None else self.embedding
