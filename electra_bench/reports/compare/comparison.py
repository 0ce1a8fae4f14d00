"""Two runs or two models side by side: scores, examples, configuration, environment."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from electra_bench.records import RunRecord
from electra_bench.reports.board import cells as board_cells
from electra_bench.reports.board.cells import ColumnKey, Entry
from electra_bench.reports.collect.predictions import Unusable
from electra_bench.reports.collect.records import IN_TABLES, Records
from electra_bench.reports.compare.sides import collect_sides, records_of, short_names
from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.bootstrap import Bootstrap, Resampled
from electra_bench.reports.statistics.pairs import compared
from electra_bench.reports.table import LeftOut, Score

# Fields of a record that say how a run was made, beside its hyper-parameters.
CONFIGURATION = (
    "label",
    "kind",
    "model",
    "objective",
    "protocol",
    "seed",
    "pretrain_seed",
    "pretrain_fraction",
    "parent_run_id",
    "train_examples",
    "train_steps",
    "params",
    "vocab_sha256",
)
ENVIRONMENT = ("code_version", "code_sha256", "device", "strategy", "precision")


@dataclass(frozen=True)
class Side:
    """What stands on one side of a comparison.

    Attributes:
        name: label or run_id, or the folder of a run, as short as tells it apart.
        runs: run_ids, in the order of their paths.
    """

    name: str
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Disagreement:
    """An example that one side answers better.

    Attributes:
        id: of the example.
        better: 0 or 1, the side that is better.
        target: the right answer.
        predictions: of each side, one a run.
    """

    id: str
    better: int
    target: Any
    predictions: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Scores:
    """One task on both sides.

    Attributes:
        column: name of the task, and what it takes to tell it from others.
        details: metric, split, version, number of examples and of their groups.
        scores: of both sides.
        difference: mean over runs of the first side less that of the second.
        interval: its 95 % interval; None if `no_test` says why.
        p_value: of the test of this difference alone.
        p_adjusted: for all differences of the comparison, by Holm.
        test: its name.
        no_test: why there is none.
        better: number of examples that each side answers better; `equal` of the others.
        examples: some of those, those first where most runs differ.
        higher_is_better: direction of the score.
    """

    column: str
    details: str
    scores: tuple[Score, ...]
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    test: str | None = None
    no_test: str | None = None
    better: tuple[int, int] | None = None
    equal: int | None = None
    examples: tuple[Disagreement, ...] = ()
    higher_is_better: bool = True


class Differing(NamedTuple):
    """A setting with other values on the two sides.

    Attributes:
        name: of the setting.
        values: distinct values of each side; empty where no run has it.
    """

    name: str
    values: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Comparison:
    """Everything in which two sides differ.

    Attributes:
        sides: what is compared.
        scores: tasks that both sides have, in comparable form.
        only: (side, column) of scores that stand alone.
        configuration: settings that differ.
        environment: packages, devices and code that differ.
        left_out: records that could not be used.
    """

    sides: tuple[Side, ...]
    scores: tuple[Scores, ...]
    only: tuple[tuple[int, str], ...]
    configuration: tuple[Differing, ...]
    environment: tuple[Differing, ...]
    left_out: tuple[LeftOut, ...] = ()


def compare(
    names: tuple[str, str],
    folders: Sequence[str],
    examples: int = 5,
    kinds: Sequence[str] = IN_TABLES,
) -> Comparison:
    """Compares two runs or models.

    Args:
        names: each the folder of a run, a run_id, a label or a row.
        folders: where to look for run_ids and labels.
        examples: number of examples to show of each task and side.
        kinds: kinds of run that a label stands for.

    Raises:
        FileNotFoundError: no folder, or no run below it.
        ValueError: a name stands for nothing; lists near ones.
        RecordError: the record of a run cannot be used.
    """
    records = collect_sides(names, folders)
    sides = [records_of(name, records, kinds) for name in names]
    cells: list[dict[ColumnKey, list[Entry]]] = [defaultdict(list), defaultdict(list)]
    left_out = [*records.left_out]
    for side, by_column in zip(sides, cells, strict=True):
        found = board_cells.cells_of(side, known=records)
        of_rows, unused = board_cells.without_repeats(found)
        left_out += unused
        # A side's rows are one.
        for (_, column), entries in of_rows.items():
            by_column[column] += entries
    columns = sorted(set(cells[0]) | set(cells[1]), key=str)
    titles = board_cells.column_names(columns)
    bootstrap = Bootstrap(records)
    scores = [
        _scores(titles[c], c, [side[c] for side in cells], records, bootstrap, examples)
        for c in columns
        if all(side.get(c) for side in cells)
    ]
    bootstrap.save()
    return Comparison(
        sides=tuple(
            Side(name, tuple(record.run_id for record in side))
            for name, side in zip(short_names(names), sides, strict=True)
        ),
        scores=tuple(_adjusted(scores)),
        only=tuple(
            (number, titles[column])
            for column in columns
            for number in (0, 1)
            if cells[number].get(column) and not cells[1 - number].get(column)
        ),
        configuration=tuple(_differing(sides, _configuration)),
        environment=tuple(_differing(sides, _environment)),
        left_out=tuple(left_out),
    )


def _scores(
    title: str,
    column: ColumnKey,
    cells: Sequence[Sequence[Entry]],
    records: Records,
    bootstrap: Bootstrap,
    examples: int,
) -> Scores:
    scores = tuple(board_cells.score_of(column, one, records) for one in cells)
    direction = column.higher_is_better
    one = Scores(title, column.description, scores, higher_is_better=direction)
    try:
        sides = [bootstrap.resampled(entries) for entries in cells]
        test = compared(*sides)
    except Unusable as error:
        first, second = (score.mean for score in scores)
        difference = None if first is None or second is None else first - second
        return replace(one, difference=difference, no_test=str(error))
    gaps = _gaps(sides)
    return replace(
        one,
        details=_with_groups(one.details, sides[0]),
        difference=test.estimate.value,
        interval=(test.estimate.low, test.estimate.high),
        p_value=test.p_value,
        test=test.name,
        better=(int(np.sum(gaps > 0)), int(np.sum(gaps < 0))),
        equal=int(np.sum(gaps == 0)),
        examples=_examples(gaps, cells, records, examples),
    )


def _with_groups(details: str, side: Resampled) -> str:
    """What is compared, and which of its examples belong together."""
    if side.unit is None:
        return f"{details}, which may belong together: their errors may be too small"
    return f"{details} {side.named_groups}".strip()


def _gaps(sides: Sequence[Resampled]) -> np.ndarray:
    """How much better the first side answers each example, means over runs."""
    first, second = (
        np.mean([one.quality for one in side.replicates], axis=0) for side in sides
    )
    # Means of the same numbers in another order may differ in the last bit.
    return np.round(first - second, 9)


def _examples(
    gaps: np.ndarray, cells: Sequence[Sequence[Entry]], records: Records, count: int
) -> tuple[Disagreement, ...]:
    order = np.argsort(-np.abs(gaps), kind="stable")
    by_side = ([place for place in order if sign * gaps[place] > 0] for sign in (1, -1))
    chosen = [place for better in by_side for place in better[:count]]
    if not chosen:
        return ()
    answers = [[records.answers(e.record, e.result) for e in side] for side in cells]
    first = answers[0][0]
    return tuple(
        Disagreement(
            first.ids[place],
            0 if gaps[place] > 0 else 1,
            first.targets[place],
            tuple(tuple(run.predictions[place] for run in side) for side in answers),
        )
        for place in chosen
    )


def _adjusted(scores: Sequence[Scores]) -> Iterator[Scores]:
    p_values = [one.p_value for one in scores if one.p_value is not None]
    adjusted = iter(significance.adjusted(p_values, "holm"))
    for one in scores:
        tested = one.p_value is not None
        yield replace(one, p_adjusted=next(adjusted)) if tested else one


def _configuration(record: RunRecord) -> Iterator[tuple[str, Any]]:
    yield from ((name, getattr(record, name)) for name in CONFIGURATION)
    yield from record.hparams.items()


def _environment(record: RunRecord) -> Iterator[tuple[str, Any]]:
    yield from ((name, getattr(record, name)) for name in ENVIRONMENT)
    yield from ((f"package {name}", item) for name, item in record.packages.items())
    yield from ((f"plugin {name}", item) for name, item in record.plugins.items())


def _differing(sides: Sequence[Sequence[RunRecord]], settings) -> Iterator[Differing]:
    values: dict[str, tuple[set[str], ...]] = defaultdict(lambda: (set(), set()))
    for number, side in enumerate(sides):
        for record in side:
            for name, value in dict(settings(record)).items():
                values[name][number].add(repr(value))
    for name, (first, second) in values.items():
        if first != second:
            yield Differing(name, (tuple(sorted(first)), tuple(sorted(second))))
