"""Records as a pandas DataFrame, for notebooks."""

import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from electra_bench.records import RunRecord, TaskResult
from electra_bench.reports.collect.cards import counted_score
from electra_bench.reports.collect.records import Records
from electra_bench.reports.statistics.aggregate import by_label

if TYPE_CHECKING:
    import pandas


def records_frame(records: Sequence[RunRecord]) -> "pandas.DataFrame":
    """A row for each result of each run, and one for each run without results.

    A column is a field of `RunRecord` or `TaskResult`, or an entry of one that is an
    object (`hparams.training.adamw.peak_lr`, `metrics.f1`). `path` is that of the record.
    What is missing is NaN, or None in texts. As the tables count:

    - `score`: the value of the main metric, or the floor if it is `undefined`; NaN if no
      floor is known, too.
    - `row`: the name of the row that the run is a seed of, among runs of its kind.
    - `is_trial`: scored on a part of its training set; it has no row beside other runs.

    Example:
        The mean over runs of every model on every task:

            frame = records_frame(collect(["runs"]))
            runs = frame[frame.kind == "finetune"]
            runs.groupby(["row", "task", "split"])["score"].mean().unstack()

    Args:
        records: as `collect` found them; of others no paths are known.
    """
    # It takes half a second to load, and the command line does without.
    import pandas

    records = Records.of(records)
    row_of = _row_names(records)
    rows = []
    for record in records:
        run = {
            **_flat(record),
            "row": row_of.get(record.run_id),
            "is_trial": record.is_trial,
            "path": records.paths.get(record.run_id),
        }
        rows += [run | _scored(result) for result in record.results] or [run]
    frame = pandas.DataFrame(rows)
    return frame.astype({name: "Int64" for name in _integers() if name in frame})


def _row_names(records: Records) -> dict[str, str]:
    """run_id to the name of the run's row, of runs that tables show."""
    kinds = dict.fromkeys(record.kind for record in records)
    return {
        record.run_id: name
        for kind in kinds
        for name, runs in by_label([r for r in records if r.kind == kind], records)
        for record in runs
    }


def _scored(result: TaskResult) -> dict[str, Any]:
    undefined = result.main_score is None
    return {**_flat(result), "score": counted_score(result), "undefined": undefined}


def _flat(thing: RunRecord | TaskResult) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in vars(thing).items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": item for key, item in value.items()}
        elif name != "results":
            flat[name] = value
    return flat


def _integers() -> list[str]:
    """Fields that hold whole numbers, also where some are missing."""
    hints = typing.get_type_hints(RunRecord) | typing.get_type_hints(TaskResult)
    return [name for name, hint in hints.items() if hint in (int, int | None)]
