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


def network(layers, vocab=8, slots=False):
    """Names and shapes as of an encoder of so many layers, and a head."""
    shapes = {
        "electra/embeddings/word_embeddings": (vocab, 2),
        "discriminator_predictions/dense/bias": (2,),
    }
    for layer in range(layers):
        for part in ("kernel", "bias", "gamma"):
            shapes[f"electra/encoder/layer_{layer}/{part}"] = (3,)
    if slots:
        shapes |= {f"{name}/adam_m": shape for name, shape in shapes.items()}
    return shapes


def test_slots_of_any_optimizer_are_told_from_variables():
    shapes = network(1) | {"head/dense": [2, 3], "head/dense/kernel": [2]}
    slots = {f"{name}/lion_m": shape for name, shape in shapes.items()}
    slots["electra/embeddings/word_embeddings/second"] = (8, 2)
    found = checkpoints.slot_names({**shapes, **slots, "global_step": []})
    assert found == slots.keys()


def refused(tmp_path, there, here):
    prefix = Checkpoints(str(tmp_path)).save(
        1, {name: tf.zeros(shape) for name, shape in there.items()}, {}
    )
    target = {name: tf.Variable(tf.ones(shape)) for name, shape in here.items()}
    with pytest.raises(CheckpointError) as error:
        checkpoints.restore(prefix, target)
    assert all((variable.numpy() == 1.0).all() for variable in target.values())
    return str(error.value)


def test_all_that_does_not_fit_is_named_and_nothing_is_read(tmp_path):
    there, here = network(3, slots=True), network(1)
    there["electra/encoder/layer_0/bias"] = (4,)
    for slot in ("", "/adam_m"):
        del there[f"electra/encoder/layer_0/gamma{slot}"]
    said = refused(tmp_path, there, here)
    names = [name for name in network(3) if "layer_1" in name or "layer_2" in name]
    assert "has 6 that the model lacks" in said
    assert all(name in said for name in names) and "adam_m" not in said
    assert "lacks 1 of 5 variables: electra/encoder/layer_0/gamma" in said
    assert "electra/encoder/layer_0/bias is [4] there, [3] here" in said
    deep = refused(tmp_path / "deep", network(1), network(4))
    assert all(name in deep for name in network(4) if name not in network(1))


def test_other_networks_and_heads_are_left_alone(tmp_path):
    there = network(2, slots=True) | {
        "generator/encoder/layer_0/kernel": (3,),
        "task_specific/cola/dense/bias": (2,),
        "task_specific/rte/dense/bias": (2,),
    }
    prefix = Checkpoints(str(tmp_path)).save(
        1, {name: tf.zeros(shape) for name, shape in there.items()}, {}
    )
    wanted = {n: s for n, s in network(2).items() if n.startswith("electra/")}
    wanted["task_specific/rte/dense/bias"] = (2,)
    target = {name: tf.Variable(tf.ones(shape)) for name, shape in wanted.items()}
    assert checkpoints.restore(prefix, target) == 1
    assert all((variable.numpy() == 0.0).all() for variable in target.values())


def test_another_vocabulary_is_said_to_be_one(tmp_path):
    said = refused(tmp_path, network(1, vocab=9), network(1, vocab=8))
    assert "word_embeddings is [9, 2] there, [8, 2] here" in said
    assert "with a vocabulary of 9 tokens, and this one has 8" in said


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
