"""What a text loses on its way to tokens: [UNK], marks that are stripped, Turkish i."""

import abc
import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

Integers = Sequence[int] | np.ndarray

# Marks of these alphabets are accents, as stripping takes all for.
_ACCENTED = {"LATIN", "GREEK", "COMBINING"}
# The points of these are vowels that most texts leave out; their letters may have marks.
_POINTED = {"ARABIC", "HEBREW", "SYRIAC"}
# Every character with a mark of another alphabet, and few more.
_MAY_NEED_MARKS = re.compile(
    "[\u0400-\u1cff\u3040-\u30ff\ua640-\uabff\U00010a00-\U0001e943]"
)
_TURKISH = "ıİ"
# Letters of a word that is divided, at most, in the original.
LONGEST_WORD = 200

# What is said of losses, and what may be done.
_UNKNOWN = (
    "a vocabulary of such text has fewer (vocab train, with --type sentencepiece for text "
    "without blanks)"
)
_STRIPPED = "lose a mark that their script needs, since lower-casing strips accents"
_MARKS = (
    "vocabularies.wordpiece.strip_accents=False keeps them, with a vocabulary made so "
    "(vocab train --keep_accents, corpus build --no-strip-accents)"
)
_TURKISH_LETTERS = "are Turkish ı or İ, and lower-casing makes I an i"
_DOTTED = (
    "lower-case the text by the rules of its language, or keep upper case "
    "(vocabularies.wordpiece.lower_case=False)"
)


class _NeededMarks(dict[str, int]):
    """Of a character, how many marks stripping takes that its script needs."""

    def __missing__(self, char: str) -> int:
        script = unicodedata.name(char, "").partition(" ")[0]
        is_mark = unicodedata.category(char) == "Mn"
        count = 0
        if script not in _ACCENTED and not (is_mark and script in _POINTED):
            parts = unicodedata.normalize("NFD", char)
            count = sum(unicodedata.category(part) == "Mn" for part in parts)
        self[char] = count
        return count


_needed_marks = _NeededMarks()


def needed_marks(text: str) -> int:
    """How many marks of a text stripping accents takes away that are none.

    Vowel signs of India's scripts, the marks of Thai or Khmer, the voicing of Japanese
    kana, what makes a letter of its own of a Cyrillic or Arabic one.
    """
    if text.isascii() or not _MAY_NEED_MARKS.search(text):
        return 0
    return sum(map(_needed_marks.__getitem__, text))


@dataclasses.dataclass(frozen=True)
class Loss:
    """Something that was lost.

    Attributes:
        count: how much.
        found: what, of how much and why.
        cure: what may be done.
    """

    count: int
    found: str
    cure: str

    @property
    def sentence(self) -> str:
        """All that is to be said."""
        return f"{self.found}; {self.cure}"


