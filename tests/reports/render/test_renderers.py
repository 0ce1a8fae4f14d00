import csv
import io
import json
import os
from dataclasses import replace

import pytest
from run_records import run_record, save_records

from electra_bench.reports.collect.records import collect
from electra_bench.reports.compare.comparison import compare
from electra_bench.reports.compare.tables import to_json as compared_json
from electra_bench.reports.compare.tables import to_tables
from electra_bench.reports.plot import Dots
from electra_bench.reports.render import terminal
from electra_bench.reports.render.files import to_csv, to_json
from electra_bench.reports.render.html import to_html
from electra_bench.reports.render.latex import to_latex
from electra_bench.reports.render.markdown import to_markdown
from electra_bench.reports.render.write import build_table, render_table
from electra_bench.reports.table import Bounded, LeftOut, Score, Table, plain

HOSTILE = "<script>alert(1)</script>|[x](javascript:y)$\\alpha$\x1b[31m"


@pytest.fixture
def table(tmp_path):
    records = [
        run_record(label, task, seed, 60.0 + seed / 7)
        for label in ("small", HOSTILE)
        for task in ("cola", "rte")
        for seed in range(3)
        if (label, task) != ("small", "rte")
    ]
    save_records(tmp_path / "runs", records)
    return build_table(collect([str(tmp_path / "runs")]))


def printed(table, width):
    file = io.StringIO()
    terminal.print_table(table, terminal.console(file, width))
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_terminal_lines_fit(table, width):
    text = printed(table, width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    assert "60.1" in text
    assert "±0.1 n=3" in text


def test_terminal_drops_control_characters(table):
    assert "\x1b" not in printed(table, 120)


def test_terminal_puts_what_does_not_fit_below():
    table = Table(("model", *(f"task{i}" for i in range(30))), (("m", *[1.0] * 30),))
    text = printed(table, 80)
    assert all(f"task{i}" in text for i in range(30))
    assert text.count("model") > 1


def test_a_plain_table_of_a_plugin_renders_everywhere(tmp_path):
    table = Table(
        ("model", "train_flops", "mean"),
        (("a", 1.5e18, 80.0), ("b", None, None)),
        rank_by="mean",
        metrics=("mean",),
    )
    files = render_table(table, str(tmp_path))
    assert sorted(files) == [
        "leaderboard.csv",
        "leaderboard.html",
        "leaderboard.json",
        "leaderboard.md",
        "leaderboard.tex",
    ]
    assert all(files.values())
    assert "80.0" in printed(table, 80)


def test_markdown_shows_hostile_names_as_text(table):
    text = to_markdown(table)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    # The bars of the name are escaped, so all rows have as many cells.
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert "](" not in text.replace("\\]", "")


def test_csv_has_all_digits_and_empty_fields_for_missing(table):
    header, *rows = csv.reader(io.StringIO(to_csv(table)))
    by_label = {row[header.index("model")]: row for row in rows}
    hostile, small = by_label[plain(HOSTILE)], by_label["small"]
    assert float(hostile[header.index("cola")]) == 60.0 + 1 / 7
    assert hostile[header.index("cola count")] == "3"
    assert small[header.index("rte")] == small[header.index("mean")] == ""
    assert "floor" in by_label


def rows_of_csv(table):
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def test_csv_says_what_a_row_is_and_has_the_marks():
    table = Table(
        ("model", "cola", "gap"),
        (
            (
                "a",
                Score(60.0, 1, marks=("1 undefined", "old version 1")),
                Bounded(1.0, remark="p = 0.01"),
            ),
        ),
        further_rows=(("floor", Score(55.0, 1), None),),
        reference_rows=(("floor", 50.0, None), ("ELECTRA (README, dev)", 70.0, None)),
    )
    rows = rows_of_csv(table)
    kinds = [(row["model"], row["kind of row"]) for row in rows]
    assert kinds == [
        ("a", "measured"),
        ("floor", "not shown"),
        ("floor", "floor"),
        ("ELECTRA (README, dev)", "published"),
    ]
    marks = [row["marks of cells"] for row in rows]
    assert marks == ["cola: 1 undefined, old version 1; gap: p = 0.01", "", "", ""]
    header = to_csv(table).splitlines()[0].split(",")
    assert header[:2] == ["model", "cola"]
    assert header[-2:] == ["kind of row", "marks of cells"]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+1+1", "'+1+1"),
        ("-small", "'-small"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "' =1+1"),
        ("-5", "-5"),
        ("a=b", "a=b"),
    ],
)
def test_csv_has_no_formula_for_a_spreadsheet(label, shown):
    [row] = rows_of_csv(Table(("model", "score"), ((label, -5.5),)))
    assert (row["model"], row["score"]) == (shown, "-5.5")


