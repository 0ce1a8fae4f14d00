"""Records as a pandas DataFrame, for notebooks."""

import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from electra_bench.records import RunRecord, TaskResult
from electra_bench.reports.collect.records import Records

if TYPE_CHECKING:
    import pandas


def records_frame(records: Sequence[RunRecord]) -> "pandas.DataFrame":
    """A row for each result of each run, and one for each run without results.

    A column is a field of `RunRecord` or `TaskResult`, or an entry of one that is an
    object (`hparams.training.adamw.peak_lr`, `metrics.f1`). `score` is the value of the
    main metric, `path` that of the record. What is missing is NaN, or None in texts.

    Example:
        The mean over runs of every model on every task:

            frame = records_frame(collect(["runs"]))
            frame.groupby(["label", "task"])["score"].mean().unstack()

    Args:
        records: as `collect` found them; of others no paths are known.
    """
    # It takes half a second to load, and the command line does without.
    import pandas

    records = Records.of(records)
    rows = []
    for record in records:
        run = {**_flat(record), "path": records.paths.get(record.run_id)}
        results = [
            {**_flat(result), "score": result.main_score} for result in record.results
        ]
        rows += [run | result for result in results or [{}]]
    frame = pandas.DataFrame(rows)
    return frame.astype({name: "Int64" for name in _integers() if name in frame})


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
