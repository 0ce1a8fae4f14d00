"""Where a batch does not fit into the device's memory."""

import json

import numpy as np
import pytest
import tensorflow as tf
from test_trainer import Line, lines, train

from electra_bench.training.loop import Loop
from electra_bench.training.micro_batches import FILE_NAME, MicroBatches, OutOfMemory


class Large(Line):
    """There is no memory for many rows at once; TensorFlow's own error says so."""

    def __init__(self, most=2):
        super().__init__()
        self.most = most

    def loss_terms(self, batch, seed, training):
        def allocate(ids):
            if len(ids) > self.most:
                raise MemoryError("OOM when allocating tensor")
            return ids

        ids = tf.numpy_function(allocate, [batch.input_ids], tf.int32, False)
        ids = tf.ensure_shape(ids, batch.input_ids.shape)
        return super().loss_terms(batch._replace(input_ids=ids), seed, training)


def test_as_many_parts_as_are_needed_give_the_same_run(tmp_path, capsys):
    _, whole = train(tmp_path / "whole")
    capsys.readouterr()
    _, in_parts = train(tmp_path / "run", objective=Large(), micro_batches="auto")
    said = capsys.readouterr().err
    assert "batches of 8 do not fit" in said and "in 4 parts of 2" in said
    np.testing.assert_allclose(in_parts, whole, rtol=1e-5)
    for a, b in zip(lines(tmp_path / "whole"), lines(tmp_path / "run"), strict=True):
        assert a.pop("task", "") == b.pop("task", "")
        assert a.pop("phase") == b.pop("phase") and a == pytest.approx(b, rel=1e-4)
    assert json.loads((tmp_path / "run" / FILE_NAME).read_text()) == {"parts": 4}


def test_a_run_that_goes_on_takes_the_number_that_was_found(tmp_path, capsys):
    _, unbroken = train(tmp_path / "a", objective=Large(), micro_batches="auto")
    with pytest.raises(Exception, match=r"(?i)end of sequence|out of range"):
        train(tmp_path / "b", 11, objective=Large(), micro_batches="auto")
    capsys.readouterr()
    # Where there is more memory, too: sums of another order have other last bits.
    _, resumed = train(tmp_path / "b", objective=Large(8), micro_batches="auto")
    assert "do not fit" not in capsys.readouterr().err
    np.testing.assert_array_equal(resumed, unbroken)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")


def test_a_number_that_is_too_small_is_refused_with_the_cure(tmp_path):
    with pytest.raises(
        OutOfMemory, match=r"in 2 parts; bind training\.loop\.micro_batches to more"
    ):
        train(tmp_path, objective=Large(), micro_batches=2)
    with pytest.raises(OutOfMemory, match="one row at a time does not fit"):
        train(tmp_path, objective=Large(0), micro_batches="auto")


def test_what_needs_more_memory_later_goes_on_with_more_parts(tmp_path):
    objective = Large(8)
    (tmp_path / FILE_NAME).write_text('{"parts": 2}')
    objective.most = 2
    with pytest.raises(OutOfMemory, match="the same command goes on with 4"):
        train(tmp_path, objective=objective, micro_batches="auto")
    trained, _ = train(tmp_path, objective=Large(), micro_batches="auto")
    assert trained.steps == 20
    (tmp_path / FILE_NAME).write_text('{"pa')
    with pytest.raises(ValueError, match="is damaged; remove it"):
        train(tmp_path, objective=Large(), micro_batches="auto")


@pytest.mark.parametrize(
    ("rows", "fits", "parts"), [(8, 2, 4), (6, 2, 3), (12, 1, 12), (7, 3, 7), (5, 5, 1)]
)
def test_parts_are_of_one_size(tmp_path, rows, fits, parts):
    def attempt(number):
        if rows / number > fits:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    found = MicroBatches("auto", str(tmp_path), "mine").find(attempt, rows, print)
    assert (found, rows % found) == (parts, 0)


@pytest.mark.parametrize("bound", [0, -1, 2.0, "often", None])
def test_numbers_of_parts_that_are_none(bound):
    with pytest.raises(
        ValueError, match=r"micro_batches must be at least 1, or 'auto'"
    ):
        Loop(micro_batches=bound)
