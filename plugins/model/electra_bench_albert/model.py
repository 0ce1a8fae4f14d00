"""A Transformer whose layers share their variables."""

from electra_bench.config.ranges import Positive, Rate
from electra_bench.config.roles import Result, Subject
from electra_bench.core import Direction, Variables
from electra_bench.models.electra import for_role
from electra_bench.models.encoder import EmbeddingLayer, Layer, TransformerEncoder
from electra_bench.models.flops import EncoderSizes
from electra_bench.registry import models


@models.register("albert")
def albert(
    variables: Variables,
    name: str,
    vocab_size: int,
    embeddings: EmbeddingLayer | None = None,
    width: float = 1.0,
    depth: float = 1.0,
    direction: Direction = "both",
    projected: bool = True,
    *,
    hidden_size: Subject[Positive[int]],
    num_layers: Subject[Positive[int]],
    num_heads: Subject[Positive[int]],
    ffn_size: Subject[Positive[int]],
    embedding_size: Subject[Positive[int]] = 128,
    num_groups: Subject[Positive[int]] = 1,
    dropout: Result[Rate[float]] = 0.0,
    attention_dropout: Result[Rate[float]] = 0.0,
) -> TransformerEncoder:
    """Builds ALBERT's encoder: as deep as BERT's, with the variables of a few layers.

    Args:
        variables: creates its variables.
        name: start of their names.
        vocab_size: number of tokens, specials included.
        embeddings: embedding layer of another encoder to share.
        width: factor of the hidden size.
        depth: factor of the number of layers.
        direction: which tokens a token sees besides itself.
        projected: whether embeddings of its own have `embedding_size`.
        hidden_size: size of a layer's output.
        num_layers: number of layers.
        num_heads: attention heads in a layer; divides the hidden size.
        ffn_size: size of the feed-forward network's inner layer.
        embedding_size: size of the embeddings, which are projected.
        num_groups: groups of neighbouring layers that share variables, from 1 (all layers
            are one) to `num_layers` (none are shared).
        dropout: probability of dropping a hidden unit, in [0, 1); ALBERT's is 0.
        attention_dropout: probability of dropping an attention probability.

    Raises:
        ValueError: a size is below 1, or the groups do not fit the layers.

    Source: Lan et al. 2020, section 3.1. Differs: BERT's norm of the embeddings and exact
    GELU, as in `electra`.
    """
    sizes = EncoderSizes(hidden_size, num_layers, num_heads, ffn_size, embedding_size)
    sizes = for_role(name, sizes, embeddings, width, depth, projected)
    embeddings = embeddings or EmbeddingLayer(
        variables, f"{name}/embeddings", vocab_size, sizes.embedding
    )
    if not 1 <= num_groups <= sizes.layers:
        raise ValueError(
            f"models.albert.num_groups must be from 1 to {sizes.layers}, the number of "
            f"layers, got {num_groups}"
        )
    group_of = [i * num_groups // sizes.layers for i in range(sizes.layers)]
    # Named for the last layer of its group: so it has that layer's learning rate.
    names = {group: f"{name}/encoder/layer_{i}" for i, group in enumerate(group_of)}
    groups = {
        group: Layer(variables, names[group], sizes.hidden, sizes.heads, sizes.ffn)
        for group in names
    }
    return TransformerEncoder(
        variables,
        name,
        embeddings,
        sizes,
        layers=[groups[group] for group in group_of],
        direction=direction,
        dropout=dropout,
        attention_dropout=attention_dropout,
    )
