"""Ctrl-C and a full disk end a command with one sentence and lose nothing."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess

import pytest
import tensorflow as tf
from small_runs import the_sentence

from electra_bench.cli.main import main
from electra_bench.records import read_record
from electra_bench.training import checkpoints, trainer
from electra_bench.training.checkpoints import Checkpoints
from electra_bench.training.progress import TrainingProgress

NAME = "pretrain-small-s0"
STEPS = ("TRAIN_STEPS = 10", "training.loop.eval_every = 0")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of examples."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))


def doing(patch, step, action):
    """Does something when a run has made so many steps."""

    class Progress(TrainingProgress):
        def update(self, now, *values):
            if now == step:
                action()
            return super().update(now, *values)

    patch.setattr(trainer, "TrainingProgress", Progress)


def newest(run_dir):
    return os.path.basename(Checkpoints(str(run_dir / "checkpoints")).latest)


@pytest.fixture
def assert_equals_an_unbroken_run(pretrain, tmp_path):
    """Compares weights and logged lines with those of a run without incidents."""

    def check(run_dir, *bindings):
        folder = tmp_path / "unbroken"
        assert main(pretrain(*bindings, f"WORKDIR = {str(folder)!r}")) == 0
        unbroken = folder / NAME
        lines = [(d / "metrics.jsonl").read_text() for d in (run_dir, unbroken)]
        assert lines[0] == lines[1]
        sums = [
            read_record(str(d / "record.json")).checkpoint_sha256
            for d in (run_dir, unbroken)
        ]
        assert sums[0] == sums[1]

    return check


def test_ctrl_c_writes_a_checkpoint_and_the_same_command_goes_on(
    pretrain, tmp_path, monkeypatch, capsys, assert_equals_an_unbroken_run, power
):
    bindings = (*STEPS, "training.loop.checkpoint_every = 0")
    with monkeypatch.context() as patch:
        doing(patch, 6, lambda: signal.raise_signal(signal.SIGINT))
        assert main(pretrain(*bindings)) == 1
    said = the_sentence(capsys.readouterr().err, "pretrain")
    assert "stopped after step 6 of 10; the same command goes on from there" in said
    run_dir = tmp_path / "runs" / NAME
    assert newest(run_dir) == "model.ckpt-6"
    assert not (run_dir / "record.json").exists()
    assert main(pretrain(*bindings)) == 0
    assert_equals_an_unbroken_run(run_dir, *bindings)
    power.check()


def test_no_space_for_a_checkpoint(
    pretrain, tmp_path, monkeypatch, capsys, assert_equals_an_unbroken_run
):
    write = checkpoints.write_tensors

    def write_half(prefix, tensors):
        if prefix.endswith("-8"):
            with open(f"{prefix}.index", "wb") as file:
                file.write(b"half")
            raise tf.errors.ResourceExhaustedError(
                None, None, f"{prefix}.data; {os.strerror(errno.ENOSPC)}"
            )
        write(prefix, tensors)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_tensors", write_half)
        assert main(pretrain(*STEPS)) == 1
    said = the_sentence(capsys.readouterr().err, "pretrain")
    assert said.startswith("the disk is full")
    run_dir = tmp_path / "runs" / NAME
    assert newest(run_dir) == "model.ckpt-6"
    assert main(pretrain(*STEPS)) == 0
    assert_equals_an_unbroken_run(run_dir, *STEPS)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder):
    """Takes all the space that is left."""
    with (
        contextlib.suppress(OSError),
        open(folder / "filler", "wb", buffering=0) as file,
    ):
        while file.write(b"x" * 4096):
            pass


def test_a_run_on_a_disk_that_fills_up(
    pretrain, small_disk, monkeypatch, capsys, assert_equals_an_unbroken_run
):
    bindings = (*STEPS, f"WORKDIR = {str(small_disk / 'runs')!r}")
    with monkeypatch.context() as patch:
        doing(patch, 8, lambda: fill(small_disk))
        assert main(pretrain(*bindings)) == 1
    said = the_sentence(capsys.readouterr().err, "pretrain")
    assert said.startswith("the disk is full")
    run_dir = small_disk / "runs" / NAME
    assert newest(run_dir) == "model.ckpt-6"
    assert main(pretrain(*bindings)) == 1, "the disk is still full"
    assert newest(run_dir) == "model.ckpt-6"
    os.remove(small_disk / "filler")
    assert main(pretrain(*bindings)) == 0
    assert_equals_an_unbroken_run(run_dir, *STEPS)


def test_a_corpus_on_a_full_disk(small_disk, text_file, vocab_file, capsys):
    argv = [
        *("corpus", "build", "--corpus-dir", str(text_file)),
        *("--vocab-file", str(vocab_file), "--output-dir", str(small_disk / "out")),
        *("--num-processes", "1"),
    ]
    fill(small_disk)
    assert main(argv) == 1
    said = the_sentence(capsys.readouterr().err, "corpus")
    assert said.startswith("the disk is full")
    assert os.listdir(small_disk) == ["filler"]
    os.remove(small_disk / "filler")
    assert main(argv) == 0


def test_a_vocabulary_on_a_full_disk(small_disk, text_file, capsys):
    argv = ["vocab", "train", str(text_file), "--size", "500", "--overwrite"]
    argv += ["--output", str(small_disk / "vocab.txt")]
    (small_disk / "vocab.txt").write_text("the old one")
    fill(small_disk)
    assert main(argv) == 1
    said = the_sentence(capsys.readouterr().err, "vocab")
    assert said.startswith("the disk is full")
    assert sorted(os.listdir(small_disk)) == ["filler", "vocab.txt"]
    assert (small_disk / "vocab.txt").read_text() == "the old one"


def test_examples_for_a_cache_on_a_full_disk(
    pretrain, small_disk, monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(small_disk / "cache"))
    fill(small_disk)
    assert main(pretrain(*STEPS)) in (1, 2)
    said = the_sentence(capsys.readouterr().err, "pretrain")
    assert said.startswith("the disk is full")
    assert not [path for path in small_disk.rglob("*") if path.is_file()][1:]
    assert not (tmp_path / "runs").exists()
