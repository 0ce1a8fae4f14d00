"""How well an answer matches the right ones: SQuAD's two scores of one question.

Without TensorFlow, so that reports can score predictions again. Source of all: the
official evaluation scripts of SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (Rajpurkar et al.
2018).
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# Where SQuAD 2.0 abstains; the original's `qa_na_threshold`, in the unit of `null_odds`.
NULL_ODDS_THRESHOLD = -2.75

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


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
    text = normalized(text)
    right = [answer for answer in map(normalized, answers) if answer]
    if not right:
        return Match(float(not text), float(not text))
    return Match(float(text in right), max(token_f1(answer, text) for answer in right))


def token_f1(answer: str, text: str) -> float:
    """F1 of words, repeated ones counted; both texts are normalised."""
    expected, found = Counter(answer.split()), Counter(text.split())
    num_shared = (expected & found).total()
    if not num_shared:
        return 0.0
    precision = num_shared / found.total()
    recall = num_shared / expected.total()
    return 2 * precision * recall / (precision + recall)
