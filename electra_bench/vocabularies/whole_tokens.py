"""Whole tokens: strings that are cut out of a text before it is divided into words.

As `tokenizers` does it: first those that are matched as they are written, then, in the
text between them, normalised, those that are matched so; always the leftmost, and of those
that begin there the longest.
"""

import itertools
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from electra_bench.vocabularies.basic_words import Located, located, normalised

# How a token is matched: in the text as it is, or in that which words are made of, so in
# upper and lower case where text is lower-cased.
WRITTEN = "written"
NORMALISED = "normalised"


class Part(NamedTuple):
    """What stands before a whole token, and the token; without one at a text's end.

    Attributes:
        before: perhaps empty.
        id: of the token.
        token: its characters; the places of both may be missing.
    """

    before: Located
    id: int | None = None
    token: Located | None = None


def num_pieces(tokens: Sequence[str], whole: Mapping[str, str]) -> int:
    """How many tokens of a vocabulary are pieces of words.

    Whole tokens at its end were added to it, and no word is made of them; those before are
    pieces, too.

    Args:
        tokens: all.
        whole: the whole ones.
    """
    added = itertools.takewhile(whole.__contains__, reversed(tokens))
    return len(tokens) - sum(1 for _ in added)


class WholeTokens:
    """Finds whole tokens in texts."""

    def __init__(
        self,
        matched: Mapping[str, str],
        ids: Mapping[str, int],
        lower_case: bool,
        strip_accents: bool,
    ):
        """Takes the tokens.

        Args:
            matched: token to how it is matched, `WRITTEN` or `NORMALISED`. Of tokens that
                are the same when they are normalised the one with the highest id counts.
            ids: of all of them.
            lower_case: how text is normalised.
            strip_accents: how text is normalised.

        Raises:
            ValueError: another way to match, or nothing is left of a normalised one.
        """
        self._options = lower_case, strip_accents
        written, normal = {}, {}
        for token in sorted(matched, key=ids.__getitem__):
            if matched[token] == WRITTEN:
                written[token] = ids[token]
            elif matched[token] == NORMALISED:
                normal[normalised(token, *self._options)] = ids[token]
            else:
                raise ValueError(
                    f"whole token {token!r} is matched {matched[token]!r}, expected "
                    f"{WRITTEN!r} or {NORMALISED!r}"
                )
        if "" in normal:
            raise ValueError("nothing is left of a whole token when it is normalised")
        self._written = _Finder(written)
        self._normal = _Finder(normal)

    def parts(self, text: str, places: bool = False) -> Iterator[Part]:
        """Divides a text at its whole tokens.

        Args:
            text: any text.
            places: whether to say where all characters come from, which takes time where
                text is normalised.

        Returns:
            Parts that make the text together; the last has no token. What stands before
            a token is normalised where that was needed to find it.
        """
        for part in self._written.parts(Located.plain(text)):
            *inner, rest = self._normal.parts(self._normalised(part.before, places))
            yield from inner
            yield part._replace(before=rest.before)

    def _normalised(self, text: Located, places: bool) -> Located:
        """The text, normalised if it has a token."""
        if not self._normal.ids:
            return text
        normal = normalised(text.text, *self._options)
        if not self._normal.finds(normal):
            return text
        if not places:
            return Located(normal, (), ())
        # It is as it was written, so its characters follow each other.
        return located(text.text, *self._options, start=text.starts[0])


class _Finder:
    """Finds the leftmost and longest of a set of strings."""

    def __init__(self, ids: Mapping[str, int]):
        self.ids = ids
        # The pattern of none is found nowhere.
        self._pattern = re.compile(_pattern(sorted(ids)) if ids else "(?!)")

    def finds(self, text: str) -> bool:
        return self._pattern.search(text) is not None

    def parts(self, text: Located) -> Iterator[Part]:
        start = 0
        for match in self._pattern.finditer(text.text):
            first, last = match.span()
            before, token = text.part(start, first), text.part(first, last)
            yield Part(before, self.ids[match.group()], token)
            start = last
        yield Part(text.part(start, len(text.text)))


def _pattern(texts: Sequence[str]) -> str:
    """A pattern of the longest of sorted strings, whose branches share no first letter."""
    if len(texts) == 1:
        return re.escape(texts[0])
    branches = [
        re.escape(first) + _pattern([text[1:] for text in group])
        for first, group in itertools.groupby(
            filter(None, texts), key=operator.itemgetter(0)
        )
    ]
    return f"(?:{'|'.join(branches)}){'' if texts[0] else '?'}"
