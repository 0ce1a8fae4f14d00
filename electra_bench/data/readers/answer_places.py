"""Where the answer to a question stands in its context."""

import re
from typing import NamedTuple

from electra_bench.data.readers.answer_text import word_borders
from electra_bench.data.readers.labelled_source import Question

# What tables call it.
MOVED = "answers moved"
GUESSED = "answer places guessed"
NOWHERE = "answers not in context"


class Located(NamedTuple):
    """A question, and what was found about the place of its answer.

    Attributes:
        question: with its span, if there is one.
        problem: why it has none although it has an answer; empty otherwise.
        repair: `MOVED` or `GUESSED`; empty if the place was as it was given.
        how: of the repair.
    """

    question: Question
    problem: str = ""
    repair: str = ""
    how: str = ""


def located(question: Question, answer: str | None, start: int | None) -> Located:
    """Finds the characters of the answer that is trained on.

    The answer stands where it is said to stand; white space and case may differ. If it does
    not, its place is where it stands in UTF-16, whose offsets differ behind an emoji; or
    the only place where it stands in the context, or in the words that it was said to be
    in. Of several places without any hint none is taken.

    Args:
        question: without a span.
        answer: the one that is trained on; None if there is none.
        start: its first character; None if the data do not say, so that it is the first
            place of the answer.

    Source: google-research/electra finetune/qa/qa_tasks.py, `_add_examples`. Differs: it
    takes an answer that stands anywhere in the words that it is said to be in.
    """
    if question.is_impossible or answer is None:
        return Located(question)
    name, context = f"question {question.id!r}: its answer {answer!r}", question.context
    if not answer.strip():
        return Located(question, f"{name} is blank")
    span = None if start is None else _said(context, answer, start)
    if span:
        return Located(question._replace(span=span))
    places = _places(context, answer)
    if not places:
        return Located(question, f"{name} is not in the context")
    if start is None:
        found = Located(question._replace(span=places[0]))
        if len(places) == 1:
            return found
        how = f"{name} is taken at the first of {len(places)} places"
        return found._replace(repair=GUESSED, how=how)
    span = _meant(context, places, start, start + len(answer))
    if span is None:
        return Located(
            question,
            f"{name} is not at character {start} of the context, which has "
            f"{context[max(start, 0) : max(start + len(answer), 0)]!r} there, but at "
            f"{len(places)} other places",
        )
    how = f"{name} is at character {span[0]}, not {start}"
    return Located(question._replace(span=span), "", MOVED, how)


def nowhere(question: Question) -> str:
    """Why no answer that is cut out of the context can be right; empty if one can."""
    given, context = question.answers, question.context
    there = [answer for answer in given if answer.strip()]
    if not given or any(x in context or _places(context, x) for x in there):
        return ""
    only = f"its answer {given[0]!r} is not" if len(given) == 1 else ""
    return (
        f"question {question.id!r}: {only or 'none of its answers is'} in the context"
    )


def _any_case(answer: str) -> str:
    """A pattern of an answer; its white space and case may differ."""
    words = r"\s+".join(map(re.escape, answer.split()))
    return f"(?i:{words})"


def _said(context: str, answer: str, start: int) -> tuple[int, int] | None:
    """The span at a place; None if the answer is not there."""
    if not 0 <= start <= len(context):
        return None
    if context.startswith(answer, start):
        return start, start + len(answer)
    before = len(answer) - len(answer.lstrip())
    found = re.compile(_any_case(answer)).match(context, start + before)
    return found and found.span()


def _places(context: str, answer: str) -> list[tuple[int, int]]:
    """All spans of an answer, which may overlap; those that differ if none are equal."""
    for pattern in (re.escape(answer), _any_case(answer)):
        # Looking ahead goes on behind the first character of what was found.
        found = [match.span(1) for match in re.finditer(f"(?=({pattern}))", context)]
        if found:
            return found
    return []


def _meant(
    context: str, places: list[tuple[int, int]], start: int, end: int
) -> tuple[int, int] | None:
    """Of the spans the one that wrong borders stand for; None if that is not clear."""
    units = context.encode("utf-16-le", "surrogatepass")[: 2 * max(start, 0)]
    in_utf16 = len(units.decode("utf-16-le", "ignore"))
    first, last = word_borders(context, max(start, 0), max(end, 0))
    inside = [span for span in places if first <= span[0] and span[1] <= last]
    for clear in ([s for s in places if s[0] == in_utf16], places, inside):
        if len(clear) == 1:
            return clear[0]
    return None
