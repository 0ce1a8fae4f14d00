"""The index of records: what it may never change, and when it reads again."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest
from run_records import run_record, save_records

from electra_bench.records import read_record
from electra_bench.reports.collect import index
from electra_bench.reports.collect.collected import collect

NUM_RUNS = 6


@pytest.fixture
def runs(tmp_path):
    records = [
        run_record("a", "cola", s, 60.0 + s, packages={"numpy": "2"})
        for s in range(NUM_RUNS)
    ]
    save_records(tmp_path / "runs", records)
    return tmp_path / "runs"


@pytest.fixture
def reads(monkeypatch):
    """Paths of the records that are parsed from their files."""
    paths = []
    original = index.read_content

    def read(path):
        paths.append(path)
        return original(path)

    monkeypatch.setattr(index, "read_content", read)
    return paths


def the_index(tmp_path):
    [path] = (tmp_path / "cache" / "reports").iterdir()
    return path


def test_records_from_the_index_equal_those_from_their_files(runs):
    collect([str(runs)])
    again = collect([str(runs)])
    for record in again:
        assert record == read_record(again.paths[record.run_id])


def test_only_changed_files_are_read_again(runs, reads):
    collect([str(runs)])
    assert len(reads) == NUM_RUNS
    collect([str(runs)])
    assert len(reads) == NUM_RUNS
    path = runs / "002" / "record.json"
    stat = path.stat()
    # Of equal length, with the old times.
    path.write_text(path.read_text().replace("62.0", "99.0"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    found = collect([str(runs)])
    assert reads[NUM_RUNS:] == [str(path)]
    assert found[2].results[0].main_score == 99.0


def test_a_removed_run_is_forgotten(runs, tmp_path):
    collect([str(runs)])
    (runs / "000" / "record.json").unlink()
    assert len(collect([str(runs)])) == NUM_RUNS - 1
    with sqlite3.connect(the_index(tmp_path)) as connection:
        [[count]] = connection.execute("SELECT count(*) FROM things")
    assert count == NUM_RUNS - 1


def test_a_record_that_breaks_later_is_named(runs):
    collect([str(runs)])
    (runs / "000" / "record.json").write_text("{")
    found = collect([str(runs)])
    assert len(found) == NUM_RUNS - 1
    assert "cannot be read" in found.left_out[0].reason


@pytest.mark.parametrize("content", [b"", b"no database", None], ids=str)
def test_a_damaged_index_is_made_again(runs, reads, tmp_path, content):
    collect([str(runs)])
    path = the_index(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert len(collect([str(runs)])) == NUM_RUNS
    assert len(reads) == 2 * NUM_RUNS
    collect([str(runs)])
    assert len(reads) == 2 * NUM_RUNS


def test_a_damaged_entry_is_read_again(runs, reads, tmp_path):
    collect([str(runs)])
    path = the_index(tmp_path)
    content = path.read_bytes()
    assert content.count(b"63.0") == 1
    path.write_bytes(content.replace(b"63.0", b"93.0"))
    found = collect([str(runs)])
    assert [r.results[0].main_score for r in found] == [60.0 + s for s in range(6)]
    assert reads[NUM_RUNS:] == [str(runs / "003" / "record.json")]


def test_without_a_place_for_it_everything_works(runs, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert len(collect([str(runs)])) == NUM_RUNS


def test_two_builds_at_once_agree(runs):
    code = (
        "import sys; from electra_bench.reports.collect.collected import collect;"
        "print(sorted(r.results[0].main_score for r in collect(sys.argv[1:])))"
    )
    builds = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(runs)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    printed = {build.communicate()[0] for build in builds}
    assert [build.returncode for build in builds] == [0, 0, 0]
    assert [json.loads(text) for text in printed] == [
        [60.0 + seed for seed in range(NUM_RUNS)]
    ]


def test_overlapping_folders_count_once(runs):
    for _ in range(2):
        found = collect([str(runs), str(runs / "000"), str(runs)])
        assert len(found) == NUM_RUNS
        assert found.left_out == ()
