"""Reading the records below some directories; bad ones are named, never fatal."""

import contextlib
import gc
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, TypeVar, cast

from electra_bench.records import RecordError, RunRecord, TaskResult
from electra_bench.records.run_record import (
    FILE_NAME,
    UNRECORDED,
    find_runs,
    read_record,
)
from electra_bench.reports.collect import predictions
from electra_bench.reports.table import LeftOut

Computed = TypeVar("Computed")

# All that differs where a run is made again and comes out the same.
MEASURED = (
    "started",
    "ended",
    "wall_s",
    "tokens_per_s",
    "peak_share",
    "waiting_share",
    "padding_share",
    "peak_bytes",
)
# Kinds of run that tables show: an evaluation is in the row of the run that it scored.
IN_TABLES = ("finetune", "evaluate")


@dataclass(frozen=True)
class Records(Sequence[RunRecord]):
    """Records and where they were found; what a report is built from.

    Attributes:
        records: usable records, in the order of their paths.
        paths: run_id to path of the record.
        left_out: those that cannot be used.
    """

    records: tuple[RunRecord, ...]
    paths: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    _computed: dict[Hashable, Any] | None = field(
        default=None, repr=False, compare=False
    )

    @classmethod
    def of(cls, records: Sequence[RunRecord]) -> "Records":
        """Records with their paths; without any where nothing is known of paths."""
        return records if isinstance(records, cls) else cls(tuple(records))

    def __getitem__(self, place):
        """The record at a place."""
        return self.records[place]

    def __len__(self) -> int:
        """Number of usable records."""
        return len(self.records)

    @cached_property
    def by_id(self) -> dict[str, RunRecord]:
        """run_id to record."""
        return {record.run_id: record for record in self.records}

    def for_one_build(self) -> "Records":
        """The same records for several reports of one moment, see `once`."""
        return replace(self, _computed={})

    def once(self, function: Callable[..., Computed], *args: Hashable) -> Computed:
        """What a function says of the records; in one build only the first who asks waits.

        Plugins may come between two builds, so that nothing is kept for longer.

        Args:
            function: of the records and the arguments; nobody changes what it returns.
            *args: further arguments.
        """
        if self._computed is None:
            return function(self, *args)
        key = function, *args
        if key not in self._computed:
            self._computed[key] = function(self, *args)
        return self._computed[key]

    def predictions_sha256(self, record: RunRecord, result: TaskResult) -> str:
        """Hash of the predictions file of a result.

        Raises:
            Unusable: there is none, or it is not the one of the run.
        """
        return predictions.checked_sha256(self._predictions(record, result), result)

    def answers(self, record: RunRecord, result: TaskResult) -> predictions.Answers:
        """The predictions of a result.

        Raises:
            Unusable: there are none, or they do not belong to the result.
        """
        return predictions.read_answers(self._predictions(record, result), result)

    def _predictions(self, record: RunRecord, result: TaskResult) -> str:
        path = self.paths.get(record.run_id)
        if path is None or result.predictions_path is None:
            raise predictions.Unusable("no predictions")
        return os.path.join(os.path.dirname(path), result.predictions_path)


def collect(directories: Iterable[str]) -> Records:
    """Reads every `record.json` below the directories.

    Left out: what is no record or of a newer schema, a run that has none, a copy or a
    repeat of a run, and all records that claim one run_id with different contents.

    Raises:
        FileNotFoundError: a directory does not exist, or none holds a record.
        ValueError: no record can be used; says why.
    """
    directories = list(directories)
    left_out: list[LeftOut] = []
    by_run: dict[str, dict[str, RunRecord]] = defaultdict(dict)
    found: set[str] = set()
    for directory in directories:
        if not os.path.isdir(directory):
            raise FileNotFoundError(f"no directory {directory!r} to read records from")
    with _no_garbage():
        for directory in directories:
            for path, record in _read(directory, found):
                if isinstance(record, str):
                    left_out.append(LeftOut(path, record))
                elif record.status != "done":
                    left_out.append(LeftOut(path, f"its status is {record.status!r}"))
                else:
                    by_run[record.run_id][path] = record
    if not found:
        raise FileNotFoundError(f"no record.json below {', '.join(directories)}")
    usable, paths = [], {}
    for run_id, copies in by_run.items():
        first, *others = copies
        differing = ", ".join(_differing(*copies.values())) if others else ""
        if not differing:
            usable.append(copies[first])
            paths[run_id] = first
            left_out += [LeftOut(path, f"the same run as {first}") for path in others]
            continue
        what = f"{len(copies)} records contradict one another as run {run_id!r}"
        for path in copies:
            rest = ", ".join(other for other in copies if other != path)
            left_out.append(LeftOut(path, f"{what}, in {differing}: {rest}"))
    if not usable:
        reasons = "; ".join(f"{item.where}: {item.reason}" for item in left_out)
        raise ValueError(f"none of {len(found)} records can be used: {reasons}")
    return Records(tuple(usable), paths, tuple(left_out))


def records_of(
    source: str | os.PathLike | Sequence[str | os.PathLike | RunRecord],
) -> Records:
    """The records below a folder or several, or those that are given.

    Raises:
        FileNotFoundError: see `collect`.
        ValueError: see `collect`.
    """
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    folders = [os.fspath(one) for one in source if not isinstance(one, RunRecord)]
    if folders:
        return collect(folders)
    return Records.of(cast(Sequence[RunRecord], source))


def without_trials(
    records: Iterable[RunRecord],
) -> tuple[list[RunRecord], list[RunRecord]]:
    """Runs that a table shows, and the trials beside them, which it does not.

    Who gives trials alone wants to see them.
    """
    records = list(records)
    trials = [record for record in records if record.is_trial]
    shown = [record for record in records if not record.is_trial]
    return (shown, trials) if shown else (trials, [])


def _differing(first: RunRecord, *others: RunRecord) -> list[str]:
    """Fields in which records of one run differ, besides the times of a repeat."""
    names = (one.name for one in fields(RunRecord) if one.name not in MEASURED)
    return [
        name
        for name in names
        if any(getattr(one, name) != getattr(first, name) for one in others)
    ]


def _read(directory: str, found: set[str]) -> Iterator[tuple[str, RunRecord | str]]:
    """Paths of records with the records, or with why they cannot be used.

    Args:
        directory: where to look.
        found: real paths that were read before; gets those that are read here.
    """
    # One look at every link above, instead of one for each record.
    real = os.path.realpath(directory)
    for real_folder, has_record in find_runs(real):
        real_path = os.path.join(real_folder, FILE_NAME)
        if real_path in found:
            continue
        found.add(real_path)
        folder = os.path.join(directory, os.path.relpath(real_folder, real))
        if not has_record:
            yield folder, UNRECORDED
            continue
        path = os.path.join(folder, FILE_NAME)
        try:
            yield path, read_record(real_path)
        except RecordError as error:
            yield path, str(error).removeprefix(f"{real_path}: ")


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Keeps the collector from looking for garbage among records, a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
