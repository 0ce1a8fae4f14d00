import json
import shutil
from dataclasses import replace

import pytest
from run_records import run_record, save_records

from electra_bench.reports.collect.records import collect


def test_reads_every_record_once(tmp_path):
    save_records(tmp_path / "runs", [run_record("a", "cola", s, 60.0) for s in (0, 1)])
    found = collect([str(tmp_path), str(tmp_path / "runs")])
    assert [r.seed for r in found.records] == [0, 1]
    assert found.left_out == ()
    assert found.paths["a-cola-1"].endswith("001/record.json")


def test_bad_records_are_named_and_the_rest_is_read(tmp_path):
    good, cut, newer, other, failed = save_records(
        tmp_path, [run_record("a", "cola", s, 60.0) for s in range(5)]
    )
    text = (cut / "record.json").read_text()
    (cut / "record.json").write_text(text[: len(text) // 2])
    content = json.loads(text)
    (newer / "record.json").write_text(json.dumps(content | {"schema_version": 4}))
    (other / "record.json").write_text('["no record"]')
    (failed / "record.json").write_text(
        json.dumps(content | {"status": "failed", "run_id": "f"})
    )
    found = collect([str(tmp_path)])
    assert [r.run_id for r in found.records] == ["a-cola-0"]
    reasons = {item.where: item.reason for item in found.left_out}
    assert "cannot be read" in reasons[str(cut / "record.json")]
    assert "newer" in reasons[str(newer / "record.json")]
    assert "not a run record" in reasons[str(other / "record.json")]
    assert "'failed'" in reasons[str(failed / "record.json")]
    assert not any(str(good) in where for where in reasons)


@pytest.mark.parametrize(
    ("field", "value"),
    [("protocol_changes", None), ("seed", [1]), ("hparams", "x"), ("packages", [])],
)
def test_a_field_of_another_type_is_named_each_time(tmp_path, field, value):
    _, bad = save_records(
        tmp_path / "runs", [run_record("a", "cola", s, 60.0) for s in range(2)]
    )
    path = bad / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    for _ in range(2):
        found = collect([str(tmp_path / "runs")])
        assert [r.run_id for r in found.records] == ["a-cola-0"]
        [left_out] = found.left_out
        assert left_out.where == str(path)
        assert f" - at `$.{field}" in left_out.reason


def test_a_run_without_its_record_is_left_out_and_named(tmp_path):
    lost, _ = save_records(
        tmp_path, [run_record(name, "cola", 0, 1.0) for name in "ab"]
    )
    (lost / "record.json").unlink()
    # A folder that only has a configuration is no run that has begun.
    assert not collect([str(tmp_path)]).left_out
    (lost / "checkpoints").mkdir()
    records = collect([str(tmp_path)])
    assert [record.label for record in records] == ["b"]
    [item] = records.left_out
    assert item.where == str(lost) and item.reason.startswith("has no record.json: ")
    assert item.reason.endswith("the command that made it writes it again")


def test_a_copy_is_left_out(tmp_path):
    [folder] = save_records(tmp_path, [run_record("a", "cola", 0, 60.0)])
    shutil.copytree(folder, tmp_path / "copy")
    found = collect([str(tmp_path)])
    assert len(found.records) == 1
    [left_out] = found.left_out
    assert left_out.where == str(tmp_path / "copy" / "record.json")
    assert "the same run" in left_out.reason


def test_a_run_made_again_counts_once(tmp_path):
    records = [
        run_record("a", "cola", 0, 60.0, run_id="same", started=started)
        for started in ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")
    ]
    save_records(tmp_path, records)
    found = collect([str(tmp_path)])
    assert len(found.records) == 1
    [left_out] = found.left_out
    assert "the same run as" in left_out.reason


def test_contradicting_records_are_all_left_out(tmp_path):
    save_records(
        tmp_path,
        [
            run_record("a", "cola", 0, 60.0, run_id="same"),
            run_record("a", "cola", 0, 61.0, run_id="same"),
            run_record("a", "cola", 1, 62.0),
        ],
    )
    found = collect([str(tmp_path)])
    assert [r.run_id for r in found.records] == ["a-cola-1"]
    assert len(found.left_out) == 2
    assert all("contradict" in item.reason for item in found.left_out)


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"label": "b", "seed": 5}, "in label, seed: "),
        ({"contaminated": {"cola": "seen"}}, "in contaminated: "),
        ({"hparams": {"peak_lr": 1.0}}, "in hparams: "),
    ],
)
def test_records_of_one_run_with_the_same_scores_may_contradict(
    tmp_path, changes, differing
):
    record = run_record("a", "cola", 0, 60.0)
    other = run_record("a", "cola", 1, 62.0)
    save_records(tmp_path, [record, replace(record, **changes), other])
    found = collect([str(tmp_path)])
    assert [r.run_id for r in found.records] == ["a-cola-1"]
    assert len(found.left_out) == 2
    assert all(differing in item.reason for item in found.left_out)


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no record.json below"):
        collect([str(tmp_path)])
    with pytest.raises(FileNotFoundError, match="no directory"):
        collect([str(tmp_path / "absent")])
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(ValueError, match="none of 1 records can be used"):
        collect([str(tmp_path)])


def test_overlapping_folders_count_once(tmp_path):
    save_records(tmp_path, [run_record("a", "cola", seed, 60.0) for seed in range(3)])
    found = collect([str(tmp_path), str(tmp_path / "000"), str(tmp_path)])
    assert len(found) == 3
    assert found.left_out == ()
