"""The registered suite `grid`: models x tasks x seeds x protocols x budgets."""

import dataclasses
import functools
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.registry import suites
from electra_bench.suites.cell import FLOPS, Bindings, Cell
from electra_bench.system.near_names import near_and_all

RUNS = "runs"
# A label is part of folder names.
LABEL = re.compile(r"[\w+@][\w+@.-]*")

Budget = float | str | None


class Model(NamedTuple):
    """A row of the grid.

    Attributes:
        name: the label of its runs.
        files: gin files of the encoder.
        pretrain: bindings of its pre-training; None if it gets none here.
        init: a finished checkpoint instead; None with neither starts from random values.
        finetune: bindings of its fine-tuning.
    """

    name: str
    files: tuple[str, ...] = ()
    pretrain: Bindings | None = None
    init: str | None = None
    finetune: Bindings = {}

    @property
    def is_untrained(self) -> bool:
        """Whether fine-tuning starts from random values."""
        return self.pretrain is None and self.init is None


class Place(NamedTuple):
    """Where in the grid a run stands.

    Attributes:
        folder: that its own folder is made in.
        protocol: name of its protocol.
        label: row of the tables.
        seed: of fine-tuning.
    """

    folder: str
    protocol: str
    label: str
    seed: int


@suites.register("grid")
@dataclasses.dataclass(frozen=True)
class Grid:
    """Every model on every task with every seed, under every protocol and budget.

    Cells go seed by seed, so that a stopped suite holds whole tables of fewer seeds.

    Attributes:
        models: row label to {`files`: gin files of the encoder, `pretrain`: bindings of
            its pre-training, or `init`: a finished run, checkpoint or imported model,
            `finetune`: bindings of its fine-tuning}. Without `pretrain` and `init` it
            starts from random values.
        tasks: registered tasks, or tasks to further bindings of their fine-tuning.
        seeds: of fine-tuning.
        protocols: files of gin/protocols, for pre-training and fine-tuning alike.
        budgets: of pre-training: FLOPs (method v2), the name of a model, whose FLOPs all
            others get, or None for the updates that the files say. Of several, each is a
            row of its own.
        pretrain_seed: of the one pre-training that all seeds start from; None pre-trains
            with every seed.
        pretrain: bindings of all pre-training.
        finetune: bindings of all fine-tuning.
        pretrain_files: first gin files of pre-training.
        finetune_files: first gin files of fine-tuning.
        vocab: vocabulary file of pre-training and of untrained encoders; others have
            theirs beside the checkpoint.
        data_dir: folder with data sets.

    Raises:
        ValueError: an empty grid, something twice, or a model that is none.
    """

    models: Mapping[str, Mapping[str, Any]]
    tasks: Sequence[str] | Mapping[str, Bindings]
    seeds: Sequence[int]
    protocols: Sequence[str] = ("fixed",)
    budgets: Sequence[Budget] = (None,)
    pretrain_seed: int | None = None
    pretrain: Bindings | None = None
    finetune: Bindings | None = None
    pretrain_files: Sequence[str] = ("runs/pretrain.gin",)
    finetune_files: Sequence[str] = ("runs/finetune.gin",)
    vocab: str | None = None
    data_dir: str | None = None

    def __post_init__(self):
        """Checks what was given."""
        for what in ("models", "tasks", "seeds", "protocols", "budgets"):
            _check_values(what, list(getattr(self, what)))
        pretrain_seeds = [] if self.pretrain_seed is None else [self.pretrain_seed]
        _check_seeds([*self.seeds, *pretrain_seeds])
        _check_models(self._rows)
        _check_budgets(self.budgets, self._rows)

    @functools.cached_property
    def _rows(self) -> list[Model]:
        return [_model(name, spec) for name, spec in self.models.items()]

    def __call__(self, workdir: str) -> list[Cell]:
        """The cells, in the order in which they start.

        Args:
            workdir: everything is written into it.

        Raises:
            ValueError: two runs would have one folder.
        """
        cells: dict[str, Cell] = {}
        for seed, protocol, model in itertools.product(
            self.seeds, self.protocols, self._rows
        ):
            for budget in self._budgets(model):
                for cell in self._chain(workdir, model, protocol, budget, seed):
                    # One pre-training may serve all seeds.
                    if cells.setdefault(cell.cell_id, cell) != cell:
                        raise ValueError(
                            "suites.grid: two different runs would be named "
                            f"{cell.cell_id!r}; rename a model"
                        )
        return list(cells.values())

    def _budgets(self, model: Model) -> Sequence[Budget]:
        return (None,) if model.pretrain is None else self.budgets

    def _label(self, model: Model, budget: Budget) -> str:
        return model.name + (_mark(budget) if len(self._budgets(model)) > 1 else "")

    def _cell_id(self, name: str, protocol: str) -> str:
        return f"{name}-{protocol}" if len(self.protocols) > 1 else name

    def _chain(
        self, workdir: str, model: Model, protocol: str, budget: Budget, seed: int
    ) -> list[Cell]:
        """A pre-training, if there is one, and the fine-tuning that starts from it."""
        folder = os.path.join(workdir, RUNS)
        if len(self.protocols) > 1:
            folder = os.path.join(folder, protocol)
        place = Place(folder, protocol, self._label(model, budget), seed)
        start = None
        if model.pretrain is not None:
            start = self._pretraining(place, model, budget)
        cells = [start] if start else []
        for task in self.tasks:
            cells += self._on_task(place, model, task, start)
        return cells

    def _on_task(
        self, place: Place, model: Model, task: str, start: Cell | None
    ) -> list[Cell]:
        """The fine-tuning on a task; a suite that searches puts its trials before."""
        return [self._finetuning(place, model, task, start)]

    def _pretraining(self, place: Place, model: Model, budget: Budget) -> Cell:
        seed = place.seed if self.pretrain_seed is None else self.pretrain_seed
        given = {**(self.pretrain or {}), **(model.pretrain or {})}
        given |= {"LABEL": place.label, "SEED": seed}
        if self.vocab is not None:
            given["VOCAB"] = self.vocab
        # The model that sets the budget does the updates that its files say.
        if budget not in (None, model.name):
            given["TRAIN_STEPS"] = None
        if isinstance(budget, int | float):
            given[FLOPS] = budget
        flops_of = None
        if isinstance(budget, str) and budget != model.name:
            [source] = (other for other in self._rows if other.name == budget)
            label = self._label(source, budget)
            first = self.seeds[0] if self.pretrain_seed is None else self.pretrain_seed
            flops_of = self._cell_id(f"pretrain-{label}-s{first}", place.protocol)
        files = (*self.pretrain_files, *model.files)
        name = f"pretrain-{place.label}-s{seed}"
        return self._cell(
            place, name, "pretrain", files, given, seed=seed, flops_of=flops_of
        )

    def _finetuning(
        self, place: Place, model: Model, task: str, start: Cell | None
    ) -> Cell:
        """The cell of a label, task and seed."""
        of_task = self.tasks[task] if isinstance(self.tasks, Mapping) else {}
        given = {**(self.finetune or {}), **of_task, **model.finetune, "TASK": task}
        init = start.run_dir if start else model.init
        given |= {"LABEL": place.label, "SEED": place.seed}
        if init is not None:
            given["INIT"] = init
        if model.is_untrained and self.vocab is not None:
            given["VOCAB"] = self.vocab
        # The sizes of an encoder that was pre-trained lie beside its checkpoint.
        files = (*self.finetune_files, *(() if start else model.files))
        name = f"{place.label}-{task}-s{place.seed}"
        needs = start.cell_id if start else None
        return self._cell(
            place,
            name,
            "finetune",
            files,
            given,
            task=task,
            seed=place.seed,
            needs=needs,
        )

    def _cell(
        self,
        place: Place,
        name: str,
        verb: str,
        files: Sequence[str],
        bindings: Bindings,
        **fields: Any,
    ) -> Cell:
        return Cell(
            cell_id=self._cell_id(name, place.protocol),
            verb=verb,
            files=(*files, f"protocols/{place.protocol}.gin"),
            bindings=bindings,
            run_dir=os.path.join(place.folder, name),
            label=place.label,
            workdir=place.folder,
            data_dir=self.data_dir,
            **{"task": None, **fields},
        )


