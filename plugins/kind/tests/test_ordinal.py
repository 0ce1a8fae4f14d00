"""The kind, and a task of it."""

import math
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics
from electra_bench_ordinal.metric import quadratic_kappa

from electra_bench.cli.main import main
from electra_bench.tasks.metrics.weighted import list_form

SENTENCES = """\
sentence\tlabel
A triumph from the first scene to the last .\t4
It passes the time .\t2
Not quite as dull as its title .\t1
One would rather watch the rain .\t0
"""
SST5 = str(Path(__file__).parents[1] / "examples" / "sst5.py")


def test_it_conforms():
    assert main(["validate", "plugin", "electra-bench-ordinal"]) == 0


def test_a_task_of_it_conforms(tmp_path):
    (tmp_path / "sst5").mkdir()
    for split in ("train", "dev", "test"):
        (tmp_path / "sst5" / f"{split}.tsv").write_text(SENTENCES)
    arguments = ["--plugin", SST5, "--data_dir", str(tmp_path)]
    assert main(["validate", "plugin", *arguments]) == 0


def test_kappa_of_weighted_examples_is_scikit_learns():
    random = np.random.default_rng(1)
    targets = random.integers(0, 5, 60)
    found = np.clip(targets + random.integers(-1, 3, 60), 0, 4)
    weights = random.integers(0, 3, 60)
    metric = quadratic_kappa(targets.astype(str), found.astype(str))["quadratic_kappa"]
    drawn = np.repeat(np.arange(60), weights)
    expected = 100 * sklearn.metrics.cohen_kappa_score(
        targets[drawn], found[drawn], weights="quadratic"
    )
    assert metric.score(weights[None].astype(float))[0] == pytest.approx(expected)


def test_one_class_has_no_kappa():
    scores = list_form(quadratic_kappa)
    assert math.isnan(scores(["2", "2"], ["2", "2"])["quadratic_kappa"])
    assert scores(["1", "2"], ["2", "2"])["quadratic_kappa"] == 0.0
    assert scores(["1", "4"], ["1", "4"])["quadratic_kappa"] == 100.0
