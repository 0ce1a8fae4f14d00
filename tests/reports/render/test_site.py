import itertools
import re
from collections import Counter
from xml.etree import ElementTree

import matplotlib
import pytest
from run_records import run_record, save_records

from electra_bench.cli import main
from electra_bench.registry import reports
from electra_bench.reports.collect.records import collect
from electra_bench.reports.plot import XY, Dots, Matrix, Point, Series
from electra_bench.reports.render.drawing import figure
from electra_bench.reports.render.files import to_csv
from electra_bench.reports.render.pictures import drawings, inline_svg, picture_files
from electra_bench.reports.render.site import render_site
from electra_bench.reports.render.write import build_table
from electra_bench.reports.table import Bounded, Table, number, text

HOSTILE = "<script>alert(1)</script>$\\alpha$&"
PLOTS = (
    XY("xy", HOSTILE, HOSTILE, "x", "y", (Series("", (Point(1, 2, 1, 3, HOSTILE),)),)),
    XY(
        "log",
        "t",
        "d",
        "x",
        "y",
        (Series(HOSTILE, (Point(10, 2), Point(1e9, 3)), True),),
        True,
    ),
    Dots("dots", "t", HOSTILE, "x", ((HOSTILE, (1.0, 2.0)), ("none", ())), 1.5),
    Matrix("matrix", "t", "d", (HOSTILE, "b"), ((None, 1), (0, None))),
)


def saved(tmp_path, labels=("small", "large"), task="cola"):
    records = [
        run_record(
            label, task, seed, 60.0 + seed + len(label), run_id=f"{place}-{seed}"
        )
        for place, label in enumerate(labels)
        for seed in range(2)
    ]
    save_records(tmp_path / "runs", records)
    return tmp_path / "runs"


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_a_picture_is_text_with_words_for_screen_readers(plot):
    svg = inline_svg(plot, drawings([plot])[plot]["svg"], "here")
    assert "<script" not in svg
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    words = {e.get("id"): e.text for e in root if e.tag.endswith(("title", "desc"))}
    named = root.get("aria-labelledby").split()
    assert [words[name] for name in named] == [plot.title, plot.description]
    # Nothing of it applies to the page around it.
    assert "<style" not in svg
    ids = re.findall(r'\bid="([^"]*)"', svg)
    assert all(name.startswith("here-") for name in ids)
    used = re.findall(r'(?:url\(#|href="#)([^")]*)', svg)
    assert set(used) <= set(ids)


def test_equal_pictures_give_equal_files(tmp_path, monkeypatch):
    def files_of(plots):
        return [picture_files(p, d, "report") for p, d in drawings(plots).items()]

    drawn = files_of(PLOTS)
    assert drawn == files_of(PLOTS)
    figure.cache_clear()
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "empty"))
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.size": 30.0}):
        assert drawn == files_of(PLOTS)
    [dots] = [files for files in drawn if "report-dots.svg" in files]
    assert dots["report-dots.png"].startswith(b"\x89PNG")


def test_names_of_points_do_not_lie_across_one_another():
    points = tuple(Point(1, 50 + i / 100, name=f"model {i}") for i in range(6))
    drawn = figure(XY("xy", "t", "d", "x", "y", (Series("", points),)))
    boxes = [text.get_window_extent() for text in drawn.axes[0].texts]
    assert len(boxes) > 1
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


@pytest.mark.parametrize("widest", [3e3, 5e4, 1e9, 1e20])
def test_numbers_of_a_logarithmic_axis_stand_apart(widest):
    points = (Point(1e3, 50), Point(widest, 60))
    drawn = figure(XY("log", "t", "d", "x", "y", (Series("", points),), log_x=True))
    [panel] = drawn.axes
    inside = panel.get_window_extent()
    labels = [label for label in panel.get_xticklabels() if label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda b: b.x0)
    boxes = [b for b in boxes if inside.x0 <= (b.x0 + b.x1) / 2 <= inside.x1]
    assert len(boxes) > 1
    for left, right in itertools.pairwise(boxes):
        assert left.x1 < right.x0


def test_long_names_keep_what_tells_them_apart():
    names = [
        f"a-model-with-a-very-long-name-indeed {end}" for end in ("code_v1", "fixed")
    ]
    drawn = figure(Dots("d", "t", "d", "x", tuple((name, (1.0,)) for name in names)))
    shown = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert len(set(shown)) == 2
    assert max(map(len, shown)) < 30


