"""N-grams of words: those of texts, and which of them occur in other text."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from electra_bench.data.leaks.words import BREAK_HASH, folded, mixed, word_hashes

_FACTOR = np.uint64(0xD6E8FEB86659FD93)
# Bits of a filter for each n-gram in it: of others, one of 32 passes.
_FILTER_BITS = 32
# Bits at the most, 32 MB.
_MAX_FILTER_BITS = 1 << 28


class TextNgrams(NamedTuple):
    """N-grams of several texts.

    Attributes:
        hashes: of all n-grams, repeats included, the shortest first; uint64 [ngrams].
        owners: the text that each is of; int64 [ngrams].
        anchors: hashes of the first `shortest` words of each; uint64 [ngrams].
    """

    hashes: np.ndarray
    owners: np.ndarray
    anchors: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], shortest: int, longest: int) -> "TextNgrams":
        """All n-grams of texts.

        Args:
            texts: the texts; n-grams do not go from one to the next.
            shortest: a text of fewer words has none.
            longest: words of an n-gram; a text of fewer words, but at least `shortest`, is
                one n-gram as a whole.
        """
        words = word_hashes(folded([*texts, ""]))
        ends = np.flatnonzero(words == BREAK_HASH)
        starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
        lengths = ends - starts
        found = []
        for length in range(shortest, longest + 1):
            if length < longest:
                owners = np.flatnonzero(lengths == length)
                places = starts[owners]
            else:
                counts = np.maximum(lengths - longest + 1, 0)
                owners = np.repeat(np.arange(len(texts)), counts)
                first = np.repeat(np.cumsum(counts) - counts, counts)
                places = starts[owners] + np.arange(len(owners)) - first
            anchors = hashes = _extended(words, places, words[places], 1, shortest)
            hashes = _extended(words, places, hashes, shortest, length)
            found.append(cls(named(hashes, length), owners, anchors))
        return cls(*map(np.concatenate, zip(*found, strict=True)))


def _extended(
    words: np.ndarray, places: np.ndarray, hashes: np.ndarray, begin: int, end: int
) -> np.ndarray:
    """Hashes of the n-grams of `begin` words at some places, extended to `end` words."""
    for offset in range(begin, end):
        hashes = hashes * _FACTOR + words[places + offset]
    return hashes


def named(hashes: np.ndarray, length: int) -> np.ndarray:
    """Hashes of n-grams that tell those of different lengths apart, too."""
    return mixed(hashes + np.uint64(length))


class NgramIndex:
    """Finds n-grams in other text."""

    def __init__(self, ngrams: TextNgrams, shortest: int, longest: int):
        """Prepares the look-up.

        Args:
            ngrams: those that are looked for.
            shortest: see `TextNgrams.of`.
            longest: see `TextNgrams.of`.
        """
        self._lengths = range(shortest, longest + 1)
        self.hashes = distinct(ngrams.hashes)
        # Of the beginnings, and of the whole.
        anchors = distinct(ngrams.anchors)
        self._filters = Filter(anchors), Filter(self.hashes)

    def found(self, texts: Iterable[str]) -> np.ndarray:
        """Which of `hashes` occur in texts; int64, each once.

        Args:
            texts: n-grams do not go from one to the next.
        """
        words = word_hashes(folded(texts))
        shortest = self._lengths[0]
        count = len(words) - shortest + 1
        if count < 1 or not len(self.hashes):
            return np.zeros(0, np.int64)
        hashes = words[:count].copy()
        for offset in range(1, shortest):
            hashes *= _FACTOR
            hashes += words[offset : offset + count]
        begins, whole = self._filters
        # Most text ends here: its n-grams do not begin as one that is looked for.
        places = np.flatnonzero(begins.passes(hashes))
        hashes = hashes[places]
        found = []
        for length in self._lengths:
            if length > shortest:
                fits = places + length <= len(words)
                places, hashes = places[fits], hashes[fits]
                hashes = _extended(words, places, hashes, length - 1, length)
            keys = named(hashes, length)
            # In their order they are found faster.
            found.append(distinct(keys[whole.passes(keys) != 0]))
        return distinct(places_in(self.hashes, np.concatenate(found))[1])


class Filter:
    """A set of hashes of one bit each: says of few others that they may be in it."""

    def __init__(self, hashes: np.ndarray):
        """Takes the hashes, uint64, whose first bits must be random."""
        wanted = max(len(hashes) * _FILTER_BITS, 1 << 16)
        bits = min((wanted - 1).bit_length(), _MAX_FILTER_BITS.bit_length() - 1)
        self._shift = np.uint64(64 - bits)
        self._bits = np.zeros(1 << (bits - 3), np.uint8)
        places = hashes >> self._shift
        np.bitwise_or.at(self._bits, places >> np.uint64(3), _bit(places))

    def passes(self, hashes: np.ndarray) -> np.ndarray:
        """Not 0 for hashes that may be in the set; uint8, one each."""
        places = hashes >> self._shift
        return self._bits[places >> np.uint64(3)] & _bit(places)


def distinct(values: np.ndarray) -> np.ndarray:
    """Values in their order, each once; `np.unique` takes ten times as long for hashes."""
    values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])[: len(values)]]


def places_in(known: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of some hashes are known: their places, and those of the known ones; int64.

    Args:
        known: in their order, each once.
        hashes: any.
    """
    at = np.searchsorted(known, hashes)
    found = np.flatnonzero(at < len(known))
    found = found[known[at[found]] == hashes[found]]
    return found, at[found]


def _bit(places: np.ndarray) -> np.ndarray:
    """The bit of its byte that a place of the filter is."""
    return np.uint8(1) << (places & np.uint64(7)).astype(np.uint8)
