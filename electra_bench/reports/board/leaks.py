"""What a table says below itself of scored examples that models have seen before."""

from collections import Counter
from collections.abc import Iterator, Sequence

from electra_bench.records import TaskResult
from electra_bench.records.leaks import MARKED, InPretraining, InTraining
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.board.scores import Board
from electra_bench.reports.statistics.aggregate import mean_or_none
from electra_bench.reports.table import counted

# Cells and reasons that one note names.
MOST_NAMED = 8
_SILENT = "their records do not say"


def notes_on_leaks(board: Board) -> list[str]:
    """Scores with and without what was seen, and what was not looked up."""
    cells = [
        (f"{name}, {column}", board.cell(row, key))
        for row, name in zip(board.shown, board.short_names, strict=True)
        for column, key in board.columns.items()
    ]
    apart = [text for cell in cells for text in _scores_apart(*cell)]
    more = len(apart) - MOST_NAMED
    notes = apart[:MOST_NAMED]
    if more > 0:
        notes.append(f"JSON has such scores of {counted(more, 'further cell')}.")
    notes += _note_on_shared(board)
    entries = [entry for _, of_cell in cells for entry in of_cell]
    return [*notes, *_note_on_unchecked(entries)]


def _scores_apart(cell: str, entries: Sequence[Entry]) -> Iterator[str]:
    """The main metric on examples that were seen and on the others, in marked cells."""
    for field, where in (
        ("in_training", "training"),
        ("in_pretraining", "text before"),
    ):
        found: list[InTraining | InPretraining] = [
            leaks
            for entry in entries
            if (leaks := getattr(entry.result, field)) and leaks.is_marked
        ]
        clean = mean_or_none([leaks.clean_score for leaks in found])
        dirty = mean_or_none([leaks.dirty_score for leaks in found])
        if clean is not None and dirty is not None:
            yield (
                f"{cell}: {dirty:.1f} on the examples that it has seen in {where}, "
                f"{clean:.1f} on the others (means over runs)."
            )


def _note_on_shared(board: Board) -> list[str]:
    """Columns in which many examples share their longest text with training examples."""
    found = {}
    for name, column in board.columns.items():
        results = [e.result for row in board.shown for e in board.cell(row, column)]
        shared = max(map(_num_shared, results), default=0)
        if column.num_examples and shared > MARKED * column.num_examples:
            found[name] = f"{name} ({shared:,} of {column.num_examples:,})"
    if not found:
        return []
    return [
        "Examples whose longest text is in the training set, too, with another one beside "
        f"it, as a paragraph with another question: {', '.join(found.values())}."
    ]


def _num_shared(result: TaskResult) -> int:
    return result.in_training.shared if result.in_training else 0


def _note_on_unchecked(entries: Sequence[Entry]) -> list[str]:
    """How many scores were not looked up in all that their models have seen."""
    reasons = Counter(reason for entry in entries for reason in _unchecked(entry))
    if not reasons:
        return []
    named = [f"{why} ({count})" for why, count in reasons.most_common(MOST_NAMED)]
    some = sum(any(_unchecked(entry)) for entry in entries)
    return [
        f"Whether models have seen scored examples before is not known of {some} of "
        f"{len(entries)} scores: {'; '.join(named)}."
    ]


def _unchecked(entry: Entry) -> list[str]:
    record, result, *_ = entry
    parts = [result.in_training, result.in_pretraining]
    if record.is_untrained:
        parts = parts[:1]
    whys = [_SILENT if part is None else part.not_checked for part in parts]
    return [*dict.fromkeys(filter(None, whys))]
