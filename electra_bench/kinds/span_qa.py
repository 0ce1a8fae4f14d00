"""Extractive question answering: the answer is a span of the context, or there is none."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.config.ranges import NotNegative, Positive
from electra_bench.config.roles import Result
from electra_bench.core import Batch, Encoder, EncoderFactory, Seed, Variables
from electra_bench.core.loss_term import LossTerms
from electra_bench.kinds.dense_head import counted_term
from electra_bench.kinds.span_decoding import Answers, Candidates, SpanDecoder
from electra_bench.models.encoder import last_states
from electra_bench.models.layers import Dense, gelu
from electra_bench.records import TaskCard
from electra_bench.registry import kinds
from electra_bench.tasks.metrics.squad import NULL_ODDS_THRESHOLD

# Added to the logits of tokens that cannot begin or end an answer.
MASKED = -1000.0
# Width of the hidden layers of the heads.
HIDDEN = 512
WITHOUT_ANSWER = ("answerable", "unanswerable")
THRESHOLDS = ("chosen", "constant")
# What metrics at a chosen threshold are called behind those at the constant.
CHOSEN = "_chosen"
CHOSEN_ON = "the other half of the articles, or of the contexts"


def _is_chosen(name: str, metrics: Mapping[str, float]) -> bool:
    """Whether a metric has a chosen threshold: none where all is about one text."""
    return not math.isnan(metrics.get(f"{name}{CHOSEN}", math.nan))


class SpanSettings(NamedTuple):
    """What the heads look at and learn; see `span_qa`."""

    joint_prediction: bool
    answerable_classifier: bool
    answerable_uses_start_logits: bool
    answerable_weight: NotNegative[float]
    windows_without_answer: str
    beam_size: Positive[int]
    no_answer_threshold: str
    reduction: str


class SpanQA(tf.Module):
    """First and last token of the answer, and whether there is one.

    The first token is a softmax over the tokens of the context and [CLS], on which both
    ends lie where a window holds no answer. The last one is either another such softmax,
    or (joint) one that sees the first: the true one in training, otherwise each of the
    best few.

    Source: google-research/electra finetune/qa/qa_tasks.py, `get_prediction_module`.
    """

    def __init__(
        self,
        encoder: Encoder,
        variables: Variables,
        card: TaskCard,
        decoder: SpanDecoder,
        settings: SpanSettings,
    ):
        """Makes the heads.

        Args:
            encoder: reads question and context.
            variables: makes the heads' variables.
            card: the task.
            decoder: chooses answers.
            settings: what the heads look at and learn.
        """
        super().__init__(name="span_qa")
        self.encoder = encoder
        self._decoder = decoder
        self._settings = settings
        size = encoder.hidden_size
        # Numbered in the order in which the original makes them.
        names = iter(["dense", *(f"dense_{i}" for i in range(1, 4))])

        def dense(inputs: int, units: int, name: str | None = None, **options: Any):
            return Dense(
                variables,
                f"task_specific/{card.name}/{name or next(names)}",
                inputs,
                units,
                initializer="glorot_uniform",
                **options,
            )

        self._start = dense(size, 1)
        self._end_hidden = None
        if settings.joint_prediction:
            # Of the first token's state and one's own, in this order.
            self._end_hidden = dense(2 * size, HIDDEN, "qa_hidden")
        self._end = dense(HIDDEN if settings.joint_prediction else size, 1)
        self._null_hidden = self._null = None
        if settings.answerable_classifier:
            if settings.answerable_uses_start_logits:
                self._null_hidden = dense(2 * size, HIDDEN, activation=gelu)
            self._null = dense(HIDDEN if self._null_hidden else size, 1)

    def loss_terms(self, batch: Batch, seed: Seed, training: bool) -> LossTerms:
        """Mean of the cross-entropies of both ends, and that of answerability.

        Rows without an example or without labels do not count.
        """
        states = last_states(self.encoder, batch, seed, training)
        labels = tf.maximum(batch.labels, 0)
        counted = (batch.example_id >= 0) & (batch.labels[:, 0] >= 0)
        start_logits = self._start_logits(batch, states)
        first = tf.gather(states, labels[:, 0], batch_dims=1)
        end_logits = self._end_logits(batch, self._end_states(states), first)
        losses = [
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels[:, side], logits)
            for side, logits in enumerate((start_logits, end_logits))
        ]
        reduction = self._settings.reduction
        spans = counted_term(tf.add_n(losses) / 2.0, counted, reduction)
        if self._null is None:
            return {"span": spans}
        null = labels[:, 2] == 1
        if self._settings.windows_without_answer == "unanswerable":
            null |= tf.reduce_all(labels[:, :2] == 0, -1)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(
            tf.cast(null, tf.float32), self._null_logit(states, start_logits)
        )
        weight = self._settings.answerable_weight
        answerable = counted_term(losses, counted, reduction, weight)
        return {"span": spans, "answerable": answerable}

    def outputs(self, batch: Batch, seed: Seed) -> Mapping[str, tf.Tensor]:
        """What `decode` needs.

        `start_logits` float32 [batch, seq]; joint: `start_top_log_probs`,
        `start_top_index` [batch, beam], `end_top_log_probs`, `end_top_index`
        [batch, beam, beam], otherwise `end_logits`; and `answerable_logit` [batch], the
        log odds that there is no answer.
        """
        states = last_states(self.encoder, batch, seed, training=False)
        start_logits = self._start_logits(batch, states)
        outputs = {"start_logits": start_logits}
        if self._null is not None:
            outputs["answerable_logit"] = self._null_logit(states, start_logits)
        if not self._settings.joint_prediction:
            return outputs | {"end_logits": self._end_logits(batch, states, None)}
        # Texts shorter than the beam have no more tokens than that.
        beam = tf.minimum(self._settings.beam_size, tf.shape(start_logits)[1])
        log_probs, index = tf.nn.top_k(tf.nn.log_softmax(start_logits), beam)
        firsts = tf.gather(states, index, batch_dims=1)
        end_states = self._end_states(states)

        def best_ends(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            logits = self._end_logits(batch, end_states, first)
            return tuple(tf.nn.top_k(tf.nn.log_softmax(logits), beam))

        # One beam after another: all at once would hold [batch, beam, seq, 512].
        end_log_probs, end_index = tf.map_fn(
            best_ends,
            tf.transpose(firsts, [1, 0, 2]),
            fn_output_signature=(tf.float32, tf.int32),
            parallel_iterations=1,
        )
        return outputs | {
            "start_top_log_probs": log_probs,
            "start_top_index": index,
            "end_top_log_probs": tf.transpose(end_log_probs, [1, 0, 2]),
            "end_top_index": tf.transpose(end_index, [1, 0, 2]),
        }

    def decode(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> Candidates:
        """The possible answers of one window, see `SpanDecoder.candidates`."""
        return self._decoder.candidates(outputs, example)

    def merge(self, decoded: Sequence[Candidates]) -> Answers:
        """The answers of one example, from all its windows, see `SpanDecoder.best`."""
        return self._decoder.best(decoded)

    def out_of_reach(self, example: Mapping[str, Any]) -> str | None:
        """Says "answers too long" for one of more tokens than are ever predicted."""
        first, last, _ = example["labels"]
        return "answers too long" if self._decoder.is_too_long(first, last) else None

    def main_metric(self, name: str, metrics: Mapping[str, float]) -> str:
        """That of the card, where there is a choice at the chosen threshold."""
        is_wanted = self._settings.no_answer_threshold == "chosen"
        is_there = is_wanted and _is_chosen(name, metrics)
        return f"{name}{CHOSEN}" if is_there else name

    def threshold(self, metrics: Mapping[str, float]) -> Mapping[str, Any]:
        """Of tasks whose questions may have no answer."""
        if f"exact{CHOSEN}" not in metrics:
            return {}
        classifier = self._settings.answerable_classifier
        return {
            "score": "log odds of no answer, by the classifier"
            if classifier
            else "score of no answer minus that of the best answer",
            "constant": NULL_ODDS_THRESHOLD,
            **({"chosen_on": CHOSEN_ON} if _is_chosen("exact", metrics) else {}),
        }

    def right_answer(self, example: Mapping[str, Any]) -> None:
        """None: an answer is a text, which a span of tokens alone does not tell."""

    def sample_targets(
        self, input_mask: np.ndarray, segment_ids: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """First and last token of an answer in the second segment, which there is."""
        size = segment_ids.sum(-1)
        # [CLS] question [SEP] context [SEP]
        start = input_mask.sum(-1) - size
        first = start + rng.integers(0, size - 1)
        last = start + size - 2
        return np.stack([first, last, 0 * size], axis=1), np.zeros([len(size), 0])

    def _masking(self, batch: Batch) -> tf.Tensor:
        """0 for [CLS] and the context, otherwise `MASKED`, float32 [batch, seq]."""
        allowed = tf.cast(batch.input_mask * batch.segment_ids, tf.float32)
        allowed += tf.one_hot(0, tf.shape(allowed)[1])
        return MASKED * (1.0 - allowed)

    def _start_logits(self, batch: Batch, states: tf.Tensor) -> tf.Tensor:
        return tf.squeeze(self._start(states), -1) + self._masking(batch)

    def _end_states(self, states: tf.Tensor) -> tf.Tensor:
        """What tells last tokens, whichever the first one is: [batch, seq, size]."""
        if self._end_hidden is None:
            return states
        # Most of the work of the hidden layer, which would be the same for every beam.
        own = self._end_hidden.partial(states, states.shape[-1])
        return own + self._end_hidden.bias

    def _end_logits(
        self, batch: Batch, end_states: tf.Tensor, first: tf.Tensor | None
    ) -> tf.Tensor:
        """Logits of the last token, [batch, seq]; `first` is the first one's state."""
        if self._end_hidden is not None:
            of_first = self._end_hidden.partial(first, 0)
            end_states = gelu(end_states + of_first[:, None])
        return tf.squeeze(self._end(end_states), -1) + self._masking(batch)

    def _null_logit(self, states: tf.Tensor, start_logits: tf.Tensor) -> tf.Tensor:
        x = states[:, 0]
        if self._null_hidden is not None:
            weights = tf.nn.softmax(start_logits)
            # [batch, hidden] -> [batch, 2 * hidden]
            expected = tf.reduce_sum(weights[:, :, None] * states, 1)
            x = self._null_hidden(tf.concat([x, expected], 1))
        return self._null(x)[:, 0]


