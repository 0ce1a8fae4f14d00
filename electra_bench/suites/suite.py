"""A suite: its cells, its folder, and its budget."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from electra_bench.suites.cell import Cell
from electra_bench.system.atomic import write_json

PLAN = "suite.json"
LOGS = "logs"
LOCKS = "locks"
GB = 10**9


@dataclasses.dataclass(frozen=True)
class Suite:
    """What `suite run` runs.

    Attributes:
        name: goes into every record.
        workdir: everything is written into it.
        cells: in the order in which they start.
        plugins: modules or files that every cell loads.
        threads: of a cell; cores that it takes.
        executor: `local` or `ray`.
        ray_address: of a cluster; None starts one here.
        cores: of all cells together; None for all.
        memory_bytes: of all cells together; None for what is free.
        cell_bytes: what a cell takes; None for an estimate.
    """

    name: str
    workdir: str
    cells: tuple[Cell, ...]
    plugins: tuple[str, ...] = ()
    threads: int = 1
    executor: str = "local"
    ray_address: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    cell_bytes: int | None = None

    def log(self, cell: Cell) -> str:
        """Path of a cell's log."""
        return os.path.join(self.workdir, LOGS, f"{cell.cell_id}.log")

    def lock(self, cell: Cell) -> str:
        """Path of the file that is locked while the cell runs."""
        return os.path.join(self.workdir, LOCKS, cell.cell_id)


def write_plan(suite: Suite) -> None:
    """Writes the suite into its folder, for `suite status` of the folder; atomically."""
    path = os.path.join(suite.workdir, PLAN)
    write_json(path, dataclasses.asdict(suite), indent=1)


def read_plan(workdir: str) -> Suite:
    """Reads the suite that was last started in a folder.

    The folder may have been moved since.

    Raises:
        FileNotFoundError: none was.
        ValueError: the file is none of a suite.
    """
    path = os.path.join(workdir, PLAN)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"no suite in {workdir!r}: it has no {PLAN}, which `suite run` writes"
        )
    try:
        with open(path, encoding="utf-8") as file:
            return _suite(json.load(file), workdir)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the plan of a suite: {error}") from error


def _suite(plan: Mapping[str, Any], workdir: str) -> Suite:
    before = plan["workdir"]
    return Suite(
        **{
            **plan,
            "workdir": workdir,
            "cells": tuple(_moved(cell, before, workdir) for cell in plan["cells"]),
            "plugins": tuple(plan["plugins"]),
        }
    )


def _moved(fields: Mapping[str, Any], before: str, now: str) -> Cell:
    run_dir = os.path.join(now, os.path.relpath(fields["run_dir"], before))
    files: Sequence[str] = fields["files"]
    return Cell(**{**fields, "files": tuple(files), "run_dir": run_dir})
