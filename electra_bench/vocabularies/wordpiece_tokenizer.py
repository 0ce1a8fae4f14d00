"""WordPiece tokenisation equal to the original's, by look-up of whole strings.

See docs/design/tokenisation.md for why this is faster than the compiled tokenizers.
"""

import array
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from electra_bench.vocabularies.basic_words import (
    located_words,
    unit_pattern,
    words_of_unit,
)
from electra_bench.vocabularies.text_losses import LONGEST_WORD, MeasuresText
from electra_bench.vocabularies.whole_tokens import WholeTokens, num_pieces

UNKNOWN = "[UNK]"

# Ids of a string are kept as bytes, so that a text's ids are one `bytes.join`.
_ID = np.dtype(np.int32)
_END_OF_TEXT = -1
_END_OF_TEXT_BYTES = _ID.type(_END_OF_TEXT).tobytes()

# About 20 MB of English strings, which cover 98 % of a text.
_REMEMBERED = 2**17
# Characters of a chunk: small enough to stay in the processor's cache.
_CHUNK = 2**17


class Piece(NamedTuple):
    """One token and the characters that it stands for.

    Attributes:
        id: token id.
        start: index of its first character in the text.
        end: index after its last character. Two pieces of one character (a Korean
            syllable) have the same range; an unknown word is one piece.
    """

    id: int
    start: int
    end: int


class _Remembered(dict[str, bytes]):
    """Strings to ids, computed when they are first met, forgotten when too many."""

    def __init__(self, ids_of: Callable[[str], Iterable[int]]):
        super().__init__()
        self._ids_of = ids_of

    def __missing__(self, text: str) -> bytes:
        if text == "\n":
            return _END_OF_TEXT_BYTES
        ids = array.array("i", self._ids_of(text)).tobytes()
        if len(self) >= _REMEMBERED:
            self.clear()
        if len(text) <= LONGEST_WORD:
            self[text] = ids
        return ids