@kinds.register("span_qa")
def span_qa(
    encoders: EncoderFactory,
    variables: Variables,
    card: TaskCard,
    vocabulary: Any = None,
    *,
    joint_prediction: Result[bool] = True,
    answerable_classifier: Result[bool] = True,
    answerable_uses_start_logits: Result[bool] = True,
    answerable_weight: Result[NotNegative[float]] = 0.5,
    windows_without_answer: Result[str] = "unanswerable",
    beam_size: Result[Positive[int]] = 20,
    n_best_size: Result[Positive[int]] = 20,
    max_answer_length: Result[Positive[int]] = 30,
    answer_text: Result[str] = "characters",
    no_answer_threshold: Result[str] = "chosen",
    reduction: Result[str] = "sum",
) -> SpanQA:
    """Builds the task kind.

    Args:
        encoders: makes the encoder.
        variables: makes the heads' variables below `task_specific/<task>`.
        card: the task.
        vocabulary: the run's; needed for `answer_text` "projected".
        joint_prediction: whether the last token depends on the first.
        answerable_classifier: whether a head tells whether there is an answer; otherwise
            the score of [CLS] does.
        answerable_uses_start_logits: whether that head sees, beside [CLS], the mean of
            the tokens by their probability of being the first.
        answerable_weight: coefficient of its loss.
        windows_without_answer: what that head learns of a window that does not hold the
            answer which its context holds elsewhere: "unanswerable", or, as the
            original's code, "answerable".
        beam_size: first tokens, and last ones for each, that are tried (joint).
        n_best_size: answers that are kept; without `joint_prediction` also the number of
            first and of last tokens that are tried.
        max_answer_length: tokens of a predicted answer at most.
        answer_text: "characters" takes the context's text from the first character to the
            last; "projected" looks for the tokens' text in the words of the context, as
            the original does, and takes whole words where that fails.
        no_answer_threshold: where questions may have no answer, at which threshold the
            main metric abstains: "chosen" on questions about other texts, or "constant",
            the original's; scores at both are recorded.
        reduction: "sum" adds the losses of a batch up, as the original does; "mean"
            divides by the number of windows.

    Raises:
        ValueError: a number below 1, or no such choice.

    Source: google-research/electra finetune/qa/qa_tasks.py, configure_finetuning.py.
    """
    for name, number in {
        "beam_size": beam_size,
        "n_best_size": n_best_size,
        "max_answer_length": max_answer_length,
    }.items():
        if number < 1:
            raise ValueError(f"kinds.span_qa.{name} must be 1 or more, got {number}")
    if windows_without_answer not in WITHOUT_ANSWER:
        raise ValueError(
            f"kinds.span_qa.windows_without_answer must be one of {WITHOUT_ANSWER}, got "
            f"{windows_without_answer!r}"
        )
    if no_answer_threshold not in THRESHOLDS:
        raise ValueError(
            f"kinds.span_qa.no_answer_threshold must be one of {THRESHOLDS}, got "
            f"{no_answer_threshold!r}"
        )
    decoder = SpanDecoder(n_best_size, max_answer_length, answer_text, vocabulary)
    settings = SpanSettings(
        joint_prediction,
        answerable_classifier,
        answerable_uses_start_logits,
        answerable_weight,
        windows_without_answer,
        beam_size,
        no_answer_threshold,
        reduction,
    )
    return SpanQA(encoders(), variables, card, decoder, settings)
