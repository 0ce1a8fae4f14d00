"""Which scores a report is made of, and which of them may stand together in a cell."""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.config.roles import Role
from electra_bench.records import RunRecord, TaskResult
from electra_bench.records.run_record import SAME
from electra_bench.registry import tasks as task_cards
from electra_bench.reports import table as tables
from electra_bench.reports.board.recipes import (
    OF_RECIPE,
    RUN_SPECIFIC,
    comparable,
    role_of,
)
from electra_bench.reports.board.row_keys import RowKey, places
from electra_bench.reports.board.row_names import distinct_names
from electra_bench.reports.collect.cards import floor_of, higher_is_better
from electra_bench.reports.collect.lineage import clusters, lineage
from electra_bench.reports.collect.records import Records, without_trials
from electra_bench.reports.statistics.aggregate import over_seeds
from electra_bench.system.near_names import near_and_all
from electra_bench.tasks.cards.published import GLUE_ORDER

# Of columns, as papers print them.
ORDER = (*GLUE_ORDER, "wnli", "ax", "squadv1", "squad", "chunk")

# The mark of a score whose task pre-training has seen.
CONTAMINATED = "contaminated"
# In what runs differ that are not the same and have the same settings.
CONTENT = "data, vocabulary or checkpoint"
# Why a run is not shown.
TRIAL = "a trial: it was scored on a part of its training set"
# Of a run; what its mark says.
COLLAPSED = "ended no better than the majority baseline, and counts like any other"


class ColumnKey(NamedTuple):
    """What scores must share to stand in one column; None where no run has the task.

    Everything that tells better from worse goes by `higher_is_better` of the column.
    `is_main` is False of further metrics of a task, which no mean counts.
    """

    task: str
    version: int | None = None
    split: str | None = None
    subset: str | None = None
    metric: str | None = None
    data_sha256: str | None = None
    num_examples: int | None = None
    higher_is_better: bool = True
    is_main: bool = True

    @property
    def description(self) -> str:
        """What is measured: `mcc, dev, version 1, 1,043 examples`."""
        parts = [self.metric, self.split, self.subset, f"version {self.version}"]
        return ", ".join(filter(None, [*parts, f"{self.num_examples:,} examples"]))

    @property
    def axis(self) -> str:
        """Name of a picture's axis with its scores."""
        lower = not self.higher_is_better
        return tables.axis_of_scores(self.metric or "score", lower_is_better=lower)


class Entry(NamedTuple):
    """One score of one run, with what the run does not tell of its row, see `Place`."""

    record: RunRecord
    result: TaskResult
    untold: tuple[str, ...] = ()


Cells = dict[tuple[RowKey, ColumnKey], list[Entry]]


def _runs_of(entries: Iterable[Entry]) -> tables.RunScores:
    """The runs of a cell as a `Score` has them."""
    return tuple((e.record.run_id, e.result.main_score) for e in entries)


def select(
    records: Sequence[RunRecord],
    tasks: Sequence[str] | None,
    labels: Sequence[str] | None,
    kinds: Sequence[str],
    further_metrics: Mapping[str, Sequence[str]] | None = None,
) -> tuple[list[RunRecord], Cells, list[tables.LeftOut]]:
    """Chooses records and sorts their scores into cells.

    Args:
        records: all there are.
        tasks: tasks that are wanted, only checked; None takes all.
        labels: rows that are wanted; None takes all.
        kinds: kinds of run that count.
        further_metrics: see `cells_of`.

    Returns:
        The records of the wanted kinds and labels; their scores, repeats left out; what
        cannot be used, and why.

    Raises:
        NothingToShow: no record is of the kinds.
        ValueError: a label or a task is not known, or given twice.
    """
    known = Records.of(records)
    chosen = [n for n, record in enumerate(known) if record.kind in kinds]
    if not chosen:
        found = sorted({r.kind for r in records})
        others = [
            f"; {len(known.left_out)} were left out, the first: {one.where}: {one.reason}"
            for one in known.left_out[:1]
        ]
        raise tables.NothingToShow(
            f"no record is of kind {', '.join(kinds)}; {len(records)} are of {found}"
            + "".join(others)
        )
    if labels is not None:
        _check_names("label", labels, {known[n].label for n in chosen})
        chosen = [n for n in chosen if known[n].label in labels]
    further = tuple((task, tuple(m)) for task, m in (further_metrics or {}).items())
    # All reports of a site ask for the same.
    used, cells, left_out = known.once(_in_cells, tuple(chosen), further)
    for task, metrics in further:
        of_task = (one.metrics for r in used for one in r.results if one.task == task)
        _check_names(f"metric of {task}", metrics, set(itertools.chain(*of_task)))
    if tasks is not None:
        measured = {column.task for _, column in cells}
        _check_names("task", tasks, {*measured, *task_cards.names()})
    return list(used), dict(cells), list(left_out)


