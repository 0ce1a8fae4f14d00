"""Checkpoints are complete or absent, and what does not fit is named."""

import os

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.training import checkpoints
from electra_bench.training.checkpoints import CheckpointError, Checkpoints


def tensors(value):
    return {"electra/a/kernel": tf.fill([2, 3], value), "electra/a/bias": tf.zeros([3])}


def variables(shape=(2, 3)):
    return {
        "electra/a/kernel": tf.Variable(tf.zeros(shape)),
        "electra/a/bias": tf.Variable(tf.ones([3])),
    }


def test_the_newest_and_the_best_are_kept(tmp_path):
    saved = Checkpoints(str(tmp_path), keep=2)
    for step in (10, 20, 30, 40):
        saved.save(step, tensors(float(step)), {"tokens": step})
        if step == 10:
            saved.mark_best(10, "accuracy", 0.5)
    steps = sorted(name for name in os.listdir(tmp_path) if name.endswith(".index"))
    assert steps == [f"model.ckpt-{step}.index" for step in (10, 30, 40)]
    assert saved.latest == str(tmp_path / "model.ckpt-40")
    assert saved.best.prefix == str(tmp_path / "model.ckpt-10")
    assert checkpoints.read_state(saved.latest) == {"tokens": 40}


def test_values_and_step_come_back_by_name(tmp_path):
    prefix = Checkpoints(str(tmp_path)).save(7, tensors(3.0), {})
    target = variables()
    assert checkpoints.restore(prefix, target) == 7
    np.testing.assert_array_equal(target["electra/a/kernel"], np.full((2, 3), 3.0))
    names = dict(tf.train.list_variables(prefix))
    assert names["global_step"] == []


def test_missing_and_misshaped_variables_are_named(tmp_path):
    prefix = Checkpoints(str(tmp_path)).save(7, tensors(3.0), {})
    with pytest.raises(
        CheckpointError, match=r"kernel is \[2, 3\] there, \[4, 3\] here"
    ):
        checkpoints.restore(prefix, variables((4, 3)))
    more = variables() | {"electra/b/kernel": tf.Variable(0.0)}
    with pytest.raises(CheckpointError, match="lacks 1 of 3 .*electra/b/kernel"):
        checkpoints.restore(prefix, more)


def test_a_half_written_checkpoint_does_not_count(tmp_path):
    saved = Checkpoints(str(tmp_path))
    first = saved.save(10, tensors(1.0), {})
    # As SIGKILL leaves it: the folder of the write, and a data file without its index.
    (tmp_path / ".partial").mkdir()
    (tmp_path / ".partial" / "model.ckpt-20.index").write_bytes(b"half")
    (tmp_path / "model.ckpt-20.data-00000-of-00001").write_bytes(b"half")
    again = Checkpoints(str(tmp_path))
    assert again.latest == first
    assert again.save(20, tensors(2.0), {}) == again.latest


def test_a_relative_folder_is_found_again_wherever_it_is_moved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = Checkpoints("run/checkpoints")
    assert saved.save(5, tensors(1.0), {}) == saved.latest
    os.rename("run", "moved")
    found = checkpoints.find_checkpoint("moved")
    assert checkpoints.restore(found, variables()) == 5


def test_find_checkpoint_takes_prefix_folder_and_run(tmp_path):
    prefix = Checkpoints(str(tmp_path / "checkpoints")).save(5, tensors(1.0), {})
    for path in (tmp_path, tmp_path / "checkpoints", prefix):
        assert checkpoints.find_checkpoint(str(path)) == prefix
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        checkpoints.find_checkpoint(str(tmp_path / "nothing"))