@dataclasses.dataclass
class TextLosses:
    """Counts of a text's characters, blanks not among them.

    Attributes:
        characters: all.
        unknown: those in words that become [UNK].
        in_runs: those of them in words that are too long to be divided.
        marks: see `needed_marks`.
        dotted: Turkish letters of which lower-casing makes others.
    """

    characters: int = 0
    unknown: int = 0
    in_runs: int = 0
    marks: int = 0
    dotted: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "TextLosses":
        """Takes those of counts that it has; missing ones are 0."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: counts.get(name, 0) for name in names})

    def add(self, counts: Mapping[str, int]) -> None:
        """Adds those of another text."""
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)

    @property
    def unknown_percent(self) -> float:
        """Of all characters those that become [UNK]."""
        return 100 * self.unknown / max(self.characters, 1)

    def warnings(self, where: str) -> dict[str, Loss]:
        """What is more than usual, by marks of scores.

        Args:
            where: names the text.
        """
        found = {}
        unknown = f"become [UNK]{self._in_runs()}"
        for mark, count, most, what, cure in (
            ("text unknown", self.unknown, 1.0, unknown, _UNKNOWN),
            ("marks stripped", self.marks, 1.0, _STRIPPED, _MARKS),
            ("Turkish lower-cased", self.dotted, 0.5, _TURKISH_LETTERS, _DOTTED),
        ):
            percent = 100 * count / max(self.characters, 1)
            if percent > most:
                of = f"{self.characters:,} characters"
                share = f"{where}: {percent:.1f} % of {of} {what}"
                found[mark] = Loss(count, share, cure)
        return found

    def _in_runs(self) -> str:
        if not self.in_runs:
            return ""
        return (
            f", {100 * self.in_runs / self.unknown:.0f} % of these in runs of over "
            f"{LONGEST_WORD} letters without blanks (or "
            "vocabularies.wordpiece.longest_word, if it is bound), which WordPiece takes "
            "for one word"
        )


class MeasuresText(abc.ABC):
    """A tokenizer that counts what a text loses.

    Attributes:
        longest_word: letters of a word that is divided, at most.
        whole_tokens: tokens that are cut out of a text before it is divided.
        unknown_id: id of [UNK].
        lower_case: whether text is lower-cased.
        divides_ideographs: whether ideographs are words of their own.
    """

    longest_word: int = LONGEST_WORD
    whole_tokens: Mapping[str, str] = MappingProxyType({})
    divides_ideographs = True
    unknown_id: int
    lower_case: bool

    @property
    @abc.abstractmethod
    def drops_marks(self) -> bool:
        """Whether combining marks are stripped."""

    @abc.abstractmethod
    def encode_word(self, word: str) -> list[int]:
        """Ids of one word."""

    @abc.abstractmethod
    def unknown_words(self, text: str) -> Iterable[str]:
        """The words, or parts, of a text that become [UNK]."""

    def losses(
        self,
        texts: Sequence[str],
        ids: np.ndarray,
        splits: np.ndarray,
        rows: Sequence[int],
    ) -> dict[str, int]:
        """The counts of `TextLosses`.

        Args:
            texts: some.
            ids: of all of them, one after the other.
            splits: where each text's begin and end, [texts + 1].
            rows: which texts are counted.
        """
        places = np.flatnonzero(ids == self.unknown_id)
        with_unknown = {*(np.searchsorted(splits, places, side="right") - 1).tolist()}
        sizes = [
            len(word)
            for row in rows
            if row in with_unknown
            for word in self.unknown_words(texts[row])
        ]
        chosen = [texts[row] for row in rows]
        losses = TextLosses(
            characters=sum(len(t) - t.count(" ") - t.count("\n") for t in chosen),
            unknown=sum(sizes),
            in_runs=sum(size for size in sizes if size > self.longest_word),
            marks=sum(map(needed_marks, chosen)) if self.drops_marks else 0,
            dotted=sum(map(_turkish, chosen)) if self.lower_case else 0,
        )
        return dataclasses.asdict(losses)


def losses_of(
    vocabulary: Any, texts: Sequence[str], ids: Integers, splits: Integers
) -> TextLosses:
    """What texts lose; nothing where the vocabulary has no tokenizer that counts it.

    Args:
        vocabulary: what encoded them.
        texts: some.
        ids: of all of them, one after the other.
        splits: where each text's begin and end, [texts + 1].
    """
    tokenizer = getattr(vocabulary, "tokenizer", None)
    if not isinstance(tokenizer, MeasuresText):
        return TextLosses()
    rows = range(len(texts))
    return TextLosses.of(tokenizer.losses(texts, np.array(ids), np.array(splits), rows))


def watched(
    lines: Iterable[str], losses: TextLosses, lower_case: bool, drops_marks: bool
) -> Iterator[str]:
    """Hands lines on and counts the characters that normalising makes others of.

    Args:
        lines: text.
        losses: counts here.
        lower_case: whether the text will be lower-cased.
        drops_marks: whether combining marks will be stripped.
    """
    for line in lines:
        if drops_marks:
            losses.marks += needed_marks(line)
        if lower_case:
            losses.dotted += _turkish(line)
        yield line


def _turkish(text: str) -> int:
    return 0 if text.isascii() else sum(map(text.count, _TURKISH))
