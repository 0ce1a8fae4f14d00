"""What a report builds and every renderer reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MISSING = "–"


@dataclass(frozen=True)
class Score:
    """A score that sums up several runs.

    Attributes:
        value: the shown number (a median over seeds), percentage 0-100; None if there is
            no run or no run has a defined score.
        count: number of runs with a defined score.
        sd: sample standard deviation over them; None for fewer than two.
        low: smallest of them; `high`: largest; None without any.
        runs: (run_id, score or None) of every run.
        marks: what a reader must know ("2 collapsed", "1 undefined").
    """

    value: float | None
    count: int = 0
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    runs: tuple[tuple[str, float | None], ...] = ()
    marks: tuple[str, ...] = ()


Value = Score | str | int | float | None


@dataclass(frozen=True)
class LeftOut:
    """A record that a table does not show.

    Attributes:
        where: path of the record, or its run_id.
        reason: why it is left out.
    """

    where: str
    reason: str


@dataclass(frozen=True)
class Source:
    """Where a run behind a score is.

    Attributes:
        path: path of its record; None if unknown.
        command: the command that repeats it; None if unknown.
        seed: its seed.
    """

    path: str | None
    command: str | None
    seed: int | None


@dataclass(frozen=True)
class Table:
    """Rows of values, with the names of the columns that mean something.

    A report plugin needs `columns`, `rows` and mostly `rank_by` and `metrics`; None is a
    missing value and is shown as a dash.

    Attributes:
        columns: column names, all different; the first text column names the row.
        rows: values in the order of `columns`, best row first.
        rank_by: the column that decides the order; None if rows have no order.
        metrics: the columns that hold scores, 0-100.
        label: the column that names the row.
        reference_rows: rows that take no part in the ranking, such as a floor.
        title: heading.
        details: column name to what it measures ("mcc, dev, v1, 1043 examples").
        notes: sentences below the table.
        left_out: records that could not be used.
        sources: run_id to where it is; filled in by whoever read the records.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    rank_by: str | None = None
    metrics: tuple[str, ...] = ()
    label: str = "model"
    reference_rows: tuple[tuple[Value, ...], ...] = ()
    title: str = "Leaderboard"
    details: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self):
        """Checks that names and lengths fit.

        Raises:
            ValueError: a name is no column, or is one twice, or a row is too long or short.
        """
        if len(set(self.columns)) != len(self.columns):
            raise ValueError(f"columns of a table must differ, got {self.columns}")
        named = [self.label, *self.metrics, *self.details]
        named += [self.rank_by] if self.rank_by else []
        for name in named:
            if name not in self.columns:
                raise ValueError(f"{name!r} is no column of the table: {self.columns}")
        for row in (*self.rows, *self.reference_rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row has {len(row)} values for {len(self.columns)} columns: {row}"
                )

    def cell(self, row: tuple[Value, ...], column: str) -> Value:
        """The value of a row in a column."""
        return row[self.columns.index(column)]

    def best(self, column: str) -> float | None:
        """The largest number of a column; None where fewer than two rows have one."""
        numbers = [number(self.cell(row, column)) for row in self.rows]
        numbers = [n for n in numbers if n is not None]
        return max(numbers) if len(numbers) > 1 else None

    def is_text(self, column: str) -> bool:
        """Whether a column holds text, which is sorted and aligned as such."""
        return any(isinstance(self.cell(row, column), str) for row in self.rows)


def number(value: Value) -> float | None:
    """What a value counts as in sorting and in files; None if missing or text."""
    if isinstance(value, Score):
        return value.value
    return value if isinstance(value, (int, float)) else None


def text(value: Value, *, metric: bool = False) -> str:
    """A value as it is shown, without spread and marks.

    Args:
        value: the value.
        metric: whether it is a score, shown with one decimal.
    """
    if isinstance(value, Score):
        return text(value.value, metric=True)
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:.1f}" if metric else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value


def spread(score: Score) -> str:
    """Spread and number of runs in short: `±0.8, n=5`; empty without runs."""
    if not score.count:
        return ""
    sd = f"±{score.sd:.1f}, " if score.sd is not None else ""
    return f"{sd}n={score.count}"


def explain(score: Score) -> str:
    """What stands behind a score, in words."""
    if not score.count:
        return ", ".join(("no score", *score.marks))
    if score.count == 1:
        parts = ["one run"]
    else:
        parts = [
            f"median of {score.count} runs",
            f"standard deviation {score.sd:.2f}",
            f"{score.low:.2f} to {score.high:.2f}",
        ]
    return ", ".join((*parts, *score.marks))
