"""Order and mixing are functions of the step."""

import collections

import numpy as np
import pytest

from electra_bench.data.examples.batch_plan import ByLengthPlan, RandomPlan, Shuffled


def test_every_epoch_has_every_row_once_in_another_order():
    order = Shuffled(10, (1,))
    epochs = [[order[10 * e + i] for i in range(10)] for e in range(3)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_mixture_follows_its_rates():
    rates = [0.7, 0.2, 0.1]
    plan = RandomPlan([1000, 50, 7], rates, batch_size=10, seed=3)
    rows = [row for step in range(1000) for row in plan[step]]
    counts = collections.Counter(row.task for row in rows)
    for task, rate in enumerate(rates):
        assert counts[task] / len(rows) == pytest.approx(rate, abs=0.002)
    # Each task goes through all of its rows before it repeats one.
    small = [row.index for row in rows if row.task == 2]
    for start in range(0, len(small) - 7, 7):
        assert sorted(small[start : start + 7]) == list(range(7))


def test_a_rate_below_one_in_a_block_gets_its_share():
    plan = RandomPlan([9, 9], [1e4, 1.0], batch_size=100, seed=0)
    rows = [row for step in range(400) for row in plan[step]]
    assert collections.Counter(row.task for row in rows)[1] == 4


def test_any_step_can_be_asked_for_alone():
    def plan():
        return RandomPlan([100, 30], [3, 1], batch_size=8, seed=5)

    in_order = plan()
    expected = [in_order[step] for step in range(300)]
    for step in (299, 0, 128, 127, 129):
        assert plan()[step] == expected[step]


def test_seeds_give_other_orders():
    one, two = (RandomPlan([100], [1], 16, seed)[0] for seed in (1, 2))
    assert one != two


def test_by_length_batches_hold_similar_lengths_and_every_row_once():
    lengths = np.random.default_rng(0).integers(3, 60, 999)
    plan = ByLengthPlan([lengths], 32, seed=1)
    assert plan.steps_per_epoch == 31
    for epoch in range(2):
        rows = [row.index for step in range(31) for row in plan[31 * epoch + step]]
        assert len(set(rows)) == len(rows) == 31 * 32
    padded = sum(32 * max(lengths[r.index] for r in plan[s]) for s in range(31))
    assert padded < 1.2 * lengths.sum()
    assert [r.index for r in plan[0]] != [r.index for r in plan[31]]


def test_a_batch_larger_than_the_data_is_an_error():
    with pytest.raises(
        ValueError, match="batch size 8 exceeds the 3 training examples"
    ):
        ByLengthPlan([np.array([3, 4, 5])], 8, seed=0)
