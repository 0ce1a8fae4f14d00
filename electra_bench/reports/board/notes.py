"""The sentences below a leaderboard."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from electra_bench.records import RunRecord, TaskResult
from electra_bench.reports.board.cells import CONTAMINATED
from electra_bench.reports.board.recipes import (
    chosen_parameters,
    differing,
    per_task,
    values_of,
    with_earlier,
)
from electra_bench.reports.board.row_keys import CHOSEN, changed_to
from electra_bench.reports.board.scores import Board, Tested
from electra_bench.reports.collect.lineage import num_given
from electra_bench.reports.statistics.significance import METHODS
from electra_bench.reports.table import HIGHER, Difference, counted, told

# Rows that one note names; dashes in the table show the others.
MOST_NAMED = 8


def notes_on_records(board: Board) -> list[str]:
    """What a reader must know of the runs behind a table."""
    results = (result for record in board.used for result in record.results)
    undefined = any(result.main_score is None for result in results)
    opposite = ", ".join(board.names_of(board.opposite))
    beside = ", ".join(board.names_of(board.beside) if board.means else ())
    without = _first_named(_lacking(board) if board.means else {}, "lacks")
    hidden = len(board.rows) - len(board.shown)
    protocols = sorted({str(row.protocol) for row in board.rows})
    notes = told(
        {
            "A score is the mean over runs, ± is their sample standard deviation.": True,
            "An undefined score, as of a correlation with a constant, counts as the floor; "
            "where none is known, its cell has no number.": undefined,
            f"The mean is over columns where {HIGHER}, without {opposite}.": opposite,
            "The mean has one column a task, the one that most rows have, so not "
            f"{beside}.": beside,
            f"Without a mean, and so without a rank: {without}.": without,
            f"{hidden:,} of {len(board.rows):,} rows are not shown; CSV and JSON have "
            "them, reports.leaderboard.max_rows shows more.": hidden,
            f"Rows follow different protocols: {', '.join(protocols)}.": protocols[1:],
        }
    )
    for row, name in zip(board.shown, board.row_names, strict=False):
        for parameter, change in json.loads(row.changes).items():
            notes.append(f"{name}, {row.protocol}: {parameter} {_change(change)}.")
    notes += _notes_on_recipes(board)
    methods = sorted({r.flops_method for r in board.used if r.flops_method})
    if len(methods) > 1:
        notes.append(f"FLOPs were counted by different methods: {', '.join(methods)}.")
    labels: dict[str, set[str]] = defaultdict(set)
    every = [record for row in board.shown for record in board.records(row)]
    for record in every:
        for result in record.results:
            for marked in _marked(record, result):
                labels[marked].add(record.label)
    of_all = {record.label for record in every}
    for marked, found in labels.items():
        if found == of_all and len(found) > 1:
            labels[marked] = {"all rows"}
    return notes + sorted(
        f"{label}, {marked}." for marked, found in labels.items() for label in found
    )


def _notes_on_recipes(board: Board) -> Iterator[str]:
    """In what the rows of one label differ, and the tasks of one row."""
    recipes_of = defaultdict(set)
    for row in board.rows:
        recipes_of[row.label].add(row.recipe)
    for label, of_label in recipes_of.items():
        group = [record for record in board.used if record.label == label]
        if len(of_label) > 1:
            settings = ", ".join(differing(with_earlier(group, board.known)))
            yield f"Runs of {label} make {len(of_label)} rows: they differ in {settings}."
    for row, name in zip(board.shown, board.row_names, strict=False):
        yield from _note_on_choice(name, board.records(row))
        for setting, values in per_task(board.records(row)).items():
            parts = (
                f"{value} on {', '.join(tasks)}" for value, tasks in values.items()
            )
            yield f"{name}: {setting} is {'; '.join(parts)}."


def _note_on_choice(name: str, records: Sequence[RunRecord]) -> Iterator[str]:
    """What trials of a row chose, of how many, on what, and which values."""
    if not records or not (choice := records[0].choice):
        return
    keys = list(choice.get("values", {}))
    are = "is" if len(keys) == 1 else "are"
    trials = counted(choice.get("trials", 0), "trial")
    found = []
    parameters = sorted(chosen_parameters(records))
    for setting, values in values_of(records, parameters).items():
        parts = [
            f"{value} ({', '.join(tasks)})" if len(values) > 1 else value
            for value, tasks in values.items()
        ]
        found.append(f"{setting.rpartition('.')[2]} {', '.join(parts)}")
    which = f": {'; '.join(found)}" if found else ""
    yield (
        f"{name}: {', '.join(keys)} {are} the best of {trials}, compared on "
        f"{choice.get('on')}{which}."
    )


def _lacking(board: Board) -> dict[str, list[str]]:
    """The columns that shown rows lack for a mean."""
    return {
        name: board.names_of(
            [c for c in board.in_mean if board.score(row, c).value is None]
        )
        for row, name in zip(board.shown, board.short_names, strict=True)
    }


def _first_named(columns: Mapping[str, Sequence[str]], are: str) -> str:
    """Rows with their columns, as many as one note names, and how many more there are.

    Args:
        columns: of each row; one without any is not named.
        are: stands between a row and its columns.
    """
    found = [f"{row} {are} {', '.join(of)}" for row, of in columns.items() if of]
    more = len(found) - MOST_NAMED
    return "; ".join([*found[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _marked(record: RunRecord, result: TaskResult) -> Iterator[str]:
    """What is marked, the mark, and why."""
    # Pre-training has seen a task; the other marks are those of a split.
    contaminated = result.marks.get(CONTAMINATED, record.contaminated.get(result.task))
    if contaminated is not None:
        yield f"{result.task}: {CONTAMINATED}: {contaminated}"
    splits = {other.split for other in record.results if other.task == result.task}
    scored = result.task if len(splits) == 1 else f"{result.task} {result.split}"
    for mark, why in result.marks.items():
        if mark != CONTAMINATED:
            yield f"{scored}: {mark}: {why}"


def _change(change) -> str:
    if isinstance(change, list) and len(change) == 2:
        if isinstance(change[0], list) and change[0]:
            allowed = " or ".join(map(repr, change[0]))
            return f"{_now(change)}, the protocol has {allowed}"
        return f"{_now(change)}, the protocol's {change[0]!r}"
    return f"is {change!r}"


def _now(change: Sequence) -> str:
    if isinstance(change[1], Mapping) and CHOSEN in change[1]:
        return f"is {changed_to(change)}, as trials chose"
    return f"is {change[1]!r}"


def notes_on_tests(board: Board, tested: Tested, correction: str) -> list[str]:
    """What a reader must know of intervals, tests and ranks."""
    notes = []
    for reason, count in sorted(Counter(tested.reasons.values()).items()):
        cells = "1 cell has" if count == 1 else f"{count} cells have"
        notes.append(f"{cells} no interval: {reason}.")
    of_models = [one for one in tested.differences if not one.runs_only]
    of_runs = len(tested.differences) - len(of_models)
    found = sum(one.significant for one in of_models)
    tests = counted(len(tested.differences), "test")
    if any(tested.resampled.values()):
        notes.append(
            "Brackets are the 95 % interval of the score over seeds and examples; of one "
            "run, over examples only."
        )
    notes += _notes_on_groups(tested)
    notes += _notes_on_samples(tested)
    notes += told(
        {
            f"{found} of {len(of_models)} differences between rows are significant "
            f"(5 %, {METHODS[correction]} over the table). A rank is 1 + the number of "
            "rows that are significantly better.": of_models,
            "A minimum detectable difference is the true one that the table claims with "
            f"about 80 % probability, with {tests} to correct for.": of_models,
            f"{of_runs} more tests have one run on a side: they say that these runs "
            "differ, not that others would, and decide no rank.": of_runs,
        }
    )
    notes += note_on_contaminated(board, tested.differences)
    return notes + (_notes_on_checkpoints(board, tested) if of_models else [])


def _notes_on_groups(tested: Tested) -> list[str]:
    """What statistics draw, and of which columns nobody knows what belongs together."""
    cells = {name: of.values() for name, of in tested.resampled.items()}
    drawn = [name for name, of in cells.items() if any(c.groups.sha256 for c in of)]
    untold = ", ".join(n for n, of in cells.items() if any(c.unit is None for c in of))
    return told(
        {
            f"Intervals and tests draw whole groups of examples in {', '.join(drawn)}: "
            "what belongs together is not independent.": drawn,
            f"Predictions of {untold} do not say which examples belong together: each "
            "counts as independent, so that errors may be too small.": untold,
        }
    )


def _notes_on_samples(tested: Tested) -> list[str]:
    """Which columns have fewer bootstrap samples, since their metric has no weights."""
    columns: dict[int, dict[str, None]] = defaultdict(dict)
    for column, of_column in tested.resampled.items():
        for cell in of_column.values():
            columns[cell.runs.samples.shape[1]][column] = None
    return [
        f"Intervals and tests of {', '.join(names)} are of {count} bootstrap samples: the "
        "metric has no weighted form, and each sample costs a call of it."
        for count, names in columns.items()
        if count < tested.replicates
    ]


def note_on_contaminated(board: Board, tests: Sequence[Difference]) -> list[str]:
    """Which rows have seen what they are measured by, where others have not."""
    tests = [test for test in tests if test.contaminated]
    columns = {
        name: list(dict.fromkeys(t.column for t in tests if place in t.contaminated))
        for place, name in enumerate(board.short_names)
    }
    return contaminated_in(
        columns,
        "There a lead over rows that have not seen the same is no claim, and gives no "
        "rank.",
    )


def contaminated_in(columns: Mapping[str, Sequence[str]], meaning: str) -> list[str]:
    """A note on rows that are contaminated in some columns; none without such rows."""
    named = _first_named(columns, "in")
    return [f"Contaminated: {named}. {meaning}"] if named else []


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
    for number, row in enumerate(board.shown):
        name = board.row_names[number]
        lineages = {
            column: of_column[number].lineages
            for column, of_column in tested.resampled.items()
            if number in of_column
        }
        if not lineages or row.fraction == 0:
            continue
        if num_given([one for of_cell in lineages.values() for one in of_cell]):
            from_one.append(name)
            continue
        others += 1
        columns = [
            c for c, of_cell in lineages.items() if of_cell[1:] and num_given(of_cell)
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
