"""What a report builds and every renderer reads."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from electra_bench.reports.plot import Plot

if TYPE_CHECKING:
    import pandas

MISSING = "–"
# Instead of a character that nobody sees.
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
# Label of the reference row with the majority baseline.
FLOOR = "floor"
# Directions of a score, in words.
HIGHER, LOWER = "higher is better", "lower is better"
# Of all tests of a table together, and of intervals.
SIGNIFICANCE_LEVEL = 0.05

# What a score and a bounded number have besides their value.
SPREAD = ("count", "sd", "low", "high", "mean", "median")
INTERVAL = ("interval low", "interval high")

# (run_id, score or None) of every run.
RunScores = tuple[tuple[str, float | None], ...]


@dataclass(frozen=True)
class Score:
    """A score that sums up several runs.

    Attributes:
        value: the shown number, the mean over runs, which has every pre-training once,
            percentage 0-100; None if there is no run, or one without a score counts as
            nobody knows what.
        count: number of runs that it is of.
        sd: sample standard deviation over them; None for fewer than two.
        low: smallest of them; `high`: largest; None without any.
        mean: as `value`.
        interval: ends of the 95 % interval of that, over runs and groups of examples; of
            one run over groups only. None if `no_interval` says why.
        runs: (run_id, score or None) of every run.
        marks: what a reader must know ("2 collapsed", "1 undefined, counted as the floor").
        no_interval: why there is no interval, and for how many runs.
        stale: whether the runs are of an older version of their task.
        median: over the runs.
        undefined_as: the floor, as which undefined scores count.
    """

    value: float | None
    count: int = 0
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    interval: tuple[float, float] | None = None
    runs: RunScores = ()
    marks: tuple[str, ...] = ()
    no_interval: str | None = None
    stale: bool = False
    median: float | None = None
    undefined_as: float | None = None

    @property
    def counted(self) -> tuple[float, ...]:
        """Scores of the runs, floors where they are undefined."""
        scores = (self.undefined_as if s is None else s for _, s in self.runs)
        return tuple(score for score in scores if score is not None)


@dataclass(frozen=True)
class Bounded:
    """A number with its 95 % interval, where there are no runs of its own to sum up.

    Attributes:
        value: percentage points.
        interval: its ends; None if unknown.
        is_difference: whether its sign is shown.
        remark: what is known besides, in a word or two ("p = 0.01").
    """

    value: float
    interval: tuple[float, float] | None = None
    is_difference: bool = False
    remark: str = ""


class NothingToShow(ValueError):
    """The records have not what a report is about; the message says what is missing."""


# What has more to it than one number.
Summary = Score | Bounded
Value = Summary | str | int | float | None


@dataclass(frozen=True)
class Difference:
    """A test between two rows in one column.

    Attributes:
        column: the column.
        row: number of a row of the table; `other`: of another one.
        value: score of `row` less that of `other`, means over runs, percentage points.
        low: lower end of its 95 % interval, of this one comparison; `high`: upper end.
        p_value: of this one test, two-sided.
        p_adjusted: for all tests of the table.
        test: its name.
        runs_only: whether a side has one run: then it says that these runs differ, not
            that others would.
        higher_is_better: direction of the column.
        contaminated: numbers of the rows whose pre-training has seen something that the
            column measures and that of the other one has not: their lead claims nothing.
    """

    column: str
    row: int
    other: int
    value: float
    low: float
    high: float
    p_value: float
    p_adjusted: float
    test: str
    runs_only: bool
    higher_is_better: bool = True
    contaminated: tuple[int, ...] = ()

    @property
    def significant(self) -> bool:
        """Whether the table claims that one row is better."""
        is_fair = not self.runs_only and self.better not in self.contaminated
        return self.p_adjusted <= SIGNIFICANCE_LEVEL and is_fair

    @property
    def worse(self) -> int:
        """Number of the row with the worse score."""
        return self.other if (self.value > 0) == self.higher_is_better else self.row

    @property
    def better(self) -> int:
        """Number of the row with the better score."""
        return self.row if self.worse == self.other else self.other

    @property
    def lead(self) -> tuple[float, float, float]:
        """By how much the better row is better, not negative, and the interval's ends."""
        sign = 1 if self.value > 0 else -1
        low, high = sorted((sign * self.low, sign * self.high))
        return abs(self.value), low, high


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
class Provenance:
    """Where a run behind a score is.

    Attributes:
        path: path of its record; None if unknown.
        command: the command that repeats it elsewhere; None if unknown.
        seed: its seed.
        renewal: the command that replaces it; None if unknown.
    """

    path: str | None
    command: str | None
    seed: int | None
    renewal: str | None = None


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
        lower_is_better: those of them where a smaller score is the better one.
        label: the column that names the row.
        reference_rows: rows that take no part in the ranking, such as a floor.
        title: heading.
        details: column name to what it measures ("mcc, dev, v1, 1043 examples").
        notes: sentences below the table.
        left_out: records that could not be used.
        differences: tests between rows; None if the report makes no tests.
        reference_details: source and conditions of every reference row; may be empty.
        further_rows: rows after the shown ones, which only CSV and JSON hold.
        repeat: run_ids of runs that an older version of their task has scored.
        run: the column that holds run_ids, where every row is a run; None if there is none.
        tasks: column name to the task that it has scores of.
        plots: pictures of the table.
        runs: of every row: name to the runs behind those of its numbers that are no
            `Score`s. A number of a column of that name leads to them.
        sources: run_id to where it is; filled in by whoever read the records.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    rank_by: str | None = None
    metrics: tuple[str, ...] = ()
    lower_is_better: tuple[str, ...] = ()
    label: str = "model"
    reference_rows: tuple[tuple[Value, ...], ...] = ()
    title: str = "Leaderboard"
    details: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    differences: tuple[Difference, ...] | None = None
    reference_details: tuple[str, ...] = ()
    further_rows: tuple[tuple[Value, ...], ...] = ()
    repeat: tuple[str, ...] = ()
    run: str | None = None
    tasks: Mapping[str, str] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    runs: tuple[Mapping[str, RunScores], ...] = ()
    sources: Mapping[str, Provenance] = field(default_factory=dict)

    def __post_init__(self):
        """Checks that names and lengths fit.

        Raises:
            ValueError: a name is no column, or is one twice, or a row is too long or short,
                or the runs of some rows are missing.
        """
        if len(set(self.columns)) != len(self.columns):
            raise ValueError(f"columns of a table must differ, got {self.columns}")
        named = (self.label, self.rank_by, self.run, *self.metrics, *self.details)
        for name in (*named, *self.tasks, *self.lower_is_better):
            if name is not None and name not in self.columns:
                raise ValueError(f"{name!r} is no column of the table: {self.columns}")
        if self.runs and len(self.runs) != len(self.rows):
            raise ValueError(
                f"got runs of {len(self.runs)} rows, the table has {len(self.rows)}"
            )
        for row in (*self.rows, *self.further_rows, *self.reference_rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row has {len(row)} values for {len(self.columns)} columns: {row}"
                )

    def behind(self, place: int) -> dict[str, RunScores]:
        """Name to the runs behind the numbers of a row, where they are known."""
        cells = zip(self.columns, self.rows[place], strict=True)
        found = {name: v.runs for name, v in cells if isinstance(v, Score)}
        found |= self.runs[place] if self.runs else {}
        return {name: runs for name, runs in found.items() if runs}

    def cell(self, row: Sequence[Value], column: str) -> Value:
        """The value of a row in a column."""
        return row[self.columns.index(column)]

    def values(self, column: str) -> list[Value]:
        """The values of the rows in a column."""
        return [self.cell(row, column) for row in self.rows]

    def shown(self, row: Sequence[Value], column: str) -> str:
        """The value of a row in a column as it is shown, without spread and marks."""
        return text(self.cell(row, column), metric=column in self.metrics)

    def best(self, column: str) -> frozenset[int]:
        """Numbers of the rows to stress in a column; empty if nothing is better.

        With tests, those that no row is significantly better than, without contaminated
        ones beside others; without tests, those with the best number, where more than one
        row has any.
        """
        if self.differences is None:
            numbers = list(map(number, self.values(column)))
            known = [value for value in numbers if value is not None]
            if len(known) < 2:
                return frozenset()
            best = min(known) if column in self.lower_is_better else max(known)
            return frozenset(i for i, value in enumerate(numbers) if value == best)
        tests = [d for d in self.differences if d.column == column]
        beaten = {d.worse for d in tests if d.significant}
        tested = {row for d in tests for row in (d.row, d.other)}
        contaminated = {row for d in tests for row in d.contaminated}
        return frozenset(tested - beaten - contaminated if beaten else ())

    def name(self, place: int) -> str:
        """What a row is called: its label, with its other texts if another row has that."""
        row = self.rows[place]
        names = [self.cell(row, self.label)]
        if self.values(self.label).count(names[0]) > 1:
            others = zip(self.columns, row, strict=True)
            names += [v for c, v in others if c != self.label and isinstance(v, str)]
        return ", ".join(map(text, names))

    def reference(self, place: int) -> tuple[str, str]:
        """Name of a reference row, and what it has in brackets with its details."""
        label = text(self.cell(self.reference_rows[place], self.label))
        name, bracket, source = label.partition(" (")
        details = dict(enumerate(self.reference_details)).get(place, "")
        source = source.removesuffix(")") if bracket else ""
        return name, ": ".join(filter(None, (source, details)))

    @property
    def about_references(self) -> list[str]:
        """The reference rows that have details, with these."""
        labels = [text(self.cell(row, self.label)) for row in self.reference_rows]
        about = zip(labels, self.reference_details, strict=False)
        return [f"{label}: {details}" for label, details in about if details]

    @property
    def floor(self) -> tuple[Value, ...] | None:
        """The reference row of the majority baseline; None if there is none."""
        by_label = {self.cell(r, self.label): r for r in reversed(self.reference_rows)}
        return by_label.get(FLOOR)

    @property
    def claims(self) -> list[Difference]:
        """The significant differences."""
        return [one for one in self.differences or () if one.significant]

    @property
    def described(self) -> dict[str, str]:
        """Column name to what it measures and, where lower is better, that it is so."""
        described = dict(self.details)
        for name in self.lower_is_better:
            described[name] = "; ".join(filter(None, (described.get(name), LOWER)))
        return described

    def flat(self) -> dict[str, list[str | int | float | None]]:
        """Column name to values of all rows, with columns for what else a score has.

        After a column of scores stand their number, spread and mean, after one of numbers
        with intervals the ends of these. `kind of row` says whether a row is measured, not
        shown, the floor or published; `marks of cells` has the marks of its scores.
        """
        kinds = ["measured"] * len(self.rows) + ["not shown"] * len(self.further_rows)
        labels = (self.cell(row, self.label) for row in self.reference_rows)
        kinds += [FLOOR if label == FLOOR else "published" for label in labels]
        rows = (*self.rows, *self.further_rows, *self.reference_rows)
        names: list[str] = []
        columns: list[list] = []
        for place, name in enumerate(self.columns):
            values = [row[place] for row in rows]
            names.append(name)
            columns.append([v.value if isinstance(v, Summary) else v for v in values])
            has_scores = any(isinstance(value, Score) for value in values)
            intervals = [getattr(value, "interval", None) for value in values]
            if has_scores:
                names += [f"{name} {part}" for part in SPREAD]
                columns += [[getattr(v, part, None) for v in values] for part in SPREAD]
            if has_scores or any(intervals):
                names += [f"{name} {part}" for part in INTERVAL]
                ends = [ends or (None, None) for ends in intervals]
                columns += [[low for low, _ in ends], [high for _, high in ends]]
        names += ["kind of row", "marks of cells"]
        columns += [kinds, [self._marks(row) for row in rows]]
        return dict(zip(distinct(names), columns, strict=True))

    def _marks(self, row: tuple[Value, ...]) -> str:
        """The marks of a row: `cola: 1 collapsed, 1 undefined; rte: contaminated`."""
        marks = {
            name: ", ".join(value.marks) if isinstance(value, Score) else value.remark
            for name, value in zip(self.columns, row, strict=True)
            if isinstance(value, Summary)
        }
        return "; ".join(f"{name}: {mark}" for name, mark in marks.items() if mark)

    def to_pandas(self) -> "pandas.DataFrame":
        """The columns of `flat`; missing numbers are NaN."""
        # It takes half a second to load, and the command line does without.
        import pandas

        return pandas.DataFrame(self.flat())

    def is_text(self, column: str) -> bool:
        """Whether a column holds text, which is sorted and aligned as such."""
        return any(isinstance(value, str) for value in self.values(column))


