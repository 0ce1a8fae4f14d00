"""The log of attempts survives a machine that goes down in the middle of a line."""

import json

from electra_bench.suites.attempts import Attempts


def test_what_was_written_is_read(tmp_path):
    log = Attempts(str(tmp_path))
    assert log.started("s", "a", "electra-bench ...") == 1
    log.ended("s", "a", 1, status=1, seconds=2.0, peak_bytes=10, reason="no")
    assert log.started("s", "a", "electra-bench ...") == 2
    again = Attempts(str(tmp_path))
    assert again.events == log.events
    assert (again.count("a"), again.count("b")) == (2, 0)
    assert again.last("a")["event"] == "started"
    assert again.last("b") is None
    assert (again.peak_bytes("a"), again.peak_bytes("b")) == (10, None)


def test_a_cut_line_is_left_out_and_costs_no_other(tmp_path):
    log = Attempts(str(tmp_path))
    log.started("s", "a", "")
    log.started("s", "b", "")
    path = tmp_path / "attempts.jsonl"
    path.write_bytes(path.read_bytes()[:-7])
    log = Attempts(str(tmp_path))
    assert (log.count("a"), log.count("b")) == (1, 0)
    log.started("s", "c", "")
    assert [event["cell_id"] for event in Attempts(str(tmp_path)).events] == ["a", "c"]
    assert len(path.read_text().splitlines()) == 3


def test_lines_that_are_none_of_ours_are_left_out(tmp_path):
    path = tmp_path / "attempts.jsonl"
    path.write_text('null\n[]\n{"a": 1}\n' + json.dumps({"event": "started"}) + "\n")
    assert Attempts(str(tmp_path)).events == []
