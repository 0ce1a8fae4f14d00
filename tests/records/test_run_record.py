"""Records survive the disk; what cannot be used says why."""

import json
import math
from pathlib import Path

import pytest

from electra_bench.records import (
    Prediction,
    RecordError,
    RunRecord,
    TaskResult,
    find_records,
    read_predictions,
    read_record,
    write_predictions,
    write_record,
)

RESULT = TaskResult(
    "rte", 1, "dev", 277, {"accuracy": 61.0, "mcc": math.nan}, "accuracy"
)
RECORD = RunRecord("r", "tiny", "finetune", "done", seed=1, results=(RESULT,))


def test_a_record_comes_back_and_undefined_scores_are_none(tmp_path):
    read = read_record(write_record(str(tmp_path), RECORD))
    assert read.results[0].metrics == {"accuracy": 61.0, "mcc": None}
    assert read.results[0].main_score == 61.0
    assert read.label == "tiny" and read.seed == 1
    assert list(find_records(str(tmp_path))) == [str(tmp_path / "record.json")]


def test_older_and_longer_records_are_read(tmp_path):
    path = Path(write_record(str(tmp_path), RECORD))
    content = json.loads(path.read_text())
    del content["packages"]
    content["invented_later"] = 1
    path.write_text(json.dumps(content))
    assert read_record(str(path)).packages == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not a run record"),
        ('{"schema_version": 2}', "newer than 1"),
        ('{"schema_version": 1}', "not a run record"),
    ],
)
def test_unusable_records_name_the_file(tmp_path, text, message):
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=f"record.json: .*{message}"):
        read_record(str(path))


def test_equal_predictions_give_equal_bytes(tmp_path):
    lines = [Prediction("7", "yes", "no", [0.25, 0.75]), Prediction("8", None, "yes")]
    for name in ("a", "b"):
        write_predictions(str(tmp_path / name), lines)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert list(read_predictions(str(tmp_path / "a"))) == lines
