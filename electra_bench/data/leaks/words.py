"""Texts to hashes of their folded words, fast enough for a whole corpus.

Two texts that differ in case, punctuation, white space or forms of one character have the
same words. What a corpus and a tokenised data set write differently ("don't" and "do n't")
is one, too.
"""

import functools
import unicodedata
from collections.abc import Iterable

import numpy as np

# A word of its own between two texts, which no text has.
BREAK = "\x01"
# Bytes that are hashed at once; their 64-bit numbers fit into a cache of the processor.
PIECE_BYTES = 1 << 17
# Odd, so that it has an inverse modulo 2**64.
_BASE = 0x9E3779B97F4A7C15
# Signs that are a part of letters, as vowels of Indian scripts are; and which are not:
# how the character before looks.
_MARKS = ("Mn", "Mc")
_VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE10)))
# First bytes of accents that are characters of their own.
_ACCENTS = (b"\xcc", b"\xcd")
_APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'"})
_IN_WORD = np.zeros(256, bool)
_IN_WORD[[*b"0123456789abcdefghijklmnopqrstuvwxyz", ord(BREAK), *range(128, 256)]] = (
    True
)


def folded(texts: Iterable[str]) -> bytes:
    """Texts in one form, with `BREAK` between them.

    NFKC, case folded, and of characters outside ASCII only letters, with their marks, and
    digits; each wide one (Chinese, Japanese, Korean) is a word of its own.
    """
    text = f" {BREAK} ".join(text.replace(BREAK, " ") for text in texts)
    data = text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        if any(accent in data for accent in _ACCENTS):
            text = unicodedata.normalize("NFC", text)
            data = text.encode("utf-8", "surrogatepass")
        data = _with_folded_runs(data)
    # Bytes have ASCII's case only, which is what is left to fold.
    return data.lower().replace(b" n't", b"n't")


def _with_folded_runs(data: bytes) -> bytes:
    """A text whose runs of characters outside ASCII are folded."""
    is_outside = np.frombuffer(data, np.int8) < 0
    edges = np.flatnonzero(np.diff(is_outside, prepend=False, append=False)).tolist()
    parts: list[bytes] = []
    done = 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        parts += (data[done:start], _folded_characters(data[start:end]))
        done = end
    return b"".join((*parts, data[done:]))


@functools.lru_cache(1 << 16)
def _folded_characters(data: bytes) -> bytes:
    text = data.decode("utf-8", "surrogatepass").translate(_APOSTROPHES)
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFKC", text)
    return "".join(map(_folded_character, text)).encode("utf-8", "surrogatepass")


def _folded_character(character: str) -> str:
    if character.isascii():
        return character
    is_mark = unicodedata.category(character) in _MARKS and character not in _VARIANTS
    if not character.isalnum() and not is_mark:
        return " "
    is_wide = unicodedata.east_asian_width(character) in ("W", "F")
    return f" {character} " if is_wide else character


def word_hashes(data: bytes) -> np.ndarray:
    """Hashes of the words of a folded text, in their order.

    Args:
        data: see `folded`.

    Returns:
        uint64 [words].
    """
    hashes, start = [], 0
    while start < len(data):
        end = start + PIECE_BYTES
        if end < len(data):
            # A word that is longer than a piece is cut.
            end = max(data.rfind(b" ", start, end), start) or end
            end = end if end > start else start + PIECE_BYTES
        hashes.append(_hashes_of_piece(data[start:end]))
        start = end
    return np.concatenate(hashes) if hashes else np.zeros(0, np.uint64)


def _hashes_of_piece(data: bytes) -> np.ndarray:
    characters = np.frombuffer(b" " + data + b" ", np.uint8)
    inside = _IN_WORD[characters]
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    # The character before a word, and its last one.
    before, last = edges[0::2], edges[1::2]
    powers, inverse = _powers()
    # A polynomial over all characters; that of a word is a difference, moved to its start.
    sums = np.cumsum(characters * powers[: len(characters)])
    hashes = (sums[last] - sums[before]) * inverse[before]
    return mixed(hashes)


def mixed(hashes: np.ndarray) -> np.ndarray:
    """Numbers of which every bit depends on all bits; uint64, changed in place."""
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53)):
        hashes ^= hashes >> np.uint64(shift)
        hashes *= np.uint64(factor)
    hashes ^= hashes >> np.uint64(33)
    return hashes


@functools.cache
def _powers() -> tuple[np.ndarray, np.ndarray]:
    """Powers of the base and of its inverse modulo 2**64, as many as a piece needs."""
    bases = _BASE, pow(_BASE, -1, 1 << 64)
    forth, back = (np.full(PIECE_BYTES + 2, base, np.uint64) for base in bases)
    return np.cumprod(forth, dtype=np.uint64), np.cumprod(back, dtype=np.uint64)


BREAK_HASH = word_hashes(BREAK.encode())[0]
