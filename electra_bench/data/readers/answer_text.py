"""The text of an answer that was predicted as a span of tokens."""

import re
from collections.abc import Callable, Sequence

# What separates the words of a context; other white space is part of a word.
_WORD = re.compile("[^ \t\r\n\u202f]+")


def covering_words(context: str, begin: int, end: int) -> str:
    """The words that hold the characters from `begin` to before `end`, spaced by one blank.

    Source: google-research/electra finetune/qa/qa_tasks.py, `_add_examples`.
    """
    return " ".join(_WORD.findall(context[slice(*word_borders(context, begin, end))]))


def word_borders(context: str, begin: int, end: int) -> tuple[int, int]:
    """From where to where the words go that hold these characters."""
    words = [
        word
        for word in _WORD.finditer(context)
        if word.start() < end and word.end() > begin
    ]
    return (words[0].start(), words[-1].end()) if words else (begin, end)


def joined_pieces(pieces: Sequence[str]) -> str:
    """The text of WordPiece tokens, words spaced by one blank."""
    text = " ".join(pieces).replace(" ##", "").replace("##", "")
    return " ".join(text.split())


def projected(predicted: str, words: str, split: Callable[[str], Sequence[str]]) -> str:
    """The part of `words` that a predicted, normalised text stands for.

    Both are compared without blanks, character by character; if normalisation changed the
    number of characters, or the text is not found, it is all of `words`. The first place
    where the text occurs is taken, which need not be the predicted one.

    Args:
        predicted: see `joined_pieces`.
        words: see `covering_words`.
        split: from a text to its normalised words.

    Source: google-research/electra finetune/qa/qa_metrics.py, `get_final_text`.
    """
    normalised = " ".join(split(words))
    start = normalised.find(predicted)
    places = [i for i, char in enumerate(words) if char != " "]
    if start < 0 or len(places) != len(normalised.replace(" ", "")) or not predicted:
        return words
    before = len(normalised[:start].replace(" ", ""))
    length = len(predicted.replace(" ", ""))
    return words[places[before] : places[before + length - 1] + 1]
