"""Which runs a name on the command line stands for."""

import os
from collections import Counter
from collections.abc import Sequence

from electra_bench.records import RunRecord, read_record
from electra_bench.records.run_record import FILE_NAME
from electra_bench.reports.board.row_keys import row_keys
from electra_bench.reports.board.row_names import short_names as row_names
from electra_bench.reports.collect.records import (
    Records,
    collect,
    without_trials,
)
from electra_bench.system.near_names import near_names


def short_names(names: tuple[str, str]) -> tuple[str, str]:
    """Folders of runs without those before them, where that tells the names apart.

    Labels may have slashes, too, and stay whole.
    """
    first, second = (
        os.path.basename(os.path.normpath(name)) if _is_run(name) else name
        for name in names
    )
    return names if first == second else (first, second)


def collect_sides(names: tuple[str, str], folders: Sequence[str]) -> Records:
    """The records that names may stand for.

    Raises:
        FileNotFoundError: no folder, or no run below it.
        RecordError: the record of a run that was named cannot be used.
        ValueError: the folders of two runs say that they are one.
    """
    # Without an index: two files are read at once.
    paths = [_record_path(name) for name in names if _is_run(name)]
    of_names = {path: read_record(path) for path in paths}
    by_run = {record.run_id: record for record in of_names.values()}
    if len(by_run) < len(of_names):
        raise ValueError(f"{' and '.join(paths)} are both run {min(by_run)!r}")
    found = {record.run_id: path for path, record in of_names.items()}
    if len(paths) == len(names) or not folders:
        return Records(tuple(by_run.values()), found)
    below = collect(folders)
    records = {record.run_id: record for record in below} | by_run
    return Records(tuple(records.values()), {**below.paths, **found}, below.left_out)


def _is_run(name: str) -> bool:
    return os.path.isfile(os.path.join(name, FILE_NAME))


def _record_path(name: str) -> str:
    return os.path.join(os.path.realpath(name), FILE_NAME)


def records_of(
    name: str, records: Records, kinds: Sequence[str]
) -> tuple[RunRecord, ...]:
    """The runs that a name stands for.

    Args:
        name: the folder of a run, a run_id, a label, or a row's name where its label has
            several.
        records: where to look.
        kinds: kinds of run that a label stands for.

    Raises:
        ValueError: nothing has this name, or the runs of a label do not compare.
    """
    if _is_run(name):
        path = _record_path(name)
        return tuple(r for r in records if records.paths[r.run_id] == path)
    of_id = tuple(record for record in records if record.run_id == name)
    if of_id:
        return of_id
    rows = _rows(records, kinds)
    of_label = {row: of_row for row, of_row in rows.items() if _label(of_row) == name}
    if len(of_label) > 1:
        raise ValueError(
            f"the runs of {name!r} make {len(of_label)} rows that do not compare: give one "
            f"of {', '.join(map(repr, of_label))}, folders of single runs, or --runs with "
            "fewer of them"
        )
    [found] = of_label.values() if len(of_label) == 1 else [rows.get(name, ())]
    if not found:
        labels = sorted({_label(of_row) for of_row in rows.values()})
        known = [*labels, *rows, *(r.run_id for r in records), *_beside(name)]
        raise ValueError(
            f"no run or model {name!r}; near: {near_names(name, known)}; models: "
            f"{labels}; --runs says in which folders they are, and a run may be "
            "given by its folder"
        )
    return tuple(found)


def _rows(records: Records, kinds: Sequence[str]) -> dict[str, list[RunRecord]]:
    """Names of the leaderboard's rows, all different, to their runs.

    The name of one of several rows is not their label alone, which stands for all.
    """
    runs, _ = without_trials(record for record in records if record.kind in kinds)
    of_runs = row_keys(runs, records)
    rows = list(dict.fromkeys(of_runs))
    several = Counter(row.label for row in rows)
    names = {
        row: f"{name} (as usual)" if name == row.label and several[name] > 1 else name
        for row, name in zip(rows, row_names(rows), strict=True)
    }
    found: dict[str, list[RunRecord]] = {name: [] for name in names.values()}
    if len(found) < len(rows):
        raise ValueError(
            f"rows are called alike, give folders: {sorted(names.values())}"
        )
    for record, row in zip(runs, of_runs, strict=True):
        found[names[row]].append(record)
    return found


def _label(runs: Sequence[RunRecord]) -> str:
    return runs[0].label


def _beside(name: str) -> list[str]:
    """Folders of runs where a folder of this name would be."""
    parent = os.path.dirname(os.path.normpath(name))
    if not os.path.isdir(parent):
        return []
    folders = [os.path.join(parent, other) for other in sorted(os.listdir(parent))]
    return [folder for folder in folders if _is_run(folder)]
