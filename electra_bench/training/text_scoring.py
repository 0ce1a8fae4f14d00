"""Pseudo-log-likelihoods of many texts, grouped by length."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch, SpecialIds
from electra_bench.core.batch import own_rows
from electra_bench.data.examples import batches
from electra_bench.data.examples.padded_lengths import rounded_up
from electra_bench.objectives.pseudo_likelihood import PseudoLikelihood
from electra_bench.training.progress import ScoringProgress

# [CLS] before a text and [SEP] after it.
NUM_SPECIAL = 2
# A softmax over the vocabulary at every position is the largest tensor by far.
SOFTMAX_BYTES = 64 << 20


class Scores(NamedTuple):
    """Scores of texts, in their order.

    Attributes:
        tokens: of every token of each text, float32 [tokens].
        passes: rows that went through the encoder: texts, or tokens of them where each
            is masked in turn.
        seconds: what it took.
    """

    tokens: list[np.ndarray]
    passes: int
    seconds: float

    @property
    def plls(self) -> np.ndarray:
        """Pseudo-log-likelihood of every text, float64 [texts]; 0 without tokens."""
        return np.array([np.sum(scores, dtype=np.float64) for scores in self.tokens])


class TextScorer:
    """Scores texts by one method; compiles its forward pass once."""

    def __init__(
        self,
        method: PseudoLikelihood,
        special_ids: SpecialIds,
        batch_tokens: int,
        max_positions: int | None = None,
    ):
        """Takes the method.

        Args:
            method: what to compute.
            special_ids: of the vocabulary.
            batch_tokens: tokens of a batch, padding included, at most; fewer where a
                softmax over the vocabulary would need more than 64 MB. A single row may be
                longer.
            max_positions: longest sequence of the encoder; None for any.

        Raises:
            ValueError: `batch_tokens` is below 1.
        """
        if batch_tokens < 1:
            raise ValueError(f"batch_tokens must be at least 1, got {batch_tokens}")
        self._method = method
        self._special_ids = special_ids
        self._batch_tokens = batch_tokens
        self._max_positions = max_positions
        inputs = [batches.signature(), tf.TensorSpec([None, 1], tf.int32)]
        self._score = tf.function(method.score, inputs, autograph=False)

    def score(self, texts: Sequence[np.ndarray], name: str) -> Scores:
        """Scores texts; those without tokens take no pass.

        Args:
            texts: ids of each, without [CLS] and [SEP], int32 [tokens].
            name: what the progress is called.
        """
        start = time.monotonic()
        counts = np.array([len(ids) for ids in texts], np.int64)
        scores = [np.zeros(count, np.float32) for count in counts]
        owners, positions = _rows(counts, self._method.masks)
        lengths = counts[owners] + NUM_SPECIAL
        total = int(lengths.sum())
        with ScoringProgress(name, len(owners), total) as progress:
            for group in length_groups(lengths, self._most_rows):
                rows = [texts[owner] for owner in owners[group]]
                batch = text_batch(rows, self._special_ids, self._max_positions)
                # [CLS] is at position 0.
                places = (positions[group] + 1)[:, np.newaxis].astype(np.int32)
                found = self._score(batch, tf.constant(places)).numpy()
                for i, row in zip(group, found, strict=True):
                    own = scores[owners[i]]
                    if self._method.masks:
                        own[positions[i]] = row[0]
                    else:
                        own[:] = row[1 : len(own) + 1]
                progress.update(len(group), int(lengths[group].sum()))
        return Scores(scores, len(owners), time.monotonic() - start)

    def _most_rows(self, seq: int) -> int:
        """Rows of a batch that is padded to `seq` tokens."""
        rows = self._batch_tokens // seq
        if self._method.vocab_size:
            scored = 1 if self._method.masks else seq
            rows = min(rows, SOFTMAX_BYTES // (4 * self._method.vocab_size * scored))
        return max(1, rows)


def _rows(counts: np.ndarray, masks: bool) -> tuple[np.ndarray, np.ndarray]:
    """What goes through the encoder: every text with tokens, or every token of each.

    Args:
        counts: tokens of each text, int64 [texts].
        masks: whether tokens are scored one by one.

    Returns:
        The text of each row, and the token that is scored, if only one is, int64 [rows].
    """
    if not masks:
        owners = np.flatnonzero(counts)
        return owners, np.zeros_like(owners)
    owners = np.repeat(np.arange(len(counts)), counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return owners, np.arange(len(owners)) - starts


def length_groups(
    lengths: np.ndarray, most_rows: Callable[[int], int]
) -> Iterator[np.ndarray]:
    """Rows of similar length, the longest first: if memory is short, it shows at once.

    Args:
        lengths: tokens of every row, int64 [rows].
        most_rows: from the tokens that the rows of a batch are padded to, to the rows
            that it may have.

    Yields:
        Indices of rows, int64 [n]; each row once.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        seq = rounded_up(int(lengths[order[start]]))
        end = start + most_rows(seq)
        yield order[start:end]
        start = end


def text_batch(
    texts: Sequence[np.ndarray],
    special_ids: SpecialIds,
    max_positions: int | None = None,
) -> Batch:
    """Texts, each between [CLS] and [SEP], padded to a multiple of 8.

    Args:
        texts: ids of each, int32 [tokens].
        special_ids: of the vocabulary.
        max_positions: pad to no more than this.
    """
    cls, sep = [special_ids.cls], [special_ids.sep]
    rows = [np.concatenate([cls, ids, sep]) for ids in texts]
    lengths = np.array([len(row) for row in rows])
    seq = rounded_up(int(lengths.max()))
    seq = min(seq, max_positions or seq)
    count = len(rows)
    return Batch(
        input_ids=tf.constant(batches.pad_rows(rows, seq, np.int32)),
        input_mask=tf.constant((np.arange(seq) < lengths[:, None]).astype(np.int32)),
        segment_ids=tf.zeros([count, seq], tf.int32),
        labels=tf.zeros([count, 0], tf.int32),
        values=tf.zeros([count, 0]),
        task_id=tf.zeros([count], tf.int32),
        example_id=tf.range(count),
        **own_rows(count),
    )
