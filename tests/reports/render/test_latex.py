import re
import shutil
import subprocess

import pytest
from run_records import run_record, save_records

from electra_bench.reports.collect.records import collect
from electra_bench.reports.render.latex import escape, to_latex
from electra_bench.reports.render.write import build_table
from electra_bench.reports.table import Bounded, Difference, Score, Table

HOSTILE = r"\input{/etc/passwd} 50% #1 $x^2$ a_b & ~c <d> | \\[2cm] [e]* `--'"
NAMES = (
    HOSTILE,
    r"a_b%&#$^~\{}<script>",
    '"模型 🙂 αβ" → œuvre, Łódź',
    "-- [2cm] * | it's",
)
DOCUMENT = r"""\documentclass{article}
\usepackage[margin=2.5cm]{geometry}
\usepackage{array,booktabs,graphicx}
\begin{document}
\input{table}
\end{document}
"""
# What is left of escaped text once its commands are read: braces and plain characters.
COMMAND = re.compile(
    r"\\(text[a-z]+\{\}|[{}$&#%_])|\$(\\pm|-)\$|\{([\[\]*'-]|\\char34)\}"
)


@pytest.mark.parametrize(
    "text", [HOSTILE, *map(chr, range(32, 127)), *(f"\\{c}" for c in "\\{}[]*")]
)
def test_nothing_special_is_left(text):
    rest = COMMAND.sub("", escape(text))
    assert not set(rest) & set(r"\{}$&#%_~^<>|`[]*'" + '"')
    assert "--" not in rest


def test_text_stays_on_its_line_without_control_characters():
    assert escape("a\n\n b\x1b[31m") == "a b?{[}31m"


@pytest.fixture
def hostile(tmp_path):
    """A table of hostile names, some scores marked, some without an interval."""
    records = [
        run_record(
            label,
            task,
            seed,
            60.0 + seed,
            collapsed=seed == 1,
            params=14_000_000,
        )
        for label in NAMES
        for task in ("cola", "rte_x")
        for seed in range(2)
        if (label, task, seed) != (HOSTILE, "cola", 0)
    ]
    save_records(tmp_path / "runs", records)
    return build_table(collect([str(tmp_path / "runs")]))


def test_a_hostile_name_keeps_rows_and_columns(hostile):
    text = to_latex(hostile, command="electra-bench\n\\input{x}")
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")].splitlines()
    rows = [line for line in body if not line.endswith("rule")]
    assert len(rows) == 1 + len(hostile.rows) + len(hostile.reference_rows)
    # What is the same in all rows stands below.
    assert "In all rows: protocol code\\_v1, collapsed 2, params 14,000,000." in text
    for row in rows:
        assert row.endswith(r"\\")
        assert len(re.findall(r"(?<!\\)&", row)) == len(hostile.columns) - 4
    # Outside a comment nothing reads a file.
    assert r"\input" not in re.sub(r"^%.*$", "", text, flags=re.MULTILINE)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_pdflatex_takes_it_and_it_fits_the_page(hostile, tmp_path):
    wide = Table(
        ("model", *(f"task_{i}" for i in range(20)), "difference"),
        (
            (
                HOSTILE,
                *[Score(61.0, 3, 0.5)] * 20,
                Bounded(-1.0, (-2.0, 0.0), True, "p"),
            ),
        ),
    )
    (tmp_path / "table.tex").write_text(to_latex(hostile) + to_latex(wide), "utf-8")
    (tmp_path / "document.tex").write_text(DOCUMENT, "utf-8")
    command = ["pdflatex", "-draftmode", "-halt-on-error", "-interaction=nonstopmode"]
    command += ["-no-shell-escape", "document.tex"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = said.stdout.decode("latin-1")
    assert said.returncode == 0, log
    assert "Overfull" not in log


def test_environments_and_braces_are_closed():
    table = Table(("model", "cola"), ((HOSTILE, Score(1.0, marks=("}{", "%"))),))
    text = to_latex(table)
    begun = re.findall(r"\\begin\{(\w+)\}", text)
    assert sorted(begun) == sorted(re.findall(r"\\end\{(\w+)\}", text))
    bare = re.sub(r"^%.*$", "", text, flags=re.MULTILINE)
    bare = bare.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")


def test_shows_spread_marks_and_significance():
    scores = [
        Score(61.0, 3, 0.5, 60.0, 62.0, 61.0, (60.2, 61.8), marks=("1 collapsed",)),
        Score(50.0, 2, 0.5, no_interval="no predictions", marks=("1 collapsed",)),
        Score(40.0, 3, 12.25),
    ]
    difference = Difference("cola", 0, 1, 11.0, 9.0, 13.0, 1e-4, 1e-4, "McNemar", False)
    table = Table(
        ("model", "cola"),
        tuple(zip(("good", "bad", "worse"), scores, strict=True)),
        metrics=("cola",),
        reference_rows=(("ELECTRA (table 1)", 70.0),),
        reference_details=("one model",),
        differences=(difference,),
    )
    text = to_latex(table)
    good = r"\within{\score{\textbf{61.0}}{a}{$\pm$0.5}}{{[}60.2, 61.8{]}}"
    assert rf"good & {good} \\" in text
    assert r"bad & \score{50.0}{a,b,c}{$\pm$0.5} \\" in text
    assert r"worse & \score{40.0}{}{$\pm$12.2} \\" in text
    assert r"ELECTRA\textsuperscript{d} & \score{70.0}{}{} \\" in text
    said = text[text.index(r"\scriptsize") : text.index(r"\end{minipage}")]
    for letter, mark in {
        "a": "1 collapsed",
        "b": "no interval: no predictions",
        "c": "2 runs",
        "d": "table 1: one model",
    }.items():
        assert rf"\textsuperscript{{{letter}}}\,{mark}" in said
    assert "Scores are of 3 runs where no mark says otherwise." in said
    # Papers name a few differences, not all.
    assert "\n% cola: good is better than bad by 11.00" in text