def distinct(columns: Iterable[str]) -> tuple[str, ...]:
    """Names of columns of which the equal ones get a number, since all must differ."""
    names: list[str] = []
    for name in columns:
        tries = (f"{name} ({place})" for place in itertools.count(2))
        names.append(next(n for n in itertools.chain([name], tries) if n not in names))
    return tuple(names)


def told(sentences: Mapping[str, object]) -> list[str]:
    """Those of some sentences that there is a reason for."""
    return [sentence for sentence, reason in sentences.items() if reason]


def counted(count: int, thing: str) -> str:
    """A number of things: `1 run`, `2 runs`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def number(value: Value) -> float | None:
    """What a value counts as in sorting and in files; None if missing or text."""
    if isinstance(value, Summary):
        return value.value
    return value if isinstance(value, (int, float)) else None


def plain(content: object) -> str:
    """Text on one line without characters that nobody sees.

    They drive a terminal, or turn the direction in which a line is read.
    """
    shown = str(content)
    if shown.isprintable():
        return shown
    return "".join(
        c if c.isprintable() else " " if c.isspace() else UNPRINTABLE for c in shown
    )


def text(value: Value, *, metric: bool = False) -> str:
    """A value as it is shown, without spread and marks.

    Args:
        value: the value.
        metric: whether it is a score, shown with one decimal.
    """
    if isinstance(value, Score):
        return text(value.value, metric=True)
    if isinstance(value, Bounded):
        parts = (f"{bare(value)} {interval(value)}".strip(), value.remark)
        return ", ".join(filter(None, parts))
    if value is None:
        return MISSING
    if isinstance(value, float):
        # 2e15 instead of 2e+15.
        return f"{value:.1f}" if metric else re.sub(r"e\+0*", "e", f"{value:.3g}")
    return f"{value:,}" if isinstance(value, int) else value


def bare(value: Bounded) -> str:
    """A bounded number without its bounds, which have one decimal: `+1.3`."""
    decimals = 2 if value.interval is None else 1
    return f"{value.value:{'+' if value.is_difference else ''}.{decimals}f}"


def spread(score: Score) -> str:
    """Spread and number of runs in short: `±0.8, n=5`; empty without runs."""
    if not score.count:
        return ""
    sd = f"±{score.sd:.1f}, " if score.sd is not None else ""
    return f"{sd}n={score.count}"


def interval(score: Score | Bounded) -> str:
    """The interval in short: `[59.2, 62.9]`; empty without one."""
    if score.interval is None:
        return ""
    low, high = score.interval
    return f"[{low:.1f}, {high:.1f}]"


def axis_of_scores(what: str, *, lower_is_better: bool) -> str:
    """Name of a picture's axis, which says so where lower is better."""
    return f"{what}, 0 to 100" + (f", {LOWER}" if lower_is_better else "")