class WordPieceTokenizer(MeasuresText):
    """Splits text into the longest pieces of a vocabulary.

    Special tokens written in the text are plain text: `[MASK]` gives `[`, `mask`, `]`.
    Whole tokens, which the original has not, are cut out first, see `whole_tokens`.

    Source: google-research/electra model/tokenization.py, `FullTokenizer`; the same ids
    for every text under the same version of Unicode.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        lower_case: bool = True,
        strip_accents: bool = True,
        longest_word: int = LONGEST_WORD,
        whole_tokens: Mapping[str, str] | None = None,
    ):
        """Makes a tokenizer.

        Args:
            tokens: the vocabulary; a token that occurs twice has its last index.
            lower_case: whether to lower-case.
            strip_accents: whether to strip combining marks; as in the original without
                effect if `lower_case` is False.
            longest_word: letters of a word that is divided, at most; a longer one becomes
                [UNK].
            whole_tokens: tokens that are cut out of a text, and how they are matched, see
                `WholeTokens`.

        Raises:
            ValueError: the vocabulary has no [UNK], or see `WholeTokens`.
        """
        self.lower_case = lower_case
        self.strip_accents = strip_accents
        self.longest_word = longest_word
        self.whole_tokens = dict(whole_tokens or {})
        self._tokens = tuple(tokens)
        ids = {token: i for i, token in enumerate(self._tokens)}
        options = lower_case, strip_accents
        self._whole = WholeTokens(self.whole_tokens, ids, *options)
        pieces = self._tokens[: num_pieces(self._tokens, self.whole_tokens)]
        self._first = _Matcher({token: i for i, token in enumerate(pieces)})
        later = {t[2:]: i for t, i in self._first.ids.items() if t.startswith("##")}
        self._later = _Matcher(later)
        if UNKNOWN not in self._first.ids:
            raise ValueError(f"a WordPiece vocabulary needs {UNKNOWN}")
        self.unknown_id = self._first.ids[UNKNOWN]
        self._of_unit = _Remembered(self._ids_of_unit)

    def __reduce__(self):
        # Without the strings met so far: they are cheap to compute again.
        options = self.lower_case, self.strip_accents, self.longest_word
        return type(self), (self._tokens, *options, self.whole_tokens)

    def encode(self, text: str) -> list[int]:
        """Ids of one text."""
        return self.encode_batch([text])[0].tolist()

    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of many texts.

        Args:
            texts: any number of texts; they may hold line feeds.

        Returns:
            The ids of all texts one after the other, int32, and where each text's begin
            and end, int64 [texts + 1].
        """
        if self.whole_tokens:
            parts = [part for text in texts for part in self._whole.parts(text)]
            texts = [part.before.text for part in parts]
        chunks = [self._chunk_ids(chunk) for chunk in _chunks(texts)]
        ids = np.concatenate(chunks) if chunks else np.zeros([0], _ID)
        if self.whole_tokens:
            ids[ids == _END_OF_TEXT] = [
                _END_OF_TEXT if part.id is None else part.id for part in parts
            ]
        # Every text ends in a mark; the n-th mark has n marks before it.
        marks = np.flatnonzero(ids == _END_OF_TEXT)
        splits = np.append(0, marks - np.arange(len(marks)))
        return ids[ids != _END_OF_TEXT], splits

    def _chunk_ids(self, chunk: str) -> np.ndarray:
        units = unit_pattern(chunk).findall(chunk)
        return np.frombuffer(b"".join(map(self._of_unit.__getitem__, units)), _ID)

    def encode_word(self, word: str) -> list[int]:
        """Ids of one word of a text that is divided into words already.

        Unlike in a text, CJK ideographs are not words of their own.

        Source: google-research/electra finetune/tagging/tagging_tasks.py,
        `tokenize_and_align`, which however always strips accents.
        """
        if not self.whole_tokens:
            return self._ids_of_unit(word)
        ids = []
        for part in self._whole.parts(word):
            ids += self._ids_of_unit(part.before.text)
            ids += [] if part.id is None else [part.id]
        return ids

    def _ids_of_unit(self, unit: str) -> list[int]:
        ids = []
        for word in words_of_unit(unit, self.lower_case, self.strip_accents):
            ids += self._pieces(word)[0]
        return ids

    @property
    def drops_marks(self) -> bool:
        """Whether combining marks are stripped."""
        return self.lower_case and self.strip_accents

    def unknown_words(self, text: str) -> Iterator[str]:
        """The words of a text that become [UNK]."""
        unknown = _ID.type(self.unknown_id).tobytes()
        for part in self._whole.parts(text):
            for unit in unit_pattern(part.before.text).findall(part.before.text):
                if unknown in self._of_unit[unit]:
                    yield from self._unknown_words_of_unit(unit)

    def _unknown_words_of_unit(self, unit: str) -> Iterator[str]:
        for word in words_of_unit(unit, self.lower_case, self.strip_accents):
            if self._pieces(word)[0] == [self.unknown_id]:
                yield word

    def encode_with_offsets(self, text: str) -> list[Piece]:
        """Ids of one text, with the characters of the text that they stand for."""
        options = self.lower_case, self.strip_accents
        pieces = []
        for before, id, token in self._whole.parts(text, places=True):
            for word in located_words(before.text, *options):
                # The parts of a text without whole tokens are the text.
                word = word.within(before) if self.whole_tokens else word
                start = 0
                for piece, end in zip(*self._pieces(word.text), strict=True):
                    # Marks may change places when they are decomposed.
                    first, last = min(word.starts[start:end]), max(word.ends[start:end])
                    pieces.append(Piece(piece, first, last))
                    start = end
            if token is not None:
                pieces.append(Piece(id, min(token.starts), max(token.ends)))
        return pieces

    def _pieces(self, word: str) -> tuple[list[int], list[int]]:
        """Ids of a word and where their pieces end; [UNK] if a rest matches nothing."""
        size = len(word)
        if size <= self.longest_word:
            ids, ends = [], []
            matcher, end = self._first, 0
            while end < size and (match := matcher.longest(word, end)):
                ids.append(match[0])
                end = match[1]
                ends.append(end)
                matcher = self._later
            if end == size:
                return ids, ends
        return [self.unknown_id], [size]


class _Matcher:
    """Finds the longest of a set of strings at a place of a word."""

    def __init__(self, ids: Mapping[str, int]):
        self.ids = ids
        # First character to length of the longest string, so that few are tried.
        self._sizes: dict[str, int] = {}
        for text in ids:
            first = text[:1]
            self._sizes[first] = max(len(text), self._sizes.get(first, 0))

    def longest(self, word: str, start: int) -> tuple[int, int] | None:
        """The id of the longest match that starts at `start` and where it ends."""
        limit = start + self._sizes.get(word[start], 0)
        for end in range(min(len(word), limit), start, -1):
            found = self.ids.get(word[start:end])
            if found is not None:
                return found, end
        return None


def _chunks(texts: Sequence[str]) -> Iterator[str]:
    """Texts joined to chunks in which each ends in a line feed and holds no other."""
    numbers = (end // _CHUNK for end in itertools.accumulate(map(len, texts)))
    numbered = zip(numbers, texts, strict=True)
    for _, chunk in itertools.groupby(numbered, key=operator.itemgetter(0)):
        yield _joined([text for _, text in chunk])


def _joined(texts: list[str]) -> str:
    joined = "\n".join(texts) + "\n"
    if joined.count("\n") == len(texts):
        return joined
    return "\n".join([text.replace("\n", " ") for text in texts]) + "\n"
