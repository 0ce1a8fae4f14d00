"""The task on a file of its form, and its metric."""

import math

import numpy as np
import pytest
import sklearn.metrics
from electra_bench_paws.metric import pr_auc

from electra_bench.cli.main import main
from electra_bench.tasks.metrics.weighted import list_form

PAIRS = """\
id\tsentence1\tsentence2\tlabel
1\tThe river flows from Bern to Basel .\tThe river flows from Basel to Bern .\t0
2\tHe sold the house in May .\tIn May he sold the house .\t1
3\tAnna taught Paul to sing .\tPaul taught Anna to sing .\t0
4\tThe "old" mill burnt down twice .\tTwice the "old" mill burnt down .\t1
"""


def test_it_conforms(tmp_path):
    folder = tmp_path / "paws" / "final"
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (folder / f"{split}.tsv").write_text(PAIRS)
    assert (
        main(["validate", "plugin", "electra-bench-paws", "--data_dir", str(tmp_path)])
        == 0
    )


def test_area_under_the_curve():
    scores = [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]
    # Precision is 1 at a recall of 1/2, and 2/3 at one of 1.
    found = list_form(pr_auc)(["1", "0", "1"], scores)
    assert found["pr_auc"] == pytest.approx(100 * (1 / 2 + 2 / 3 / 2))
    assert math.isnan(list_form(pr_auc)(["0"], scores[:1])["pr_auc"])
    assert math.isnan(list_form(pr_auc)([], [])["pr_auc"])


def test_the_area_of_weighted_examples_is_scikit_learns():
    random = np.random.default_rng(1)
    targets = random.choice(["0", "1"], 50)
    likely = np.round(random.random(50), 1)  # with ties
    weights = random.multinomial(50, [1 / 50] * 50, size=8)
    scores = np.stack([1 - likely, likely], -1)
    found = pr_auc(targets.tolist(), scores.tolist())["pr_auc"].score(weights)
    for row, area in zip(weights, found, strict=True):
        expected = sklearn.metrics.average_precision_score(
            targets == "1", likely, sample_weight=row
        )
        assert area == pytest.approx(100 * expected)
