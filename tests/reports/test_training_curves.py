"""Curves of training from `metrics.jsonl`, also from a damaged one."""

import json
from dataclasses import replace

from electra_bench.records import RunRecord
from electra_bench.records.metrics_lines import read_metrics
from electra_bench.reports.collect.records import Records
from electra_bench.reports.training_curves import training_curves

LINES = [
    {"step": step, "phase": phase, "loss": 9.0 - step, "tokens": 10 * step}
    for step, phase in ((1, "train"), (1, "eval"), (2, "train"), (3, "train"))
]


def test_damaged_lines_are_left_out_and_counted(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = [json.dumps(line).encode() for line in LINES]
    # The last line is cut off, as by a kill: it comes again, and is not damaged.
    wrong = [b"", b"5", b"[]", b'{"phase": "train"}', b"\xff\0", b'{"step": "3"}']
    content = b"\n".join([*lines[:2], *wrong, *lines[2:], lines[0][:9]])
    path.write_bytes(content)
    assert read_metrics(str(path)) == (LINES, [3, 4, 5, 6, 7, 8])
    record = RunRecord("a-1", "small", "pretrain", "done", objective="electra", seed=0)
    records = Records((record,), {"a-1": str(tmp_path / "record.json")})
    table = training_curves()(records)
    assert table.rows[0][:6] == ("small", "electra", 0, 3, 30, 6.0)
    assert (
        table.notes[-1] == "small: 6 damaged lines of its metrics.jsonl are left out."
    )
    path.write_bytes(b"\n".join(lines) + b"\n")
    whole = training_curves()(records)
    assert whole == replace(table, notes=table.notes[:-1])
