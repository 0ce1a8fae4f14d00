"""Extractive question answering: windows of the context, answers as token spans.

A context that is too long for one row becomes several windows that overlap. The windows of
one example share its `example_id`; whoever predicts chooses the best of them.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import t5.evaluation.metrics
import tensorflow as tf

from electra_bench.tasks.preprocessors import run_vocabulary

NO_ANSWER = (0, 0)


class Window(NamedTuple):
    """One row of an example.

    Attributes:
        input_ids: [CLS] question [SEP] part of the context [SEP], int32.
        segment_ids: 1 from the first token of the context on, int32.
        char_start: where every token begins in the context; -1 for tokens outside it.
        char_end: where it ends.
        labels: first and last token of the answer; `NO_ANSWER`, [CLS], if the window does
            not hold all of it.
    """

    input_ids: np.ndarray
    segment_ids: np.ndarray
    char_start: np.ndarray
    char_end: np.ndarray
    labels: np.ndarray


def spans(num_tokens: int, room: int, stride: int) -> Iterator[tuple[int, int]]:
    """First token, and the one after the last, of every window.

    Args:
        num_tokens: length of the context.
        room: tokens that a window holds.
        stride: tokens between the beginnings of two windows.

    Source: google-research/electra finetune/qa/qa_tasks.py, `featurize`.
    """
    start = 0
    while True:
        end = min(start + room, num_tokens)
        yield start, end
        if end == num_tokens:
            return
        start += min(end - start, stride)


def windows(
    vocabulary: Any,
    question: str,
    context: str,
    answer: tuple[int, int] | None,
    length: int,
    stride: int,
    max_query_length: int,
) -> list[Window]:
    """Windows of one example.

    Args:
        vocabulary: has `encode`, `encode_with_offsets` and `special_ids`.
        question: its tokens beyond `max_query_length` are cut.
        context: where the answer stands.
        answer: its first character and the one after the last; None without answer.
        length: tokens of a window, special ones included.
        stride: tokens between the beginnings of two windows.
        max_query_length: tokens of a question at most.

    Raises:
        ValueError: no room for the context beside the question.

    Source: google-research/electra finetune/qa/qa_tasks.py, `featurize`. Differs: the
    answer's tokens are those that overlap its characters; the original goes through
    words separated by white space and then looks for a narrower span of the same tokens.
    """
    special = vocabulary.special_ids
    query = list(vocabulary.encode(question))[:max_query_length]
    pieces = vocabulary.encode_with_offsets(context)
    room = length - len(query) - 3
    if room < 1:
        raise ValueError(
            f"sequences of {length} tokens have no room for a context beside a question "
            f"of {len(query)} tokens; raise the length or lower max_query_length"
        )
    ids, starts, ends = (
        np.array([piece[column] for piece in pieces], np.int32) for column in range(3)
    )
    inside = np.zeros(0, np.int64)
    if answer is not None:
        inside = np.flatnonzero((starts < answer[1]) & (ends > answer[0]))
    first = len(query) + 2
    made = []
    for begin, end in spans(len(pieces), room, stride):
        labels = NO_ANSWER
        if inside.size and begin <= inside[0] and inside[-1] < end:
            labels = (inside[0] - begin + first, inside[-1] - begin + first)
        made.append(
            Window(
                _row(
                    np.int32,
                    [special.cls, *query, special.sep],
                    ids[begin:end],
                    special.sep,
                ),
                _row(np.int32, [0] * first, np.ones(end - begin), 1),
                _row(np.int32, [-1] * first, starts[begin:end], -1),
                _row(np.int32, [-1] * first, ends[begin:end], -1),
                np.array(labels, np.int32),
            )
        )
    return made


def _row(
    dtype: type, before: Sequence[int], middle: np.ndarray, after: int
) -> np.ndarray:
    return np.concatenate([before, middle, [after]]).astype(dtype)


def encode_windows(
    doc_stride: int = 128, max_query_length: int = 64
) -> Callable[..., tf.data.Dataset]:
    """Preprocessor: `question`, `context`, `answers`, `answer_start` to windows.

    The first answer is the target. A row for every window; `char_start` and `char_end`
    map its tokens to the context, and what the example held is kept.

    Args:
        doc_stride: tokens between the beginnings of two windows; windows that hold no
            more than that do not overlap.
        max_query_length: tokens of a question at most.
    """

    def preprocess(
        dataset: tf.data.Dataset, sequence_length: Mapping[str, int] | None = None
    ) -> tf.data.Dataset:
        vocabulary = run_vocabulary()
        length = (sequence_length or {}).get("input_ids") or 2**31

        def make(
            question: bytes, context: bytes, answers: np.ndarray, starts: np.ndarray
        ) -> list[np.ndarray]:
            answer = None
            if len(answers) and len(starts) and starts[0] >= 0:
                start = int(starts[0])
                answer = start, start + len(answers[0].decode())
            made = windows(
                vocabulary,
                question.decode(),
                context.decode(),
                answer,
                length,
                doc_stride,
                max_query_length,
            )
            lengths = np.array([len(window.input_ids) for window in made], np.int64)
            columns = [np.concatenate(column) for column in zip(*made, strict=True)]
            return [lengths, *columns]

        def expand(example: Mapping[str, tf.Tensor]) -> tf.data.Dataset:
            lengths, *columns = tf.numpy_function(
                make,
                [
                    example[name]
                    for name in ("question", "context", "answers", "answer_start")
                ],
                [tf.int64, *[tf.int32] * len(Window._fields)],
            )
            lengths = tf.ensure_shape(lengths, [None])
            rows = {}
            for name, values in zip(Window._fields, columns, strict=True):
                sizes = tf.fill(tf.shape(lengths), 2) if name == "labels" else lengths
                rows[name] = tf.RaggedTensor.from_row_lengths(
                    tf.ensure_shape(values, [None]), sizes
                )
            return tf.data.Dataset.from_tensor_slices(rows).map(
                lambda row: {
                    **example,
                    **{k: tf.convert_to_tensor(row[k]) for k in row},
                }
            )

        return dataset.flat_map(expand)

    return preprocess


def answer_texts(
    value: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
) -> str | list[str] | None:
    """seqio `postprocess_fn`: the right answers, or the predicted one.

    Args:
        value: the predicted text; of a target its tokens, which do not matter.
        example: the example, of which `answers` is the target.
        is_target: which of the two is asked for.

    Returns:
        A list of texts for a target (None without any), a text for a prediction.
    """
    if not is_target:
        return str(value)
    answers = [
        a.decode() if isinstance(a, bytes) else str(a) for a in example["answers"]
    ]
    return answers or None


def squad(
    targets: Sequence[Sequence[str]], predictions: Sequence[str]
) -> dict[str, float]:
    """SQuAD's exact match and token F1, the best over an example's answers.

    Args:
        targets: all right answers of every example.
        predictions: one answer an example.
    """
    if not targets:
        return {"exact": math.nan, "f1": math.nan}
    scores = t5.evaluation.metrics.squad(targets, predictions)
    return {"exact": float(scores["em"]), "f1": float(scores["f1"])}
