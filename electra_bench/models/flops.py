"""Floating-point operations of encoders and heads, method `v2`.

All functions count the forward pass over one sequence and need sizes only. An operation is
one addition, multiplication, comparison or elementary function, so a matrix product of
[m, k] and [k, n] has 2mkn. Training costs three times the forward pass: the backward pass
needs two products for each one.

Source: google-research/electra flops_computation.py, whose counts per element these are.
Differs: the backward pass counts twice the forward pass (not once); looking up an
embedding is free (not a product with a one-hot matrix); a head on masked positions counts
the prediction slots that are computed (not always 0.15625 of the sequence); the norm after
attention counts every element; the projection of the generator's output belongs to its
head whatever the sizes.
"""

import dataclasses

TRAIN_FACTOR = 3

# Operations an element.
DROPOUT = 4  # draw, compare, multiply by the mask, scale
LAYER_NORM = 5  # mean, variance (two), shift, scale
GELU = 8
SOFTMAX = 5  # maximum, subtract, exponential, sum, divide
SIGMOID = 4


@dataclasses.dataclass(frozen=True)
class EncoderSizes:
    """What the cost of an encoder depends on.

    Attributes:
        hidden: size of a layer's output.
        layers: number of layers.
        heads: attention heads.
        ffn: inner size of the feed-forward network.
        embedding: size of the embeddings.
    """

    hidden: int
    layers: int
    heads: int
    ffn: int
    embedding: int


def dense_flops(inputs: int, units: int) -> int:
    """One position through a dense layer with bias."""
    return 2 * inputs * units + units


def layer_flops(sizes: EncoderSizes, seq: int) -> int:
    """One layer, all `seq` positions."""
    h, f = sizes.hidden, sizes.ffn
    scores = sizes.heads * seq
    return seq * (
        4 * dense_flops(h, h)  # query, key, value, output
        + 2 * h * seq  # scores
        + h  # scaled queries
        + scores * (1 + SOFTMAX + DROPOUT)  # mask, softmax, dropout
        + 2 * h * seq  # weighted values
        + dense_flops(h, f)
        + GELU * f
        + dense_flops(f, h)
        + 2 * h * (DROPOUT + 1 + LAYER_NORM)  # twice: dropout, residual, norm
    )


def encoder_flops(sizes: EncoderSizes, seq: int) -> float:
    """Embeddings and all layers for one sequence of `seq` tokens."""
    e = sizes.embedding
    embeddings = seq * e * (2 + LAYER_NORM + DROPOUT)  # two sums
    if e != sizes.hidden:
        embeddings += seq * dense_flops(e, sizes.hidden)
    return float(embeddings + sizes.layers * layer_flops(sizes, seq))


def masked_lm_head_flops(hidden: int, embedding: int, vocab: int, preds: int) -> float:
    """The tied softmax at `preds` positions of one sequence, with its loss."""
    return float(
        preds
        * (
            dense_flops(hidden, embedding)
            + embedding * (GELU + LAYER_NORM)
            + dense_flops(embedding, vocab)
            + SOFTMAX * vocab
        )
    )


def sampling_flops(vocab: int, preds: int) -> float:
    """Drawing a token at `preds` positions: noise, sum and maximum. No backward pass."""
    return float(preds * vocab * 6)


def discriminator_head_flops(hidden: int, seq: int) -> float:
    """The binary classifier at every position of one sequence, with its loss."""
    return float(
        seq * (dense_flops(hidden, hidden) + GELU * hidden + dense_flops(hidden, 1))
        + seq * SIGMOID
    )
