"""Text to words, as BERT's and ELECTRA's basic tokenizer divides it.

The rules: control characters vanish; words end at whitespace; CJK ideographs and
punctuation are words of their own; words are lower-cased, then decomposed (NFD) and
stripped of combining marks. Character classes are those of the running Python's
`unicodedata`, as in the original.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

# Whitespace at which words end. Other characters that `str.split` splits at (vertical
# tab, form feed, U+001C..1F, U+0085) are control characters, which vanish first.
_SPACE = " \t\n\r\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CJK_BLOCKS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
_ASCII_PUNCTUATION = r"!-/:-@\[-`{-~"

# Characters that a table remembers: more than any text that is not noise has.
_TABLE_SIZE = 2**15

_SIGMA = "\N{GREEK CAPITAL LETTER SIGMA}"
_ASCII_WORDS = re.compile(f"[^{_ASCII_PUNCTUATION}]+|[{_ASCII_PUNCTUATION}]")
_ASCII_CONTROLS = dict.fromkeys((*range(32), 127)) | dict.fromkeys(b"\t\n\r", " ")


@functools.cache
def _unit_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of units for texts without and with a capital sigma."""
    # Unassigned code points of these blocks vanish like all others: they end no word.
    codes = [
        code
        for first, last in _CJK_BLOCKS
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) != "Cn"
    ]
    runs = np.split(codes, np.flatnonzero(np.diff(codes) > 1) + 1)
    cjk = "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
    alone = cjk + _ASCII_PUNCTUATION
    return (
        re.compile(f"[^{_SPACE}{alone}]+|[\n{alone}]"),
        re.compile(f"[^{_SPACE}{cjk}]+|[\n{cjk}]"),
    )


def unit_pattern(text: str) -> re.Pattern[str]:
    """The pattern that finds a text's units: strings that make words independently.

    A unit is a run of characters between whitespace, CJK ideographs and ASCII
    punctuation, or one of the latter two, or a line feed. Nothing that the rules do looks
    across these borders, with one exception: whether a capital sigma becomes a final one
    depends on letters beyond an apostrophe or a full stop, so a text that has one is
    divided at whitespace and ideographs only.
    """
    return _unit_patterns()[_SIGMA in text]


def words_of_unit(unit: str, lower_case: bool, strip_accents: bool) -> list[str]:
    """The words of a unit (or of any text without CJK ideographs).

    Args:
        unit: see `unit_pattern`.
        lower_case: whether to lower-case.
        strip_accents: whether to strip combining marks; without effect if `lower_case`
            is False.
    """
    text = normalised(unit, lower_case, strip_accents)
    if text.isascii():
        return " ".join(_ASCII_WORDS.findall(text)).split()
    return text.translate(_table(_spaced)).split()


def normalised(text: str, lower_case: bool, strip_accents: bool) -> str:
    """A text with the characters of its words, and a blank for each white space.

    Args:
        text: any text.
        lower_case: see `words_of_unit`.
        strip_accents: see `words_of_unit`.
    """
    if text.isascii():
        text = text.translate(_ASCII_CONTROLS)
        return text.lower() if lower_case else text
    text = text.translate(_table(_cleaned))
    if not lower_case:
        return text
    text = text.lower()
    if not strip_accents:
        return text
    return unicodedata.normalize("NFD", text).translate(_table(_stripped))


def is_punctuation(char: str) -> bool:
    """Whether a character is a word of its own: ASCII symbols and Unicode's P classes."""
    if char.isascii():
        return char.isprintable() and char != " " and not char.isalnum()
    return unicodedata.category(char)[0] == "P"


def is_accent(char: str) -> bool:
    """Whether accent stripping drops a (decomposed) character."""
    return unicodedata.category(char) == "Mn"


def _cleaned(char: str) -> str:
    """A space for whitespace, nothing for characters that vanish, or the character."""
    if char in "\t\n\r":
        return " "
    category = unicodedata.category(char)
    if category[0] == "C" or char == "\ufffd":
        return ""
    return " " if category[0] == "Z" else char


def _spaced(char: str) -> str:
    return f" {char} " if is_punctuation(char) else char


