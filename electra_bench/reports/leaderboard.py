"""The leaderboard: a row a model, a column a task, a cell the median over seeds."""

import difflib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from electra_bench.records import RunRecord, TaskResult
from electra_bench.registry import reports
from electra_bench.registry import tasks as task_cards
from electra_bench.reports.aggregate import mean_or_none, over_seeds, ranks
from electra_bench.reports.table import LeftOut, Score, Table

# Hyper-parameters that may differ between the seeds of one cell.
RUN_SPECIFIC = re.compile(
    r"(^|\.)(seed|workdir|data_dir|processes|label|init|vocab|files)$",
    re.IGNORECASE,
)


class RowKey(NamedTuple):
    """What runs must share to be seeds of one row."""

    label: str
    protocol: str | None
    changes: str
    fraction: float | None


class ColumnKey(NamedTuple):
    """What scores must share to stand in one column; None where no run has the task."""

    task: str
    version: int | None = None
    split: str | None = None
    subset: str | None = None
    metric: str | None = None
    data_sha256: str | None = None
    num_examples: int | None = None


class Entry(NamedTuple):
    """One score of one run."""

    record: RunRecord
    result: TaskResult


Cells = dict[tuple[RowKey, ColumnKey], list[Entry]]


@reports.register("leaderboard")
def leaderboard(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Scores are compared only where task version, split, subset, data and metric agree:
    each combination has a column of its own. Runs are seeds of one row only where label,
    protocol, its changes and the fraction of pre-training agree.

    Args:
        tasks: tasks to show, in this order; None shows all, sorted by name.
        labels: rows to show; None shows all.
        kinds: kinds of run that count.
    """

    def build(records: Sequence[RunRecord]) -> Table:
        used = [r for r in records if r.kind in kinds]
        if not used:
            found = sorted({r.kind for r in records})
            raise ValueError(
                f"no record is of kind {', '.join(kinds)}; {len(records)} are of {found}"
            )
        if labels is not None:
            _check_names("label", labels, {r.label for r in used})
            used = [r for r in used if r.label in labels]
        cells, left_out = _without_repeats(_cells(used))
        left_out += [
            LeftOut(r.run_id, "it has no results") for r in used if not r.results
        ]
        if tasks is not None:
            measured = {column.task for _, column in cells}
            _check_names("task", tasks, {*measured, *task_cards.names()})
        columns = _columns(cells, tasks)
        rows = list(dict.fromkeys(row for row, _ in cells))
        others = [r.kind for r in records if r.kind not in kinds]
        return _table(cells, rows, columns, left_out, _notes(used, rows, others))

    return build


def _check_names(what: str, wanted: Sequence[str], known: set[str]) -> None:
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            raise ValueError(
                f"no record has the {what} {name!r}; near: {near}; all: {sorted(known)}"
            )


def _cells(records: Sequence[RunRecord]) -> Cells:
    cells: Cells = {}
    for record in records:
        protocol = record.protocol
        if protocol and record.protocol_changes and not protocol.endswith("*"):
            protocol += "*"
        row = RowKey(
            record.label,
            protocol,
            json.dumps(dict(record.protocol_changes), sort_keys=True),
            record.pretrain_fraction,
        )
        for result in record.results:
            column = ColumnKey(
                result.task,
                result.task_version,
                result.split,
                result.subset,
                result.main_metric,
                result.data_sha256,
                result.num_examples,
            )
            cells.setdefault((row, column), []).append(Entry(record, result))
    return cells


def _without_repeats(cells: Cells) -> tuple[Cells, list[LeftOut]]:
    """Leaves out second runs of one seed; all of them where their scores differ."""
    kept: Cells = {}
    left_out = []
    for (row, column), entries in cells.items():
        by_seed: dict[tuple, list[Entry]] = {}
        for number, entry in enumerate(entries):
            seeds = (entry.record.pretrain_seed, entry.record.seed)
            # Without a seed nothing says that two runs repeat one another.
            key = seeds if entry.record.seed is not None else (number,)
            by_seed.setdefault(key, []).append(entry)
        for same in by_seed.values():
            first, *others = same
            what = f"label {row.label!r}, task {column.task}, seed {first.record.seed}"
            if all(e.result.main_score == first.result.main_score for e in others):
                kept.setdefault((row, column), []).append(first)
                left_out += [
                    LeftOut(e.record.run_id, f"repeats {first.record.run_id} ({what})")
                    for e in others
                ]
                continue
            differing = _differing_hparams(same)
            hint = f"; they differ in {', '.join(differing)}" if differing else ""
            scores = ", ".join(
                f"{e.record.run_id}: {e.result.main_score}" for e in same
            )
            left_out += [
                LeftOut(e.record.run_id, f"runs of {what} contradict: {scores}{hint}")
                for e in same
            ]
    # A cell that lost all its runs keeps its row and column, as a dash.
    return {key: kept.get(key, []) for key in cells}, left_out


def _differing_hparams(entries: Sequence[Entry]) -> list[str]:
    """Hyper-parameters in which runs differ that should differ in the seed only."""
    keys = {key for entry in entries for key in entry.record.hparams}
    return sorted(
        key
        for key in keys
        if not RUN_SPECIFIC.search(key)
        and len({json.dumps(e.record.hparams.get(key)) for e in entries}) > 1
    )


def _columns(cells: Cells, tasks: Sequence[str] | None) -> list[ColumnKey]:
    columns = sorted({column for _, column in cells}, key=str)
    if tasks is None:
        return columns
    return [
        column
        for task in tasks
        for column in [c for c in columns if c.task == task] or [ColumnKey(task)]
    ]


def _distinct(
    keys: Sequence[NamedTuple], forms: dict[str, Callable[[Any], str]]
) -> list[str]:
    """Names of keys: the first field, and of the others what it takes to differ.

    Args:
        keys: the keys, all different.
        forms: field to how a value of it is written, in the order of preference.
    """
    names = [str(key[0]) for key in keys]
    for field, form in forms.items():
        values: dict[str, set] = {}
        for name, key in zip(names, keys, strict=True):
            values.setdefault(name, set()).add(getattr(key, field))
        names = [
            f"{name} {form(getattr(key, field))}" if len(values[name]) > 1 else name
            for name, key in zip(names, keys, strict=True)
        ]
    return names


def _column_names(columns: Sequence[ColumnKey]) -> list[str]:
    forms = {
        "version": lambda version: f"v{version}",
        "split": str,
        "subset": lambda subset: f"({subset or 'whole'})",
        "metric": str,
        "data_sha256": lambda sha: f"data {sha[:8]}" if sha else "unknown data",
        "num_examples": lambda count: f"n={count}",
    }
    names = _distinct(columns, forms)
    # A score on a part of the data says so even where nothing else is beside it.
    return [
        f"{name} ({column.subset})"
        if column.subset and f"({column.subset})" not in name
        else name
        for name, column in zip(names, columns, strict=True)
    ]


def _row_names(rows: Sequence[RowKey]) -> list[str]:
    forms = {
        "fraction": lambda fraction: (
            "after all pre-training"
            if fraction is None
            else f"after {fraction:.4g} of pre-training"
        )
    }
    names = _distinct(rows, forms)
    numbered = []
    for row, name in zip(rows, names, strict=True):
        twins = [
            other.changes
            for other, other_name in zip(rows, names, strict=True)
            if (other_name, other.protocol) == (name, row.protocol)
        ]
        suffix = f" [{twins.index(row.changes) + 1}]" if len(twins) > 1 else ""
        numbered.append(name + suffix)
    return numbered


def _details(column: ColumnKey) -> str:
    if column.version is None:
        return "no run"
    parts = [column.metric, column.split]
    parts += [column.subset] if column.subset else []
    parts += [f"version {column.version}", f"{column.num_examples:,} examples"]
    return ", ".join(parts)


def _cell(entries: Sequence[Entry]) -> Score:
    marks = []
    collapsed = sum(bool(e.record.collapsed) for e in entries)
    if collapsed:
        marks.append(f"{collapsed} collapsed")
    differing = _differing_hparams(entries)
    if differing:
        marks.append(f"runs differ in {', '.join(differing)}")
    marks += sorted({mark for e in entries for mark in e.result.marks})
    runs = [(e.record.run_id, e.result.main_score) for e in entries]
    return over_seeds(runs, marks)


def _floor(column: ColumnKey, cells: Cells) -> float | None:
    floors = {
        entry.result.floor
        for (_, other), entries in cells.items()
        if other == column
        for entry in entries
    } - {None}
    return floors.pop() if len(floors) == 1 else None


def _median(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.median(defined)) if defined else None


def _table(
    cells: Cells,
    rows: Sequence[RowKey],
    columns: Sequence[ColumnKey],
    left_out: Sequence[LeftOut],
    notes: Sequence[str],
) -> Table:
    names = _column_names(columns)
    scores = [[_cell(cells.get((row, c), [])) for c in columns] for row in rows]
    means = [mean_or_none([score.value for score in line]) for line in scores]
    placed = ranks(means)
    floors = [_floor(column, cells) for column in columns]
    records = [
        {e.record.run_id: e.record for c in columns for e in cells.get((row, c), [])}
        for row in rows
    ]
    collapsed = [sum(bool(r.collapsed) for r in runs.values()) for runs in records]
    params = [_median([r.params for r in runs.values()]) for runs in records]
    flops = [_median([r.pretrain_flops for r in runs.values()]) for runs in records]
    # name: (a value a row, value of the floor row); a column without values is dropped.
    data = {
        "rank": (placed, None),
        "model": (_row_names(rows), "floor"),
        "protocol": ([row.protocol for row in rows], None),
        "mean": (means, mean_or_none(floors)),
        **{
            name: ([line[i] for line in scores], floors[i])
            for i, name in enumerate(names)
        },
        "collapsed": ([n or None for n in collapsed], None),
        "params": ([p and int(p) for p in params], None),
        "pretrain FLOPs": (flops, None),
    }
    if len(columns) < 2:
        del data["mean"]
    optional = {"protocol", "collapsed", "params", "pretrain FLOPs"}
    data = {
        name: content
        for name, content in data.items()
        if name not in optional or any(value is not None for value in content[0])
    }
    order = sorted(
        range(len(rows)),
        key=lambda i: (placed[i] is None, placed[i] or 0, rows[i].label),
    )
    metrics = ("mean", *names) if "mean" in data else tuple(names)
    return Table(
        columns=tuple(data),
        rows=tuple(tuple(values[i] for values, _ in data.values()) for i in order),
        rank_by=metrics[0] if metrics else None,
        metrics=metrics,
        reference_rows=(tuple(floor for _, floor in data.values()),)
        if any(floor is not None for floor in floors)
        else (),
        details=dict(zip(names, map(_details, columns), strict=True)),
        notes=tuple(notes),
        left_out=tuple(left_out),
    )


def _notes(
    used: Sequence[RunRecord], rows: Sequence[RowKey], other_kinds: Sequence[str]
) -> list[str]:
    notes = ["A score is the median over seeds, ± is the sample standard deviation."]
    protocols = sorted({str(row.protocol) for row in rows})
    if len(protocols) > 1:
        notes.append(f"Rows follow different protocols: {', '.join(protocols)}.")
    for row, name in zip(rows, _row_names(rows), strict=True):
        for parameter, change in json.loads(row.changes).items():
            notes.append(f"{name}, {row.protocol}: {parameter} {_change(change)}.")
    methods = sorted({r.flops_method for r in used if r.flops_method})
    if len(methods) > 1:
        notes.append(f"FLOPs were counted by different methods: {', '.join(methods)}.")
    marked = {
        f"{record.label}, {result.task}: {mark}: {why}."
        for record in used
        for result in record.results
        for mark, why in result.marks.items()
    }
    notes += sorted(marked)
    for kind in sorted(set(other_kinds)):
        notes.append(f"Records of kind {kind} have no row: {other_kinds.count(kind)}.")
    return notes


def _change(change) -> str:
    if isinstance(change, list) and len(change) == 2:
        return f"is {change[1]!r}, the protocol's {change[0]!r}"
    return f"is {change!r}"
