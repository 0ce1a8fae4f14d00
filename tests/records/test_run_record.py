"""Records survive the disk; what cannot be used says why."""

import json
import math
from dataclasses import replace
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


def changed(tmp_path, fields=None, result=None):
    """The path of a record with some values in its JSON exchanged."""
    path = Path(write_record(str(tmp_path), RECORD))
    content = json.loads(path.read_text())
    content["results"][0] |= result or {}
    path.write_text(json.dumps(content | (fields or {})))
    return str(path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"label": None}, "label is None, expected text"),
        ({"label": ["a"]}, "label is ['a'], expected text"),
        ({"seed": "x"}, "seed is 'x', expected a whole number or null"),
        ({"seed": True}, "seed is True, expected a whole number"),
        ({"seed": 2**70}, "which is too large"),
        ({"params": 1.5}, "params is 1.5, expected a whole number"),
        ({"total_flops": "many"}, "total_flops is 'many', expected a number or null"),
        ({"collapsed": 1}, "collapsed is 1, expected true or false or null"),
        ({"protocol_changes": None}, "protocol_changes is None, expected an object"),
        ({"protocol_changes": {"a": 1}}, "protocol_changes.a is 1, expected an array"),
        ({"contaminated": {"rte": 1}}, "contaminated.rte is 1, expected text"),
        ({"hparams": "x"}, "hparams is 'x', expected an object"),
        ({"results": None}, "results is None, expected an array"),
        ({"results": [1]}, "results[0] is 1, expected an object"),
    ],
)
def test_a_value_that_a_field_cannot_have_is_named(tmp_path, fields, said):
    path = changed(tmp_path, fields)
    with pytest.raises(RecordError, match="not a run record: ") as raised:
        read_record(path)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"num_examples": None}, "results[0].num_examples is None"),
        ({"task_version": "1"}, "results[0].task_version is '1'"),
        ({"marks": None}, "results[0].marks is None"),
        ({"metrics": None}, "results[0].metrics is None"),
        ({"metrics": {"accuracy": "high"}}, "results[0].metrics.accuracy is 'high'"),
        ({"metrics": {"accuracy": math.nan}}, "NaN is not JSON"),
        ({"metrics": {"accuracy": -math.inf}}, "-Infinity is not JSON"),
        ({"metrics": {"accuracy": 10**400}}, "which is too large"),
        ({"metrics": {"accuracy": 1e9}}, "results[0].metrics.accuracy is 1000000000.0"),
        ({"metrics": {"mcc": -101}}, "metrics.mcc is -101, expected a percentage"),
        ({"floor": 101.0}, "results[0].floor is 101.0, expected a percentage"),
    ],
)
def test_a_score_that_is_none_is_named(tmp_path, result, said):
    path = changed(tmp_path, result=result)
    with pytest.raises(RecordError) as raised:
        read_record(path)
    assert said in str(raised.value)


@pytest.mark.parametrize("text", ["1e999", "1" * 5000])
def test_numbers_that_are_too_large_are_named(tmp_path, text):
    path = Path(changed(tmp_path))
    path.write_text(path.read_text().replace("61.0", text))
    with pytest.raises(RecordError, match="record.json: "):
        read_record(str(path))


def test_text_that_no_file_can_hold_is_named(tmp_path):
    assert read_record(changed(tmp_path, {"label": "\U0001f600"})).label == "\U0001f600"
    with pytest.raises(RecordError, match="surrogates not allowed"):
        read_record(changed(tmp_path, {"label": "\ud83d"}))


def test_json_without_an_end_is_named(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("[" * 100_000)
    with pytest.raises(RecordError, match="cannot be read"):
        read_record(str(path))


def test_metrics_without_limits_and_undefined_ones_are_read(tmp_path):
    metrics = {"masked_lm_loss": 250.5, "wer": 130, "accuracy": None, "f1": 100 + 1e-9}
    read = read_record(changed(tmp_path, {"total_flops": 10**19}, {"metrics": metrics}))
    assert read.results[0].metrics == metrics
    assert read.total_flops == 10**19


@pytest.mark.parametrize(
    ("score", "floor", "higher_is_better", "is_trivial"),
    [
        (50.0, 50.0, True, True),
        (50.01, 50.0, True, False),
        (49.9, 50.0, True, True),
        (49.9, 50.0, False, False),
        (50.1, 50.0, False, True),
        (1e-9, 0.0, True, True),
        (None, 50.0, True, None),
        (50.0, None, True, None),
    ],
)
def test_a_score_is_trivial_if_it_is_no_better_than_the_floor(
    score, floor, higher_is_better, is_trivial
):
    result = replace(RESULT, metrics={"accuracy": score}, floor=floor)
    assert result.is_trivial(higher_is_better) is is_trivial
