"""Scores of question answering: SQuAD 1.1, SQuAD 2.0 and MRQA.

Answers are compared without case, punctuation, articles and surplus white space, as the
official evaluation scripts of SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (Rajpurkar et al.
2018) do.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from electra_bench.tasks.metrics.chosen_threshold import at_chosen_thresholds
from electra_bench.tasks.metrics.t5_metrics import by_t5
from electra_bench.tasks.metrics.weighted import (
    OF_SHARES,
    ListMetric,
    Measures,
    Scores,
    WeightedMetric,
    Weights,
    list_form,
    mean,
    ratio,
)

# Where SQuAD 2.0 abstains; the original's `qa_na_threshold`, in the unit of `null_odds`.
NULL_ODDS_THRESHOLD = -2.75

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


class Answer(NamedTuple):
    """A prediction for a question that may have no answer.

    Attributes:
        text: the best answer; empty to abstain whatever the threshold.
        null_odds: the larger, the less likely is any answer; a logit in ELECTRA.
        half: 0 or 1, the same for all questions about a text, see
            `chosen_threshold.half_of`; None in
            predictions of earlier versions, for which no threshold can be chosen.
    """

    text: str
    null_odds: float
    half: int | None = None


class Match(NamedTuple):
    """How well an answer matches; fractions, 0 to 1."""

    exact: float
    f1: float


def normalized(text: str) -> str:
    """Text without case, punctuation, articles and surplus white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def match(answers: Sequence[str], text: str) -> Match:
    """Match with the right answer that suits best, as SQuAD 1.1 counts.

    Where both are nothing but articles and punctuation, the match is exact and F1 is 0.

    Args:
        answers: right answers, at least one.
        text: what was answered.
    """
    text = normalized(text)
    right = [normalized(answer) for answer in answers]
    return Match(float(text in right), max(token_f1(answer, text) for answer in right))


def match_or_none(answers: Sequence[str], text: str) -> Match:
    """Match as SQuAD 2.0 counts, where a question may have no answer.

    Right answers that normalise to nothing do not count; if no others are left, only a
    text that normalises to nothing is right.

    Args:
        answers: right answers; empty where there is none.
        text: what was answered; empty to abstain.
    """
    right = [answer for answer in answers if normalized(answer)]
    if right:
        return match(right, text)
    is_right = float(not normalized(text))
    return Match(is_right, is_right)


def token_f1(answer: str, text: str) -> float:
    """F1 of words, repeated ones counted; both texts are normalised."""
    expected, found = Counter(answer.split()), Counter(text.split())
    num_shared = (expected & found).total()
    if not num_shared:
        return 0.0
    precision = num_shared / found.total()
    recall = num_shared / expected.total()
    return 2 * precision * recall / (precision + recall)


def span_qa(targets: Sequence[Sequence[str]], predictions: Sequence[Any]) -> Measures:
    """Scores of SQuAD 1.1 and MRQA; of SQuAD 2.0 where answers have odds.

    Args:
        targets: all right answers of every question.
        predictions: a text or an `Answer` for each.
    """
    if not all(isinstance(prediction, str) for prediction in predictions):
        answers = [Answer(*prediction) for prediction in predictions]
        return _squad_v2(targets, answers, NULL_ODDS_THRESHOLD)
    found = [match(*pair) for pair in zip(targets, predictions, strict=True)]
    return {
        "exact": mean([one.exact for one in found]),
        "f1": mean([one.f1 for one in found]),
    }


_listed = by_t5("squad", {"exact": "em", "f1": "f1"}, span_qa)


def squad_v1(targets: Sequence[Sequence[str]], predictions: Sequence[str]) -> Scores:
    """Exact match and token F1 of SQuAD 1.1, in the form of lists.

    A prediction counts as much as for the right answer that suits it best. Where both are
    nothing but articles and punctuation, the match is exact and F1 is 0.

    Args:
        targets: all right answers of every question, at least one.
        predictions: one answer a question.

    Returns:
        Percentages `exact` and `f1`, means over questions.

    Raises:
        ValueError: a question without right answers.

    Source: Rajpurkar et al. 2016; google-research/electra
    finetune/qa/squad_official_eval_v1.py. Differs: every question has a prediction; the
    original scores 0 for those without.
    """
    for number, answers in enumerate(targets):
        if not answers:
            raise ValueError(
                f"question {number} of {len(targets)} (from 0) has no right answer, "
                "expected one or more; only squad_v2 scores unanswerable questions"
            )
    return _listed(targets, predictions)


def mrqa_scores(targets: Sequence[Sequence[str]], predictions: Sequence[str]) -> Scores:
    """Exact match and token F1 of the MRQA shared task: those of `squad_v1`.

    Args:
        targets: all right answers of every question, at least one.
        predictions: one answer a question.

    Returns:
        Percentages `exact` and `f1`, means over questions.

    Raises:
        ValueError: a question without right answers.

    Source: Fisch et al. 2019; google-research/electra finetune/qa/mrqa_official_eval.py.
    Differs: every question has a prediction; the original leaves out those without.
    """
    return squad_v1(targets, predictions)