def _in_cells(
    known: Records,
    chosen: Sequence[int],
    further_metrics: Sequence[tuple[str, Sequence[str]]],
) -> tuple[list[RunRecord], Cells, list[tables.LeftOut]]:
    """What `select` returns, of the records in some places."""
    used, trials = without_trials(known[n] for n in chosen)
    of_all = cells_of(used, dict(further_metrics), known=known)
    cells, left_out = without_repeats(of_all)
    left_out += [
        tables.LeftOut(r.run_id, "it has no results") for r in used if not r.results
    ]
    left_out += [tables.LeftOut(r.run_id, TRIAL) for r in trials]
    return used, cells, left_out


def _check_names(what: str, wanted: Sequence[str], known: set[str]) -> None:
    twice = [name for name, count in Counter(wanted).items() if count > 1]
    if twice:
        raise ValueError(f"given more than once: {what} {', '.join(map(repr, twice))}")
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"no record has the {what} {name!r}; {near_and_all(name, sorted(known))}"
            )


def cells_of(
    records: Iterable[RunRecord],
    further_metrics: Mapping[str, Sequence[str]] | None = None,
    *,
    known: Records,
) -> Cells:
    """The scores of some runs by row and column.

    Args:
        records: the runs.
        further_metrics: task to metrics that have columns, too.
        known: with the runs that they build on.
    """
    records = list(records)
    cells: Cells = defaultdict(list)
    for record, (row, untold) in zip(records, places(records, known), strict=True):
        for result in record.results:
            cells[row, _column_of(result)].append(Entry(record, result, untold))
            for metric in (further_metrics or {}).get(result.task, ()):
                if metric in result.metrics and metric != result.main_metric:
                    of_metric = result.of_metric(metric)
                    column = _column_of(of_metric)._replace(is_main=False)
                    cells[row, column].append(Entry(record, of_metric, untold))
    return dict(cells)


def _column_of(result: TaskResult) -> ColumnKey:
    """The column that a result stands in."""
    direction = result.higher_is_better
    if direction is None:
        direction = higher_is_better(result.task, result.main_metric)
    return ColumnKey(
        result.task,
        result.task_version,
        result.split,
        result.subset,
        result.main_metric,
        result.data_sha256,
        result.num_examples,
        direction,
    )


def without_repeats(cells: Cells) -> tuple[Cells, list[tables.LeftOut]]:
    """Leaves out second runs of one seed; all of them where their scores differ."""
    # A cell that lost all its runs keeps its row and column, as a dash.
    kept: Cells = {key: [] for key in cells}
    left_out = []
    for (row, column), entries in cells.items():
        by_seed: dict[tuple, list[Entry]] = defaultdict(list)
        for number, entry in enumerate(entries):
            seeds = (entry.record.pretrain_seed, entry.record.seed)
            # Without a seed nothing says that two runs repeat one another.
            by_seed[(number,) if entry.record.seed is None else seeds].append(entry)
        for same in by_seed.values():
            first, *others = same
            what = f"label {row.name!r}, task {column.task}, seed {first.record.seed}"
            if all(_is_same(e.result, first.result) for e in others):
                kept[row, column].append(first)
                unused, reason = others, f"repeats {first.record.run_id} ({what})"
            else:
                differing = differing_settings(same)
                hint = f"; they differ in {', '.join(differing)}" if differing else ""
                scores = ", ".join(
                    f"{run_id}: {score}" for run_id, score in _runs_of(same)
                )
                unused, reason = same, f"runs of {what} contradict: {scores}{hint}"
            left_out += [tables.LeftOut(e.record.run_id, reason) for e in unused]
    return kept, left_out


def _is_same(one: TaskResult, other: TaskResult) -> bool:
    """Whether two runs have one score, but for what another order of sums may change."""
    if one.main_score is None or other.main_score is None:
        return one.main_score is other.main_score
    return math.isclose(one.main_score, other.main_score, rel_tol=SAME, abs_tol=SAME)


def differing_settings(entries: Sequence[Entry]) -> list[str]:
    """In what runs of one row differ all the same, as far as their records tell.

    What computes with them, and parameters that make no other recipe. Whether two runs
    are the same, records say; older ones do not, so these are compared by parameters.
    """
    known = {entry.record.identity_without_seed for entry in entries}
    is_same = len(known) == 1 and None not in known
    told = [_told(entry.record, with_parameters=not is_same) for entry in entries]
    # A setting and one value for each that it has where runs are not alike.
    alike = set.intersection(*told) if told else set()
    values = Counter(key for key, _ in set().union(*told) - alike)
    differing = sorted(k for k, count in values.items() if count > 1 and _is_told(k))
    return differing or ([CONTENT] if len(known - {None}) > 1 else [])


