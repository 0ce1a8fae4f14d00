"""Batches have few lengths, and those that give the fewest tokens."""

import itertools

import numpy as np
import pytest

from electra_bench.data.examples.padded_lengths import AT_MOST, padded_lengths

DRAWS = np.random.default_rng(0)
# As sentences are: most are short.
SHORT, LONG = (np.minimum(DRAWS.geometric(0.05, 300), most) for most in (47, 90))


def tokens(lengths, pad_to, drawn_together):
    """Expected length of a batch."""
    up_to = [np.mean(lengths <= length) ** drawn_together for length in pad_to]
    return np.dot(np.diff([0.0, *up_to]), pad_to)


@pytest.mark.parametrize("drawn_together", [1, 8])
@pytest.mark.parametrize("lengths", [SHORT, LONG])
def test_no_other_lengths_give_fewer_tokens(lengths, drawn_together):
    found = padded_lengths(lengths, drawn_together)
    last = int(lengths.max())
    others = [
        (*chosen, last)
        for number in range(AT_MOST)
        for chosen in itertools.combinations(range(8, last, 8), number)
    ]
    best = min(tokens(lengths, other, drawn_together) for other in others)
    assert len(found) <= AT_MOST
    assert tokens(lengths, found, drawn_together) == pytest.approx(best)


def test_every_row_has_room():
    assert padded_lengths(np.array([3, 511, 12])) == (8, 16, 511)
    assert padded_lengths(np.array([0])) == (1,)
    assert padded_lengths(np.array([64] * 5)) == (64,)
