"""Pictures of reports as SVG and PNG, by matplotlib."""

import functools
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

from electra_bench.reports.plot import XY, Dots, Matrix, Plot, Point
from electra_bench.reports.render.colors import ACCENT, INK, LINE, PAGE, QUIET
from electra_bench.reports.table import UNPRINTABLE, plain, text

# Of middle lightness: seen on white and on black.
COLORS = (
    ACCENT,
    "#c8553d",
    "#3d8f5f",
    "#b8860b",
    "#8a63b3",
    "#2a9aa5",
    "#c0578f",
    "#7a8450",
)
DASHES = ("-", "--", ":", "-.")
# Inches; narrow enough for a phone to show the text as large as the page's small print.
WIDTH = 4.3
TEXT, SMALL = 10.5, 9
LONGEST_NAME = 28
# Series with a colour and a name in the legend; more could not be told apart.
MOST_SERIES = 24
# Of the ends of a logarithmic axis.
LEAST_RATIO = 2.0
# In a row; more are written smaller.
FEW_NUMBERS = 9
# Half lines that a name may be away from its point.
MOST_STEPS = 9


@functools.lru_cache(maxsize=8)
def figure(plot: Plot) -> Figure:
    """Draws one picture."""
    drawn = Figure(figsize=(WIDTH, _height(plot)), layout="constrained")
    FigureCanvasAgg(drawn)
    panel = drawn.subplots()
    # Of the whole picture: it may be wider than the panel.
    drawn.suptitle(
        _printable(plot.title, 60), fontsize=TEXT, color=INK, parse_math=False
    )
    panel.tick_params(length=0, labelsize=SMALL, colors=QUIET)
    panel.spines[:].set_color(LINE)
    panel.set_axisbelow(True)
    match plot:
        case XY():
            _draw_xy(panel, plot)
        case Dots():
            _draw_dots(panel, plot)
        case Matrix():
            _draw_matrix(panel, plot)
    drawn.draw_without_rendering()
    # Every file would compute the layout again.
    drawn.set_layout_engine("none")
    return drawn


def _height(plot: Plot) -> float:
    if isinstance(plot, Dots):
        return 1.0 + 0.32 * len(plot.rows)
    if isinstance(plot, Matrix):
        return 1.0 + 0.3 * len(plot.names)
    named = sum(bool(series.name) for series in plot.series)
    return 3.4 + 0.2 * (min(named, MOST_SERIES) // 2)


def _printable(name: str, longest: int = LONGEST_NAME) -> str:
    """A name without characters that no font has, and not so long as to crowd others.

    It loses its middle, since what tells names apart often stands at the end.
    """
    shown = plain(name).replace(UNPRINTABLE, "?")
    if len(shown) <= longest:
        return shown
    end = longest // 2 - 1
    return f"{shown[: longest - 1 - end]}…{shown[-end:]}"


def _draw_xy(panel: Axes, plot: XY) -> None:
    for place, series in enumerate(plot.series):
        is_told_apart = place < MOST_SERIES
        color = COLORS[place % len(COLORS)] if is_told_apart else QUIET
        dashes = DASHES[place // len(COLORS)] if is_told_apart else "-"
        bars = [(p.x, p.low, p.high) for p in series.points if p.low is not None]
        if bars:
            panel.vlines(*zip(*bars, strict=True), color=color, lw=1.2)
        panel.plot(
            [point.x for point in series.points],
            [point.y for point in series.points],
            color=color,
            linestyle=dashes if series.joined else "none",
            marker="o" if series.marked else "none",
            markersize=5,
            linewidth=1.5 if is_told_apart else 0.6,
            zorder=2 if is_told_apart else 1.5,
            label=_printable(series.name) if series.name else "_",
        )
    places = [point.x for series in plot.series for point in series.points]
    if plot.log_x:
        panel.set_xscale("log")
        # Values that are nearly equal would fill the axis and look different.
        low, high = min(places), max(places)
        if high < low * LEAST_RATIO:
            middle = math.sqrt(low * high)
            low, high = middle / LEAST_RATIO, middle * LEAST_RATIO
            panel.set_xlim(low, high)
        decades = math.log10(high / low)
        subs = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 2.5 else (1,)
        panel.xaxis.set_major_locator(LogLocator(subs=subs, numticks=7))
        panel.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: text(float(x)) if x >= 1e6 else f"{x:,g}")
        )
        panel.xaxis.set_minor_locator(NullLocator())
    elif max(places, default=0) > 9999:
        # 200k instead of an exponent in the corner.
        panel.xaxis.set_major_formatter(EngFormatter(sep=""))
    panel.margins(x=0.08, y=0.12)
    panel.grid(color=LINE, lw=0.7)
    _name_axis(panel.xaxis, plot.x)
    _name_axis(panel.yaxis, plot.y)
    panel.spines[["top", "right"]].set_visible(False)
    # Without the series that have no name.
    handles = panel.get_legend_handles_labels()[0][:MOST_SERIES]
    if handles:
        legend = panel.figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=1 if len(handles) == 1 else 2,
            fontsize=SMALL,
            frameon=False,
            labelcolor=INK,
        )
        for name in legend.get_texts():
            name.set_parse_math(False)
    # Last, since a legend takes room away.
    _name_points(panel, [point for series in plot.series for point in series.points])


