"""What both compute, that they conform, and a run that is killed and goes on."""

import json

import numpy as np
import pytest
import tensorflow as tf
from electra_bench_lion.optimizer import lion
from electra_bench_lion.schedule import cosine

from electra_bench.cli.main import main
from electra_bench.training.checkpoints import Checkpoints
from electra_bench.training.optimizer import Shared

TEXT = "the old mill by the river burnt down and nobody knew why it had been so"


def test_they_conform():
    assert main(["validate", "plugin", "electra-bench-lion"]) == 0


def test_every_element_moves_by_the_rate():
    variable = tf.Variable([1.0, 2.0], name="a/kernel")
    shared = Shared((variable,), {"a/kernel": 0.5}, lambda step: 0.1, 0.0, 0.0, False)
    optimizer = lion(shared, beta_1=0.5, beta_2=0.8)
    norm = optimizer.apply([tf.constant([3.0, -4.0])], tf.constant(0))
    np.testing.assert_allclose(norm, 5.0)
    np.testing.assert_allclose(variable, [0.95, 2.05])
    np.testing.assert_allclose(optimizer.slots["a/kernel/lion_m"], [0.6, -0.8], 1e-6)
    # A small gradient the other way does not yet turn the mean.
    optimizer.apply([tf.constant([-0.5, 0.5])], tf.constant(1))
    np.testing.assert_allclose(variable, [0.9, 2.1])


def test_the_schedule_warms_up_and_comes_down():
    rate = cosine(2.0, 110, 10, final_fraction=0.25)
    found = [float(rate(step)) for step in (0, 5, 10, 60, 110)]
    assert found == pytest.approx([0.0, 1.0, 2.0, 1.25, 0.5], abs=1e-6)


@pytest.mark.parametrize("build", [lion, cosine])
def test_settings_are_checked(build):
    wrong = {"beta_1": 1.0} if build is lion else {"final_fraction": -1.0}
    with pytest.raises(ValueError, match="must be in"):
        build(*[None] * (1 if build is lion else 3), **wrong)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A corpus and its vocabulary."""
    folder = tmp_path_factory.mktemp("texts")
    words = TEXT.split()
    lines = [" ".join(words[i % 7 :] + words[: i % 5]) for i in range(400)]
    (folder / "corpus.txt").write_text("\n\n".join(lines))
    corpus, vocab = (str(folder / name) for name in ("corpus.txt", "vocab.txt"))
    assert main(["vocab", "train", "--output", vocab, "--size", "120", corpus]) == 0
    return corpus, vocab


@pytest.fixture(autouse=True)
def seeded():
    """A run makes TensorFlow deterministic for good; then other tests need its seed."""
    yield
    tf.random.set_seed(1)


def pretrain(texts, workdir):
    """A pre-training of twelve steps."""
    corpus, vocab = texts
    sizes = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "ffn_size": 32}
    settings = {
        "CORPORA": {"lines": {"files": corpus, "holdout": 0.1}},
        "CORPUS": "lines",
        "VOCAB": vocab,
        "TRAIN_STEPS": 12,
        "BATCH_SIZE": 8,
        "MAX_SEQ_LENGTH": 32,
        "PRETRAIN_LEARNING_RATE": 1e-3,
        "WARMUP_STEPS": 2,
        "LABEL": "lion",
        "runs.pretrain.processes": 1,
        "training.optimizer.name": "lion",
        "training.schedule.name": "cosine",
        "training.cosine.final_fraction": 0.1,
        "training.loop.log_every": 1,
        "training.loop.checkpoint_every": 3,
        "models.electra.embedding_size": 16,
        **{f"models.electra.{name}": size for name, size in sizes.items()},
    }
    flags = [f"--gin.{name}={value!r}" for name, value in settings.items()]
    workdir = ["--workdir", str(workdir)]
    return main(["pretrain", "gin/runs/pretrain.gin", *workdir, *flags])


def contents(run):
    """Every tensor of the last checkpoint, and every logged line."""
    reader = tf.train.load_checkpoint(str(run / "checkpoints"))
    names = reader.get_variable_to_shape_map()
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return {name: reader.get_tensor(name) for name in names}, lines


def test_a_run_that_was_stopped_ends_as_an_unbroken_one(texts, tmp_path, monkeypatch):
    assert pretrain(texts, tmp_path / "whole") == 0
    save = Checkpoints.save

    def stops(checkpoints, step, *content):
        if step > 6:
            raise RuntimeError("the power has failed")
        return save(checkpoints, step, *content)

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", stops)
        assert pretrain(texts, tmp_path / "stopped") == 1
    assert pretrain(texts, tmp_path / "stopped") == 0
    runs = [tmp_path / name / "pretrain-lion-s0" for name in ("whole", "stopped")]
    (expected, lines), (found, other_lines) = map(contents, runs)
    assert lines == other_lines and expected.keys() == found.keys()
    assert any(name.endswith("/lion_m") for name in found)
    assert not any("adam" in name for name in found)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, found[name], err_msg=name)
    rates = [json.loads(line).get("learning_rate") for line in lines]
    rates = [rate for rate in rates if rate is not None]
    # Step 0 has rate 0; the peak comes after the warm-up of two steps.
    assert rates[0] == 0.0 and max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) == 2 and rates[-1] < 2e-4
    hparams = json.loads((runs[0] / "record.json").read_text())["hparams"]
    assert hparams["training.optimizer.name"] == "lion"
    assert hparams["training.optimizer.peak_lr"] == 1e-3
    assert hparams["training.schedule.warmup_steps"] == 2
    assert not any(name.startswith("training.adamw.") for name in hparams)
