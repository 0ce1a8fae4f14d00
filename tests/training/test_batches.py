"""Batches of a run: how many, how long, and the same from any step on."""

import numpy as np
import pytest

from electra_bench.data.examples.batches import evaluation_batches
from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.tasks.examples import TaskExamples
from electra_bench.training.batches import COMPOSITIONS, TrainingBatches

LENGTHS = (3, 11, 9, 4, 12, 10, 5)


def stored(folder, lengths):
    with ExampleWriter(str(folder)) as writer:
        for number, length in enumerate(lengths):
            writer.append(
                {
                    "input_ids": np.full(length, number + 1, np.int32),
                    "segment_ids": np.zeros(length, np.int32),
                    "labels": np.array([0], np.int32),
                    "values": np.zeros(0, np.float32),
                }
            )
    return TaskExamples("made_up", 1.0, ExampleStore([str(folder)]), "no hash")


@pytest.fixture
def train(tmp_path):
    return stored(tmp_path / "store", LENGTHS)


def all_ids(batches, seed=0, first=0):
    return [b.input_ids.numpy() for b in batches.dataset(seed)(first)]


def test_grouped_by_length(train):
    batches = TrainingBatches.passes([train], 2, 2.0, "by_length")
    ids = all_ids(batches)
    # Whole batches only: a pass leaves out one of the seven.
    assert len(ids) == batches.num_steps == 6
    assert {array.shape for array in ids} == {(2, 8), (2, 12)}
    for epoch in (ids[:3], ids[3:]):
        assert len({row[0] for array in epoch for row in array}) == 6


def test_tasks_in_proportion_to_their_sizes_are_grouped_together(train, tmp_path):
    other = stored(tmp_path / "other", (6, 7, 8))
    assert 3.85 / 7 != 1.65 / 3  # in their last bit
    parts = [train._replace(rate=3.85), other._replace(rate=1.65)]
    batches = TrainingBatches.passes(parts, 2, 2.0, "by_length")
    assert batches.num_steps == 10
    rows = [
        (int(task), row[0])
        for batch in batches.dataset(0)(0)
        for task, row in zip(batch.task_id, batch.input_ids.numpy(), strict=True)
    ]
    assert len(set(rows[:10])) == len(set(rows[10:])) == 10
    # At other rates rows are drawn, some of them twice.
    parts[1] = other._replace(rate=3.85)
    drawn = TrainingBatches.passes(parts, 2, 2.0, "by_length")
    ids = [batch.task_id.numpy() for batch in drawn.dataset(0)(0)]
    assert np.mean(ids) == pytest.approx(0.5, abs=0.1)


def test_at_random_is_padded_for_the_longest(train):
    # Four batches hold seven examples; the original counts those.
    batches = TrainingBatches.passes([train], 2, 1.5, "random")
    ids = all_ids(batches)
    assert len(ids) == batches.num_steps == 6
    for array in ids:
        longest = max(LENGTHS[row[0] - 1] for row in array)
        assert array.shape[1] == min(-(-longest // 8) * 8, max(LENGTHS))


def test_packed_batches_are_those_at_random_in_fewer_rows(train):
    shared = TrainingBatches.passes([train], 4, 3.0, "packed")
    plain = TrainingBatches.passes([train], 4, 3.0, "random")
    assert shared.num_steps == plain.num_steps
    saved = 0
    for packed, other in zip(shared.dataset(0)(0), plain.dataset(0)(0), strict=True):
        assert packed.input_ids.shape == (4, 12) and not other.is_packed
        ids, expected = (b.example_id.numpy().tolist() for b in (packed, other))
        assert sorted(ids) == sorted(expected)
        assert packed.input_ids[:, 0].numpy().tolist() == [i + 1 for i in ids]
        saved += 4 - packed.rows.shape[1]
        assert int(packed.num_positions) == 12 * packed.rows.shape[1]
    assert saved > 0


def test_a_mixture_is_of_one_length(train):
    ids = all_ids(TrainingBatches.mixture([train, train], 4, 5, 20))
    assert [array.shape for array in ids] == [(4, 20)] * 5


@pytest.mark.parametrize("composition", ["by_length", "random", "packed"])
def test_a_later_step_is_the_same_from_there_on(train, composition):
    batches = TrainingBatches.passes([train], 2, 2.0, composition)
    for whole, rest in zip(all_ids(batches)[3:], all_ids(batches, 0, 3), strict=True):
        np.testing.assert_array_equal(whole, rest)
    other = all_ids(batches, seed=1)
    same = [np.array_equal(a, b) for a, b in zip(all_ids(batches), other, strict=True)]
    assert not all(same)


@pytest.mark.parametrize("composition", ["random", "by_length"])
def test_less_than_one_update(train, composition):
    said = r"0\.1 epochs of .* in batches of 2 are less than one update: .*EPOCHS"
    with pytest.raises(ValueError, match=said):
        TrainingBatches.passes([train], 2, 0.1, composition)


def test_an_unknown_composition(train):
    with pytest.raises(
        ValueError, match="one of by_length, random, packed; got 'sorted'"
    ):
        TrainingBatches.passes([train], 2, 1.0, "sorted")


@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_no_batch_is_longer_than_the_longest_row(train, composition):
    # An encoder may have no positions beyond it.
    batches = TrainingBatches.passes([train], 2, 2.0, composition)
    widths = {array.shape[1] for array in all_ids(batches)}
    widths |= {b.input_ids.shape[1] for b in evaluation_batches(train.store, 2)}
    assert max(widths) == max(LENGTHS) == 12
