"""Generators: what proposes tokens for the masked positions."""

import abc
import dataclasses
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from electra_bench.core import (
    Batch,
    Encoder,
    EncoderFactory,
    LossTerm,
    Seed,
    SpecialIds,
    Variables,
)
from electra_bench.models import flops_paper
from electra_bench.models.flops import masked_lm_head_flops
from electra_bench.objectives.heads import MaskedLMHead
from electra_bench.objectives.masking import Masked, candidates
from electra_bench.objectives.positions import gather_positions


class Proposed(NamedTuple):
    """What a generator says of a batch.

    Attributes:
        logits: at the masked positions, float32 [batch, preds, vocab].
        hidden: what these were computed from, float32 [batch, preds, hidden]; None
            without a network.
        cloze_logits: at every position, float32 [batch, seq, vocab]; None unless the
            generator predicts every token.
    """

    logits: tf.Tensor
    hidden: tf.Tensor | None = None
    cloze_logits: tf.Tensor | None = None


class Generator(Protocol):
    """A generator (a `tf.Module`)."""

    def __call__(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> Proposed:
        """Proposes tokens for the masked positions."""

    def terms(
        self, batch: Batch, masked: Masked, proposed: Proposed, coefficient: float
    ) -> dict[str, LossTerm]:
        """Its own loss, by maximum likelihood."""

    def forward_flops(self, seq_length: int, num_predictions: int) -> float | None:
        """Operations for one sequence; None if an encoder does not count its own."""

    def paper_flops(self, seq_length: int) -> float | None:
        """The same by method `paper-v1`, forward; None for encoders without sizes."""


class MaskedLM(tf.Module):
    """An encoder that reads the masked text: ELECTRA's generator, or BERT.

    Source: Clark et al. 2020, section 2; google-research/electra run_pretraining.py
    `_get_masked_lm_output`.
    """

    def __init__(self, variables: Variables, encoder: Encoder):
        """Creates the head, `generator_predictions/...`."""
        super().__init__()
        self.encoder = encoder
        self._head = MaskedLMHead(
            variables,
            "generator_predictions",
            encoder.hidden_size,
            encoder.embeddings.table,
        )

    def __call__(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> Proposed:
        """Proposes tokens for the masked positions."""
        encoded = self.encoder(
            masked.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed,
            training=training,
        )
        hidden = gather_positions(encoded.sequence, masked.positions)
        return Proposed(self._head(hidden), hidden)

    def terms(
        self, batch: Batch, masked: Masked, proposed: Proposed, coefficient: float
    ) -> dict[str, LossTerm]:
        """`mlm`: mean over the used slots."""
        del batch
        losses = token_losses(proposed.logits, masked.ids)
        return {"mlm": mean_term(losses, masked.weights, coefficient)}

    def forward_flops(self, seq_length: int, num_predictions: int) -> float | None:
        """Operations for one sequence; None if the encoder does not count its own."""
        count = getattr(self.encoder, "forward_flops", None)
        if count is None:
            return None
        vocab, embed = self.encoder.embeddings.table.shape
        return count(seq_length) + masked_lm_head_flops(
            self.encoder.hidden_size, embed, vocab, num_predictions
        )

    def paper_flops(self, seq_length: int) -> float | None:
        """The same by method `paper-v1`, forward; None for encoders without sizes."""
        sizes = flops_paper.transformer(self.encoder, seq_length)
        return sizes and sizes.forward(sizes.embedding_output())


class TwoTower(tf.Module):
    """Two encoders, one reading from the left and one from the right, and one softmax.

    A token is predicted from what stands before and what stands after it, so nothing
    needs to be masked and every token of the text trains it.

    Source: Clark et al. 2020 (Electric), section 2.3; google-research/electra
    run_pretraining.py `TwoTowerClozeTransformer`, `_get_cloze_outputs`.
    """

    def __init__(
        self,
        variables: Variables,
        left_to_right: Encoder,
        right_to_left: Encoder,
        special_ids: SpecialIds,
    ):
        """Creates the head, `cloze_predictions/...`, tied to `left_to_right`'s table."""
        super().__init__()
        self.left_to_right = left_to_right
        self.right_to_left = right_to_left
        self._special_ids = special_ids
        self._hidden_size = left_to_right.hidden_size + right_to_left.hidden_size
        self._head = MaskedLMHead(
            variables,
            "cloze_predictions",
            self._hidden_size,
            left_to_right.embeddings.table,
        )

    def __call__(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> Proposed:
        """Predicts every token of the original text."""
        hidden = self._hidden(batch, seed, training)
        cloze_logits = self._head(hidden)
        return Proposed(
            gather_positions(cloze_logits, masked.positions),
            gather_positions(hidden, masked.positions),
            cloze_logits,
        )

    def cloze_logits(self, batch: Batch) -> tf.Tensor:
        """Logits of every token given the others, float32 [batch, seq, vocab]."""
        return self._head(self._hidden(batch, Seed.of(0), False))

    def terms(
        self, batch: Batch, masked: Masked, proposed: Proposed, coefficient: float
    ) -> dict[str, LossTerm]:
        """`cloze`: mean over all tokens that may be masked."""
        del masked
        allowed = candidates(batch.input_ids, batch.input_mask, self._special_ids)
        weights = tf.cast(allowed, tf.float32)
        losses = token_losses(proposed.cloze_logits, batch.input_ids)
        return {"cloze": mean_term(losses, weights, coefficient)}

    def forward_flops(self, seq_length: int, num_predictions: int) -> float | None:
        """Operations for one sequence: the softmax runs over all of its positions."""
        del num_predictions
        counts = [
            getattr(tower, "forward_flops", None)
            for tower in (self.left_to_right, self.right_to_left)
        ]
        if None in counts:
            return None
        vocab, embed = self.left_to_right.embeddings.table.shape
        return sum(count(seq_length) for count in counts) + masked_lm_head_flops(
            self._hidden_size, embed, vocab, seq_length
        )

    def paper_flops(self, seq_length: int) -> float | None:
        """The same by method `paper-v1`, forward; None for encoders without sizes."""
        towers = [
            flops_paper.transformer(tower, seq_length)
            for tower in (self.left_to_right, self.right_to_left)
        ]
        if None in towers:
            return None
        both = dataclasses.replace(
            towers[0], hidden=self._hidden_size, output_fraction=1.0
        )
        return sum(tower.forward(0) for tower in towers) + both.embedding_output()

    def _hidden(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        towers = {"ltr": self.left_to_right, "rtl": self.right_to_left}
        states = {
            name: tower(
                batch.input_ids,
                batch.input_mask,
                batch.segment_ids,
                seed=seed.fold(name),
                training=training,
            ).sequence
            for name, tower in towers.items()
        }
        # Position t gets the states that have read up to t - 1 and down to t + 1. They
        # wrap around at the ends, where [CLS] and [SEP] or padding stand.
        shifted = [tf.roll(states["ltr"], 1, 1), tf.roll(states["rtl"], -1, 1)]
        return tf.concat(shifted, -1)


class WithoutNetwork(tf.Module, abc.ABC):
    """A generator that proposes the same tokens everywhere and learns nothing."""

    @abc.abstractmethod
    def token_logits(self) -> tf.Tensor:
        """Of every token of the vocabulary, float32 [vocab]."""

    def __call__(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> Proposed:
        """Proposes the same for all masked positions."""
        del batch, seed, training
        logits = self.token_logits()
        slots = tf.shape(masked.positions)
        return Proposed(tf.broadcast_to(logits, tf.concat([slots, logits.shape], 0)))

    def terms(
        self, batch: Batch, masked: Masked, proposed: Proposed, coefficient: float
    ) -> dict[str, LossTerm]:
        """`mlm`: of no use but to be seen."""
        del batch
        losses = token_losses(proposed.logits, masked.ids)
        return {"mlm": mean_term(losses, masked.weights, coefficient)}

    def forward_flops(self, seq_length: int, num_predictions: int) -> float:
        """None at all."""
        del seq_length, num_predictions
        return 0.0

    def paper_flops(self, seq_length: int) -> float:
        """None at all."""
        del seq_length
        return 0.0


class Uniform(WithoutNetwork):
    """Every token of the vocabulary with the same probability, [PAD] and [UNK] too.

    Source: google-research/electra run_pretraining.py, `uniform_generator`.
    """

    def __init__(self, vocab_size: int):
        """Takes the number of tokens."""
        super().__init__()
        self._vocab_size = vocab_size

    def token_logits(self) -> tf.Tensor:
        """All 0, float32 [vocab]."""
        return tf.zeros([self._vocab_size])


class Unigram(WithoutNetwork):
    """Every token with its frequency in the training text.

    Source: Clark et al. 2020, section 3.2, "smaller generators".
    """

    def __init__(self, special_ids: SpecialIds):
        """Creates the counts, `generator_predictions/counts`; 0 until `count`."""
        super().__init__()
        self._special_ids = special_ids
        self._counts = tf.Variable(
            tf.zeros([special_ids.size]),
            trainable=False,
            name="generator_predictions/counts",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def count(self, token_counts: np.ndarray) -> None:
        """Takes how often each token occurs in the training text, [vocab]."""
        counts = token_counts.astype(np.float32)
        # What is never masked is never proposed either.
        ids = self._special_ids
        counts[[ids.pad, ids.cls, ids.sep, ids.mask]] = 0
        self._counts.assign(counts)

    def token_logits(self) -> tf.Tensor:
        """Logarithms of the counts, to each of which one is added, float32 [vocab]."""
        return tf.math.log(1.0 + self._counts)


def build_generator(
    kind: str,
    encoders: EncoderFactory,
    variables: Variables,
    special_ids: SpecialIds,
    discriminator: Encoder,
    *,
    width: float,
    depth: float,
    own_layers: bool,
    own_embeddings: bool,
) -> Generator:
    """Builds a generator beside a discriminator.

    Args:
        kind: "masked_lm", "two_tower", "unigram" or "uniform".
        encoders: builds its encoders.
        variables: creates its variables.
        special_ids: of the vocabulary.
        discriminator: whose embeddings or layers it may share.
        width: its hidden size as a fraction of the discriminator's.
        depth: its number of layers as a fraction.
        own_layers: whether it has layers of its own.
        own_embeddings: whether it has embeddings of its own, as wide as its layers.

    Raises:
        ValueError: another kind, or one that cannot share all layers.
    """
    if kind == "uniform":
        return Uniform(special_ids.size)
    if kind == "unigram":
        return Unigram(special_ids)

    def encoder(role: str) -> Encoder:
        shared = None if own_embeddings else discriminator.embeddings
        return encoders(
            role,
            embeddings=shared,
            width=width,
            depth=depth,
            projected=not own_embeddings,
        )

    if kind == "masked_lm":
        return MaskedLM(
            variables, encoder("generator") if own_layers else discriminator
        )
    if kind != "two_tower":
        raise ValueError(
            "objectives.electra.generator must be 'masked_lm', 'two_tower', 'unigram' or "
            f"'uniform', got {kind!r}"
        )
    if not own_layers:
        raise ValueError(
            "a generator of two towers has layers of its own: "
            "objectives.electra.untied_generator must be True, got False"
        )
    towers = encoder("generator_ltr"), encoder("generator_rtl")
    return TwoTower(variables, *towers, special_ids)


def token_losses(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Negative log likelihood of the true tokens, float32 [batch, n].

    Args:
        logits: float32 [batch, n, vocab].
        ids: int32 [batch, n].
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(ids, logits)


def is_likeliest(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Whether no token is more likely than the given ones, bool [batch, n].

    A maximum takes a fraction of the time of an `argmax`.

    Args:
        logits: float32 [batch, n, vocab].
        ids: int32 [batch, n].
    """
    return tf.gather(logits, ids, batch_dims=2) >= tf.reduce_max(logits, -1)


def mean_term(losses: tf.Tensor, weights: tf.Tensor, coefficient: float) -> LossTerm:
    """A weighted mean of losses; a position that was drawn twice counts twice.

    Args:
        losses: of slots or of positions, float32 [batch, n].
        weights: 1 for those that count and 0 for others, float32 [batch, n].
        coefficient: of this term.
    """
    return LossTerm(
        tf.reduce_sum(losses * weights), tf.reduce_sum(weights), coefficient
    )
