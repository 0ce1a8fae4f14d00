"""The kind, and a task of it."""

from pathlib import Path

import pytest
from electra_bench_multilabel.metric import micro_f1

from electra_bench.cli.main import main
from electra_bench.tasks.metrics.weighted import list_form

COMMENTS = """\
That is wonderful, thank you!\t15,0\tx1
I had no idea.\t26\tx2
Why would anyone do this?\t7,9,3\tx3
Fine.\t27\tx4
"""
GOEMOTIONS = str(Path(__file__).parents[1] / "examples" / "goemotions.py")


def test_it_conforms():
    assert main(["validate", "plugin", "electra-bench-multilabel"]) == 0


def test_a_task_of_it_conforms(tmp_path):
    (tmp_path / "goemotions").mkdir()
    for split in ("train", "dev", "test"):
        (tmp_path / "goemotions" / f"{split}.tsv").write_text(COMMENTS)
    arguments = ["--plugin", GOEMOTIONS, "--data_dir", str(tmp_path)]
    assert main(["validate", "plugin", *arguments]) == 0


def test_f1_is_over_all_labels():
    # Two of three predicted labels are right, and two of four true ones are found.
    found = list_form(micro_f1)([["a", "b"], ["c", "d"]], [["a", "c"], ["c"]])
    assert found["micro_f1"] == pytest.approx(100 * 4 / 7)
