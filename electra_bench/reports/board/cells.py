"""Which scores may stand together: rows, columns and the runs of their cells."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from electra_bench.records import RunRecord, TaskResult
from electra_bench.records.run_record import SAME
from electra_bench.reports.board.row_keys import RowKey, row_keys
from electra_bench.reports.collect.cards import higher_is_better
from electra_bench.reports.table import HIGHER, LOWER, LeftOut, axis_of_scores
from electra_bench.tasks.cards.published import GLUE_ORDER

# Hyper-parameters that may differ between the seeds of one cell.
RUN_SPECIFIC = re.compile(
    r"(^|\.)(seed|workdir|data_dir|processes|label|init|vocab|files)$",
    re.IGNORECASE,
)

# Of columns, as papers print them.
ORDER = (*GLUE_ORDER, "wnli", "ax", "squadv1", "squad", "chunk")

# The mark of a score whose task pre-training has seen.
CONTAMINATED = "contaminated"
# In what runs differ that are not the same and have the same settings.
CONTENT = "data, vocabulary or checkpoint"
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
        return axis_of_scores(self.metric or "score", lower_is_better=lower)


class Entry(NamedTuple):
    """One score of one run."""

    record: RunRecord
    result: TaskResult


Cells = dict[tuple[RowKey, ColumnKey], list[Entry]]


def cells_of(
    records: Iterable[RunRecord],
    further_metrics: Mapping[str, Sequence[str]] | None = None,
) -> Cells:
    """The scores of some runs by row and column.

    Args:
        records: the runs.
        further_metrics: task to metrics that have columns, too.
    """
    records = list(records)
    cells: Cells = {}
    for record, row in zip(records, row_keys(records), strict=True):
        for result in record.results:
            column = column_of(result)
            cells.setdefault((row, column), []).append(Entry(record, result))
            for metric in (further_metrics or {}).get(result.task, ()):
                if metric not in result.metrics or metric == result.main_metric:
                    continue
                of_metric = replace(
                    result, main_metric=metric, floor=None, higher_is_better=None
                )
                further = column_of(of_metric)._replace(is_main=False)
                cells.setdefault((row, further), []).append(Entry(record, of_metric))
    return cells


def column_of(result: TaskResult) -> ColumnKey:
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


def without_repeats(cells: Cells) -> tuple[Cells, list[LeftOut]]:
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
            if all(_is_same(e.result, first.result) for e in others):
                kept.setdefault((row, column), []).append(first)
                left_out += [
                    LeftOut(e.record.run_id, f"repeats {first.record.run_id} ({what})")
                    for e in others
                ]
                continue
            differing = differing_settings(same)
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


def _is_same(one: TaskResult, other: TaskResult) -> bool:
    """Whether two runs have one score, but for what another order of sums may change."""
    if one.main_score is None or other.main_score is None:
        return one.main_score is other.main_score
    return math.isclose(one.main_score, other.main_score, rel_tol=SAME, abs_tol=SAME)


def differing_settings(entries: Sequence[Entry]) -> list[str]:
    """In what runs differ that should differ in the seed only.

    Whether they do, their records say, and their hyper-parameters name it, where one is
    it. Older records do not say it, so these are compared by their hyper-parameters, and
    all by what computes with them: precision and TensorFlow's version.
    """
    known = {entry.record.identity_without_seed for entry in entries}
    is_same = len(known) == 1 and None not in known
    settings = [
        {
            **({} if is_same else entry.record.hparams),
            "precision": entry.record.precision,
            "TensorFlow": entry.record.packages.get("tensorflow"),
            "code": entry.record.code_sha256,
        }
        for entry in entries
    ]
    if not all(one["code"] for one in settings):
        settings = [one | {"code": None} for one in settings]
    keys = {key for one in settings for key in one}
    differing = sorted(
        key
        for key in keys
        if not RUN_SPECIFIC.search(key)
        and len({json.dumps(one.get(key)) for one in settings}) > 1
    )
    return differing or ([CONTENT] if len(known - {None}) > 1 else [])


def is_collapsed(column: ColumnKey, entry: Entry) -> bool:
    """Whether a score is no better than that of the majority baseline.

    A record with several results says only that one of them is.
    """
    record, result = entry
    if len(record.results) == 1 and record.collapsed is not None:
        return record.collapsed
    trivial = result.is_trivial(column.higher_is_better)
    return bool(record.collapsed if trivial is None else trivial)


def num_collapsed(
    cells: Cells, row: RowKey, columns: Iterable[ColumnKey]
) -> int | None:
    """Number of a row's runs that collapsed in some of the columns; None without any."""
    found = {
        entry.record.run_id
        for column in columns
        for entry in cells.get((row, column), [])
        if is_collapsed(column, entry)
    }
    return len(found) or None


