"""The leaderboard: a row a model, a column a task, a cell the mean over runs."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from electra_bench.records import RunRecord
from electra_bench.registry import reports
from electra_bench.reports.board import cells
from electra_bench.reports.board import references as published
from electra_bench.reports.board.leaks import notes_on_leaks
from electra_bench.reports.board.notes import notes_on_records, notes_on_tests
from electra_bench.reports.board.row_keys import RowKey
from electra_bench.reports.board.scores import Board, Tested
from electra_bench.reports.collect.records import IN_TABLES
from electra_bench.reports.statistics.aggregate import mean_or_none, median_or_none
from electra_bench.reports.statistics.bootstrap import REPLICATES, Bootstrap
from electra_bench.reports.statistics.pairs import detectable
from electra_bench.reports.statistics.significance import CORRECTIONS
from electra_bench.reports.table import FLOOR, RunScores, Table, Value, counted

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
    "fixed the recommended ones; without * nothing that changes a result is otherwise",
    "collapsed": f"number of runs; such a run {cells.COLLAPSED}",
    "params": "trainable parameters of the encoder",
    "pretrain FLOPs": "floating-point operations of all pre-training",
}


@reports.register("leaderboard")
def leaderboard(
    tasks: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] = IN_TABLES,
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
    recipe, protocol, its changes and the fraction of pre-training agree.

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
    known, beside = ", ".join(CORRECTIONS), ", ".join(BESIDE)
    for name, value, is_good, expected in (
        ("max_rows", max_rows, max_rows >= 1, "at least 1, got"),
        # Fewer cannot tell a standard error.
        ("replicates", replicates, replicates >= 100, "at least 100, got"),
        ("correction", correction, correction in CORRECTIONS, f"one of {known}; got"),
        *(("columns", c, c in BESIDE, f"some of {beside}; got") for c in columns),
    ):
        if not is_good:
            must = f"must be {expected} {value!r}"
            raise ValueError(f"reports.leaderboard.{name} {must}")

    def build(records: Sequence[RunRecord]) -> Table:
        board = Board(records, tasks, labels, kinds, max_rows, further_metrics)
        tested = Tested(board, Bootstrap.of(records, replicates), correction)
        others = Counter(r.kind for r in records if r.kind not in kinds)
        notes = [
            *notes_on_records(board),
            *notes_on_leaks(board),
            *notes_on_tests(board, tested, correction),
        ]
        notes += [f"Records of kind {k} have no row: {n}." for k, n in others.items()]
        return _table(board, tested, references, notes, columns)

    return build


def _table(
    board: Board,
    tested: Tested,
    references: Sequence[str] | None,
    notes: Sequence[str],
    beside: Sequence[str],
) -> Table:
    lines = [_line(board, tested, number) for number in range(len(board.rows))]
    num_shown = len(board.shown)
    # Of those beside the scores the ones that say something.
    said = {name for name in beside if any(line[name] is not None for line in lines)}
    first, *others = BESIDE
    names = ("rank", "model", first, *board.means, *board.columns, *others)
    columns = [name for name in names if name in said or name not in BESIDE]
    below = _floors(board)
    below += published.reference_rows(board.columns, board.means, references)

    def rows(lines: Iterable[Mapping[str, Value]]) -> tuple[tuple[Value, ...], ...]:
        return tuple(tuple(map(line.get, columns)) for line in lines)

    meanings = {name: text for name, text in MEANINGS.items() if name in columns}
    return Table(
        columns=tuple(columns),
        rows=rows(lines[:num_shown]),
        further_rows=rows(lines[num_shown:]),
        rank_by=board.rank_by,
        metrics=(*board.means, *board.columns),
        lower_is_better=board.lower_is_better,
        reference_rows=rows(line for line, _ in below),
        reference_details=tuple(details for _, details in below),
        details=_details(board, tested) | meanings,
        notes=tuple(notes),
        left_out=tuple(board.left_out),
        differences=tested.differences,
        repeat=_outdated(board),
        runs=tuple(_runs_of_means(board, row) for row in board.shown),
        tasks=board.tasks,
    )


def _floors(board: Board) -> list[tuple[dict[str, Value], str]]:
    """The majority baseline, with what it is; nothing where it is unknown."""
    floors = {}
    for name, column in board.columns.items():
        found = {e.result.floor for row in board.rows for e in board.cell(row, column)}
        known = found - {None}
        floors[name] = known.pop() if len(known) == 1 else None
    if all(floor is None for floor in floors.values()):
        return []
    means = {
        name: mean_or_none([floors[column] for column in board.names_of(in_mean)])
        for name, in_mean in board.means.items()
    }
    about = "majority baseline: the largest class, or a constant"
    return [({"model": FLOOR, **means, **floors}, about)]


def _line(board: Board, tested: Tested, number: int) -> dict[str, Value]:
    row, is_shown = board.rows[number], number < len(board.shown)
    scores = {}
    for name, column in board.columns.items():
        scores[name] = score = board.score(row, column)
        if is_shown:
            scores[name] = tested.score(number, name, score)
    collapsed = {
        entry.record.run_id
        for column in board.columns.values()
        for entry in board.cell(row, column)
        if cells.is_collapsed(column, entry)
    }
    records = board.records(row)
    params = median_or_none(record.params for record in records)
    return {
        "rank": tested.rank(number, board.rank_by) if is_shown else None,
        "model": board.row_names[number],
        "protocol": row.protocol,
        **{name: board.mean(row, name) for name in board.means},
        **scores,
        "collapsed": len(collapsed) or None,
        "params": params and int(params),
        "pretrain FLOPs": median_or_none(record.pretrain_flops for record in records),
    }


def _details(board: Board, tested: Tested) -> dict[str, str]:
    details = {}
    for name, in_mean in board.means.items():
        known = published.published_mean(in_mean)
        of = f"mean of {counted(len(in_mean), 'column')}"
        details[name] = known.name if known else of
    for name, column in board.columns.items():
        details[name] = "no run" if column.version is None else column.description
        if tested.groups(name):
            details[name] += f" {tested.groups(name)}"
        if column in board.stale:
            newest = f"the task is at version {board.newest[column.task]}"
            details[name] += f", outdated: {newest}, not in the mean"
        elif column.version is not None and column not in board.in_mean:
            details[name] += ", not in the mean"
    for name in details:
        smallest = detectable(tested.tests, name)
        if smallest is not None:
            details[name] += f"; minimum detectable difference {smallest:.1f}"
    return details


def _runs_of_means(board: Board, row: RowKey) -> dict[str, RunScores]:
    """Name of a mean to the runs in its columns; none where a column is missing."""
    return {
        name: tuple(itertools.chain(*board.runs(row, columns).values()))
        for name, columns in board.means.items()
        if board.mean(row, name) is not None
    }


def _outdated(board: Board) -> tuple[str, ...]:
    """Runs to repeat, since their task has changed."""
    runs = (r for row in board.rows for r in board.runs(row, board.stale).values())
    return tuple(dict.fromkeys(run_id for of_cell in runs for run_id, _ in of_cell))