def _model(name: str, spec: Mapping[str, Any]) -> Model:
    where = f"suites.grid.models, {name!r}"
    if not isinstance(name, str) or not LABEL.fullmatch(name):
        raise ValueError(
            f"{where}: expected a name of letters, digits and _ + @ . - (it names "
            "folders)"
        )
    if not isinstance(spec, Mapping):
        raise ValueError(f"{where}: expected {{'pretrain': ...}} or so, got {spec!r}")
    known = list(Model._fields[1:])
    for key in spec:
        if key not in known:
            raise ValueError(f"{where} has no {key!r}; {near_and_all(str(key), known)}")
    model = Model(name, **{**spec, "files": tuple(spec.get("files", ()))})
    if isinstance(spec.get("files"), str):
        raise ValueError(f"{where}: files must be a list, got {spec['files']!r}")
    if model.pretrain is not None and model.init is not None:
        raise ValueError(f"{where}: give either 'pretrain' or 'init', got both")
    for key in ("pretrain", "finetune"):
        value = getattr(model, key)
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(f"{where}: {key} must be bindings, got {value!r}")
    return model


def _check_values(what: str, values: Sequence[Any]) -> None:
    if not values:
        raise ValueError(f"suites.grid.{what} is empty: the grid has no cells")
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"suites.grid.{what}: {value!r} is given twice")


def _check_seeds(seeds: Sequence[Any]) -> None:
    for seed in seeds:
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            raise ValueError(
                f"suites.grid: seeds must be whole numbers >= 0, got {seed!r}"
            )


def _check_models(rows: Sequence[Model]) -> None:
    for number, model in enumerate(rows):
        for other in rows[:number]:
            if model[1:] == other[1:]:
                raise ValueError(
                    f"suites.grid.models: {other.name!r} and {model.name!r} are the same "
                    "model: the same cells would run twice"
                )


def _check_budgets(budgets: Sequence[Budget], rows: Sequence[Model]) -> None:
    trained = [model.name for model in rows if model.pretrain is not None]
    for budget in budgets:
        if isinstance(budget, str) and budget not in trained:
            raise ValueError(
                f"suites.grid.budgets: no model {budget!r} is pre-trained here; "
                + near_and_all(budget, trained)
            )
        if isinstance(budget, int | float) and not budget > 0:
            raise ValueError(f"suites.grid.budgets: FLOPs must be > 0, got {budget}")


def _mark(budget: Budget) -> str:
    """What tells rows of several budgets apart."""
    if budget is None:
        return ""
    return f"@{budget}" if isinstance(budget, str) else f"@{budget:.4g}"
