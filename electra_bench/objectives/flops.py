"""Floating-point operations of pre-training, counted over what an objective runs.

An objective names its parts, and both methods count them. What is trained in some of the
updates only, or only runs forward, follows from the objective's stages. An objective that
names no parts has no count.
"""

import abc
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import tensorflow as tf

from electra_bench.core import Encoder
from electra_bench.core.optional import HasForwardFlops, HasSizes, stages_of
from electra_bench.models import flops, flops_paper
from electra_bench.models.layers import Dense
from electra_bench.objectives.heads import DiscriminatorHead, MaskedLMHead
from electra_bench.objectives.masking import max_predictions


class Head(Protocol):
    """What computes something of a position's state."""

    def forward_flops(self, positions: int) -> float:
        """Operations at so many positions, method `v2`."""


class Sampling(NamedTuple):
    """Drawing tokens of a vocabulary of this size."""

    vocab: int

    def forward_flops(self, positions: int) -> float:
        """Operations at so many positions, method `v2`."""
        return flops.sampling_flops(self.vocab, positions)


class Part(NamedTuple):
    """What runs over every sequence of a batch.

    Attributes:
        encoders: they read the sequence; none for another head on the same states.
        head: what reads their states, side by side where there are several.
        mask_prob: fraction of the tokens that are masked, if the head runs at their slots
            only; None if it runs at all positions.
    """

    encoders: tuple[Encoder, ...]
    head: Head
    mask_prob: float | None = None

    def is_trained(self, variables: Sequence[tf.Variable]) -> bool:
        """Whether it has one of the variables."""
        modules = [m for m in (*self.encoders, self.head) if isinstance(m, tf.Module)]
        own = {v.ref() for module in modules for v in module.trainable_variables}
        return not own.isdisjoint(variable.ref() for variable in variables)


class CountedByParts(tf.Module, abc.ABC):
    """An objective whose operations are known from its parts."""

    @abc.abstractmethod
    def parts(self) -> Sequence[Part]:
        """What runs over every sequence in training."""

    def train_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, method `v2`.

        None if an encoder does not count its own.
        """
        return _training(self, seq_length, _forward, flops.TRAIN_FACTOR)

    def paper_flops_per_sequence(self, seq_length: int) -> float | None:
        """Operations of training on one sequence, method `paper-v1`.

        None for encoders without sizes, and for heads that the paper does not know.
        """
        return _training(self, seq_length, _paper_forward, flops_paper.TRAIN_FACTOR)


def _training(
    objective: CountedByParts,
    seq: int,
    forward: Callable[[Part, int], float | None],
    train_factor: int,
) -> float | None:
    stages = stages_of(objective)
    ends = [stage.start for stage in stages[1:]] + [1.0]
    total = 0.0
    for stage, end in zip(stages, ends, strict=True):
        if not isinstance(stage.objective, CountedByParts):
            return None
        for part in stage.objective.parts():
            cost = forward(part, seq)
            if cost is None:
                return None
            factor = train_factor if part.is_trained(stage.variables) else 1
            total += (end - stage.start) * factor * cost
    return total


def _forward(part: Part, seq: int) -> float | None:
    if not all(isinstance(encoder, HasForwardFlops) for encoder in part.encoders):
        return None
    masked = part.mask_prob is not None
    positions = max_predictions(seq, part.mask_prob) if masked else seq
    encoders = sum(encoder.forward_flops(seq) for encoder in part.encoders)
    return encoders + part.head.forward_flops(positions)


def _paper_forward(part: Part, seq: int) -> float | None:
    total = _paper_head(part, seq)
    for encoder in part.encoders:
        if total is None or not isinstance(encoder, HasSizes):
            return None
        n, vocab = encoder.sizes, encoder.embeddings.table.shape[0]
        total += flops_paper.Transformer(
            n.hidden, n.layers, seq, vocab, n.embedding, n.ffn, n.heads
        ).forward(head=0)
    return total


def _paper_head(part: Part, seq: int) -> float | None:
    match part.head:
        case MaskedLMHead(hidden_size=hidden, table=table):
            vocab, embed = table.shape
            # Whatever the masking.
            masked = part.mask_prob is not None
            fraction = flops_paper.OUTPUT_FRACTION if masked else 1.0
            return flops_paper.Transformer(
                hidden, 0, seq, vocab, embed, output_fraction=fraction
            ).embedding_output()
        case DiscriminatorHead(hidden_size=hidden):
            return flops_paper.Transformer(hidden, 0, seq).binary_output()
        case Dense() | Sampling():
            return 0.0
    return None
