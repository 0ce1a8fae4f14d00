"""One tag a word."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.config.ranges import Rate
from electra_bench.config.roles import Result
from electra_bench.core import Batch, EncoderFactory, LossTerms, Seed, Variables
from electra_bench.core.batch import NO_LABEL
from electra_bench.data.readers.columns import bioes, is_span_tag
from electra_bench.kinds.dense_head import EncoderWithHead
from electra_bench.records import TaskCard
from electra_bench.registry import kinds


class Tagging(EncoderWithHead):
    """Softmax over tags on the first token of every word, without dropout.

    Source: google-research/electra finetune/tagging/tagging_tasks.py, `TaggingTask`.
    Differs: all tokens get logits, and labels say which ones count, where the original
    gathers the words' positions; equal where no two words share a position.
    """

    # Whether predicted tags are written anew, see `tagging`.
    reencode = False

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """Cross-entropy of the words' tags."""
        logits = self.token_logits(batch, seed, training)
        # [batch, seq]
        counted = (batch.labels >= 0) & (batch.example_id[:, None] >= 0)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.maximum(batch.labels, 0), logits
        )
        return {"tagging": self.term(losses, counted)}

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """`logits` float32 [batch, seq, classes] and `tags` int32 [batch, seq]."""
        logits = self.token_logits(batch, seed, training=False)
        return {
            "logits": logits,
            "tags": tf.argmax(logits, axis=-1, output_type=tf.int32),
        }

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[list[int], list[float]]:
        """Tag ids of the words that the row has labels of, and their probabilities."""
        positions = np.flatnonzero(np.asarray(example["labels"]) != NO_LABEL)
        logits = outputs["logits"][positions].astype(np.float64)
        # [words, classes] -> [words]
        best = logits.max(axis=-1, initial=-np.inf)
        probs = 1.0 / np.exp(logits - best[:, None]).sum(axis=-1)
        return outputs["tags"][positions].tolist(), probs.tolist()

    def merge(
        self, decoded: Sequence[tuple[list[int], list[float]]]
    ) -> tuple[list[int], list[float]]:
        """The tags of one sentence, from all its rows: a word has its label in one."""
        tags = [tag for row, _ in decoded for tag in row]
        probs = [prob for _, row in decoded for prob in row]
        return self._without_contradictions(tags), probs

    def _without_contradictions(self, ids: list[int]) -> list[int]:
        if not self.reencode:
            return ids
        numbers = {tag: i for i, tag in enumerate(self.card.labels)}
        tags = bioes([self.card.labels[i] for i in ids])
        return [numbers.get(tag, i) for tag, i in zip(tags, ids, strict=True)]

    def right_answer(self, example: Mapping[str, Any]) -> tuple[list[int], list[float]]:
        """What `decode` says where it is right and certain."""
        tags = [int(tag) for tag in example["labels"] if tag != NO_LABEL]
        return tags, [1.0] * len(tags)

    def sample_targets(
        self, input_mask: np.ndarray, segment_ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """A tag at most tokens, along the text."""
        tags = rng.integers(0, len(self.card.labels), input_mask.shape)
        is_word = input_mask * (rng.random(input_mask.shape) < 0.7)
        return np.where(is_word, tags, NO_LABEL), np.zeros([len(input_mask), 0])


@kinds.register("tagging")
def tagging(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    head_dropout: Result[Rate[float]] = 0.0,
    reduction: Result[str] = "sum",
    reencode: Result[bool] = False,
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
    size = len(card.labels)
    built = Tagging(encoders, variables, card, size, head_dropout, reduction)
    built.reencode = reencode and all(map(is_span_tag, card.labels))
    return built
