"""What a picture shows, without how it is drawn.

A report adds these to its Table; `drawing.py` makes SVG and PNG of them. They are plain
values, so that a table with pictures compares equal to another one and costs nothing until
somebody looks.
"""

from dataclasses import dataclass
from typing import NamedTuple

# Points of a picture that can all be named beside them.
MOST_NAMES = 12


class Point(NamedTuple):
    """A point with an optional error bar.

    Attributes:
        x, y: where it is.
        low, high: ends of its error bar in y; None for none.
        name: written beside it.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    name: str = ""


@dataclass(frozen=True)
class Series:
    """Points of one colour.

    Attributes:
        name: in the legend; empty for none.
        points: in the order of x if they are joined.
        joined: whether a line goes through them.
        marked: whether each point has a dot.
    """

    name: str
    points: tuple[Point, ...]
    joined: bool = False
    marked: bool = True


@dataclass(frozen=True)
class Picture:
    """What all pictures have.

    Attributes:
        name: part of file names; lower case.
        title: heading.
        description: what a reader sees in it, for those who cannot.
    """

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class XY(Picture):
    """Points and lines.

    Attributes:
        x, y: names of the axes, with units.
        series: what is drawn.
        log_x: whether x has a logarithmic scale.
    """

    x: str
    y: str
    series: tuple[Series, ...]
    log_x: bool = False


@dataclass(frozen=True)
class Dots(Picture):
    """A line a row, on it a dot for each of its values and a bar at their mean.

    Attributes:
        x: name of the axis, with units.
        rows: (name, values), from top to bottom.
        floor: a value for comparison; None for none.
    """

    x: str
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    floor: float | None = None


@dataclass(frozen=True)
class Matrix(Picture):
    """Counts for pairs of rows; the darker the more.

    Attributes:
        names: of rows and of columns.
        counts: a row for each name; None where there is nothing to count.
    """

    names: tuple[str, ...]
    counts: tuple[tuple[int | None, ...], ...]


Plot = XY | Dots | Matrix
