"""The leaderboard: a row a model, a column a task, a cell the median over seeds."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board import references as published
from electra_bench.reports.board.cells import (
    COLLAPSED,
    ColumnKey,
    columns_of,
    differing_settings,
    num_collapsed,
)
from electra_bench.reports.board.notes import notes_on_records, notes_on_tests
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.board.scores import Board, Tested
from electra_bench.reports.board.selection import select
from electra_bench.reports.statistics.aggregate import mean_or_none, median_or_none
from electra_bench.reports.statistics.bootstrap import REPLICATES, Bootstrap
from electra_bench.reports.statistics.pairs import detectable
from electra_bench.reports.statistics.significance import CORRECTIONS
from electra_bench.reports.table import FLOOR, LeftOut, RunScores, Table, Value

# Published models of the sizes that people train; all others by gin.
REFERENCES = (
    "BERT-Base",
    "ELECTRA-Small",
    "ELECTRA-Small++",
    "ELECTRA-Base",
    "ELECTRA-Base++",
    "ELECTRA-Large",
    "Electric",
)

# Columns beside the scores; the first one stands before them.
BESIDE = ("protocol", "collapsed", "params", "pretrain FLOPs")

# Columns that need a word.
MEANINGS = {
    "protocol": "code_v1 has all settings of the original code, paper those of the papers, "
    "fixed the recommended ones; * is one with changes",
    "collapsed": f"number of runs; such a run {COLLAPSED}",
    "params": "trainable parameters of the encoder",
    "pretrain FLOPs": "floating-point operations of all pre-training",
}


@reports.register("leaderboard")
def leaderboard(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = ("finetune",),
    max_rows: int = 50,
    correction: str = "holm",
    replicates: int = REPLICATES,
    references: Sequence[str] | None = REFERENCES,
    further_metrics: Mapping[str, Sequence[str]] | None = None,
    columns: Sequence[str] = BESIDE,
) -> Callable[[Sequence[RunRecord]], Table]:
    """Builds the report.

    Scores are compared only where task version, split, subset, data and metric agree:
    each combination has a column of its own. Runs are seeds of one row only where label,
    protocol, its changes and the fraction of pre-training agree.

    Args:
        tasks: tasks to show, in this order; None shows all, see `columns_of`.
        labels: rows to show; None shows all.
        kinds: kinds of run that count.
        max_rows: the best so many rows are shown and tested against one another; the
            others have statistics of their records, in CSV and JSON.
        correction: for the number of tests in the table: `holm` or `bh`.
        replicates: bootstrap samples.
        references: published models to show where they compare; None shows all of them.
        further_metrics: task to metrics of it that have columns beside the main one's, as
            `{'squad': ['f1']}`. They are tested and count in no mean.
        columns: those to show beside the scores, where they say something.

    Raises:
        ValueError: an unknown correction or column, or too few rows or samples.
    """
    for name, value, least in (
        ("max_rows", max_rows, 1),
        # Fewer cannot tell a standard error.
        ("replicates", replicates, 100),
    ):
        if value < least:
            raise ValueError(
                f"reports.leaderboard.{name} must be at least {least}, got {value}"
            )
    if correction not in CORRECTIONS:
        raise ValueError(
            f"reports.leaderboard.correction must be one of {', '.join(CORRECTIONS)}; "
            f"got {correction!r}"
        )

    for name in columns:
        if name not in BESIDE:
            raise ValueError(
                f"reports.leaderboard.columns must be some of {', '.join(BESIDE)}; "
                f"got {name!r}"
            )

    def build(records: Sequence[RunRecord]) -> Table:
        used, cells, left_out = select(
            records,
            kinds=kinds,
            labels=labels,
            tasks=tasks,
            further_metrics=further_metrics,
        )
        board = Board(cells, columns_of(cells, tasks), max_rows)
        tested = Tested(board, Bootstrap(records, replicates), correction)
        others = Counter(r.kind for r in records if r.kind not in kinds)
        notes = [
            *notes_on_records(used, board),
            *notes_on_tests(board, tested, correction),
        ]
        notes += [f"Records of kind {k} have no row: {n}." for k, n in others.items()]
        return _table(board, tested, references, left_out, notes, columns)

    return build


def _floor(board: Board, column: ColumnKey) -> float | None:
    floors = {e.result.floor for row in board.rows for e in board.cell(row, column)}
    known = floors - {None}
    return known.pop() if len(known) == 1 else None


def _table(
    board: Board,
    tested: Tested,
    references: Sequence[str] | None,
    left_out: Sequence[LeftOut],
    notes: Sequence[str],
    beside: Sequence[str],
) -> Table:
    lines = [_line(board, tested, number) for number in range(len(board.rows))]
    num_shown = len(board.shown)
    columns = _shown_columns(board, lines, beside)
    below, details = _reference_lines(board, references)

    def rows(lines: Sequence[Mapping[str, Value]]) -> tuple[tuple[Value, ...], ...]:
        return tuple(tuple(line.get(name) for name in columns) for line in lines)

    return Table(
        columns=tuple(columns),
        rows=rows(lines[:num_shown]),
        further_rows=rows(lines[num_shown:]),
        rank_by=board.rank_by,
        metrics=(*board.means, *board.columns),
        lower_is_better=board.lower_is_better,
        reference_rows=rows(below),
        reference_details=tuple(details),
        details=_details(board, tested)
        | {name: text for name, text in MEANINGS.items() if name in columns},
        notes=tuple(notes),
        left_out=tuple(left_out),
        differences=tested.differences,
        repeat=_outdated(board),
        runs=tuple(_runs_of_means(board, row) for row in board.shown),
        tasks=board.tasks,
    )


def _reference_lines(
    board: Board, references: Sequence[str] | None
) -> tuple[list[dict[str, Value]], list[str]]:
    """The floor and published models, and what is known of each."""
    lines: list[dict[str, Value]] = []
    details = []
    floors = {name: _floor(board, column) for name, column in board.columns.items()}
    if any(floor is not None for floor in floors.values()):
        of_means = {
            name: mean_or_none([floors[column] for column in board.names_of(in_mean)])
            for name, in_mean in board.means.items()
        }
        lines.append({"model": FLOOR, **of_means, **floors})
        details.append("majority baseline: the largest class, or a constant")
    columns = list(board.columns.values())
    for row in published.reference_rows(columns, board.means, references):
        scores = dict(zip(board.columns, row.scores, strict=True))
        lines.append({"model": row.label, **row.means, **scores})
        details.append(row.details)
    return lines, details


def _line(board: Board, tested: Tested, number: int) -> dict[str, Value]:
    row, is_shown = board.rows[number], number < len(board.shown)
    scores = {}
    for name, column in board.columns.items():
        score = board.score(row, column)
        if is_shown:
            differing = differing_settings(board.cell(row, column))
            if differing:
                mark = f"runs differ in {', '.join(differing)}"
                score = replace(score, marks=(*score.marks, mark))
            score = tested.score(number, name, score)
        scores[name] = score
    records = board.records(row)
    params = median_or_none(record.params for record in records)
    return {
        "rank": tested.rank(number, board.rank_by) if is_shown else None,
        "model": board.row_names[number],
        "protocol": row.protocol,
        **{name: board.mean(row, name) for name in board.means},
        **scores,
        "collapsed": num_collapsed(board.cells, row, board.columns.values()),
        "params": params and int(params),
        "pretrain FLOPs": median_or_none(record.pretrain_flops for record in records),
    }


def _shown_columns(
    board: Board, lines: Sequence[Mapping[str, Value]], beside: Sequence[str]
) -> list[str]:
    """Columns of the table; of those beside the scores the ones that say something."""
    said = {name for name in beside if any(line[name] is not None for line in lines)}
    first, *others = BESIDE
    return [
        "rank",
        "model",
        *([first] if first in said else []),
        *board.means,
        *board.columns,
        *(name for name in others if name in said),
    ]


def _details(board: Board, tested: Tested) -> dict[str, str]:
    details = {}
    for name, in_mean in board.means.items():
        known = published.published_mean(in_mean)
        count = len(in_mean)
        columns = "1 column" if count == 1 else f"{count} columns"
        of = known.name if known else f"mean of the medians of {columns}"
        details[name] = _with_detectable(of, tested, name)
    for name, column in board.columns.items():
        if column.version is None:
            details[name] = "no run"
            continue
        parts = [column.description]
        if column in board.stale:
            newest = board.newest[column.task]
            parts.append(f"outdated: the task is at version {newest}, not in the mean")
        elif column not in board.in_mean:
            parts.append("not in the mean")
        details[name] = _with_detectable(", ".join(parts), tested, name)
    return details


def _with_detectable(text: str, tested: Tested, column: str) -> str:
    smallest = detectable(tested.tests, column)
    if smallest is None:
        return text
    return f"{text}; minimum detectable difference {smallest:.1f}"


def _runs_of_means(board: Board, row: RowKey) -> dict[str, RunScores]:
    """Name of a mean to the runs in its columns; none where a column is missing."""
    return {
        name: tuple(itertools.chain(*board.runs(row, columns).values()))
        for name, columns in board.means.items()
        if board.mean(row, name) is not None
    }


def _outdated(board: Board) -> tuple[str, ...]:
    """Runs to repeat, since their task has changed."""
    entries = (
        entry
        for row in board.rows
        for column in board.columns.values()
        if column in board.stale
        for entry in board.cell(row, column)
    )
    return tuple(dict.fromkeys(entry.record.run_id for entry in entries))