@pytest.mark.parametrize("char", ["\x1b", "\x9b", "\u202e", "\u2066", "\U000e0041"])
def test_characters_that_nobody_sees_are_in_no_form(char, tmp_path):
    label = f"small{char}egral"
    records = [run_record(label, "cola", s, 60.0 + s) for s in range(2)]
    save_records(tmp_path / "runs", [*records, run_record("b", "cola", 0, 50.0)])
    table = build_table(collect([str(tmp_path / "runs")]))
    table = replace(
        table,
        notes=(f"Of {label}.",),
        left_out=(LeftOut(label, label),),
        plots=(Dots("d", label, label, label, ((label, (1.0, 2.0)),)),),
    )
    comparison = compare((label, "b"), [str(tmp_path / "runs")])
    forms = {
        "csv": to_csv(table),
        "json": to_json(table),
        "markdown": to_markdown(table),
        "latex": to_latex(table, label),
        "html": to_html(table, str(tmp_path), label),
        "terminal": printed(table, 400),
        "compared": "".join(map(to_markdown, to_tables(comparison))),
        "compared json": compared_json(comparison),
    }
    assert [name for name, form in forms.items() if char in form] == []
    assert json.loads(forms["json"])["rows"][0]["model"] == label
    assert json.loads(forms["compared json"])["sides"][0]["name"] == label


def test_json_has_the_runs_behind_a_score(table):
    content = json.loads(to_json(table))
    row = next(r for r in content["rows"] if r["model"] == "small")
    assert row["mean"] is None
    assert row["cola"]["count"] == 3
    run_id, score = row["cola"]["runs"][0]
    source = content["sources"][run_id]
    assert score == 60.0
    assert os.path.isfile(source["path"])
    assert source["command"].startswith("electra-bench finetune ")


def test_html_is_self_contained_and_escaped(table, tmp_path):
    page = to_html(table, str(tmp_path), command="electra-bench <b>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "electra-bench &lt;b&gt;" in page
    assert "http://" not in page
    assert "https://" not in page
    assert 'href="./runs/000/record.json"' in page


def test_a_page_says_how_to_read_a_cell(tmp_path):
    scores = [Score(61.0, 2, 0.5, 60.0, 62.0, 61.0, (60.2, 61.8)), Score(50.0, 1)]
    rows = tuple(zip("ab", scores, strict=True))
    page = to_html(Table(("model", "cola"), rows, metrics=("cola",)), str(tmp_path))
    assert (
        "A cell: mean over runs, ± standard deviation, n runs, [95 % interval], a dot a "
        "run with a bar at the mean. Green: the best." in page
    )
    page = to_html(Table(("model", "cola"), rows[1:]), str(tmp_path))
    assert "A cell: mean over runs, n runs.</p>" in page
    run = replace(scores[1], runs=(("b-cola-0", 50.0),))
    page = to_html(Table(("model", "cola"), (("b", run),)), str(tmp_path))
    assert "A cell: mean over runs, n runs. A number leads to its runs.</p>" in page
    behind = {"cola": (("b-cola-0", 50.0),)}
    page = to_html(Table(("model", "cola"), rows[1:], runs=(behind,)), str(tmp_path))
    assert '<a class="score" href="#runs-0-0">' in page
    assert "A cell" not in to_html(Table(("model",), (("a",),)), str(tmp_path))


def test_an_unknown_format_is_an_error(table, tmp_path):
    with pytest.raises(ValueError, match="no format 'pdf'"):
        render_table(table, str(tmp_path), ("pdf",))


def test_left_out_records_are_counted_in_every_form(tmp_path):
    good, bad = save_records(
        tmp_path / "runs", [run_record("a", "cola", s, 60.0) for s in range(2)]
    )
    (bad / "record.json").write_text("{")
    table = build_table(collect([str(tmp_path / "runs")]))
    path = str(bad / "record.json")
    assert "Left out: 1" in printed(table, 400)
    assert path in printed(table, 400)
    assert "Left out: 1" in to_markdown(table)
    assert "Left out: 1" in to_html(table, str(tmp_path))
    assert path in to_html(table, str(tmp_path))
    assert json.loads(to_json(table))["left_out"][0]["where"] == path
