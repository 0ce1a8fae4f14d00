"""Tokens that no text gives: a vocabulary that is used otherwise than it was made."""

import unicodedata
from collections.abc import Sequence

from electra_bench.vocabularies.basic_words import is_accent, unit_pattern
from electra_bench.vocabularies.text_losses import MeasuresText

# A vocabulary has a few in any case.
MOST_UNUSED = 0.05


def unused_tokens(
    path: str, tokens: Sequence[str], tokenizer: MeasuresText
) -> dict[str, str]:
    """What a vocabulary's tokens say against how it is used.

    Args:
        path: of its file, for the sentences.
        tokens: as the file has them.
        tokenizer: that encodes text by them.

    Returns:
        Mark of scores to how many of the tokens no text gives, and why.
    """
    # Whole ones need not come of words.
    pieces = [token for token in tokens if token not in tokenizer.whole_tokens]
    texts = [piece.removeprefix("##").removeprefix("\u2581") for piece in pieces]
    # Special ones are no text, "[unused1]" neither.
    texts = [
        text for text in texts if not (text.startswith("[") and text.endswith("]"))
    ]
    found = {}
    for mark, is_unused, what in (
        (
            "cased vocabulary",
            lambda text: tokenizer.lower_case and text != text.lower(),
            "have upper case, and text is lower-cased: it is a cased vocabulary, for "
            "vocabularies.wordpiece.lower_case=False",
        ),
        (
            "accented vocabulary",
            lambda text: tokenizer.drops_marks and _has_accent(text),
            "have accents, and text loses them: it is made for "
            "vocabularies.wordpiece.strip_accents=False",
        ),
        (
            "foreign vocabulary",
            lambda text: tokenizer.divides_ideographs and _has_ideographs(text),
            "hold an ideograph and more, and ideographs are words of their own here: it is "
            "that of another tokeniser, as MeCab's",
        ),
    ):
        count = sum(map(is_unused, texts))
        if count > MOST_UNUSED * len(texts):
            percent = 100 * count / len(texts)
            found[mark] = f"{path}: {percent:.0f} % of the tokens {what}"
    return found


def _has_accent(text: str) -> bool:
    if text.isascii():
        return False
    return any(map(is_accent, unicodedata.normalize("NFD", text.lower())))


def _has_ideographs(text: str) -> bool:
    return not text.isascii() and len(unit_pattern(text).findall(text)) > 1
