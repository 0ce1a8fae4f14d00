"""Extractive question answering: the answer is a span of the context."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from electra_bench.core import Batch, EncoderFactory, LossTerm, Seed, Variables
from electra_bench.records import TaskCard
from electra_bench.registry import kinds

# Added to the logits of tokens that cannot begin or end an answer.
_MASKED = -1000.0


class SpanQA(tf.Module):
    """First and last token of the answer, predicted independently.

    Each is a softmax over the tokens of the context and [CLS], on which both lie where a
    window holds no answer.

    Source: google-research/electra finetune/qa/qa_tasks.py, `get_prediction_module` with
    `joint_prediction=False` and `answerable_classifier=False`.
    """

    def __init__(
        self,
        encoders: EncoderFactory,
        variables: Variables,
        card: TaskCard,
        max_answer_length: int,
        reduction: str,
    ):
        super().__init__(name="span_qa")
        self.encoder = encoders()
        self._max_answer_length = max_answer_length
        self._reduction = reduction
        scope, hidden = f"task_specific/{card.name}", self.encoder.hidden_size
        self._start_kernel = variables.glorot_uniform(
            f"{scope}/dense/kernel", [hidden, 1]
        )
        self._start_bias = variables.zeros(f"{scope}/dense/bias", [1])
        self._end_kernel = variables.glorot_uniform(
            f"{scope}/dense_1/kernel", [hidden, 1]
        )
        self._end_bias = variables.zeros(f"{scope}/dense_1/bias", [1])

    def _logits(
        self, batch: Batch, seed: Seed, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        encoded = self.encoder(
            batch.input_ids,
            batch.input_mask,
            batch.segment_ids,
            seed=seed,
            training=training,
        )
        states = encoded.sequence
        # [batch, seq]; the first token is [CLS]
        allowed = tf.cast(batch.input_mask * batch.segment_ids, tf.float32)
        allowed += tf.one_hot(0, tf.shape(states)[1])
        masking = _MASKED * (1.0 - allowed)
        # [batch, seq, hidden] -> [batch, seq]
        start = tf.squeeze(states @ self._start_kernel + self._start_bias, -1)
        end = tf.squeeze(states @ self._end_kernel + self._end_bias, -1)
        return start + masking, end + masking

    def loss_terms(
        self, batch: Batch, seed: Seed, training: bool
    ) -> Mapping[str, LossTerm]:
        """Mean of the cross-entropies of both ends; rows without labels do not count."""
        logits = self._logits(batch, seed, training)
        counted = (batch.example_id >= 0) & (batch.labels[:, 0] >= 0)
        losses = [
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.maximum(batch.labels[:, side], 0), logits[side]
            )
            for side in (0, 1)
        ]
        losses = tf.add_n(losses) / 2.0
        term = LossTerm(
            tf.reduce_sum(tf.where(counted, losses, 0.0)),
            tf.reduce_sum(tf.cast(counted, tf.float32)),
            reduction=self._reduction,
        )
        return {"span_qa": term}

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """`start_logits` and `end_logits`, float32 [batch, seq]."""
        start, end = self._logits(batch, seed, training=False)
        return {"start_logits": start, "end_logits": end}

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> tuple[str, dict[str, float]]:
        """The best answer of one window.

        Args:
            outputs: logits of the window, float32 [seq], padded or not.
            example: has `context`, and `char_start` and `char_end`, which place the
                window's tokens in it.

        Returns:
            The context's text from the first to the last token of the most probable span
            (empty if the window holds no context), and `score`, the sum of both ends'
            log-probabilities, with `start` and `end`, its characters.
        """
        char_start = np.asarray(example["char_start"])
        places = np.flatnonzero(char_start >= 0)
        if not places.size:
            return "", {"score": 2 * _MASKED, "start": 0, "end": 0}
        start = _log_softmax(outputs["start_logits"])[places]
        end = _log_softmax(outputs["end_logits"])[places]
        # [first token, last token]
        scores = start[:, None] + end[None, :]
        length = np.arange(len(places))[None, :] - np.arange(len(places))[:, None] + 1
        scores[(length < 1) | (length > self._max_answer_length)] = -np.inf
        first, last = np.unravel_index(np.argmax(scores), scores.shape)
        begin = int(char_start[places[first]])
        stop = int(np.asarray(example["char_end"])[places[last]])
        found = {"score": float(scores[first, last]), "start": begin, "end": stop}
        return example["context"][begin:stop], found

    def merge(
        self, decoded: Sequence[tuple[str, dict[str, float]]]
    ) -> tuple[str, dict[str, float]]:
        """The best of the windows of one example.

        Source: google-research/electra finetune/qa/qa_metrics.py. Differs: a token in
        several windows counts in all of them, not only where it has most context.
        """
        return max(decoded, key=lambda answer: answer[1]["score"])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.asarray(logits, np.float64) - np.max(logits)
    return shifted - np.log(np.sum(np.exp(shifted)))


@kinds.register("span_qa")
def span_qa(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    *,
    max_answer_length: int = 30,
    reduction: str = "sum",
) -> SpanQA:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the head's `task_specific/<task>/dense` (first token) and
            `dense_1` (last token).
        card: the task.
        max_answer_length: tokens of a predicted answer at most.
        reduction: "sum" adds the losses of a batch up, as the original does; "mean"
            divides by the number of windows.

    Raises:
        ValueError: `max_answer_length` below 1.
    """
    if max_answer_length < 1:
        raise ValueError(
            f"max_answer_length must be 1 or more, got {max_answer_length}"
        )
    return SpanQA(encoders, variables, card, max_answer_length, reduction)
