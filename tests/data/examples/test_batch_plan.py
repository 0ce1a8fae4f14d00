"""Order and mixing are functions of the step."""

import collections

import numpy as np
import pytest

from electra_bench.data.examples.batch_plan import ByLengthPlan, RandomPlan, Shuffled

# Task and row of the first draws of plans with the seed 7.
ORDER = [(0, 2), (0, 8), (0, 1), (0, 3), (1, 3), (0, 7), (0, 6), (1, 0), (0, 0)]
ORDER += [(1, 1), (0, 4), (0, 5), (0, 9), (1, 2), (1, 3), (0, 2), (0, 5), (1, 0)]
BY_LENGTH = [(0, 2), (0, 4), (0, 0), (1, 1), (0, 3), (1, 0), (0, 2), (0, 4), (0, 0)]


def test_every_epoch_has_every_row_once_in_another_order():
    order = Shuffled(10, (1,))
    epochs = [order.part(10 * e, 10).tolist() for e in range(3)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert order.part(7, 15).tolist() == [*epochs[0][7:], *epochs[1], *epochs[2][:2]]


def drawn(plan, steps):
    """Task and row of all draws of some steps."""
    columns = zip(*(plan[step] for step in steps), strict=True)
    return list(zip(*(np.concatenate(c).tolist() for c in columns), strict=True))


def test_a_mixture_follows_its_rates():
    rates = [0.7, 0.2, 0.1]
    plan = RandomPlan([1000, 50, 7], rates, batch_size=10, seed=3)
    rows = drawn(plan, range(1000))
    counts = collections.Counter(task for task, _ in rows)
    for task, rate in enumerate(rates):
        assert counts[task] / len(rows) == pytest.approx(rate, abs=0.002)
    # Each task goes through all of its rows before it repeats one.
    small = [index for task, index in rows if task == 2]
    for start in range(0, len(small) - 7, 7):
        assert sorted(small[start : start + 7]) == list(range(7))


def test_a_rate_below_one_in_a_block_gets_its_share():
    plan = RandomPlan([9, 9], [1e4, 1.0], batch_size=100, seed=0)
    assert sum(task for task, _ in drawn(plan, range(400))) == 4


def test_any_step_can_be_asked_for_alone():
    def plan():
        return RandomPlan([100, 30], [3, 1], batch_size=8, seed=5)

    in_order = plan()
    expected = drawn(in_order, range(300))
    for step in (299, 0, 128, 127, 129):
        assert drawn(plan(), [step]) == expected[8 * step : 8 * step + 8]


def test_seeds_give_other_orders():
    one, two = (drawn(RandomPlan([100], [1], 16, seed), [0]) for seed in (1, 2))
    assert one != two


def test_by_length_batches_hold_similar_lengths_and_every_row_once():
    lengths = np.random.default_rng(0).integers(3, 60, 999)
    plan = ByLengthPlan([lengths], 32, seed=1)
    assert plan.steps_per_epoch == 31
    for epoch in range(2):
        rows = drawn(plan, range(31 * epoch, 31 * (epoch + 1)))
        assert len(set(rows)) == len(rows) == 31 * 32
    padded = sum(32 * lengths[plan[step].indices].max() for step in range(31))
    assert padded < 1.2 * lengths.sum()
    assert drawn(plan, [0]) != drawn(plan, [31])


def test_the_order_of_a_seed_stays_as_it_was():
    # As the first version drew it, row by row.
    assert drawn(RandomPlan([10, 4], [3, 1], 6, seed=7), range(3)) == ORDER
    by_length = ByLengthPlan([np.array([5, 9, 3, 7, 4]), np.array([8, 6])], 3, seed=7)
    assert drawn(by_length, range(3)) == BY_LENGTH


def test_a_batch_larger_than_the_data_is_an_error():
    with pytest.raises(
        ValueError, match="batch size 8 exceeds the 3 training examples"
    ):
        ByLengthPlan([np.array([3, 4, 5])], 8, seed=0)
