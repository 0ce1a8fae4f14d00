"""N-grams of texts are found in other text: all of them, and no others."""

import numpy as np
import pytest

from electra_bench.data.leaks import scan
from electra_bench.data.leaks.ngrams import NgramIndex, TextNgrams, places_in
from electra_bench.data.leaks.scan import found_in
from electra_bench.data.text.streams import Document, document_part

EXAMPLE = [f"word{i}" for i in range(10)]


def shares(texts, documents, processes=1):
    """Which part of the n-grams of every text is found; None where there are none."""
    ngrams = TextNgrams.of(texts, 3, 5)
    index = NgramIndex(ngrams, 3, 5)
    found = found_in(documents, index, processes)
    is_found = found[places_in(index.hashes, ngrams.hashes)[1]]
    total = np.bincount(ngrams.owners, minlength=len(texts))
    counts = np.bincount(ngrams.owners, is_found, minlength=len(texts))
    return [c / t if t else None for c, t in zip(counts, total, strict=True)]


def as_documents(*texts):
    return [Document(str(i), text) for i, text in enumerate(texts)]


def by_hand(texts, other):
    """The same by sets of words."""
    words = other.lower().split()
    known = {tuple(words[i : i + n]) for n in (3, 4, 5) for i in range(len(words))}
    expected = []
    for text in texts:
        own = text.lower().split()
        n = min(5, len(own))
        grams = [tuple(own[i : i + n]) for i in range(len(own) - n + 1)]
        expected.append(sum(g in known for g in grams) / len(grams) if n > 2 else None)
    return expected


def test_random_texts_as_by_hand():
    rng = np.random.default_rng(1)

    def text(size):
        return " ".join("abcdef"[i] for i in rng.integers(0, 6, size))

    texts = [text(size) for size in rng.integers(1, 30, 300)]
    other = text(3000)
    found = shares(texts, as_documents(other.upper()))
    assert found == pytest.approx(by_hand(texts, other))
    assert {0 < share < 1 for share in found if share} == {True, False}


def test_lines_of_a_document_go_on_and_documents_do_not():
    first, second = " ".join(EXAMPLE[:5]), " ".join(EXAMPLE[5:])
    texts = [" ".join(EXAMPLE)]
    assert shares(texts, as_documents(f"{first}\n{second}")) == [1.0]
    # Two of the six n-grams are within one of both.
    assert shares(texts, as_documents(first, second)) == [pytest.approx(2 / 6)]
    parts = [
        document_part([first], None, end=False),
        document_part([second], "id", end=True),
    ]
    assert shares(texts, parts) == [1.0]


def test_several_processes_find_what_one_does(monkeypatch):
    monkeypatch.setattr(scan, "BLOCK_CHARS", 10)
    documents = as_documents(*[f"{word} of no use" for word in EXAMPLE], "x y z w v u")
    texts = ["word3 of no use", "z w v", "w z v"]
    assert shares(texts, documents, 2) == shares(texts, documents) == [1.0, 1.0, 0.0]


def test_nothing_to_look_for_or_to_look_in():
    assert shares(["too short"], as_documents("too short of a text")) == [None]
    assert shares(["a b c"], []) == [0.0]