def squad_v2(threshold: float = NULL_ODDS_THRESHOLD) -> ListMetric:
    """Scores of SQuAD 2.0: at a fixed threshold, at chosen ones and at the best one.

    To abstain is right if a question has no answer, and wrong otherwise. Right answers that
    normalise to nothing do not count; if no others are left, only a text that normalises
    to nothing is right.

    Args:
        threshold: abstain if `null_odds` is above it.

    Returns:
        A metric in the form of lists. Its targets are all right answers of every question,
        none for an unanswerable one; its predictions are one `Answer` a question. It
        returns percentages at `threshold`: `exact` and `f1` of all questions,
        `HasAns_exact` and `HasAns_f1` of answerable ones, `NoAns_exact` and `NoAns_f1` of
        unanswerable ones; percentages `best_exact` and `best_f1` at the best thresholds for
        these targets; and the thresholds themselves, `best_exact_thresh` and
        `best_f1_thresh`, in the unit of `null_odds`. Where answers have halves also
        `exact_chosen` and `f1_chosen`, see `at_chosen_thresholds`, with the thresholds of
        both halves, `exact_chosen_thresh_1`, `exact_chosen_thresh_2` and so on.

    Source: Rajpurkar et al. 2018; google-research/electra
    finetune/qa/squad_official_eval.py. Differs: scores of no questions are NaN, where the
    original leaves them out; no average precision. F1 is not t5's, which is 0 for two
    answers that normalise to nothing, and comes as a percentage: sums of percentages
    round differently, which may decide between thresholds that are equally good.
    """
    return list_form(
        lambda targets, predictions: _squad_v2(targets, predictions, threshold)
    )


def _squad_v2(
    targets: Sequence[Sequence[str]], predictions: Sequence[Answer], threshold: float
) -> Measures:
    raw = [
        match_or_none(answers, one.text)
        for answers, one in zip(targets, predictions, strict=True)
    ]
    odds = np.array([one.null_odds for one in predictions], np.float64)
    is_answered = np.array([bool(one.text) for one in predictions], bool)
    halves = [one.half for one in predictions]
    has_answer = np.array([len(answers) > 0 for answers in targets], bool)
    found: Measures = {}
    for i, name in enumerate(Match._fields):
        values = np.array([pair[i] for pair in raw], np.float64)
        kept = np.where(odds > threshold, ~has_answer, values)
        found[name] = mean(kept)
        found[f"HasAns_{name}"] = ratio(kept * has_answer, has_answer)
        found[f"NoAns_{name}"] = ratio(kept * ~has_answer, ~has_answer)
        gains = np.where(has_answer, values, -1.0 * is_answered)
        found |= _at_best_threshold(f"best_{name}", ~has_answer, gains, odds)
        if None not in halves:
            parts = np.array(halves, int)
            found |= at_chosen_thresholds(
                f"{name}_chosen", values, ~has_answer, odds, parts
            )
    return found


def _at_best_threshold(
    name: str, abstained: np.ndarray, gains: np.ndarray, odds: np.ndarray
) -> Measures:
    """Percentage at the best threshold, and that threshold.

    Raises the threshold from below all `odds`, one question after the other, and takes the
    first of the best places. If none is better than always to abstain, the threshold is
    0.0, be that below all `odds` or not. Questions of equal `odds` are taken in their order
    and may be parted, so that the percentage is not always reached with the threshold.

    Args:
        name: of the percentage.
        abstained: what it counts to abstain from each question: 1 if it has no answer.
        gains: what it adds to answer a question: its score, but -1 for a text where there
            is no answer, even for one that normalises to nothing.
        odds: `null_odds` of the questions.

    Source: google-research/electra finetune/qa/squad_official_eval.py, `find_best_thresh`.
    """
    order = np.argsort(odds, kind="stable")
    thresholds = np.concatenate([[0.0], odds[order]])

    def totals(weights: Weights) -> np.ndarray:
        # [samples, examples + 1]: the first is always to abstain.
        first = weights @ abstained.astype(np.float64)
        steps = weights[:, order] * gains[order]
        return np.cumsum(np.column_stack([first, steps]), -1)

    def best(weights: Weights) -> np.ndarray:
        return 100.0 * totals(weights).max(-1) / weights.sum(-1)

    def threshold(weights: Weights) -> np.ndarray:
        return thresholds[totals(weights).argmax(-1)]

    quality = abstained + gains
    return {
        name: WeightedMetric(quality, best, OF_SHARES),
        f"{name}_thresh": WeightedMetric(quality, threshold),
    }