def test_lines_that_cannot_be_told_apart_are_grey():
    lines = [Series(f"m{i}", (Point(0, i), Point(1, i)), True) for i in range(60)]
    drawn = figure(XY("xy", "t", "d", "x", "y", tuple(lines)))
    styles = Counter((x.get_color(), x.get_linestyle()) for x in drawn.axes[0].lines)
    [(_, most)] = styles.most_common(1)
    [legend] = drawn.legends
    assert len(legend.get_texts()) == 60 - most == len(styles) - 1


def test_what_has_nothing_to_show_is_named_in_a_line(tmp_path):
    collected = collect([str(saved(tmp_path))])
    files = render_site(collected, build_table(collected), str(tmp_path / "out"))
    page = files["index.html"].decode()
    assert "<li>training curves: no pre-training run has a metrics.jsonl" in page
    assert "<li>quirk cost: no model has runs under code_v1 and under fixed" in page
    assert "quirk_cost.html" not in files
    assert "<li>class scores: " in files["task-cola.html"].decode()


@pytest.mark.parametrize("binding", ["max_rows=2", "labels=['abc', 'ab']"])
def test_pages_are_about_the_rows_that_are_shown(tmp_path, binding):
    runs = saved(tmp_path, labels=("a", "ab", "abc"))
    argv = ["leaderboard", "build", str(runs), "--format", "site"]
    argv += [f"--gin.reports.leaderboard.{binding}", "--out", str(tmp_path / "out")]
    assert main.main(argv) == 0
    page = (tmp_path / "out" / "task-cola.html").read_text("utf-8")
    assert (
        re.findall(r'label text" data-sort="(\w+)"', page) == ["abc"] * 2 + ["ab"] * 2
    )


def test_a_task_with_a_hostile_name_has_a_page_in_the_folder(tmp_path):
    collected = collect([str(saved(tmp_path, task="../x<b>"))])
    files = render_site(collected, build_table(collected), str(tmp_path / "out"))
    assert "task-___x_b_-0.html" in files
    assert not [name for name in files if "/" in name]
    assert "../x<b>" not in files["index.html"].decode()


def test_reports_of_plugins_are_on_the_site(tmp_path, capsys):
    plugin = tmp_path / "plugin_of_site.py"
    plugin.write_text(
        "from electra_bench.registry import reports\n"
        "from electra_bench.reports.table import Table\n"
        "@reports.register('count_of_runs')\n"
        "def count_of_runs():\n"
        "    return lambda records: Table(('model', 'n'), (('all', len(records)),),"
        " title='Runs counted')\n"
        "@reports.register('seeds_of_task')\n"
        "def seeds_of_task(task: str):\n"
        "    return lambda records: Table(('model', 'n'), ((task, 7),), title='Seeds')\n"
    )
    argv = ["leaderboard", "build", str(saved(tmp_path)), "--plugin", str(plugin)]
    argv += ["--out", str(tmp_path / "out"), "--format", "site"]
    try:
        assert main.main(argv) == 0
    finally:
        for name in ("count_of_runs", "seeds_of_task"):
            reports._things.pop(name, None)
    assert "Runs counted" in (tmp_path / "out" / "count_of_runs.html").read_text(
        "utf-8"
    )
    assert "<h2>Seeds</h2>" in (tmp_path / "out" / "task-cola.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--report", "task_runs"],
            "'task_runs' is about one task, which --tasks names",
        ),
        (["--report", "wins", "--format", "site", "--out", "x"], "got 'wins'"),
        (["--report", "quirk_cost"], "no model has runs under code_v1 and under fixed"),
        (["--report", "task_runs", "--tasks", "rte"], "no run has a score of rte"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(tmp_path, capsys, arguments, said):
    argv = ["leaderboard", "build", str(saved(tmp_path)), *arguments]
    assert main.main(argv) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


def test_one_task_is_named_on_the_command_line(tmp_path, capsys):
    argv = ["leaderboard", "build", str(saved(tmp_path)), "--report", "task_runs"]
    assert main.main([*argv, "--tasks", "cola"]) == 0
    assert "All runs on cola" in capsys.readouterr().out


def test_a_number_with_an_interval_is_shown_with_its_sign():
    value = Bounded(1.25, (-0.5, 3.0), True, "p = 0.2")
    assert text(value) == "+1.2 [-0.5, 3.0], p = 0.2"
    # Alone it has a decimal more.
    assert text(Bounded(1.25)) == "1.25"
    assert number(value) == 1.25
    lines = to_csv(Table(("model", "d"), (("a", value),))).splitlines()
    assert lines == [
        "model,d,d interval low,d interval high,kind of row,marks of cells",
        "a,1.25,-0.5,3.0,measured,d: p = 0.2",
    ]
