"""Texts that are nearly equal, without comparing all with all.

Two sets of n-grams with a Jaccard index of at least t share an n-gram among the first
`size - ceil(t * size) + 1` of each, in any one order of all n-grams. With the rarest
first few pairs are left, and these are compared.

Source: Chaudhuri, Ganti, Kaushik 2006, "A Primitive Operator for Similarity Joins in Data
Cleaning", prefix filter.
"""

import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse

from electra_bench.data.leaks.ngrams import Filter, TextNgrams, distinct, places_in

# Words of an n-gram; a text of fewer words is one n-gram.
WORDS = 5
# Of the n-grams of two texts that are near, so many of 10 are in both.
SHARED_OF_TEN = 9
# Of one text no more near ones are kept: nobody reads more, and templates have millions.
MAX_NEAR = 1000
# Pairs that are compared at once.
PAIRS = 1 << 18


def blanks_folded(text: str) -> str:
    """A text without differences of case and white space."""
    return " ".join(text.casefold().split())


def characters_folded(text: str) -> str:
    """A text without differences of case, white space and forms of one character."""
    return blanks_folded(unicodedata.normalize("NFKC", text))


def near_texts(ours: Sequence[str], theirs: Sequence[str]) -> list[list[int]]:
    """For each of our texts the numbers of theirs that are equal or near.

    Equal after `characters_folded`, or with a Jaccard index of their sets of 5-grams of
    words of at least 0.9. So texts of fewer than 15 words are near if they have the same
    n-grams. At most `MAX_NEAR` for each, equal ones first.

    Args:
        ours: different texts.
        theirs: different texts.
    """
    by_form = defaultdict(list)
    for number, text in enumerate(theirs):
        by_form[characters_folded(text)].append(number)
    # In their order, each once.
    found = [dict.fromkeys(by_form.get(characters_folded(text), ())) for text in ours]
    for our, their in _similar(ours, theirs):
        found[our][their] = None
    return [[*itertools.islice(numbers, MAX_NEAR)] for numbers in found]


def _similar(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of texts with n-grams of which nine tenths are the same; `MAX_NEAR` of each."""
    our, their = (TextNgrams.of(texts, 1, WORDS) for texts in (ours, theirs))
    columns = distinct(our.hashes)
    a, b = (_matrix(n, columns, len(t)) for n, t in ((our, ours), (their, theirs)))
    sizes = np.diff(a.indptr), _sizes(their, len(theirs))
    # What only they have counts as the rarest, though it is in no column.
    counts = np.asarray(a.sum(0) + b.sum(0)).ravel()
    order = np.argsort(np.argsort(counts, kind="stable"))
    prefixes = (_prefixes(m, order, n) for m, n in zip((a, b), sizes, strict=True))
    for i, j in _candidates(*prefixes):
        both = np.asarray(a[i].multiply(b[j]).sum(1)).ravel()
        either = sizes[0][i] + sizes[1][j] - both
        is_near = 10 * both >= SHARED_OF_TEN * either
        i, j = i[is_near], j[is_near]
        # A row of ours is whole in one part, its pairs one after the other.
        kept = np.arange(len(i)) - np.searchsorted(i, i) < MAX_NEAR
        yield from zip(i[kept].tolist(), j[kept].tolist(), strict=True)


def _matrix(
    ngrams: TextNgrams, columns: np.ndarray, rows: int
) -> scipy.sparse.csr_array:
    """Which text has which of some n-grams; int32 [rows, columns]."""
    passed = np.flatnonzero(Filter(columns).passes(ngrams.hashes))
    found, at = places_in(columns, ngrams.hashes[passed])
    entries = np.ones(len(at), np.int32), (ngrams.owners[passed[found]], at)
    matrix = scipy.sparse.csr_array(entries, (rows, len(columns)))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _sizes(ngrams: TextNgrams, rows: int) -> np.ndarray:
    """How many different n-grams each text has; int64 [rows]."""
    # 40 bits tell the n-grams of one text apart, and one sort is faster than two.
    own = np.uint64(40)
    keys = (ngrams.owners.astype(np.uint64) << own) | (ngrams.hashes >> (64 - own))
    return np.bincount((distinct(keys) >> own).astype(np.int64), minlength=rows)


def _prefixes(
    matrix: scipy.sparse.csr_array, order: np.ndarray, sizes: np.ndarray
) -> scipy.sparse.csr_array:
    """The n-grams of every text that come first in an order, as many as need be.

    Args:
        matrix: see `_matrix`.
        order: place of every column.
        sizes: n-grams of every text, also those of no column, which come before all.
    """
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    by_order = np.lexsort((order[matrix.indices], rows))
    place = np.arange(len(rows)) - matrix.indptr[rows]
    outside = sizes - np.diff(matrix.indptr)
    needed = sizes - (SHARED_OF_TEN * sizes + 9) // 10 + 1
    kept = by_order[place < (needed - outside)[rows]]
    chosen = matrix.data[kept], (rows[kept], matrix.indices[kept])
    return scipy.sparse.csr_array(chosen, matrix.shape)


def _candidates(a: scipy.sparse.csr_array, b: scipy.sparse.csr_array):
    """Pairs of rows that share a column, in parts of about `PAIRS`, in order of `a`."""
    of_column = np.bincount(b.indices, minlength=b.shape[1])
    rows = np.repeat(np.arange(a.shape[0]), np.diff(a.indptr))
    work = np.bincount(rows, of_column[a.indices], minlength=a.shape[0])
    parts = (np.cumsum(work) // PAIRS).astype(np.int64)
    transposed = b.T.tocsr()
    for first, last in _runs(parts):
        pairs = (a[first:last] @ transposed).tocoo()
        yield pairs.row + first, pairs.col


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Where equal neighbours begin and end."""
    edges = np.flatnonzero(np.diff(values)) + 1
    marks = [0, *edges.tolist(), len(values)]
    return list(zip(marks[:-1], marks[1:], strict=True)) if len(values) else []
