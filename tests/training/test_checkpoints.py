"""Checkpoints are complete or absent, and what does not fit is named."""

import itertools
import os

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.training import checkpoint_files, checkpoints
from electra_bench.training.checkpoint_files import (
    SUFFIXES,
    CheckpointError,
    DamagedCheckpoint,
)
from electra_bench.training.checkpoints import Checkpoints


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
    assert checkpoint_files.read_state(saved.latest) == {"tokens": 40}


def test_values_and_step_come_back_by_name(tmp_path):
    prefix = Checkpoints(str(tmp_path)).save(7, tensors(3.0), {})
    target = variables()
    assert checkpoints.restore(prefix, target) == 7
    np.testing.assert_array_equal(target["electra/a/kernel"], np.full((2, 3), 3.0))
    names = dict(tf.train.list_variables(prefix))
    assert names["global_step"] == []


@pytest.mark.parametrize("name", ["exp[1]", "a*b", "what?", "back\\slash"])
def test_a_folder_may_look_like_a_pattern(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for folder in (name, str(tmp_path / name / "deeper")):
        prefix = Checkpoints(folder).save(7, tensors(3.0), {})
        target = variables()
        assert Checkpoints(folder).to_go_on() == prefix
        assert checkpoints.restore(prefix, target) == 7
        np.testing.assert_array_equal(target["electra/a/kernel"], np.full((2, 3), 3.0))


def test_what_training_goes_on_from_is_the_latest(two, tmp_path, capsys):
    # It was stopped before the file named the first one, or a later one.
    (tmp_path / "checkpoint").unlink()
    assert two.latest is None
    assert two.to_go_on() == two.latest == two.prefix(20)
    flip(tmp_path / "model.ckpt-20.data-00000-of-00001")
    assert two.to_go_on() == two.latest == two.prefix(10)
    assert "model.ckpt-10 is used" in capsys.readouterr().err


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


def test_a_checkpoint_is_on_the_disk_before_an_older_one_goes(tmp_path, power):
    saved = Checkpoints(str(tmp_path / "run" / "checkpoints"), keep=1)
    for step in (10, 20, 30):
        saved.save(step, tensors(1.0), {})
        saved.mark_best(step, "accuracy", step / 100)
    power.check()
    # The best one was 20 when 10 went.
    assert saved.steps == [20, 30]


def test_files_that_belong_to_no_checkpoint_go(tmp_path):
    saved = Checkpoints(str(tmp_path), keep=1)
    for orphan in ("20.data-00000-of-00001", "7.index", "7.sha256", "90.json"):
        (tmp_path / f"model.ckpt-{orphan}").touch()
    others = ("model.ckpt-x.index", "model.ckpt-7.notes", "mine.txt")
    for other in others:
        (tmp_path / other).touch()
    (tmp_path / ".partial").symlink_to(tmp_path)
    saved.save(30, tensors(1.0), {})
    kept = {"checkpoint", *(f"model.ckpt-30{suffix}" for suffix in SUFFIXES), *others}
    assert set(os.listdir(tmp_path)) == kept


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "flipped": flip,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "gone": os.remove,
}


