"""The task on a file of its form, and its metric."""

import math

import pytest
from electra_bench_paws.task import pr_auc

from electra_bench.cli.main import main

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
    found = pr_auc(["1", "0", "1"], scores)
    assert found["pr_auc"] == pytest.approx(100 * (1 / 2 + 2 / 3 / 2))
    assert math.isnan(pr_auc(["0"], scores[:1])["pr_auc"])
