"""Batches of a run: how many, how long, and the same from any step on."""

import numpy as np
import pytest

from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.tasks.examples import TaskExamples
from electra_bench.training.batches import TrainingBatches

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
    assert {array.shape for array in ids} == {(2, 8), (2, 16)}
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


def test_at_random_is_padded_to_the_longest(train):
    # Four batches hold seven examples; the original counts those.
    batches = TrainingBatches.passes([train], 2, 1.5, "random")
    ids = all_ids(batches)
    assert len(ids) == batches.num_steps == 6
    for array in ids:
        assert array.shape[1] == max(LENGTHS[row[0] - 1] for row in array)


def test_a_mixture_is_of_one_length(train):
    ids = all_ids(TrainingBatches.mixture([train, train], 4, 5, 20))
    assert [array.shape for array in ids] == [(4, 20)] * 5


@pytest.mark.parametrize("composition", ["by_length", "random"])
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
    with pytest.raises(ValueError, match="'by_length' or 'random', got 'sorted'"):
        TrainingBatches.passes([train], 2, 1.0, "sorted")