@pytest.fixture
def two(tmp_path):
    """Checkpoints of steps 10 and 20."""
    saved = Checkpoints(str(tmp_path))
    for step in (10, 20):
        saved.save(step, tensors(float(step)), {"tokens": step})
    return saved


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    two, tmp_path, suffix, damage, capsys
):
    DAMAGES[damage](tmp_path / f"model.ckpt-20{suffix}")
    # Without its hashes it is as one of before, which is whole if it can be read.
    step = 20 if (suffix, damage) == (".sha256", "gone") else 10
    for found in (checkpoint_files.find_checkpoint(str(tmp_path)), two.to_go_on()):
        assert found == two.prefix(step)
    target = variables()
    assert checkpoints.restore(found, target) == step
    assert target["electra/a/kernel"].numpy()[0, 0] == float(step)
    said = capsys.readouterr().err.splitlines()
    if step == 10:
        assert said[0].startswith(f"warning: {two.prefix(20)} is damaged: ")
        assert f"model.ckpt-20{suffix} " in said[0] or suffix == ".sha256"
        assert said[0].endswith(f"; {two.prefix(10)} is used")
        with pytest.raises(DamagedCheckpoint, match="model.ckpt-20.* is damaged: "):
            checkpoints.restore(two.prefix(20), target)
        assert target["electra/a/kernel"].numpy()[0, 0] == 10.0


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        *itertools.product((".data-00000-of-00001", ".index"), DAMAGES),
        # A line of JSON has no checksum.
        *itertools.product((".json",), ("empty", "cut", "zeros")),
    ],
)
def test_a_damaged_checkpoint_of_before_falls_back_too(two, tmp_path, suffix, damage):
    for step in (10, 20):
        os.remove(tmp_path / f"model.ckpt-{step}.sha256")
    DAMAGES[damage](tmp_path / f"model.ckpt-20{suffix}")
    assert checkpoint_files.find_checkpoint(str(tmp_path)) == two.prefix(10)


@pytest.mark.parametrize("left", ["", "\0" * 40, "model_checkpoint_path: "])
def test_the_file_that_names_the_newest_is_not_needed(two, tmp_path, left):
    (tmp_path / "checkpoint").write_text(left)
    assert two.to_go_on() == two.prefix(20)
    os.truncate(tmp_path / "model.ckpt-20.index", 0)
    assert checkpoint_files.find_checkpoint(str(tmp_path)) == two.prefix(10)


def test_where_no_checkpoint_is_whole(two, tmp_path, capsys):
    for step in (10, 20):
        flip(tmp_path / f"model.ckpt-{step}.index")
    with pytest.raises(DamagedCheckpoint) as error:
        checkpoint_files.find_checkpoint(str(tmp_path))
    assert "model.ckpt-10.index has another content than was written; no other" in str(
        error.value
    )
    assert two.to_go_on() is None
    assert "training begins anew" in capsys.readouterr().err


def test_of_the_best_one_nothing_is_believed_that_was_not_written(tmp_path):
    saved, path = Checkpoints(str(tmp_path)), tmp_path / "best.json"
    saved.mark_best(10, "accuracy", 0.5)
    written = path.read_text()
    for before, after in (("10", "20"), ("0.5", "0.6"), ("0.5", "0.5, 1"), ("{", "[")):
        path.write_text(written.replace(before, after, 1))
        assert saved.best is None
    path.write_text("7")
    assert saved.best is None
    # Of an earlier version.
    path.write_text('{"step": 10, "metric": "accuracy", "value": 0.5}')
    assert saved.best[:3] == (10, "accuracy", 0.5)


def test_training_goes_on_before_a_damaged_best_one(two, tmp_path, capsys):
    two.mark_best(10, "accuracy", 0.5)
    flip(tmp_path / "model.ckpt-10.json")
    assert two.to_go_on() is None
    two.mark_best(20, "accuracy", 0.6)
    assert two.to_go_on() == two.prefix(20)
    flip(tmp_path / "model.ckpt-20.json")
    two.save(5, tensors(5.0), {})
    assert "the best one, is damaged" in capsys.readouterr().err
    (tmp_path / "best.json").write_text("")
    assert two.best is None


def test_a_relative_folder_is_found_again_wherever_it_is_moved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = Checkpoints("run/checkpoints")
    assert saved.save(5, tensors(1.0), {}) == saved.latest
    os.rename("run", "moved")
    found = checkpoint_files.find_checkpoint("moved")
    assert checkpoints.restore(found, variables()) == 5


def test_find_checkpoint_takes_prefix_folder_and_run(tmp_path):
    prefix = Checkpoints(str(tmp_path / "checkpoints")).save(5, tensors(1.0), {})
    for path in (tmp_path, tmp_path / "checkpoints", prefix):
        assert checkpoint_files.find_checkpoint(str(path)) == prefix
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        checkpoint_files.find_checkpoint(str(tmp_path / "nothing"))
