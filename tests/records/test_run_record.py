"""Records survive the disk; what cannot be used says why."""

import json
import math
import random
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
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
from electra_bench.records.run_record import accept_code

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
        ('{"schema_version": 4}', "newer than 3"),
        ('{"schema_version": 1}', "not a run record"),
    ],
)
def test_unusable_records_name_the_file(tmp_path, text, message):
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=f"record.json: .*{message}"):
        read_record(str(path))


def test_a_record_that_says_other_things_than_were_written_is_refused(tmp_path):
    path = Path(write_record(str(tmp_path), RECORD))
    written, whole, rng = read_record(str(path)), path.read_bytes(), random.Random(0)
    for _ in range(300):
        place = rng.randrange(len(whole))
        flipped = bytes([whole[place] ^ 1 << rng.randrange(8)])
        path.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        try:
            assert read_record(str(path)) == written  # of a space, say
        except RecordError as error:
            assert str(error).startswith(str(path))
    path.write_bytes(whole.replace(b"61.0", b"61.5"))
    with pytest.raises(
        RecordError,
        match="is not as it was written; remove it, or of an import the whole f",
    ):
        read_record(str(path))
    # As the sentence says, and with the checksum of what was written then.
    begun, _, _ = path.read_bytes().rpartition(b',\n "checksum"')
    path.write_bytes(begun + b"\n}\n")
    assert read_record(str(path)).results[0].main_score == 61.5
    accept_code(str(tmp_path), "1a")
    assert read_record(str(path)).code_accepted == ["1a"]


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
        ({"label": None}, "Expected `str`, got `null` - at `$.label`"),
        ({"label": ["a"]}, "Expected `str`, got `array` - at `$.label`"),
        ({"seed": "x"}, "Expected `int | null`, got `str` - at `$.seed`"),
        ({"seed": True}, "Expected `int | null`, got `bool` - at `$.seed`"),
        ({"seed": 2**70}, "<= 9223372036854775807 - at `$.seed`"),
        ({"params": 1.5}, "Expected `int | null`, got `float` - at `$.params`"),
        ({"total_flops": "many"}, "got `str` - at `$.total_flops`"),
        ({"collapsed": 1}, "Expected `bool | null`, got `int` - at `$.collapsed`"),
        ({"protocol_changes": None}, "got `null` - at `$.protocol_changes`"),
        (
            {"protocol_changes": {"a": 1}},
            "Expected `array`, got `int` - at `$.protocol_changes[...]`",
        ),
        (
            {"contaminated": {"rte": 1}},
            "Expected `str`, got `int` - at `$.contaminated[...]`",
        ),
        ({"hparams": "x"}, "Expected `object`, got `str` - at `$.hparams`"),
        ({"results": None}, "Expected `array`, got `null` - at `$.results`"),
        ({"results": [1]}, "Expected `object`, got `int` - at `$.results[0]`"),
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
        ({"num_examples": None}, "got `null` - at `$.results[0].num_examples`"),
        ({"task_version": "1"}, "got `str` - at `$.results[0].task_version`"),
        ({"marks": None}, "got `null` - at `$.results[0].marks`"),
        ({"metrics": None}, "got `null` - at `$.results[0].metrics`"),
        (
            {"metrics": {"accuracy": "high"}},
            "got `str` - at `$.results[0].metrics[...]`",
        ),
        ({"metrics": {"accuracy": math.nan}}, "JSON is malformed"),
        ({"metrics": {"accuracy": -math.inf}}, "JSON is malformed"),
        ({"metrics": {"accuracy": 10**400}}, "Number out of range - at `$.results[0]"),
        ({"metrics": {"accuracy": 1e9}}, "results[0].metrics.accuracy is 1000000000.0"),
        ({"metrics": {"mcc": -101}}, "metrics.mcc is -101.0, expected a percentage"),
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
    with pytest.raises(RecordError, match="cannot be read"):
        read_record(changed(tmp_path, {"label": "\ud83d"}))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"schema_version": 1, "hparams": ' + '{"a": [' * 100_000]
)
def test_json_without_an_end_is_named(tmp_path, text):
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(RecordError, match="record.json: "):
        read_record(str(path))


@pytest.mark.parametrize("name", ["five_tasks", "minilm", "table5"])
def test_published_records_say_what_their_json_says(tmp_path, name):
    with tarfile.open(Path("docs/results", f"{name}.tar.xz")) as archive:
        archive.extractall(tmp_path, filter="data")
    paths = list(find_records(str(tmp_path)))
    assert len(paths) > 10
    for path in paths:
        content = json.loads(Path(path).read_text())
        record = asdict(read_record(path))
        assert record | content == record | {"results": content["results"]}
        for result, expected in zip(record["results"], content["results"], strict=True):
            assert result | expected == result


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


def test_numbers_of_numpy_and_undefined_values_are_written(tmp_path):
    metrics = {"accuracy": np.float64(61.5), "f1": np.float64("nan"), "loss": math.inf}
    hparams = {"lr": np.float64(1e-5), "sizes": (1, 2), "nested": {"a": math.nan}}
    record = replace(RECORD, results=(replace(RESULT, metrics=metrics),))
    read = read_record(write_record(str(tmp_path), replace(record, hparams=hparams)))
    assert read.results[0].metrics == {"accuracy": 61.5, "f1": None, "loss": None}
    assert read.hparams == {"lr": 1e-5, "sizes": [1, 2], "nested": {"a": None}}


def test_what_is_no_json_is_not_written(tmp_path):
    with pytest.raises(TypeError, match="a record holds object"):
        write_record(str(tmp_path), replace(RECORD, hparams={"a": object()}))
    assert not list(tmp_path.glob("record.json"))


@pytest.mark.parametrize("text", ["{}", '{"run_id": "a", "schema_version": "1"}'])
def test_a_version_is_needed(tmp_path, text):
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(RecordError, match="not a run record: .*schema_version"):
        read_record(str(path))
