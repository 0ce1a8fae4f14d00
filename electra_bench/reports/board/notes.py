"""The sentences below a leaderboard."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from electra_bench.records import RunRecord, TaskResult
from electra_bench.reports.board.cells import CONTAMINATED
from electra_bench.reports.board.scores import Board, Tested
from electra_bench.reports.collect.lineage import num_given
from electra_bench.reports.statistics.significance import METHODS
from electra_bench.reports.table import HIGHER, Difference

# Rows that one note names; dashes in the table show the others.
MOST_NAMED = 8


def notes_on_records(used: Sequence[RunRecord], board: Board) -> list[str]:
    """What a reader must know of the runs behind a table."""
    notes = ["A score is the median over seeds, ± is the sample standard deviation."]
    if any(result.main_score is None for one in used for result in one.results):
        notes.append(
            "An undefined score, as of a correlation with a constant, is left out."
        )
    if board.opposite:
        names = ", ".join(board.names_of(board.opposite))
        notes.append(f"The mean is over columns where {HIGHER}, without {names}.")
    if board.beside and board.means:
        names = ", ".join(board.names_of(board.beside))
        notes.append(
            f"The mean has one column a task, the one that most rows have, so not {names}."
        )
    notes += _without_mean(board)
    hidden = len(board.rows) - len(board.shown)
    if hidden:
        notes.append(
            f"{hidden:,} of {len(board.rows):,} rows are not shown; CSV and JSON have "
            "them, reports.leaderboard.max_rows shows more."
        )
    protocols = sorted({str(row.protocol) for row in board.rows})
    if len(protocols) > 1:
        notes.append(f"Rows follow different protocols: {', '.join(protocols)}.")
    for row, name in zip(board.shown, board.row_names, strict=False):
        for parameter, change in json.loads(row.changes).items():
            notes.append(f"{name}, {row.protocol}: {parameter} {_change(change)}.")
    methods = sorted({r.flops_method for r in used if r.flops_method})
    if len(methods) > 1:
        notes.append(f"FLOPs were counted by different methods: {', '.join(methods)}.")
    marked = {
        f"{record.label}, {what}: {mark}: {why}."
        for row in board.shown
        for record in board.records(row)
        for result in record.results
        for what, mark, why in _marked(record, result)
    }
    return [*notes, *sorted(marked)]


def _without_mean(board: Board) -> list[str]:
    """Which shown rows have no mean, and what they lack."""
    if not board.means:
        return []
    without = []
    for row, name in zip(board.shown, board.short_names, strict=True):
        lacking = [c for c in board.in_mean if board.score(row, c).value is None]
        if lacking:
            without.append(f"{name} lacks {', '.join(board.names_of(lacking))}")
    if not without:
        return []
    return [f"Without a mean, and so without a rank: {first_named(without)}."]


def first_named(found: Sequence[str]) -> str:
    """As many as one note names, and how many more there are."""
    more = len(found) - MOST_NAMED
    further = f"; and {more} more" if more > 0 else ""
    return "; ".join(found[:MOST_NAMED]) + further


def _marked(record: RunRecord, result: TaskResult) -> Iterator[tuple[str, str, str]]:
    """What is marked, the mark, and why."""
    # Pre-training has seen a task; the other marks are those of a split.
    contaminated = result.marks.get(CONTAMINATED, record.contaminated.get(result.task))
    if contaminated is not None:
        yield result.task, CONTAMINATED, contaminated
    splits = {other.split for other in record.results if other.task == result.task}
    scored = result.task if len(splits) == 1 else f"{result.task} {result.split}"
    for mark, why in result.marks.items():
        if mark != CONTAMINATED:
            yield scored, mark, why


def _change(change) -> str:
    if isinstance(change, list) and len(change) == 2:
        return f"is {change[1]!r}, the protocol's {change[0]!r}"
    return f"is {change!r}"


def notes_on_tests(board: Board, tested: Tested, correction: str) -> list[str]:
    """What a reader must know of intervals, tests and ranks."""
    notes = []
    without = Counter(tested.reasons.values())
    for reason, count in sorted(without.items()):
        cells = "1 cell has" if count == 1 else f"{count} cells have"
        notes.append(f"{cells} no interval: {reason}.")
    if any(cells for cells in tested.resampled.values()):
        notes.append(
            "Brackets are the 95 % interval of the mean over seeds and examples; of one "
            "run, over examples only."
        )
    notes += _notes_on_samples(tested)
    of_models = [one for one in tested.differences if not one.runs_only]
    of_runs = len(tested.differences) - len(of_models)
    if of_models:
        found = sum(one.significant for one in of_models)
        notes += [
            f"{found} of {len(of_models)} differences between rows are significant "
            f"(5 %, {METHODS[correction]} over the table). A rank is 1 + the number of "
            "rows that are significantly better.",
            "A minimum detectable difference is the true one that the table claims with "
            f"80 % probability or more, with {_tests(len(tested.differences))} to "
            "correct for.",
        ]
    if of_runs:
        notes.append(
            f"{of_runs} more tests have one run on a side: they say that these runs "
            "differ, not that others would, and decide no rank."
        )
    notes += note_on_contaminated(board, tested.differences)
    if of_models:
        notes += _notes_on_checkpoints(board, tested)
    return notes


def _notes_on_samples(tested: Tested) -> list[str]:
    """Which columns have fewer bootstrap samples, since their metric has no weights."""
    columns: dict[int, list[str]] = {}
    for column, of_column in tested.resampled.items():
        for cell in of_column.values():
            if (count := cell.runs.samples.shape[1]) < tested.replicates:
                names = columns.setdefault(count, [])
                names += [] if column in names else [column]
    return [
        f"Intervals and tests of {', '.join(names)} are of {count} bootstrap samples: the "
        "metric has no weighted form, and each sample costs a call of it."
        for count, names in columns.items()
    ]


def note_on_contaminated(board: Board, tests: Sequence[Difference]) -> list[str]:
    """Which rows have seen what they are measured by, where others have not."""
    columns: dict[int, list[str]] = {}
    for test in tests:
        for place in test.contaminated:
            found = columns.setdefault(place, [])
            found += [] if test.column in found else [test.column]
    if not columns:
        return []
    names = board.short_names
    found = [
        f"{names[place]} in {', '.join(columns[place])}" for place in sorted(columns)
    ]
    return [
        f"Contaminated: {first_named(found)}. There a lead over rows that have not seen "
        "the same is no claim, and gives no rank."
    ]


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"


def _notes_on_checkpoints(board: Board, tested: Tested) -> list[str]:
    """What a reader must know of runs that start from the same checkpoint."""
    notes = []
    cells = [cell for column in tested.resampled.values() for cell in column.values()]
    if any(len(cell.runs.scores) < len(cell.lineages) for cell in cells):
        notes.append(
            "Runs of one pre-training depend on one another: intervals and tests take "
            "their mean as one run."
        )
    from_one, others = [], 0
    for number, name in enumerate(board.row_names[: len(board.shown)]):
        lineages = {
            column: of_column[number].lineages
            for column, of_column in tested.resampled.items()
            if number in of_column
        }
        if not lineages or board.shown[number].fraction == 0:
            continue
        if num_given([one for of_cell in lineages.values() for one in of_cell]):
            from_one.append(name)
            continue
        others += 1
        columns = [
            column
            for column, of_cell in lineages.items()
            if len(of_cell) > 1 and num_given(of_cell)
        ]
        if columns:
            from_one.append(f"{name} in {', '.join(columns)}")
    if from_one and not others:
        notes.append(
            "All runs of a pre-trained row start from one checkpoint: differences are "
            "between these, not between ways of pre-training."
        )
    elif from_one:
        notes.append(
            f"All runs of {'; of '.join(from_one)} start from one checkpoint: differences "
            "are those of this checkpoint, not of its way of pre-training."
        )
    return notes
