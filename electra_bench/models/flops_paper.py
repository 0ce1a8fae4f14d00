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
from typing import Any

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

    def train(self, batch: int, steps: float, *, discriminator: bool = False) -> float:
        """Training with one of the two heads.

        Args:
            batch: sequences in an update.
            steps: updates.
            discriminator: with the binary head instead of the softmax.
        """
        head = self.binary_output() if discriminator else self.embedding_output()
        return TRAIN_FACTOR * batch * steps * self.forward(head)

    def infer(self) -> float:
        """Classifying one sequence."""
        return self.forward(self.binary_output())

    @property
    def _embedding(self) -> int:
        return self.hidden if self.embedding is None else self.embedding


def transformer(encoder: Any, seq_length: int) -> Transformer | None:
    """The sizes of an encoder of this project; None for one that has no `sizes`."""
    sizes = getattr(encoder, "sizes", None)
    if sizes is None:
        return None
    return Transformer(
        hidden=sizes.hidden,
        layers=sizes.layers,
        seq=seq_length,
        vocab=encoder.embeddings.table.shape[0],
        embedding=sizes.embedding,
        ffn=sizes.ffn,
        heads=sizes.heads,
    )


def electra(discriminator: Transformer, generator: Transformer, batch, steps) -> float:
    """Training both networks of ELECTRA."""
    trained = discriminator.train(batch, steps, discriminator=True)
    return trained + generator.train(batch, steps)


def _published() -> dict[str, float]:
    small = Transformer(256, 12, seq=128, embedding=128)
    base, large = Transformer(768, 12), Transformer(1024, 24)
    t5 = Transformer(1024, 24, vocab=32000, ffn=65536, heads=128, attention=128 * 128)
    t5_encoder = dataclasses.replace(t5, output_fraction=0.0)
    t5_decoder = dataclasses.replace(t5, output_fraction=1.0, decoder=True)
    albert = Transformer(4096, 12, vocab=30000, embedding=128)
    generators = {
        "small": dataclasses.replace(small, hidden=64),
        "base": Transformer(256, 12, embedding=768),
        "large": Transformer(256, 24, embedding=1024),
    }
    return {
        # Counted by TensorFlow for one example or 32, not by these formulas.
        "elmo": 2 * 10 * 768648884 * 568093262680 / (20 * 128),
        "xlnet": 2 * 500000 * 8192 * 15064773691518 / 32,
        "gpt": Transformer(768, 12, vocab=40000, output_fraction=1.0).train(
            128, 960800
        ),
        "bert_small": small.train(128, 1.45e6),
        "bert_base": base.train(256, 1e6),
        "bert_large": large.train(256, 1e6),
        "electra_small": electra(small, generators["small"], 128, 1e6),
        "electra_base": electra(base, generators["base"], 256, 766000),
        "electra_400k": electra(large, generators["large"], 2048, 400000),
        "electra_1.75M": electra(large, generators["large"], 2048, 1750000),
        "roberta": dataclasses.replace(large, vocab=50265).train(8000, 500000),
        "albert": albert.train(4096, 1.5e6),
        "t5_11b": t5_encoder.train(2048, 1e6) + t5_decoder.train(2048, 1e6),
    }


# Pre-training of the models that the paper compares.
PUBLISHED = _published()
