"""Examples of a batch in shared rows: each whole, each task by itself, few rows."""

import numpy as np
import pytest

from electra_bench.data.examples.packing import packed

ROOM = 48


def filled(lengths, found):
    """Tokens that stand at every place; none may stand where another does."""
    places = np.zeros(found.num_rows * ROOM, int)
    for example, first in zip(found.order, found.place, strict=True):
        assert first % ROOM + lengths[example] <= ROOM, "beyond the end of its row"
        places[first : first + lengths[example]] += 1
    assert places.max() == 1
    return places.reshape(found.num_rows, ROOM)


@pytest.mark.parametrize("seed", range(5))
def test_every_example_stands_whole_in_one_row(seed):
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.gamma(6.0, 2.0, 32).round().astype(int), 4, ROOM)
    found = packed(lengths, np.zeros(32, int), ROOM)
    assert sorted(found.order) == list(range(32))
    assert np.all(np.diff(found.place) > 0)
    rows = filled(lengths, found)
    # One more than without any room left, at most.
    assert found.num_rows <= -(-lengths.sum() // ROOM) + 1
    assert np.all(rows.any(axis=1))


def test_long_examples_stand_alone():
    lengths = np.array([ROOM, 30, ROOM - 10, 25, 10])
    found = packed(lengths, np.zeros(5, int), ROOM)
    assert found.num_rows == 4
    rows = dict(zip(found.order.tolist(), (found.place // ROOM).tolist(), strict=True))
    assert len({rows[0], rows[1], rows[2], rows[3]}) == 4


def test_tasks_share_no_row_and_follow_one_another():
    lengths, tasks = np.full(9, 12), np.array([1, 0, 2, 0, 1, 0, 2, 2, 0])
    found = packed(lengths, tasks, ROOM)
    assert tasks[found.order].tolist() == sorted(tasks)
    assert (found.place // ROOM).tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2]


def test_large_batches_have_few_numbers_of_rows():
    rng = np.random.default_rng(0)
    numbers = {
        packed(rng.integers(4, ROOM, 256), np.zeros(256, int), ROOM).num_rows
        for _ in range(50)
    }
    assert all(number % 8 == 0 for number in numbers) and len(numbers) <= 5
