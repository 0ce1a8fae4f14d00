"""Scores as pictures: a panel a task, a line a model, a point a seed."""

import os
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from electra_bench.reports import table as tables
from electra_bench.reports.table import Score, Table

POINT = "#4c78a8"
MEDIAN = "#1b1e23"
FLOOR = "#b4472d"
MOST_PANELS_A_ROW = 4
LONGEST_NAME = 32


def score_figure(table: Table) -> Figure:
    """Draws every column of scores.

    A point is a run, the upright bar the median, the dashed line the floor; a model
    without a score has an empty line. Panels share no scale: tasks differ.

    Raises:
        ValueError: the table has no scores or no rows.
    """
    columns = [
        name
        for name in table.columns
        if any(isinstance(table.cell(row, name), Score) for row in table.rows)
    ]
    if not columns:
        raise ValueError("the table has no scores to draw")
    across = min(len(columns), MOST_PANELS_A_ROW)
    down = -(-len(columns) // across)
    height = 1.0 + 0.42 * len(table.rows)
    figure = Figure(
        figsize=(1.6 + 2.6 * across, 0.5 + height * down), layout="constrained"
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    for panel in panels.flat[len(columns) :]:
        panel.set_visible(False)
    for panel, column in zip(panels.flat, columns, strict=False):
        _draw(panel, table, column)
    figure.supxlabel(
        "score; point: one run, bar: median, dashed: floor", fontsize=8, color="#555"
    )
    return figure


def _draw(panel, table: Table, column: str) -> None:
    for place, row in enumerate(table.rows):
        score = table.cell(row, column)
        values = [v for _, v in score.runs if v is not None]
        panel.plot(values, [place] * len(values), "o", color=POINT, alpha=0.6, ms=5)
        if score.value is not None:
            panel.plot(
                [score.value] * 2, [place - 0.28, place + 0.28], color=MEDIAN, lw=2
            )
    if table.floor is not None:
        floor = tables.number(table.cell(table.floor, column))
        if floor is not None:
            panel.axvline(floor, color=FLOOR, ls="--", lw=1)
    names = [_printable(table.cell(row, table.label)) for row in table.rows]
    panel.set_yticks(range(len(names)), names, parse_math=False)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_title(_printable(column), fontsize=10, parse_math=False)
    panel.grid(axis="y", color="#e3e3e3", lw=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(length=0, labelsize=8)
    panel.margins(x=0.12)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)


def _printable(name) -> str:
    """A name without characters that no font has, cut where it would crowd the panels."""
    shown = "".join(c if c.isprintable() else "?" for c in str(name))
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def write_plots(
    table: Table, out_dir: str, suffixes: Sequence[str] = ("png", "svg")
) -> list[str]:
    """Writes `score_figure` to `leaderboard.<suffix>` in a folder; returns the paths."""
    os.makedirs(out_dir, exist_ok=True)
    figure = score_figure(table)
    paths = [os.path.join(out_dir, f"leaderboard.{suffix}") for suffix in suffixes]
    for path, suffix in zip(paths, suffixes, strict=True):
        figure.savefig(f"{path}.partial", format=suffix, dpi=150)
        os.replace(f"{path}.partial", path)
    return paths
