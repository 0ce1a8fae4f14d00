"""Killed at any moment and run again, a run ends as if it had not been killed."""

import json
import multiprocessing
import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from small_runs import merged

KILLS = 3
# A server that has TensorFlow loaded and forks a process for every start of the run.
START = multiprocessing.get_context("forkserver")
START.set_forkserver_preload(
    ["electra_bench.runs.pretrain", "electra_bench.runs.finetune"]
)


def launch(root, bindings):
    """One start of the run, in a process of its own."""
    from electra_bench.runs.launch import launch

    launch(root, [f"runs/{root}.gin"], bindings)


def start(root, bindings):
    process = START.Process(target=launch, args=(root, bindings))
    process.start()
    return process


def moved(bindings, folder):
    return [
        f"WORKDIR = {str(folder)!r}" if b.startswith("WORKDIR") else b for b in bindings
    ]


def kill_somewhere(process, run_dir, rng, in_checkpoint):
    """SIGKILL after a random time of training, or in the middle of a checkpoint."""
    checkpoints = run_dir / "checkpoints"
    deadline = time.monotonic() + 120
    before = set(os.listdir(checkpoints)) if checkpoints.exists() else set()
    while not checkpoints.exists() or set(os.listdir(checkpoints)) == before:
        if not process.is_alive() or time.monotonic() > deadline:
            break
        time.sleep(0.002)
    if in_checkpoint:
        while process.is_alive() and not (checkpoints / ".partial").exists():
            pass
        during_checkpoint = process.is_alive()
    else:
        time.sleep(rng.uniform(0.0, 0.3))
        during_checkpoint = False
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive, during_checkpoint


def weights(run_dir):
    prefix = tf.train.latest_checkpoint(run_dir / "checkpoints")
    reader = tf.train.load_checkpoint(prefix)
    return {
        name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
    }


@pytest.mark.parametrize("root", ["pretrain", "finetune"])
def test_a_killed_run_ends_as_an_unbroken_one(root, request, tmp_path):
    bindings = request.getfixturevalue(f"{root}_bindings")
    if root == "pretrain":  # the one that draws most at random
        bindings = merged(bindings, ["OBJECTIVE = 'electra'"])
    name = {"pretrain": "pretrain-small-s0", "finetune": "small-cola-s0"}[root]
    runs = {kind: tmp_path / kind / name for kind in ("unbroken", "killed")}
    whole = start(root, moved(bindings, tmp_path / "unbroken"))
    whole.join()
    assert whole.exitcode == 0

    rng = random.Random(2020)
    killed = []
    for number in range(KILLS):
        process = start(root, moved(bindings, tmp_path / "killed"))
        killed.append(kill_somewhere(process, runs["killed"], rng, number % 2 == 0))
    assert sum(alive for alive, _ in killed) >= 2, "the run was over before the kills"
    assert any(during for _, during in killed), "no kill fell into a checkpoint"
    last = start(root, moved(bindings, tmp_path / "killed"))
    last.join()
    assert last.exitcode == 0

    expected, found = weights(runs["unbroken"]), weights(runs["killed"])
    assert expected.keys() == found.keys()
    for variable, value in expected.items():
        np.testing.assert_array_equal(value, found[variable], err_msg=variable)
    lines = {kind: _lines(run) for kind, run in runs.items()}
    assert lines["unbroken"] == lines["killed"]
    scores = {kind: _record(run)["results"][0]["metrics"] for kind, run in runs.items()}
    assert scores["unbroken"] == scores["killed"]


def _lines(run_dir: Path) -> list[str]:
    return (run_dir / "metrics.jsonl").read_text().splitlines()


def _record(run_dir: Path) -> dict:
    return json.loads((run_dir / "record.json").read_text())