def marks_of(column: ColumnKey, entries: Sequence[Entry]) -> list[str]:
    """What a reader must know of a cell, in a word or two each."""
    collapsed = sum(is_collapsed(column, entry) for entry in entries)
    marks = {mark for entry in entries for mark in entry.result.marks}
    marks |= {mark for entry in entries if (mark := entry.record.code_mark)}
    if any(column.task in entry.record.contaminated for entry in entries):
        marks.add(CONTAMINATED)
    return [*([f"{collapsed} collapsed"] if collapsed else []), *sorted(marks)]


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

    def of_task(task: str) -> list[ColumnKey]:
        without_runs = ColumnKey(task, higher_is_better=higher_is_better(task))
        return [c for c in columns if c.task == task] or [without_runs]

    return [column for task in tasks for column in of_task(task)]


def _place(column: ColumnKey) -> tuple:
    known = column.task in ORDER
    return not known, ORDER.index(column.task) if known else 0, str(column)


def column_names(columns: Sequence[ColumnKey]) -> list[str]:
    """Names of columns that say what it takes to tell them apart."""
    forms: dict[str, Callable[[Any], str]] = {
        "version": lambda version: f"v{version}",
        "split": str,
        "subset": lambda subset: f"({subset or 'whole'})",
        "metric": str,
        "data_sha256": lambda sha: f"data {sha[:8]}" if sha else "unknown data",
        "num_examples": lambda count: f"n={count}",
        "higher_is_better": lambda higher: HIGHER if higher else LOWER,
    }
    names = _distinct(columns, forms)
    # A score on a part of the data says so even where nothing else is beside it.
    return [
        f"{name} ({column.subset})"
        if column.subset and f"({column.subset})" not in name
        else name
        for name, column in zip(names, columns, strict=True)
    ]


def seen_of_pretraining(fraction: float | None) -> str:
    """How much of pre-training a model has seen, in a word."""
    if fraction is None or fraction == 1:
        return "all"
    return f"{fraction:.4g}" if fraction else "none"


def row_names(rows: Sequence[RowKey]) -> list[str]:
    """Names of rows where the protocol stands beside; changes that differ are numbered."""

    def after(fraction: float | None) -> str:
        if fraction == 0:
            return "without pre-training"
        return f"after {seen_of_pretraining(fraction)} of pre-training"

    names = _distinct(rows, {"fraction": after})
    return _numbered(names, [(n, r.protocol) for n, r in zip(names, rows, strict=True)])


def short_names(rows: Sequence[RowKey]) -> list[str]:
    """Names of rows that all differ, in few words."""
    forms = {
        "protocol": lambda protocol: protocol or "no protocol",
        "fraction": lambda fraction: f"after {seen_of_pretraining(fraction)}",
    }
    names = _distinct(rows, forms)
    return _numbered(names, names)


def _numbered(names: Sequence[str], twins: Sequence[Hashable]) -> list[str]:
    """Names with a number where their twins are equal."""
    count = Counter(twins)
    seen: Counter[Hashable] = Counter()
    numbered = []
    for name, twin in zip(names, twins, strict=True):
        seen[twin] += 1
        numbered.append(f"{name} [{seen[twin]}]" if count[twin] > 1 else name)
    return numbered


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
