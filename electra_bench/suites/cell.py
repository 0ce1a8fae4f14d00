"""A cell of a suite: one run, as a command that a person could type."""

import dataclasses
import graphlib
import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from electra_bench.records.run_record import FILE_NAME

# A cell whose budget is another's FLOPs gets them under this macro.
FLOPS = "TRAIN_FLOPS"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One run of a suite.

    Attributes:
        cell_id: its name in the suite; names its log file, too.
        verb: `pretrain` or `finetune`.
        files: gin files, in order.
        bindings: gin keys to literals, which override the files.
        run_dir: folder that the run makes, with its record.
        label: row of the tables.
        task: what it is fine-tuned on; None for pre-training.
        seed: of the run.
        workdir: folder that `run_dir` lies in.
        data_dir: folder with data sets; None for `ELECTRA_BENCH_DATA`.
        needs: cell whose checkpoint it starts from; None for none.
        flops_of: cell whose FLOPs are its budget; None for a budget of its own.
    """

    cell_id: str
    verb: str
    files: tuple[str, ...]
    bindings: Mapping[str, Any]
    run_dir: str
    label: str
    task: str | None
    seed: int
    workdir: str
    data_dir: str | None = None
    needs: str | None = None
    flops_of: str | None = None

    @property
    def record(self) -> str:
        """Path of its record."""
        return os.path.join(self.run_dir, FILE_NAME)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Cells that must be done before it can start."""
        return tuple(filter(None, (self.needs, self.flops_of)))

    def overrides(self, flops: float | None = None) -> list[str]:
        """Its bindings as gin statements.

        Args:
            flops: of the cell `flops_of`, once they are known.
        """
        given = dict(self.bindings)
        if self.flops_of is not None and flops is not None:
            given[FLOPS] = flops
        folders = {"WORKDIR": self.workdir, "DATA_DIR": self.data_dir}
        given |= {key: value for key, value in folders.items() if value is not None}
        return [f"{key} = {value!r}" for key, value in given.items()]

    def arguments(
        self,
        suite: str,
        plugins: Sequence[str] = (),
        *,
        flops: float | None = None,
        overwrite: bool = False,
        accept_code: bool = False,
    ) -> list[str]:
        """The arguments of `electra-bench`.

        Args:
            suite: name of the suite, for the record.
            plugins: modules or files that the run loads.
            flops: see `overrides`.
            overwrite: whether another run in its folder is deleted.
            accept_code: whether a run in its folder that other code began goes on.
        """
        bindings = [
            f"--gin.{key}={value}"
            for key, _, value in (o.partition(" = ") for o in self.overrides(flops))
        ]
        if self.flops_of is not None and flops is None:
            bindings.append(f"--gin.{FLOPS}=<FLOPs of {self.flops_of}>")
        return [
            self.verb,
            *self.files,
            *bindings,
            *(word for plugin in plugins for word in ("--plugin", plugin)),
            *(["--overwrite"] if overwrite else []),
            *(["--accept_code"] if accept_code else []),
            *("--suite", suite, "--cell_id", self.cell_id),
        ]


def in_order(cells: Sequence[Cell]) -> list[Cell]:
    """Cells, each after those that it waits for."""
    by_id = {cell.cell_id: cell for cell in cells}
    waits = {cell.cell_id: [n for n in cell.waits_for if n in by_id] for cell in cells}
    return [by_id[name] for name in graphlib.TopologicalSorter(waits).static_order()]


def shown(arguments: Sequence[str]) -> str:
    """A command line that a shell takes."""
    return " ".join(["electra-bench", *map(_quoted, arguments)])


def _quoted(word: str) -> str:
    """A word for a shell; bindings of strings as people write them."""
    key, equals, value = word.partition("=")
    if equals and "'" in value and not set('"$`\\!') & set(word):
        return f'{key}="{value}"'
    return shlex.quote(word)