def _told(record: RunRecord, *, with_parameters: bool) -> set[tuple[str, str]]:
    """The settings that a record tells, with their values in a form that compares."""
    settings = {
        **(record.hparams if with_parameters else {}),
        "precision": record.precision,
        "device": record.device,
        "strategy": record.strategy,
        "TensorFlow": record.packages.get("tensorflow"),
        "code": record.code_sha256,
    }
    return {(k, comparable(v)) for k, v in settings.items() if v is not None}


def _is_told(setting: str) -> bool:
    role = role_of(setting)
    if role is None:
        return not RUN_SPECIFIC.search(setting)
    return role in (*OF_RECIPE, Role.DETAIL)


def is_collapsed(column: ColumnKey, entry: Entry) -> bool:
    """Whether a score is no better than that of the majority baseline, or undefined.

    A record with several results says only that one of them is.
    """
    record, result, *_ = entry
    if len(record.results) == 1 and record.collapsed is not None:
        return record.collapsed
    trivial = result.is_trivial(column.higher_is_better)
    if result.main_score is None and floor_of(result) is not None:
        trivial = True
    return bool(record.collapsed if trivial is None else trivial)


def score_of(
    column: ColumnKey,
    entries: Sequence[Entry],
    records: Records,
    further_marks: Sequence[str] = (),
) -> tables.Score:
    """Sums up the runs of a cell, with what a reader must know of it.

    Args:
        column: of the cell.
        entries: its runs.
        records: all there are, which tell what the runs start from.
        further_marks: beside those that the records tell.
    """
    collapsed = sum(is_collapsed(column, entry) for entry in entries)
    marks = {mark for entry in entries for mark in entry.result.marks}
    marks |= {mark for entry in entries if (mark := entry.record.code_mark)}
    if any(column.task in entry.record.contaminated for entry in entries):
        marks.add(CONTAMINATED)
    of_runs = [f"{collapsed} collapsed"] if collapsed else []
    untold = [entry.untold for entry in entries if entry.untold]
    if untold:
        first, *others = dict.fromkeys(itertools.chain(*untold))
        more = f" and {len(others)} more" if others else ""
        of_runs.append(f"{len(untold)} of unknown {first}{more}")
    differing = ", ".join(differing_settings(entries))
    further = [*further_marks, *([f"runs differ in {differing}"] if differing else [])]
    # Undefined scores of one column count as one floor, or as none.
    floors = {floor_of(e.result) for e in entries if e.result.main_score is None}
    return over_seeds(
        _runs_of(entries),
        [*of_runs, *sorted(marks), *further],
        floors.pop() if len(floors) == 1 else None,
        clusters([lineage(e.record, records) for e in entries]) if entries else None,
    )


def columns_of(cells: Cells, tasks: Sequence[str] | None) -> list[ColumnKey]:
    """The columns of a table.

    Args:
        cells: all scores.
        tasks: tasks to show, in this order; None shows all, in the literature's order
            and then by name.
    """
    columns = sorted({column for _, column in cells}, key=_place)
    if tasks is None:
        return columns
    found: list[ColumnKey] = []
    for task in tasks:
        without_runs = ColumnKey(task, higher_is_better=higher_is_better(task))
        found += [c for c in columns if c.task == task] or [without_runs]
    return found


def _place(column: ColumnKey) -> tuple:
    known = column.task in ORDER
    return not known, ORDER.index(column.task) if known else 0, str(column)


def column_names(columns: Sequence[ColumnKey]) -> dict[ColumnKey, str]:
    """Columns with their names, which say what it takes to tell them apart."""
    forms: dict[str, Callable[[Any], str]] = {
        "version": lambda version: f"v{version}",
        "split": str,
        "subset": lambda subset: f"({subset or 'whole'})",
        "metric": str,
        "data_sha256": lambda sha: f"data {sha[:8]}" if sha else "unknown data",
        "num_examples": lambda count: f"n={count}",
        "higher_is_better": lambda higher: tables.HIGHER if higher else tables.LOWER,
    }
    tasks = [column.task for column in columns]
    names = dict(zip(columns, distinct_names(columns, forms, tasks), strict=True))
    # A score on a part of the data says so even where nothing else is beside it.
    for column, name in names.items():
        if column.subset and f"({column.subset})" not in name:
            names[column] = f"{name} ({column.subset})"
    return names
