"""Extractive question answering: windows of the context, answers as token spans.

A context that is too long for one row becomes several windows that overlap. The windows of
one example share its `example_id`; whoever predicts chooses the best of them.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench.config.ranges import Positive
from electra_bench.config.roles import Result
from electra_bench.core import SpecialIds
from electra_bench.data.readers.answer_text import word_borders
from electra_bench.registry import features
from electra_bench.tasks.features import choices, cuts
from electra_bench.tasks.features.preprocessors import Ragged, map_rows
from electra_bench.vocabularies.run_vocabulary import run_vocabulary

NO_ANSWER = (0, 0)
# Tokens of a window that are neither of the question nor of the context.
NUM_SPECIAL = 3


@features.register("windows")
@dataclasses.dataclass(frozen=True)
class Windows:
    """Windows of a context.

    Attributes:
        doc_stride: tokens between the beginnings of two windows; windows that hold no
            more than that do not overlap. A task may have its own.
        max_query_length: tokens of a question at most.

    Source: google-research/electra configure_finetuning.py.
    """

    doc_stride: Result[Positive[int]] = 128
    max_query_length: Result[Positive[int]] = 64

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: one is below 1.
        """
        if min(self.doc_stride, self.max_query_length) < 1:
            raise ValueError(f"features.windows: {self} must be at least 1")

    def parts(
        self, num_tokens: int, room: int, doc_stride: int | None
    ) -> Iterator[tuple[int, int]]:
        """First token, and the one after the last, of every window, see `spans`."""
        return spans(num_tokens, room, doc_stride or self.doc_stride)


class Window(NamedTuple):
    """One row of an example.

    Attributes:
        input_ids: [CLS] question [SEP] part of the context [SEP], int32.
        segment_ids: 1 from the first token of the context on, int32.
        char_start: where every token begins in the context; -1 for tokens outside it.
        char_end: where it ends.
        max_context: 1 for tokens of the context that no other window shows with more
            context around them.
        labels: first and last token of the answer, `NO_ANSWER`, [CLS], if the window does
            not hold all of it; and 1 if the example has no answer at all.
    """

    input_ids: np.ndarray
    segment_ids: np.ndarray
    char_start: np.ndarray
    char_end: np.ndarray
    max_context: np.ndarray
    labels: np.ndarray


class Tokens(NamedTuple):
    """The tokens of a context, int32 [tokens] each.

    Attributes:
        ids: of the vocabulary.
        starts: where each begins.
        ends: where it ends.
    """

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, vocabulary: Any, context: str) -> "Tokens":
        """Encodes a context."""
        pieces = vocabulary.encode_with_offsets(context)
        table = np.array([piece[:3] for piece in pieces], np.int32).reshape(-1, 3)
        return cls(*table.T)


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


def answer_tokens(
    vocabulary: Any, context: str, tokens: Tokens, start: int, end: int
) -> np.ndarray:
    """Indices of an answer's tokens in its context.

    They are those of the words that the answer is in, words being what white space
    separates, or among these the first that equal the answer's own tokens, if there are
    any: of "(1895-1943)." for "1895" just the second one.

    Args:
        vocabulary: has `encode`.
        context: where the answer stands.
        tokens: of the context.
        start: first character of the answer.
        end: the one after its last.

    Source: google-research/electra finetune/qa/qa_tasks.py, `_improve_answer_span`.
    """
    own = np.array(vocabulary.encode(context[start:end]), np.int32)
    start, end = word_borders(context, start, end)
    inside = np.flatnonzero((tokens.starts < end) & (tokens.ends > start))
    if not 0 < len(own) <= len(inside):
        return inside
    parts = np.lib.stride_tricks.sliding_window_view(tokens.ids[inside], len(own))
    equal = np.flatnonzero((parts == own).all(-1))
    return inside[equal[0] : equal[0] + len(own)] if equal.size else inside


def has_max_context(num_tokens: int, parts: Sequence[tuple[int, int]]) -> np.ndarray:
    """Which window shows a token with most context, bool [windows, num_tokens].

    Counts the shorter side, and a hundredth of the window's length; of equals the first.

    Source: google-research/electra finetune/qa/qa_tasks.py, `_check_is_max_context`.
    """
    place = np.arange(num_tokens)
    scores = np.full([len(parts), num_tokens], -np.inf)
    for row, (begin, end) in zip(scores, parts, strict=True):
        around = np.minimum(place - begin, end - 1 - place) + 0.01 * (end - begin)
        row[begin:end] = around[begin:end]
    best = scores.argmax(0) if num_tokens else place
    return best == np.arange(len(parts))[:, None]


def query_limit(num_tokens: int, most: int, length: int) -> int:
    """Tokens of a question that are kept.

    As in the original, what is beyond `most` is cut off. A question that would leave no
    room for its context, which the original cannot encode, takes half of the window.

    Args:
        num_tokens: of the question.
        most: tokens of a question at most.
        length: tokens of a window, special ones included.

    Source: google-research/electra finetune/qa/qa_tasks.py, `featurize`.
    """
    kept, room = min(num_tokens, most), length - NUM_SPECIAL
    return kept if kept < room else room // 2


