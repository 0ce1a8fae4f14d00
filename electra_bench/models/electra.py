"""The encoder `electra`: discriminator, generator, or a masked language model."""

import dataclasses

from electra_bench.config.ranges import Positive, Rate
from electra_bench.config.roles import Given, Result, Subject
from electra_bench.core import Direction, Embeddings, Variables
from electra_bench.core.variables import normal_values
from electra_bench.models.encoder import EmbeddingLayer, TransformerEncoder
from electra_bench.models.flops import EncoderSizes
from electra_bench.models.mimetic import mimetic_values
from electra_bench.registry import models


@models.register("electra")
def electra(
    variables: Variables,
    name: Given[str],
    vocab_size: Given[int],
    embeddings: EmbeddingLayer | None = None,
    width: Given[float] = 1.0,
    depth: Given[float] = 1.0,
    direction: Given[Direction] = "both",
    projected: Given[bool] = True,
    *,
    hidden_size: Subject[Positive[int]],
    num_layers: Subject[Positive[int]],
    num_heads: Subject[Positive[int]],
    ffn_size: Subject[Positive[int]],
    embedding_size: Subject[Positive[int]],
    max_positions: Subject[Positive[int]] = 512,
    segment_types: Subject[Positive[int]] = 2,
    vocab_rows: Subject[Positive[int] | None] = None,
    dropout: Result[Rate[float]] = 0.1,
    attention_dropout: Result[Rate[float]] = 0.1,
    initializer_range: Result[Positive[float]] = 0.02,
    mimetic: Result[bool] = False,
) -> TransformerEncoder:
    """Builds BERT's encoder with ELECTRA's smaller embeddings.

    Args:
        variables: creates its variables.
        name: start of their names, `electra` or `generator`.
        vocab_size: number of tokens, specials included.
        embeddings: embedding layer of another encoder to share; None makes its own,
            `<name>/embeddings`.
        width: factor of the hidden size. The FFN keeps its ratio to it and the heads
            their size, but there is at least one.
        depth: factor of the number of layers.
        direction: which tokens a token sees besides itself.
        projected: whether embeddings of its own have `embedding_size`; if not, they are as
            wide as its layers.
        hidden_size: size of a layer's output.
        num_layers: number of layers.
        num_heads: attention heads in a layer; divides the hidden size.
        ffn_size: size of the feed-forward network's inner layer.
        embedding_size: size of the embeddings; projected if it is not `hidden_size`.
        max_positions: longest sequence, in tokens.
        segment_types: number of segment ids.
        vocab_rows: rows of the table of word embeddings, as models have them whose table
            was padded; those after the vocabulary are kept, and neither masking nor a
            softmax draws them. None for a row a token.
        dropout: probability of dropping a hidden unit, in [0, 1).
        attention_dropout: probability of dropping an attention probability, in [0, 1).
        initializer_range: standard deviation of initial values, above 0. The original's
            0.02 suits a hidden size of 768; what a layer adds at first to its input grows
            with this times the square root of the size.
        mimetic: start with keys equal to queries and with sinusoidal positions, see
            `models/mimetic.py`; the original starts with independent random values. Wants
            an `initializer_range` near 1 / sqrt(hidden_size).

    Returns:
        The encoder.

    Raises:
        ValueError: a size is below 1, the heads do not divide the hidden size, or
            `initializer_range` is not above 0.

    Source: Clark et al. 2020, appendix A, Table 6; google-research/electra
    model/modeling.py `BertModel`, run_pretraining.py `get_generator_config`. Differs: a
    narrower generator keeps the size of its heads; the original always takes
    `hidden // 64` heads, which is the same for heads of 64, as all released models have.
    """
    if initializer_range <= 0.0:
        raise ValueError(
            f"models.electra.initializer_range must be above 0, got {initializer_range}"
        )
    values = mimetic_values if mimetic else normal_values
    variables = variables.with_normal(values(initializer_range))
    sizes = EncoderSizes(hidden_size, num_layers, num_heads, ffn_size, embedding_size)
    sizes = for_role(name, sizes, embeddings, width, depth, projected)
    embeddings = embeddings or EmbeddingLayer(
        variables,
        f"{name}/embeddings",
        vocab_size,
        sizes.embedding,
        max_positions,
        segment_types,
        vocab_rows,
    )
    return TransformerEncoder(
        variables,
        name,
        embeddings,
        sizes,
        dropout=dropout,
        attention_dropout=attention_dropout,
        direction=direction,
    )


def for_role(
    name: str,
    sizes: EncoderSizes,
    embeddings: Embeddings | None,
    width: float,
    depth: float,
    projected: bool,
) -> EncoderSizes:
    """Sizes of an encoder as an objective asks for it, whatever kind of encoder it is.

    Args:
        name: start of its variables' names, for messages.
        sizes: before it is made narrower or shallower.
        embeddings: embedding layer of another encoder to share; None for none.
        width: factor of the hidden size.
        depth: factor of the number of layers.
        projected: whether embeddings of its own have `sizes.embedding`; if not, they are
            as wide as its layers.

    Raises:
        ValueError: a size is below 1.
    """
    sizes = scaled(sizes, width, depth)
    if embeddings is not None:
        sizes = dataclasses.replace(sizes, embedding=embeddings.size)
    elif not projected:
        sizes = dataclasses.replace(sizes, embedding=sizes.hidden)
    for size, value in dataclasses.asdict(sizes).items():
        if value < 1:
            raise ValueError(f"the encoder {name!r} needs {size} >= 1, got {value}")
    return sizes


def scaled(sizes: EncoderSizes, width: float, depth: float) -> EncoderSizes:
    """Sizes of a narrower or shallower encoder, with Python's rounding.

    >>> base = EncoderSizes(hidden=768, layers=12, heads=12, ffn=3072, embedding=768)
    >>> scaled(base, 1 / 3, 1.0)
    EncoderSizes(hidden=256, layers=12, heads=4, ffn=1024, embedding=768)

    Args:
        sizes: of the full encoder.
        width: factor of the hidden size; FFN and heads follow.
        depth: factor of the number of layers.
    """
    hidden = round(sizes.hidden * width)
    return dataclasses.replace(
        sizes,
        hidden=hidden,
        layers=round(sizes.layers * depth),
        # Of the same size, so as many as fit.
        heads=max(1, hidden * sizes.heads // sizes.hidden),
        ffn=round(hidden * sizes.ffn / sizes.hidden),
    )
