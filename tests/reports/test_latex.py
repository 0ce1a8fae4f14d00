import re

import pytest
from run_records import run_record, save_records

from electra_bench.reports.collect import collect
from electra_bench.reports.latex import escape, to_latex
from electra_bench.reports.table import Difference, Score, Table
from electra_bench.reports.write import build_table

HOSTILE = r"\input{/etc/passwd} 50% #1 $x^2$ a_b & ~c <d> | \\[2cm] [e]* `--'"
# What is left of escaped text once its commands are read: braces and plain characters.
COMMAND = re.compile(r"\\(text[a-z]+\{\}|[{}$&#%_])|\$(\\pm|-)\$|\{[\[\]*'-]\}")


@pytest.mark.parametrize(
    "text", [HOSTILE, *map(chr, range(32, 127)), *(f"\\{c}" for c in "\\{}[]*")]
)
def test_nothing_special_is_left(text):
    rest = COMMAND.sub("", escape(text))
    assert not set(rest) & set(r"\{}$&#%_~^<>|`[]*'" + '"')
    assert "--" not in rest


def test_text_stays_on_its_line_without_control_characters():
    assert escape("a\n\n b\x1b[31m") == "a b?{[}31m"


def test_a_hostile_name_keeps_rows_and_columns(tmp_path):
    records = [
        run_record(label, task, seed, 60.0 + seed)
        for label in ("small", HOSTILE)
        for task in ("cola", "rte_x")
        for seed in range(2)
    ]
    save_records(tmp_path / "runs", records)
    table = build_table(collect([str(tmp_path / "runs")]))
    text = to_latex(table, command="electra-bench\n\\input{x}")
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")].splitlines()
    rows = [line for line in body if not line.endswith("rule")]
    assert len(rows) == 1 + len(table.rows) + len(table.reference_rows)
    for row in rows:
        assert row.endswith(r"\\")
        assert len(re.findall(r"(?<!\\)&", row)) == len(table.columns) - 1
    [alignment] = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", text)
    assert len(alignment) == len(table.columns)
    # Outside a comment nothing reads a file.
    assert r"\input" not in re.sub(r"^%.*$", "", text, flags=re.MULTILINE)
    assert r"rte\_x" in text


def test_environments_and_braces_are_closed(tmp_path):
    table = Table(("model", "cola"), ((HOSTILE, Score(1.0, marks=("}{", "%"))),))
    text = to_latex(table)
    begun = re.findall(r"\\begin\{(\w+)\}", text)
    assert sorted(begun) == sorted(re.findall(r"\\end\{(\w+)\}", text))
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")


def test_shows_spread_marks_and_significance():
    scores = [
        Score(61.0, 3, 0.5, 60.0, 62.0, 61.0, (60.2, 61.8), marks=("1 collapsed",)),
        Score(50.0, 3, 0.5, no_interval="no predictions", marks=("1 collapsed",)),
    ]
    difference = Difference("cola", 0, 1, 11.0, 9.0, 13.0, 1e-4, 1e-4, "McNemar", False)
    table = Table(
        ("model", "cola"),
        (("good", scores[0]), ("bad", scores[1])),
        metrics=("cola",),
        differences=(difference,),
    )
    text = to_latex(table)
    assert r"\textbf{61.0}\textsuperscript{a} {\scriptsize $\pm$0.5, n=3" in text
    assert r"{[}60.2, 61.8{]}" in text
    assert r"50.0\textsuperscript{a,b}" in text
    assert r"\textsuperscript{a} 1 collapsed\par" in text
    assert "cola: good is better than bad by 11.00" in text