def windows(
    query: Sequence[int],
    tokens: Tokens,
    special: SpecialIds,
    answer: np.ndarray,
    is_impossible: bool,
    length: int,
    stride: int | None,
    divide: Callable[[int, int, int | None], Iterable[tuple[int, int]]] = spans,
) -> list[Window]:
    """Windows of one example.

    Args:
        query: tokens of the question.
        tokens: of the context.
        special: ids of the special tokens.
        answer: indices of the answer's tokens in the context; empty without answer.
        is_impossible: whether there is none.
        length: tokens of a window, special ones included.
        stride: tokens between the beginnings of two windows.
        divide: which parts of the context are windows, called as `spans`.

    Raises:
        ValueError: no room for the context beside the question, see `query_limit`.

    Source: google-research/electra finetune/qa/qa_tasks.py, `featurize`.
    """
    room = length - len(query) - NUM_SPECIAL
    if room < 1:
        raise ValueError(
            f"sequences of {length} tokens have no room for a context beside a question "
            f"of {len(query)} tokens"
        )
    first = len(query) + 2
    parts = list(divide(len(tokens.ids), room, stride))
    whole = has_max_context(len(tokens.ids), parts)
    made = []
    for (begin, end), most in zip(parts, whole, strict=True):
        labels = NO_ANSWER
        if answer.size and begin <= answer[0] and answer[-1] < end:
            labels = (answer[0] - begin + first, answer[-1] - begin + first)
        part = slice(begin, end)
        made.append(
            Window(
                _row([special.cls, *query, special.sep], tokens.ids[part], special.sep),
                _row([0] * first, np.ones(end - begin), 1),
                _row([-1] * first, tokens.starts[part], -1),
                _row([-1] * first, tokens.ends[part], -1),
                _row([0] * first, most[part], 0),
                np.array([*labels, is_impossible], np.int32),
            )
        )
    return made


def _row(before: Sequence[int], middle: np.ndarray, after: int) -> np.ndarray:
    return np.concatenate([before, middle, [after]]).astype(np.int32)


def encode_windows(
    dataset: tf.data.Dataset,
    sequence_length: Mapping[str, int] | None = None,
    *,
    doc_stride: int | None = None,
) -> tf.data.Dataset:
    """Preprocessor: `question`, `context` and where the answer is, to windows.

    The target is the answer from `answer_start` to `answer_end`, see `answer_tokens`. A
    row for every window; `char_start` and `char_end` map its tokens to the context,
    and what the example held is kept. "questions cut" counts those that are longer than
    their limit (`query_limit`), "answers cut" those that no window holds whole.

    Args:
        dataset: examples of questions.
        sequence_length: `input_ids` is the token limit; without it nothing is cut.
        doc_stride: of the task, in place of `Windows.doc_stride`.

    Raises:
        ValueError: windows that hold no token of a question and of its context.

    Source: google-research/electra finetune/qa/qa_tasks.py, `featurize`.
    """
    vocabulary = run_vocabulary()
    chosen = choices.context_windows()
    length = (sequence_length or {}).get("input_ids") or 2**31
    if length < NUM_SPECIAL + 2:
        raise ValueError(
            f"max_seq_length {length} has no room for a question and its context beside "
            f"{NUM_SPECIAL} special tokens; it must be {NUM_SPECIAL + 2} or more"
        )
    count_questions = cuts.counter("questions cut")
    count_answers = cuts.counter("answers cut")
    count_text = cuts.text_counter(vocabulary)

    @functools.lru_cache(maxsize=64)  # a context has several questions
    def tokens_of(context: bytes) -> Tokens:
        text = context.decode()
        tokens = Tokens.of(vocabulary, text)
        count_text([text], tokens.ids, [0, len(tokens.ids)])
        return tokens

    def make(*columns: np.ndarray) -> list[Any]:
        """Whose each window is, and the windows of several examples."""
        questions, contexts, starts, splits, ends, _, impossible = columns
        owners, made = [], []
        for row, question in enumerate(questions):
            tokens = tokens_of(contexts[row])
            answer = np.zeros(0, np.int64)
            if splits[row] < splits[row + 1]:
                context = contexts[row].decode()
                place = starts[splits[row]], ends[splits[row]]
                answer = answer_tokens(vocabulary, context, tokens, *place)
            query = list(vocabulary.encode(question.decode()))
            count_text([question.decode()], query, [0, len(query)])
            kept = query_limit(len(query), chosen.max_query_length, length)
            count_questions(kept < len(query), 1)
            found = windows(
                query[:kept],
                tokens,
                vocabulary.special_ids,
                answer,
                bool(impossible[row]),
                length,
                doc_stride,
                chosen.parts,
            )
            if answer.size:
                is_held = any(tuple(one.labels[:2]) != NO_ANSWER for one in found)
                count_answers(not is_held, 1)
            owners += [row] * len(found)
            made += found
        return [owners, *map(_joined, zip(*made, strict=True))]

    inputs = ["question", "context", "answer_start", "answer_end", "is_impossible"]
    return map_rows(dataset, make, inputs, Window._fields, expands=True)


def _joined(rows: Sequence[np.ndarray]) -> Ragged:
    return np.concatenate(rows), np.cumsum([0, *map(len, rows)])
