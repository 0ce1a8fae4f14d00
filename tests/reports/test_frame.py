"""Records and tables as DataFrames say what the records and the tables say."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas
import pytest
from run_records import run_record, save_records, task_result

from electra_bench.reports.collect.records import collect, records_of
from electra_bench.reports.frame import records_frame
from electra_bench.reports.render.write import build_table
from electra_bench.reports.table import Bounded, Score, Table


@pytest.fixture
def runs(tmp_path):
    """Two models with three seeds, one of which has two results, and a pre-training."""
    records = [
        run_record(label, "cola", seed, score + seed, params=100)
        for label, score in (("a", 60.0), ("b", 70.0))
        for seed in range(3)
    ]
    further = task_result("rte", None, metrics={"accuracy": None, "f1": 1.5})
    records[1] = replace(records[1], results=(*records[1].results, further))
    pretrained = replace(
        run_record("p", "cola", None, 0.0), kind="pretrain", results=()
    )
    save_records(tmp_path / "runs", [*records, pretrained])
    return tmp_path / "runs"


def test_a_row_is_a_result_of_a_run(runs):
    frame = records_frame(collect([str(runs)]))
    assert len(frame) == 8
    scores = frame[frame.task == "cola"].groupby("label")["score"].mean()
    assert scores.to_dict() == {"a": 61.0, "b": 71.0}
    [further] = frame[frame.task == "rte"].to_dict("records")
    assert further["run_id"] == "a-cola-1"
    assert further["undefined"] and further["score"] == 50.0  # the floor
    assert np.isnan(further["metrics.accuracy"]) and further["metrics.f1"] == 1.5
    assert further["hparams.peak_lr"] == 1e-4
    assert further["path"] == str(runs / "001" / "record.json")


def test_a_run_without_results_and_missing_whole_numbers(runs):
    frame = records_frame(collect([str(runs)]))
    [pretrained] = frame[frame.kind == "pretrain"].to_dict("records")
    assert pretrained["label"] == "p"
    assert pandas.isna(pretrained["seed"]) and pandas.isna(pretrained["task"])
    assert frame.seed.dtype == frame.num_examples.dtype == "Int64"


def test_records_are_taken_from_folders_paths_and_lists(runs):
    found = collect([str(runs)])
    for source in (str(runs), runs, [str(runs)], [runs, str(runs)], found):
        assert list(records_of(source)) == list(found)
    assert list(records_of(list(found))) == list(found)
    assert records_frame([]).empty


def test_a_leaderboard_is_a_frame_of_its_numbers(runs):
    table = build_table(records_of(runs))
    frame = table.to_pandas().set_index("model")
    assert frame.loc["b", "cola"] == 71.0
    assert frame.loc["a", "cola count"] == 3
    assert frame.loc["a", "cola sd"] == pytest.approx(1.0)
    assert frame.loc["floor", "kind of row"] == "floor"
    assert np.isnan(frame.loc["b", "rte"])


def test_columns_that_would_be_called_alike_stay(runs):
    score = Score(1.0, count=2, runs=(("r", 1.0),), marks=("odd",))
    rows = (("a", score, 7), ("b", Bounded(2.0, (1.0, 3.0), remark="p = 1"), None))
    frame = Table(("model", "x", "x count"), rows).to_pandas()
    assert frame["x"].tolist() == [1.0, 2.0]
    assert frame["x count"].tolist()[0] == 2
    assert frame["x count (2)"].tolist()[0] == 7
    assert frame["x interval high"].tolist()[1] == 3.0
    assert frame["marks of cells"].tolist() == ["x: odd", "x: p = 1"]


def test_pandas_loads_only_when_a_frame_is_asked_for(runs):
    code = (
        "import sys; from electra_bench.reports.collect.records import records_of;"
        "from electra_bench.reports.render.write import build_table;"
        "import electra_bench.reports.frame;"
        "table = build_table(records_of(sys.argv[1])); assert 'pandas' not in sys.modules;"
        "table.to_pandas(); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(runs)], check=True)


def test_a_frame_counts_as_the_leaderboard_does():
    """It gave 84.9: means of pandas leave NaN out, and trials and recipes were mixed."""
    scores = [None, None, None, 84.9, 84.9]
    floor = {"floor": 0.0}
    records = [
        run_record("m", "sts", seed, score, result=floor)
        for seed, score in enumerate(scores)
    ]
    trial = {"runs.finetune.held_out": 0.1}
    records.append(run_record("m", "sts", 0, 99.0, run_id="trial", hparams=trial))
    frame = records_frame(records)
    means = frame.groupby(["row", "task", "split"])["score"].mean()
    assert means.to_dict() == {("m", "sts", "dev"): pytest.approx(2 * 84.9 / 5)}
    table = build_table(records_of(records)).to_pandas().set_index("model")
    assert table.loc["m", "sts"] == pytest.approx(2 * 84.9 / 5)
    assert frame.undefined.sum() == 3 and frame.is_trial.sum() == 1
    recipes = [
        run_record("m", "sts", s, 50.0, hparams={"training.adamw.peak_lr": lr})
        for s, lr in enumerate((1e-4, 3e-4))
    ]
    assert set(records_frame(recipes).row) == {"m (lr 1e-4)", "m (lr 3e-4)"}
