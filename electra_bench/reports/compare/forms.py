"""A comparison on the terminal, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from electra_bench.reports import table as tables
from electra_bench.reports.compare.comparison import (
    Comparison,
    Differing,
    Disagreement,
    Scores,
)
from electra_bench.reports.render.files import escaped
from electra_bench.reports.render.markdown import escape
from electra_bench.reports.render.terminal import print_grid
from electra_bench.reports.table import Score, plain

# Characters of one answer; JSON has all of it.
LONGEST = 60
SCORE_COLUMNS = ("difference", "95 % interval", "p", "p adjusted", "test")

Grid = tuple[str, Sequence[str], list[list[str]]]


def to_json(comparison: Comparison) -> str:
    """Renders a comparison with every digit."""
    content = asdict(comparison)
    for name in ("configuration", "environment"):
        content[name] = [one._asdict() for one in getattr(comparison, name)]
    lines = json.dumps(content, indent=1, ensure_ascii=False).split("\n")
    return "\n".join(map(escaped, lines)) + "\n"


def to_markdown(comparison: Comparison) -> str:
    """Renders a comparison."""
    lines = [f"# {escape(_title(comparison))}", ""]
    for title, columns, rows in _grids(comparison):
        lines += [f"## {escape(title)}", ""]
        for cells in (columns, ["---"] * len(columns), *rows):
            is_rule = cells[0] == "---"
            shown = cells if is_rule else [escape(cell) for cell in cells]
            lines.append(f"| {' | '.join(shown)} |")
        lines.append("")
    lines += [f"- {escape(sentence)}" for sentence in _sentences(comparison)]
    return "\n".join(lines) + "\n"


def print_comparison(comparison: Comparison, out: Console) -> None:
    """Prints a comparison."""
    out.print(Text(plain(_title(comparison)), style="bold"))
    for title, columns, rows in _grids(comparison):
        out.print()
        out.print(Text(plain(title), style="bold"))
        print_grid(columns, rows, out)
    out.print()
    for sentence in _sentences(comparison):
        out.print(Text(plain(sentence)))


def _title(comparison: Comparison) -> str:
    first, second = comparison.sides
    return f"{first.name} and {second.name}"


def _grids(comparison: Comparison) -> list[Grid]:
    names = [side.name for side in comparison.sides]
    grids: list[Grid] = []
    if comparison.scores:
        rows = [_score_row(scores) for scores in comparison.scores]
        grids.append(("Scores", ("task", *names, *SCORE_COLUMNS), rows))
    counted = [scores for scores in comparison.scores if scores.better is not None]
    if counted:
        columns = ("task", *(f"better: {name}" for name in names), "equal")
        rows = [[s.column, *map(str, s.better), str(s.equal)] for s in counted]
        grids.append(("Examples", columns, rows))
    for scores in counted:
        if scores.examples:
            columns = ("id", "better", "target", *names)
            rows = [_example_row(example, names) for example in scores.examples]
            grids.append((f"Some examples of {scores.column}", columns, rows))
    for title, found in (
        ("Configuration", comparison.configuration),
        ("Environment", comparison.environment),
    ):
        if found:
            grids.append((title, ("setting", *names), list(map(_setting_row, found))))
    return grids


def _score_row(scores: Scores) -> list[str]:
    row = [scores.column, *map(_score, scores.scores)]
    row.append(
        tables.MISSING if scores.difference is None else f"{scores.difference:+.2f}"
    )
    if scores.interval is None:
        return [*row, f"none: {scores.no_test}", "", "", ""]
    low, high = scores.interval
    p_values = [f"{p:.2g}" for p in (scores.p_value, scores.p_adjusted)]
    return [*row, f"[{low:.2f}, {high:.2f}]", *p_values, scores.test]


def _score(score: Score) -> str:
    spread = f" ({tables.spread(score)})" if score.count > 1 else ""
    shown = tables.MISSING if score.mean is None else f"{score.mean:.2f}"
    return ", ".join((f"{shown}{spread}", *score.marks))


def _example_row(example: Disagreement, names: Sequence[str]) -> list[str]:
    of_sides = [" / ".join(map(_short, side)) for side in example.predictions]
    return [example.id, names[example.better], _short(example.target), *of_sides]


def _short(answer: object) -> str:
    if isinstance(answer, float):
        return f"{answer:.4g}"
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _setting_row(found: Differing) -> list[str]:
    return [found.name, *(", ".join(v) or tables.MISSING for v in found.values)]


def _sentences(comparison: Comparison) -> list[str]:
    sentences = [
        f"{side.name}: {'1 run' if len(side.runs) == 1 else f'{len(side.runs)} runs'}."
        for side in comparison.sides
    ]
    if any(scores.test for scores in comparison.scores):
        sentences.append(
            "Scores are means over runs; a difference is that of the first less the second."
        )
    lower = [one.column for one in comparison.scores if not one.higher_is_better]
    if lower:
        sentences.append(f"{tables.LOWER.capitalize()} in {', '.join(lower)}.")
    if any(
        scores.test and min(score.count for score in scores.scores) == 1
        for scores in comparison.scores
    ):
        sentences.append(
            "With one run on a side a test says that these runs differ, not that others "
            "would."
        )
    if not comparison.scores:
        sentences.append("No score of one side compares with one of the other.")
    sentences += [
        f"Only {comparison.sides[number].name} has {column}."
        for number, column in comparison.only
    ]
    sentences += [
        f"Left out: {item.where}: {item.reason}." for item in comparison.left_out
    ]
    return sentences
