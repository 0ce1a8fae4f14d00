"""Checkpoints are written beside training: of their step, and none gets lost."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.training import checkpoints
from electra_bench.training.checkpoints import Checkpoints
from electra_bench.training.written_behind import WrittenBehind


def fail():
    raise OSError("no space")


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_checkpoint_has_the_values_of_its_step(tmp_path, jit_compile):
    variable = tf.Variable(tf.ones([100, 100]))
    rows = tf.Variable(tf.ones([100, 100]))

    @tf.function(jit_compile=jit_compile)
    def update():
        variable.assign_sub(tf.ones_like(variable))
        rows.assign(rows + 1.0)

    @tf.function
    def update_rows():
        rows.scatter_nd_add([[0]], tf.ones([1, 100]))

    saved, may_write = Checkpoints(str(tmp_path)), threading.Event()
    values = {"variable": variable.read_value(), "rows": rows.read_value()}

    def write():
        assert may_write.wait(60)
        saved.save(1, values, {})

    with WrittenBehind() as behind:
        behind.start(write)
        for _ in range(3):
            update()
            update_rows()
        may_write.set()
    assert variable.numpy().max() == -2.0 and rows.numpy().max() == 7.0
    reader = checkpoints.open_reader(saved.latest)
    for name in values:
        np.testing.assert_array_equal(reader.get_tensor(name), np.ones([100, 100]))


@pytest.mark.parametrize("how", ["check", "wait", "start", "end"])
def test_what_fails_is_raised(how):
    with pytest.raises(OSError, match="no space"), WrittenBehind() as behind:
        behind.start(fail)
        while not behind._written.done():
            pass
        if how == "start":
            behind.start(lambda: None)
        elif how != "end":
            getattr(behind, how)()


def test_another_error_goes_first():
    with pytest.raises(ZeroDivisionError), WrittenBehind() as behind:
        behind.start(fail)
        1 / 0  # noqa: B018


def test_one_is_written_at_a_time():
    done = []
    with WrittenBehind() as behind:
        for number in range(5):
            behind.start(lambda number=number: done.append(number))
            behind.wait()
            assert done[-1] == number
    assert done == list(range(5))