def _stripped(char: str) -> str:
    return "" if is_accent(char) else char


class _Table(dict[int, str]):
    """What `str.translate` asks for, computed when a character is first met."""

    def __init__(self, function: Callable[[str], str]):
        super().__init__()
        self._function = function

    def __missing__(self, code: int) -> str:
        result = self._function(chr(code))
        if len(self) < _TABLE_SIZE:
            self[code] = result
        return result


_table = functools.cache(_Table)


class Located(NamedTuple):
    """A string and where its characters come from.

    Attributes:
        text: normalised, or as it was written.
        starts: for every character of `text`, where it starts in the original text.
        ends: for every character, where it ends; stripped combining marks that follow a
            character belong to it.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    @classmethod
    def plain(cls, text: str, start: int = 0) -> "Located":
        """A string whose characters stand one after the other, from a place on."""
        end = start + len(text)
        return cls(text, range(start, end), range(start + 1, end + 1))

    def part(self, first: int, last: int) -> "Located":
        """The characters from `first` until before `last`."""
        text, starts, ends = self
        return Located(text[first:last], starts[first:last], ends[first:last])

    def within(self, outer: "Located") -> "Located":
        """The same, where this one's places are those in the string of another."""
        starts = [outer.starts[start] for start in self.starts]
        return Located(self.text, starts, [outer.ends[end - 1] for end in self.ends])


def located_words(
    text: str, lower_case: bool, strip_accents: bool
) -> Iterator[Located]:
    """The words of a text with the positions of their characters.

    Args:
        text: any text.
        lower_case: see `words_of_unit`.
        strip_accents: see `words_of_unit`.
    """
    for match in unit_pattern(text).finditer(text):
        unit, start = match.group(), match.start()
        if unit.isascii() and unit.isalnum():
            yield Located.plain(unit.lower() if lower_case else unit, start)
        else:
            yield from _divided(located(unit, lower_case, strip_accents, start))


def _divided(unit: Located) -> Iterator[Located]:
    """Words between blanks and punctuation, and punctuation."""
    start = 0
    for i, c in enumerate(unit.text):
        alone = is_punctuation(c)
        if alone or c.isspace():
            if start < i:
                yield unit.part(start, i)
            if alone:
                yield unit.part(i, i + 1)
            start = i + 1
    if start < len(unit.text):
        yield unit.part(start, len(unit.text))


def located(
    text: str, lower_case: bool, strip_accents: bool, start: int = 0
) -> Located:
    """As `normalised`, with the positions of the characters.

    Args:
        text: any text.
        lower_case: see `words_of_unit`.
        strip_accents: see `words_of_unit`.
        start: position of the first character.
    """
    if text.isascii():
        normal = normalised(text, lower_case, strip_accents)
        if len(normal) == len(text):
            return Located.plain(normal, start)
    # (character, index in the text)
    chars = [(_cleaned(c), i) for i, c in enumerate(text, start)]
    chars = [pair for pair in chars if pair[0]]
    if lower_case:
        # The whole is needed for final sigmas; no other length depends on neighbours.
        lowered = iter("".join([c for c, _ in chars]).lower())
        chars = [(next(lowered), i) for c, i in chars for _ in c.lower()]
        if strip_accents:
            chars = decomposed(chars)
    kept: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for c, i in chars:
        if lower_case and strip_accents and is_accent(c):
            if ends:
                ends[-1] = max(ends[-1], i + 1)
            continue
        kept.append(c)
        starts.append(i)
        ends.append(i + 1)
    return Located("".join(kept), starts, ends)


def decomposed(chars: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """NFD of a text whose characters have indices."""
    parts = [(d, i) for c, i in chars for d in unicodedata.normalize("NFD", c)]
    # Canonical order: runs of combining characters are sorted stably by class, which is 0
    # for all others.
    runs = itertools.groupby(parts, lambda part: _combining(part) > 0)
    return [part for _, run in runs for part in sorted(run, key=_combining)]


def _combining(char: tuple[str, int]) -> int:
    return unicodedata.combining(char[0])
