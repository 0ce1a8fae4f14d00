"""Published scores as rows of their own, and what a mean over columns is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from electra_bench.records import PublishedMean, Reference
from electra_bench.reports.board.cells import ColumnKey
from electra_bench.reports.collect.cards import card_or_none
from electra_bench.reports.statistics.aggregate import mean_or_none
from electra_bench.tasks.cards.published import MEANS


class ReferenceRow(NamedTuple):
    """A published model in one table of one document.

    Attributes:
        label: model, document and split.
        scores: one a column; None where the table has none that compares.
        means: one a mean: as published, or of `scores` if there are all of them and of one
            model.
        details: conditions, and what is easily misread.
    """

    label: str
    scores: tuple[float | None, ...]
    means: Mapping[str, float | None]
    details: str


def newest_version(task: str) -> int:
    """The version of the installed task; 0 if it is not installed."""
    card = card_or_none(task)
    return 0 if card is None else card.version


def is_beside(column: ColumnKey) -> bool:
    """Whether a column is of a split that is scored beside the task's own."""
    card = card_or_none(column.task)
    return card is not None and column.split in card.further_splits


def published_mean(columns: Sequence[ColumnKey]) -> PublishedMean | None:
    """What the literature calls the mean over these columns; None if nothing."""
    tasks = [column.task for column in columns]
    splits = {(column.split or "").partition("_")[0] for column in columns}
    whole = all(column.subset is None for column in columns)
    for mean in MEANS:
        if whole and splits == {mean.split} and sorted(tasks) == sorted(mean.tasks):
            return mean
    return None


def named_means(columns: Sequence[ColumnKey]) -> dict[str, list[ColumnKey]]:
    """Means that the literature takes over a part of these columns, by name."""
    found = {}
    for mean in MEANS:
        part = [column for column in columns if column.task in mean.tasks]
        if mean.column and len(part) < len(columns) and published_mean(part) is mean:
            found[mean.column] = part
    return found


def reference_rows(
    columns: Sequence[ColumnKey],
    means: Mapping[str, Sequence[ColumnKey]],
    models: Sequence[str] | None,
) -> list[ReferenceRow]:
    """Published scores that compare with a column: task, version, split and metric agree.

    Args:
        columns: the columns of the table.
        means: name to the columns that a mean is over.
        models: models to show; None shows all that have a score.
    """
    by_row: dict[tuple[str, str, str], dict[ColumnKey | str, Reference]] = {}
    for column in columns:
        for reference in _comparable(column):
            by_row.setdefault(_key(reference), {})[column] = reference
    for name, in_mean in means.items():
        mean = published_mean(in_mean)
        for reference in mean.scores if mean else ():
            by_row.setdefault(_key(reference), {})[name] = reference
    return [
        _row(key, found, columns, means)
        for key, found in by_row.items()
        if models is None or key[0] in models
    ]


def _comparable(column: ColumnKey) -> Sequence[Reference]:
    card = card_or_none(column.task)
    if card is None or column.subset is not None:
        return ()
    if (column.version, column.metric) != (card.version, card.main_metric):
        return ()
    return [one for one in card.references if one.split == column.split]


def _key(reference: Reference) -> tuple[str, str, str]:
    split = reference.split.partition("_")[0]
    return reference.model, reference.source, split


def _row(
    key: tuple[str, str, str],
    found: Mapping[ColumnKey | str, Reference],
    columns: Sequence[ColumnKey],
    means: Mapping[str, Sequence[ColumnKey]],
) -> ReferenceRow:
    model, source, split = key
    scores = {
        column: found[column].score if column in found else None for column in columns
    }
    first = next(iter(found.values()))
    remarks = [
        f"{column.task}: {reference.remark}"
        for column, reference in found.items()
        if isinstance(column, ColumnKey) and reference.remark
    ]
    of_means: dict[str, float | None] = {}
    for name, in_mean in means.items():
        # A remark says that the score is of another model than the others.
        is_one_model = not any(c in found and found[c].remark for c in in_mean)
        if name in found:
            of_means[name] = found[name].score
        elif is_one_model:
            of_means[name] = mean_or_none([scores[column] for column in in_mean])
    own = [n for n, mean in of_means.items() if mean is not None and n not in found]
    remarks += [f"its {name} is of these scores, not published" for name in own]
    return ReferenceRow(
        f"{model} ({source}, {split})",
        tuple(scores.values()),
        of_means,
        "; ".join(part for part in (first.protocol, *remarks) if part),
    )
