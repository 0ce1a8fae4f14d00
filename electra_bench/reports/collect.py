"""Reading the records below some directories; bad ones are named, never fatal."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from electra_bench.records import RecordError, RunRecord, find_records, read_record
from electra_bench.reports.table import LeftOut


@dataclass(frozen=True)
class Collected:
    """Records and where they were found.

    Attributes:
        records: usable records, in the order of their paths.
        paths: run_id to path of the record.
        left_out: those that cannot be used.
    """

    records: tuple[RunRecord, ...]
    paths: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()


def collect(directories: Iterable[str]) -> Collected:
    """Reads every `record.json` below the directories.

    Left out: what is no record or of a newer schema, a copy or a repeat of a run, and
    all records that claim one run_id with different results.

    Raises:
        FileNotFoundError: a directory does not exist, or none holds a record.
        ValueError: no record can be used; says why.
    """
    directories = list(directories)
    found: dict[str, str] = {}
    for directory in directories:
        if not os.path.isdir(directory):
            raise FileNotFoundError(f"no directory {directory!r} to read records from")
        for path in find_records(directory):
            found.setdefault(os.path.realpath(path), path)
    if not found:
        raise FileNotFoundError(f"no record.json below {', '.join(directories)}")
    left_out = []
    by_run: dict[str, list[tuple[str, RunRecord]]] = {}
    for path in found.values():
        try:
            record = read_record(path)
        except RecordError as error:
            reason = str(error).removeprefix(f"{path}: ")
            left_out.append(LeftOut(path, reason))
            continue
        if record.status != "done":
            left_out.append(LeftOut(path, f"its status is {record.status!r}"))
            continue
        by_run.setdefault(record.run_id, []).append((path, record))
    usable = {}
    for run_id, copies in by_run.items():
        first_path, first = copies[0]
        if all(record.results == first.results for _, record in copies):
            usable[first_path] = first
            left_out += [
                LeftOut(path, f"the same run as {first_path}") for path, _ in copies[1:]
            ]
        else:
            paths = [path for path, _ in copies]
            left_out += [
                LeftOut(
                    path,
                    f"{len(copies)} records contradict one another as run {run_id!r}: "
                    + ", ".join(other for other in paths if other != path),
                )
                for path in paths
            ]
    if not usable:
        reasons = "; ".join(f"{item.where}: {item.reason}" for item in left_out)
        raise ValueError(f"none of {len(found)} records can be used: {reasons}")
    return Collected(
        records=tuple(usable.values()),
        paths={record.run_id: path for path, record in usable.items()},
        left_out=tuple(left_out),
    )
