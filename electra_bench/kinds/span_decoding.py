"""From logits of windows to the answer of a question."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from electra_bench.data.readers.answer_text import (
    covering_words,
    joined_pieces,
    projected,
)
from electra_bench.vocabularies.basic_words import unit_pattern, words_of_unit
from electra_bench.vocabularies.wordpiece_tokenizer import WordPieceTokenizer

TEXTS = ("characters", "projected")
# What a question without any possible answer is answered with.
NO_CANDIDATE = "empty"


class Candidates(NamedTuple):
    """The possible answers of a window.

    Attributes:
        example: the window.
        first: their first tokens, int [answers].
        last: their last tokens.
        scores: log-probabilities (or logits) of both ends, float32 [answers].
        null: the window's score of having no answer.
        null_is_odds: whether that is complete, or still to be compared with the best
            answer's score.
    """

    example: Mapping[str, Any]
    first: np.ndarray
    last: np.ndarray
    scores: np.ndarray
    null: float
    null_is_odds: bool


# ((text, odds that there is no answer), what it was chosen by)
Answers = tuple[tuple[str, float], dict[str, Any]]


class SpanDecoder:
    """Chooses answers; see `span_qa` for the settings."""

    def __init__(
        self, n_best: int, max_answer_length: int, answer_text: str, vocabulary: Any
    ):
        """Takes the settings.

        Raises:
            ValueError: no such choice, or it needs another vocabulary.
        """
        if answer_text not in TEXTS:
            raise ValueError(
                f"kinds.span_qa.answer_text must be one of {TEXTS}, got {answer_text!r}"
            )
        tokenizer = getattr(vocabulary, "tokenizer", None)
        if answer_text == "projected" and not isinstance(tokenizer, WordPieceTokenizer):
            raise ValueError(
                "kinds.span_qa.answer_text 'projected' needs a WordPiece vocabulary"
            )
        self._n_best = n_best
        self._max_answer_length = max_answer_length
        self._projects = answer_text == "projected"
        self._vocabulary = vocabulary

    def candidates(
        self, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]
    ) -> Candidates:
        """The valid spans of one window.

        Both ends lie in the context, the last one not before the first, and no window
        has more context around the first.

        Args:
            outputs: of `SpanQA.outputs` for the window.
            example: has `context`; `char_start` and `char_end`, which place the window's
                tokens in it; and `max_context`.
        """
        if "end_logits" in outputs:
            first, last, scores = self._independent(outputs)
        else:
            first, last, scores = _beams(outputs)
        inside = np.asarray(example["char_start"]) >= 0
        whole = np.asarray(example["max_context"]) == 1
        # Padding stands behind the window's tokens.
        bound = len(inside)
        valid = (first < bound) & (last < bound)
        first, last, scores = first[valid], last[valid], scores[valid]
        valid = inside[first] & inside[last] & whole[first] & (last >= first)
        valid &= ~self.is_too_long(first, last)
        null, is_odds = outputs.get("answerable_logit"), True
        if null is None:
            ends = outputs.get("end_logits")
            null = outputs["start_logits"][0] + (0.0 if ends is None else ends[0])
            is_odds = False
        return Candidates(
            example, first[valid], last[valid], scores[valid], float(null), is_odds
        )

    def is_too_long(self, first: Any, last: Any) -> Any:
        """Whether spans have more tokens than an answer may have, bool as the indices.

        Args:
            first: first tokens, int or an array.
            last: last tokens.
        """
        return last - first + 1 > self._max_answer_length

    def best(self, windows: Sequence[Candidates]) -> Answers:
        """The best answers of one example.

        Args:
            windows: all its windows, in their order.

        Returns:
            The text with the log odds that there is no answer, the smallest of all
            windows; and the `n_best` different texts with their scores.

        Source: google-research/electra finetune/qa/qa_metrics.py, `write_predictions`.
        """
        scores = np.concatenate([window.scores for window in windows])
        owners = np.repeat(np.arange(len(windows)), [len(w.scores) for w in windows])
        places = np.concatenate([np.arange(len(w.scores)) for w in windows])
        found: dict[str, float] = {}
        for i in np.argsort(-scores, kind="stable"):
            text = self._text(windows[owners[i]], places[i])
            found.setdefault(text, float(scores[i]))
            if len(found) == self._n_best:
                break
        found = found or {NO_CANDIDATE: 0.0}
        best = next((text for text in found if text), "")
        null = min(window.null for window in windows)
        if not windows[0].null_is_odds:
            null -= found.get(best, 0.0)
        shown = [{"text": text, "score": score} for text, score in found.items()]
        return (best, null), {"null_odds": null, "n_best": shown}

    def _text(self, window: Candidates, place: int) -> str:
        example = window.example
        first, last = window.first[place], window.last[place]
        begin = int(example["char_start"][first])
        end = int(example["char_end"][last])
        if not self._projects:
            return example["context"][begin:end]
        ids = example["input_ids"][first : last + 1]
        pieces = [self._vocabulary.id_to_token(int(i)) for i in ids]
        words = covering_words(example["context"], begin, end)
        return projected(joined_pieces(pieces), words, self._split)

    def _split(self, text: str) -> list[str]:
        vocabulary = self._vocabulary
        return [
            word
            for unit in unit_pattern(text).findall(text)
            # The original's casing option decides on accents too.
            for word in words_of_unit(
                unit, vocabulary.lower_case, vocabulary.lower_case
            )
        ]

    def _independent(
        self, outputs: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        start, end = outputs["start_logits"], outputs["end_logits"]
        best = [np.argsort(-x, kind="stable")[: self._n_best] for x in (start, end)]
        first, last = (ends.ravel() for ends in np.meshgrid(*best, indexing="ij"))
        return first, last, start[first] + end[last]


def _beams(
    outputs: Mapping[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    last = outputs["end_top_index"]
    first = np.broadcast_to(outputs["start_top_index"][:, None], last.shape)
    scores = outputs["start_top_log_probs"][:, None] + outputs["end_top_log_probs"]
    return first.ravel(), last.ravel(), scores.ravel()
