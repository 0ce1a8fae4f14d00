"""Texts that differ in form only have the same words."""

import numpy as np
import pytest

from electra_bench.data.leaks.words import PIECE_BYTES, folded, word_hashes


def words(*texts):
    return word_hashes(folded(texts)).tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A  small\tDog.", "a small dog"),
        ("I don't know", "I do n't know ."),
        ("It’s “fine”—really", 'it\'s "fine" - really'),
        ("na\u00efve caf\u00e9", "NAI\u0308VE CAFE\u0301"),
        ("Straße", "STRASSE"),
        ("ｆｕｌｌ ﬁsh", "full fish"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("日本語", "日 本 語"),
        ("3.5 kg", "3 5 kg"),
        ("a \u2764\ufe0f b", "a \u2764 b"),
        ("\u0958", "\u0915\u093c"),
    ],
)
def test_forms_of_one_text(one, other):
    assert words(one) == words(other) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ab c", "a bc"),
        ("a b", "b a"),
        ("cafe", "café"),
        ("do", "do do"),
        ("a", ""),
        # Of one consonant: "of" in two genders, of Thai "come" and "horse".
        ("की", "का"),
        ("มา", "ม้า"),
    ],
)
def test_different_texts(one, other):
    assert words(one) != words(other)


def test_a_text_is_hashed_in_pieces_as_its_words_are():
    rng = np.random.default_rng(0)
    parts = [
        "".join(map(chr, rng.integers(97, 123, n))) for n in rng.integers(1, 9, 500)
    ]
    text = " ".join(parts * (3 * PIECE_BYTES // len(" ".join(parts))))
    single = {part: words(part)[0] for part in parts}
    assert words(text) == [single[part] for part in text.split(" ")]
    # One word without an end still has a hash.
    assert words("x" * (2 * PIECE_BYTES))