def _name_axis(axis: Axis, name: str) -> None:
    axis.set_label_text(
        _printable(name, 80), parse_math=False, fontsize=SMALL, color=QUIET
    )


def _name_points(panel: Axes, points: Sequence[Point]) -> None:
    """Writes names beside points, as near as other points and names leave room for."""
    drawn = panel.figure.get_figure(root=True)
    drawn.draw_without_rendering()
    inside = panel.get_window_extent()
    taken: list[Bbox] = []
    dots = [panel.transData.transform((p.x, p.y)) for p in points]
    size = SMALL * drawn.dpi / 72
    for point, (x, y) in sorted(zip(points, dots, strict=True), key=lambda i: -i[1][1]):
        if not point.name:
            continue
        name = _printable(point.name)
        beside = (dot for dot in dots if tuple(dot) != (x, y))
        others = [Bbox([(a - 3, b - 3), (a + 3, b + 3)]) for a, b in beside]
        width = 0.62 * size * len(name)
        # To the left where the right has no room.
        is_left = x + width + size > inside.x1 and x - width - size > inside.x0
        left = x - width - 0.6 * size if is_left else x + 0.6 * size
        for step in range(MOST_STEPS):
            # 0, 1, -1, 2, -2 ... half lines away.
            shift = (step + 1) // 2 * (1 if step % 2 else -1) * 0.55 * size
            low, high = y + shift - 0.6 * size, y + shift + 0.6 * size
            box = Bbox([(left, low), (left + width, high)])
            is_inside = inside.y0 < low and high < inside.y1
            if is_inside and not any(map(box.fully_overlaps, (*taken, *others))):
                break
        else:
            # No room: the table below has it.
            continue
        taken.append(box)
        panel.annotate(
            name,
            (point.x, point.y),
            xytext=((-0.6 if is_left else 0.6) * SMALL, shift * 72 / drawn.dpi),
            textcoords="offset points",
            ha="right" if is_left else "left",
            va="center",
            fontsize=SMALL,
            color=INK,
            parse_math=False,
            bbox={"facecolor": PAGE, "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
        )


def _draw_dots(panel: Axes, plot: Dots) -> None:
    # One artist for all rows: a picture of fifty takes a fifth of the time.
    dots = [(v, place) for place, (_, values) in enumerate(plot.rows) for v in values]
    x, y = np.reshape(dots, (-1, 2)).T
    panel.plot(x, y, "o", color=ACCENT, alpha=0.6, ms=5)
    means = [(float(np.mean(v)), place) for place, (_, v) in enumerate(plot.rows) if v]
    x, y = np.reshape(means, (-1, 2)).T
    panel.vlines(x, y - 0.28, y + 0.28, color=INK, lw=2)
    if plot.floor is not None:
        panel.axvline(plot.floor, color=COLORS[1], ls="--", lw=1)
    names = [_printable(name) for name, _ in plot.rows]
    panel.set_yticks(range(len(names)), names, parse_math=False, color=INK)
    panel.set_ylim(len(names) - 0.5, -0.5)
    _name_axis(panel.xaxis, plot.x)
    panel.grid(axis="y", color=LINE, lw=0.8)
    panel.margins(x=0.1)
    panel.spines[["top", "right", "left"]].set_visible(False)


def _draw_matrix(panel: Axes, plot: Matrix) -> None:
    most = max((c for row in plot.counts for c in row if c is not None), default=0)
    size = SMALL if len(plot.names) <= FEW_NUMBERS else 0.75 * SMALL
    centred: Any = {"ha": "center", "va": "center", "fontsize": size}
    for y, row in enumerate(plot.counts):
        for x, count in enumerate(row):
            if count is None:
                continue
            strength = 0.75 * count / most if most else 0.0
            ends = [x - 0.47, x + 0.47], y - 0.47, y + 0.47
            panel.fill_between(*ends, color=ACCENT, alpha=strength, lw=0)
            color = INK if count else QUIET
            panel.text(x, y, str(count or "·"), color=color, **centred)
    # Numbers below, as names would lie across one another.
    names = [f"{_printable(name)}  ({i})" for i, name in enumerate(plot.names, 1)]
    places = range(len(names))
    panel.set_yticks(places, names, parse_math=False, color=INK)
    panel.set_xticks(places, [f"({place + 1})" for place in places], color=INK)
    if len(names) > FEW_NUMBERS:
        panel.tick_params(axis="x", labelsize=size, labelrotation=90)
    panel.set_xlim(-0.5, len(names) - 0.5)
    panel.set_ylim(len(names) - 0.5, -0.5)


def drawn(plot: Plot, suffix: str) -> bytes:
    """The bytes of a file; equal plots give equal bytes, whatever a matplotlibrc says.

    Args:
        plot: what to draw.
        suffix: `svg` or `png`.
    """
    buffer = io.BytesIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": plot.name}
    metadata = {"Date": None} if suffix == "svg" else None
    with style.context(["default", settings]):
        figure(plot).savefig(buffer, format=suffix, dpi=160, metadata=metadata)
    return buffer.getvalue()
