"""Scores of question answering: SQuAD 1.1, SQuAD 2.0 and MRQA.

As in `metrics`: percentages, 0-100, of `targets` and `predictions`; NaN where a score is
not defined. Only the thresholds of SQuAD 2.0, `best_exact_thresh` and `best_f1_thresh`, are
not percentages. Answers are compared without case, punctuation, articles and surplus white
space; t5's normalisation is the official one.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import t5.evaluation.metrics

from electra_bench.tasks.metrics.answer_match import NULL_ODDS_THRESHOLD, match_or_none
from electra_bench.tasks.metrics.scores import Scores


class Answer(NamedTuple):
    """A prediction for a question that may have no answer.

    Attributes:
        text: the best answer; empty to abstain whatever the threshold.
        null_odds: the larger, the less likely is any answer; a logit in ELECTRA.
    """

    text: str
    null_odds: float


def squad_v1(targets: Sequence[Sequence[str]], predictions: Sequence[str]) -> Scores:
    """Exact match and token F1 of SQuAD 1.1, by t5.

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
    if not targets:
        return {"exact": math.nan, "f1": math.nan}
    for number, answers in enumerate(targets):
        if not answers:
            raise ValueError(
                f"question {number} of {len(targets)} (from 0) has no right answer, "
                "expected one or more; only squad_v2 scores unanswerable questions"
            )
    scores = t5.evaluation.metrics.squad(targets, predictions)
    return {"exact": float(scores["em"]), "f1": float(scores["f1"])}


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


def squad_v2(
    threshold: float = NULL_ODDS_THRESHOLD,
) -> Callable[[Sequence[Sequence[str]], Sequence[Answer]], Scores]:
    """Scores of SQuAD 2.0: at a fixed threshold and at the best one.

    To abstain is right if a question has no answer, and wrong otherwise. Right answers that
    normalise to nothing do not count; if no others are left, only a text that normalises
    to nothing is right.

    Args:
        threshold: abstain if `null_odds` is above it.

    Returns:
        A metric. Its targets are all right answers of every question, none for an
        unanswerable one; its predictions are one `Answer` a question. It returns
        percentages at `threshold`: `exact` and `f1` of all questions, `HasAns_exact` and
        `HasAns_f1` of answerable ones, `NoAns_exact` and `NoAns_f1` of unanswerable ones;
        percentages `best_exact` and `best_f1` at the best thresholds for these targets; and
        the thresholds themselves, `best_exact_thresh` and `best_f1_thresh`, in the unit
        of `null_odds`.

    Source: Rajpurkar et al. 2018; google-research/electra
    finetune/qa/squad_official_eval.py. Differs: scores of no questions are NaN, where the
    original leaves them out; no average precision. F1 is not t5's, which is 0 for two
    answers that normalise to nothing, and comes as a percentage: sums of percentages
    round differently, which may decide between thresholds that are equally good.
    """

    def scores(
        targets: Sequence[Sequence[str]], predictions: Sequence[Answer]
    ) -> Scores:
        raw = [
            match_or_none(answers, text)
            for answers, (text, _) in zip(targets, predictions, strict=True)
        ]
        odds = np.array([null_odds for _, null_odds in predictions], np.float64)
        is_answered = np.array([bool(text) for text, _ in predictions], bool)
        has_answer = np.array([len(answers) > 0 for answers in targets], bool)
        found: Scores = {}
        for i, name in enumerate(("exact", "f1")):
            values = np.array([pair[i] for pair in raw], np.float64)
            kept = np.where(odds > threshold, ~has_answer, values)
            found[name] = _percentage(kept)
            found[f"HasAns_{name}"] = _percentage(kept[has_answer])
            found[f"NoAns_{name}"] = _percentage(kept[~has_answer])
            gains = np.where(has_answer, values, -1.0 * is_answered)
            found[f"best_{name}"], found[f"best_{name}_thresh"] = _best_threshold(
                np.sum(~has_answer), gains, odds
            )
        return found

    return scores


def _best_threshold(
    abstaining: int, gains: np.ndarray, odds: np.ndarray
) -> tuple[float, float]:
    """Percentage at the best threshold, and that threshold.

    Raises the threshold from below all `odds`, one question after the other, and takes the
    first of the best places. If none is better than always to abstain, the threshold is
    0.0, be that below all `odds` or not. Questions of equal `odds` are taken in their order
    and may be parted, so that the percentage is not always reached with the threshold.

    Args:
        abstaining: questions that are right if all are abstained from.
        gains: what it adds to answer a question: its score, but -1 for a text where there
            is no answer, even for one that normalises to nothing.
        odds: `null_odds` of the questions.

    Source: google-research/electra finetune/qa/squad_official_eval.py, `find_best_thresh`.
    """
    if not len(odds):
        return math.nan, math.nan
    order = np.argsort(odds, kind="stable")
    totals = np.cumsum([abstaining, *gains[order]])
    best = int(np.argmax(totals))
    threshold = float(odds[order[best - 1]]) if best else 0.0
    return 100.0 * float(totals[best]) / len(odds), threshold


def _percentage(fractions: np.ndarray) -> float:
    return 100.0 * float(np.mean(fractions)) if len(fractions) else math.nan
