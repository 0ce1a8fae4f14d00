"""A cell of a suite: one run, as a command that a person could type."""

import dataclasses
import graphlib
import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from electra_bench.records import RunRecord
from electra_bench.records.run_record import FILE_NAME
from electra_bench.suites.choice import best

# A cell whose budget is another's FLOPs gets them under this macro.
FLOPS = "TRAIN_FLOPS"
# Stands for a budget that is not known yet.
SOME_FLOPS = 1e15

Bindings = Mapping[str, Any]
NONE: Bindings = MappingProxyType({})


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
        trials: cells that each try some bindings, to these; the cell takes those of the
            best one.
    """

    cell_id: str
    verb: str
    files: tuple[str, ...]
    bindings: Bindings
    run_dir: str
    label: str
    task: str | None
    seed: int
    workdir: str
    data_dir: str | None = None
    needs: str | None = None
    flops_of: str | None = None
    trials: Mapping[str, Bindings] = dataclasses.field(default_factory=dict)

    @property
    def record(self) -> str:
        """Path of its record."""
        return os.path.join(self.run_dir, FILE_NAME)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Cells that must be done before it can start."""
        return tuple(filter(None, (self.needs, self.flops_of, *self.trials)))

    def blocked_by(self, failed: Collection[str]) -> list[str]:
        """Those of some failed cells that keep this one from starting.

        A trial that fails is a bad setting; only all of them together keep it.
        """
        is_without = bool(self.trials) and self.trials.keys() <= set(failed)
        return [
            name
            for name in self.waits_for
            if name in failed and (name not in self.trials or is_without)
        ]

    def found(self, records: Mapping[str, RunRecord]) -> dict[str, Any]:
        """The bindings that other cells give, once they are done.

        Args:
            records: ids of these cells to their records; a trial may lack one.

        Raises:
            ValueError: one of them does not say what is asked.
        """
        given: dict[str, Any] = {}
        if self.flops_of is not None:
            given[FLOPS] = records[self.flops_of].train_flops
            if given[FLOPS] is None:
                raise ValueError(f"{self.flops_of} does not say how many FLOPs it took")
        if self.trials:
            tried = {name: records[name] for name in self.trials if name in records}
            given |= self.trials[best(tried)]
        return given

    @property
    def supposed(self) -> dict[str, Any]:
        """What may stand for these bindings while a configuration is only checked."""
        flops = {} if self.flops_of is None else {FLOPS: SOME_FLOPS}
        return {**flops, **next(iter(self.trials.values()), NONE)}

    def overrides(self, found: Bindings = NONE) -> list[str]:
        """Its bindings as gin statements.

        Args:
            found: what other cells give.
        """
        given = {**self.bindings, **found}
        folders = {"WORKDIR": self.workdir, "DATA_DIR": self.data_dir}
        given |= {key: value for key, value in folders.items() if value is not None}
        return [f"{key} = {value!r}" for key, value in given.items()]

    def arguments(
        self,
        suite: str,
        plugins: Sequence[str] = (),
        *,
        found: Bindings = NONE,
        overwrite: bool = False,
        accept_code: bool = False,
    ) -> list[str]:
        """The arguments of `electra-bench`.

        Args:
            suite: name of the suite, for the record.
            plugins: modules or files that the run loads.
            found: what other cells give; until they are done a word stands for it.
            overwrite: whether another run in its folder is deleted.
            accept_code: whether a run in its folder that other code began goes on.
        """
        bindings = [
            f"--gin.{key}={value}"
            for key, _, value in (o.partition(" = ") for o in self.overrides(found))
        ]
        bindings += [
            f"--gin.{key}={self._source(key)}"
            for key in self.supposed
            if key not in found
        ]
        return [
            self.verb,
            *self.files,
            *bindings,
            *(word for plugin in plugins for word in ("--plugin", plugin)),
            *(["--overwrite"] if overwrite else []),
            *(["--accept_code"] if accept_code else []),
            *("--suite", suite, "--cell_id", self.cell_id),
        ]

    def _source(self, key: str) -> str:
        """Where a binding will come from."""
        if key == FLOPS:
            return f"<FLOPs of {self.flops_of}>"
        first, *_, last = self.trials
        return f"<the best of {first} to {last}>"


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
