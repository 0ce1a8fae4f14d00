"""A leaderboard that is built again: what is kept changes no byte."""

import contextlib
import shutil
from dataclasses import replace

import numpy as np
import pytest
from run_records import run_record, save_predicted

from electra_bench.cli import main
from electra_bench.records import read_record, write_record
from electra_bench.reports import group_scores
from electra_bench.reports.collect import predictions
from electra_bench.reports.render import drawing, html, pictures
from electra_bench.reports.statistics import pairs

SIZE = 60
SHARES = {"good": 0.9, "bad": 0.6, "other": 0.7}


def save(runs, label, task, seed, share):
    random = np.random.default_rng([seed, len(label), len(task), round(100 * share)])
    targets = list(map(str, np.random.default_rng(0).choice(["yes", "no"], SIZE)))
    right = random.random(SIZE) < share
    found = [t if r else "neither" for t, r in zip(targets, right, strict=True)]
    record = run_record(
        label, task, seed, 100 * float(right.mean()), objective="classification"
    )
    folder = runs / f"{label}-{task}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    save_predicted(folder, record, targets, found)


@pytest.fixture
def runs(tmp_path):
    """Three models with two tasks and two seeds."""
    for label, share in SHARES.items():
        for task in ("cola", "rte"):
            for seed in range(2):
                save(tmp_path / "runs", label, task, seed, share)
    return tmp_path / "runs"


def build(runs, out, *flags):
    """Names of files to contents, without the printed table, which is in capsys."""
    with contextlib.chdir(runs.parent):
        main.main(["leaderboard", "build", "runs", "--out", str(out), *map(str, flags)])
    return {file.name: file.read_bytes() for file in (runs.parent / out).iterdir()}


def changed_score(runs):
    save(runs, "good", "rte", 1, 0.4)


def changed_time(runs):
    folder = runs / "bad-cola-0"
    record = read_record(str(folder / "record.json"))
    write_record(str(folder), replace(record, wall_s=1234.0))


def changed_predictions(runs):
    """Another answer of one run than its record has the hash of."""
    source = runs / "good-cola-0" / "predictions" / "cola-dev.jsonl.gz"
    (runs / "good-cola-1" / "predictions" / "cola-dev.jsonl.gz").write_bytes(
        source.read_bytes()
    )


def another_run(runs):
    save(runs, "other", "cola", 7, 0.8)


@pytest.mark.parametrize(
    "change", [changed_score, changed_time, changed_predictions, another_run]
)
def test_what_is_kept_changes_no_byte(runs, tmp_path, monkeypatch, change):
    before = build(runs, "out")
    change(runs)
    again = build(runs, "out")
    if change is not changed_time:
        assert again["index.html"] != before["index.html"]
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "empty"))
    assert again == build(runs, "out")


@pytest.mark.parametrize(
    "flags",
    [
        ("--gin.reports.leaderboard.correction='bh'",),
        ("--gin.reports.leaderboard.replicates=200",),
        ("--gin.reports.leaderboard.max_rows=2",),
        ("--gin.reports.leaderboard.kinds='finetune'",),
        ("--tasks", "rte"),
    ],
    ids=lambda flags: flags[0].split(".")[-1],
)
def test_settings_are_no_part_of_what_is_kept(runs, tmp_path, monkeypatch, flags):
    build(runs, "out")
    again = build(runs, "out", *flags)
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "empty"))
    assert again == build(runs, "out", *flags)


def test_nothing_is_made_twice(runs, monkeypatch):
    before = build(runs, "out")
    changed_time(runs)
    for module, name in (
        (drawing, "drawn"),
        (html, "_rendered"),
        (pairs, "compared"),
        (pairs, "_compared_means"),
        (predictions, "read_answers"),
    ):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("made again"))
    assert build(runs, "out") == before


def test_only_what_changed_is_made_again(runs, monkeypatch):
    build(runs, "out")
    changed_score(runs)
    read, drawn = [], set()
    monkeypatch.setattr(
        predictions, "read_answers", counted(predictions.read_answers, read.append)
    )
    monkeypatch.setattr(
        drawing, "drawn", counted(drawing.drawn, lambda plot: drawn.add(plot.title))
    )
    build(runs, "out")
    # For its statistics and for its classes.
    assert [path.split("/")[-3] for path in read] == ["good-rte-1"] * 2
    assert drawn
    assert not any("cola" in title for title in drawn)


def counted(function, note):
    def noted(first, *others):
        note(first)
        return function(first, *others)

    return noted


def test_other_code_makes_everything_anew(runs, monkeypatch):
    before = build(runs, "out")
    made = []
    for module, name, made_by in (
        (drawing, "drawn", pictures.pictures_made_by),
        (html, "_rendered", html._made_by),
        (pairs, "compared", pairs._code),
        (predictions, "read_answers", group_scores._code),
    ):
        function = getattr(module, name)
        note = counted(function, lambda _, name=name: made.append(name))
        monkeypatch.setattr(module, name, note)
        made_by.cache_clear()
        owner = {drawing: pictures, predictions: group_scores}.get(module, module)
        monkeypatch.setattr(owner, "closure_sha256", lambda _: "other code")
    try:
        assert build(runs, "out") == before
    finally:
        for made_by in (
            pictures.pictures_made_by,
            html._made_by,
            pairs._code,
            group_scores._code,
        ):
            made_by.cache_clear()
    assert {*made} == {"drawn", "_rendered", "compared", "read_answers"}


def test_damaged_stores_are_made_anew(runs, tmp_path):
    before = build(runs, "out")
    stores = sorted((tmp_path / "cache" / "reports").iterdir())
    names = ["measures.db", "pages.db", "pictures.db", "replicates.db"]
    assert [store.name for store in stores] == names
    for store in stores:
        store.write_bytes(store.read_bytes()[:5000])
    assert build(runs, "out") == before
