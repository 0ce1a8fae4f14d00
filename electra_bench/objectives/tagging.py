"""One tag a word."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, LossTerm, Seed, Variables
from electra_bench.core.batch import NO_LABEL
from electra_bench.data.column_files import bioes, is_span_tag
from electra_bench.objectives.dense_head import DenseHead
from electra_bench.records import TaskCard
from electra_bench.registry import kinds


class Tagging(tf.Module):
    """Softmax over tags on the first token of every word, without dropout.

    Source: google-research/electra finetune/tagging/tagging_tasks.py, `TaggingTask`.
    Differs: all tokens get logits, and labels say which ones count, where the original
    gathers the words' positions; equal where no two words share a position.
    """

    def __init__(
        self,
        encoders: EncoderFactory,
        variables: Variables,
        card: TaskCard,
        head_dropout: float,
        reduction: str,
        reencode: bool,
    ):
        super().__init__(name="tagging")
        self.encoder = encoders()
        self._reduction = reduction
        self._tags = card.labels
        self._reencode = reencode and all(map(is_span_tag, card.labels))
        self._head = DenseHead(
            variables,
            card.name,
            self.encoder.hidden_size,
            len(card.labels),
            head_dropout,
        )

    def _logits(self, batch: Batch, seed: Seed, training: bool) -> tf.Tensor:
        encoded = self.encoder(
            batch.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed,
            training=training,
        )
        # [batch, seq, hidden] -> [batch, seq, classes]
        return self._head(encoded.sequence, seed, training)

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> Mapping[str, LossTerm]:
        """Cross-entropy of the words' tags."""
        logits = self._logits(batch, seed, training)
        # [batch, seq]
        counted = (batch.labels >= 0) & (batch.example_id[:, None] >= 0)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.maximum(batch.labels, 0), logits
        )
        term = LossTerm(
            tf.reduce_sum(tf.where(counted, losses, 0.0)),
            tf.reduce_sum(tf.cast(counted, tf.float32)),
            reduction=self._reduction,
        )
        return {"tagging": term}

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """`logits` float32 [batch, seq, classes] and `tags` int32 [batch, seq]."""
        logits = self._logits(batch, seed, training=False)
        return {
            "logits": logits,
            "tags": tf.argmax(logits, axis=-1, output_type=tf.int32),
        }

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[list[int], list[float]]:
        """Tag ids of the words, and their probabilities."""
        positions = np.flatnonzero(np.asarray(example["labels"]) != NO_LABEL)
        logits = outputs["logits"][positions].astype(np.float64)
        # [words, classes] -> [words]
        best = logits.max(axis=-1, initial=-np.inf)
        probs = 1.0 / np.exp(logits - best[:, None]).sum(axis=-1)
        tags = outputs["tags"][positions].tolist()
        return self._without_contradictions(tags), probs.tolist()

    def _without_contradictions(self, ids: list[int]) -> list[int]:
        if not self._reencode:
            return ids
        numbers = {tag: i for i, tag in enumerate(self._tags)}
        tags = bioes([self._tags[i] for i in ids])
        return [numbers.get(tag, i) for tag, i in zip(tags, ids, strict=True)]


@kinds.register("tagging")
def tagging(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: float = 0.0,
    reduction: str = "sum",
    reencode: bool = False,
) -> Tagging:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the head's `task_specific/<task>/dense/kernel` and `bias`.
        card: the task; `labels` are its tags.
        head_dropout: dropout on the encoder's last states, in [0, 1); the original has
            none.
        reduction: "sum" adds the losses of a batch's words up, as the original does;
            "mean" divides by the number of words.
        reencode: whether predicted tags of spans that contradict one another are written
            anew, as the original does before it scores them: a span goes on over them and
            has the type of its last word.

    Raises:
        ValueError: a card with fewer than two labels.
    """
    if len(card.labels) < 2:
        raise ValueError(
            f"task {card.name!r}: tagging needs its tags on the card, "
            f"got {list(card.labels)}"
        )
    return Tagging(encoders, variables, card, head_dropout, reduction, reencode)