def explain(score: Score) -> str:
    """What stands behind a score, in words."""
    if not score.count:
        return ", ".join(("no score", *score.marks))
    parts = ["one run"]
    if score.count > 1:
        parts = [f"mean of {score.count} runs", f"standard deviation {score.sd:.2f}"]
        parts += [f"{score.low:.2f} to {score.high:.2f}"]
        parts += [f"median {score.median:.2f}"] if score.median is not None else []
    if score.interval is not None:
        low, high = score.interval
        of = "the mean" if score.count > 1 else "this run, over examples only,"
        parts.append(f"95 % interval of {of} {low:.2f} to {high:.2f}")
    elif score.no_interval:
        parts.append(f"no interval: {score.no_interval}")
    return ", ".join((*parts, *score.marks))


def claim(table: Table, difference: Difference) -> str:
    """A significant difference in words."""
    better, worse = table.name(difference.better), table.name(difference.worse)
    by, low, high = difference.lead
    return (
        f"{difference.column}: {better} is better than {worse} by "
        f"{by:.2f} [{low:.2f}, {high:.2f}], "
        f"p = {difference.p_adjusted:.2g} ({difference.test})"
    )


def run_ids(table: Table) -> set[str]:
    """The runs behind the shown rows; empty if no row says which."""
    behind = map(table.behind, range(len(table.rows)))
    found = {run for row in behind for runs in row.values() for run, _ in runs}
    if table.run is not None:
        found |= set(map(str, table.values(table.run)))
    return found


def lists_below(table: Table, most_claims: int | None = None) -> dict[str, list[str]]:
    """What stands below a table, by headings that count it; none that is empty.

    Args:
        table: the table.
        most_claims: so many significant differences at most; None for all.
    """
    claims = [claim(table, one) for one in table.claims[:most_claims]]
    more = len(table.claims) - len(claims)
    claims += [f"and {more} more; JSON has all"] if more else []
    sources = {run_id: table.sources.get(run_id) for run_id in table.repeat}
    repeat = [
        f"{run_id}: {source.renewal}" if source and source.renewal else run_id
        for run_id, source in sources.items()
    ]
    left_out = [f"{item.where}: {item.reason}" for item in table.left_out]
    lists = {
        f"Significant differences: {len(table.claims)}": claims,
        f"Runs to repeat, since their task has changed: {len(repeat)}": repeat,
        f"Left out: {len(left_out)}": left_out,
    }
    return {heading: lines for heading, lines in lists.items() if lines}
