"""Published scores as rows of their own, and what a mean over columns is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from electra_bench.records import PublishedMean, Reference
from electra_bench.reports.board.cells import ColumnKey
from electra_bench.reports.collect.cards import card_or_none
from electra_bench.reports.statistics.aggregate import mean_or_none
from electra_bench.reports.table import Value
from electra_bench.tasks.cards.published import MEANS


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
    columns: Mapping[str, ColumnKey],
    means: Mapping[str, Sequence[ColumnKey]],
    models: Sequence[str] | None,
) -> list[tuple[dict[str, Value], str]]:
    """Published scores that compare with a column: task, version, split and metric agree.

    Args:
        columns: the columns of the table by name.
        means: name to the columns that a mean is over.
        models: models to show; None shows all that have a score.

    Returns:
        For each model in one table of one document its scores by name of column or mean,
        and its conditions with what is easily misread. A mean is as published, or of the
        scores if there are all of them and of one model.
    """
    by_row: dict[tuple[str, str, str], dict[str, Reference]] = defaultdict(dict)
    for name, column in columns.items():
        for reference in _comparable(column):
            by_row[_key(reference)][name] = reference
    for name, in_mean in means.items():
        mean = published_mean(in_mean)
        for reference in mean.scores if mean else ():
            by_row[_key(reference)][name] = reference
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
    found: Mapping[str, Reference],
    columns: Mapping[str, ColumnKey],
    means: Mapping[str, Sequence[ColumnKey]],
) -> tuple[dict[str, Value], str]:
    model, source, split = key
    scores = {name: reference.score for name, reference in found.items()}
    remarked = {name: one.remark for name, one in found.items() if one.remark}
    remarks = [f"{columns[n].task}: {r}" for n, r in remarked.items() if n in columns]
    of_means = {}
    for name in [name for name in means if name not in found]:
        in_mean = [n for n, column in columns.items() if column in means[name]]
        mean = mean_or_none([scores.get(n) for n in in_mean])
        # A remark says that the score is of another model than the others.
        if mean is not None and remarked.keys().isdisjoint(in_mean):
            of_means[name] = mean
            remarks.append(f"its {name} is of these scores, not published")
    label = f"{model} ({source}, {split})"
    details = filter(None, (next(iter(found.values())).protocol, *remarks))
    return {"model": label, **scores, **of_means}, "; ".join(details)
