"""Generators: what proposes tokens for the masked positions."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch, Encoder, EncoderFactory, Seed, SpecialIds
from electra_bench.core.optional import num_tokens_of
from electra_bench.core.variables import Variables, replicated
from electra_bench.models.encoder import last_states
from electra_bench.objectives.flops import Part
from electra_bench.objectives.heads import MaskedLMHead
from electra_bench.objectives.masking import Masked, gather_positions


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

    def parts(self, mask_prob: float) -> Sequence[Part]:
        """What runs over every sequence when this fraction of it is masked."""


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
            num_tokens_of(encoder.embeddings),
        )

    def __call__(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> Proposed:
        """Proposes tokens for the masked positions."""
        text = batch._replace(input_ids=masked.input_ids)
        # [batch, seq, hidden] -> [batch, preds, hidden]
        states = last_states(self.encoder, text, seed, training)
        hidden = gather_positions(states, masked.positions)
        # [batch, preds, hidden] -> [batch, preds, vocab]
        return Proposed(self._head(hidden), hidden)

    def parts(self, mask_prob: float) -> Sequence[Part]:
        """The encoder, with a softmax at the masked positions."""
        return [Part((self.encoder,), self._head, mask_prob)]


class TwoTower(tf.Module):
    """Two encoders, one reading from the left and one from the right, and one softmax.

    A token is predicted from what stands before and what stands after it, so nothing
    needs to be masked and every token of the text trains it.

    Source: Clark et al. 2020 (Electric), section 2.3; google-research/electra
    run_pretraining.py `TwoTowerClozeTransformer`, `_get_cloze_outputs`.
    """

    def __init__(
        self, variables: Variables, left_to_right: Encoder, right_to_left: Encoder
    ):
        """Creates the head, `cloze_predictions/...`, tied to `left_to_right`'s table."""
        super().__init__()
        self.left_to_right = left_to_right
        self.right_to_left = right_to_left
        self._head = MaskedLMHead(
            variables,
            "cloze_predictions",
            left_to_right.hidden_size + right_to_left.hidden_size,
            left_to_right.embeddings.table,
            num_tokens_of(left_to_right.embeddings),
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

    def parts(self, mask_prob: float) -> Sequence[Part]:
        """Both encoders, with a softmax at all positions."""
        del mask_prob
        return [Part((self.left_to_right, self.right_to_left), self._head)]

    def _hidden(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        before = last_states(self.left_to_right, batch, seed.fold("ltr"), training)
        after = last_states(self.right_to_left, batch, seed.fold("rtl"), training)
        # Position t gets the states that have read up to t - 1 and down to t + 1. They
        # wrap around at the ends, where [CLS] and [SEP] or padding stand.
        shifted = [tf.roll(before, 1, 1), tf.roll(after, -1, 1)]
        return tf.concat(shifted, -1)


class Uniform(tf.Module):
    """Every token of the vocabulary with the same probability, [PAD] and [UNK] too.

    Source: google-research/electra run_pretraining.py, `uniform_generator`.
    """

    def __init__(self, special_ids: SpecialIds):
        """Takes the vocabulary."""
        super().__init__()
        self._special_ids = special_ids

    def token_logits(self) -> tf.Tensor:
        """Of every token, wherever it is proposed, float32 [vocab]."""
        return tf.zeros([self._special_ids.size])

    def __call__(
        self, batch: Batch, masked: Masked, *, seed: Seed, training: bool
    ) -> Proposed:
        """Proposes the same for all masked positions."""
        del batch, seed, training
        logits = self.token_logits()
        slots = tf.shape(masked.positions)
        return Proposed(tf.broadcast_to(logits, tf.concat([slots, logits.shape], 0)))

    def parts(self, mask_prob: float) -> Sequence[Part]:
        """No network runs."""
        del mask_prob
        return []


class Unigram(Uniform):
    """Every token with its frequency in the training text; uniform before `count`.

    Source: Clark et al. 2020, section 3.2, "smaller generators".
    """

    def __init__(self, special_ids: SpecialIds):
        """Creates the counts, `generator_predictions/counts`; 0 until `count`."""
        super().__init__(special_ids)
        zeros, name = tf.zeros([special_ids.size]), "generator_predictions/counts"
        self._counts = replicated(zeros, name, trainable=False)

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
    shared: Encoder | None = None,
) -> Generator:
    """Builds a generator beside a discriminator.

    Args:
        kind: "masked_lm", "two_tower", "unigram" or "uniform".
        encoders: builds its encoders, in the size that a generator has.
        variables: creates its variables.
        special_ids: of the vocabulary.
        shared: the discriminator's encoder, if it is the generator's too.

    Raises:
        ValueError: another kind, or one that cannot share all layers.
    """
    if kind == "uniform":
        return Uniform(special_ids)
    if kind == "unigram":
        return Unigram(special_ids)
    if kind == "masked_lm":
        return MaskedLM(variables, encoders("generator") if shared is None else shared)
    if kind != "two_tower":
        raise ValueError(
            "objectives.electra.generator must be 'masked_lm', 'two_tower', 'unigram' or "
            f"'uniform', got {kind!r}"
        )
    if shared is not None:
        raise ValueError(
            "a generator of two towers has layers of its own: "
            "objectives.electra.untied_generator must be True, got False"
        )
    return TwoTower(variables, encoders("generator_ltr"), encoders("generator_rtl"))
