"""The registered suite `search`: a grid whose rows choose their hyper-parameters first."""

import dataclasses
import functools
import itertools
import math
import os
import random
from collections.abc import Mapping, Sequence
from typing import Any

from electra_bench.registry import suites
from electra_bench.suites.cell import Bindings, Cell
from electra_bench.suites.grid import Grid, Model, Place

TRIALS = "search"
# Keys of a range, and what a parameter drawn from one is rounded to.
RANGE = {"low", "high", "log"}
DIGITS = 3


@suites.register("search")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Search(Grid):
    """A grid where every model chooses values on every task, and is then scored.

    Trials are fine-tuned with the first seed on a part of the training set and compared on
    the rest of it, so that nothing is chosen on what tables show. The best one's values are
    taken for all seeds, with the whole training set; the record says of how many trials.
    All models try the same values.

    Attributes:
        search: gin key to values, as a list, or as a range: {'low': 1e-5, 'high': 1e-3,
            'log': True}; between two whole numbers lie whole numbers.
        trials: how many draws of these are tried; None tries all combinations of lists.
        held_out: share of the training set that trials are compared on.
        search_seed: of the draws.

    Raises:
        ValueError: nothing to choose from, a range without `trials`, or a value that is
            none.
    """

    search: Mapping[str, Any]
    trials: int | None = None
    held_out: float = 0.1
    search_seed: int = 0

    def __post_init__(self):
        """Checks what was given."""
        super().__post_init__()
        if not self.search:
            raise ValueError(
                "suites.search.search is empty: there is nothing to choose"
            )
        for key, values in self.search.items():
            _check(key, values, is_drawn=self.trials is not None)
        if self.trials is not None and not self.trials >= 1:
            raise ValueError(
                f"suites.search.trials must be at least 1, got {self.trials}"
            )
        if not 0 < self.held_out < 1:
            raise ValueError(
                f"suites.search.held_out must lie between 0 and 1, got {self.held_out}"
            )

    @functools.cached_property
    def _tried(self) -> list[Bindings]:
        """What the trials bind, each once."""
        if self.trials is None:
            values = itertools.product(*self.search.values())
            return [dict(zip(self.search, one, strict=True)) for one in values]
        drawn: list[Bindings] = []
        rng = random.Random(self.search_seed)
        for _ in range(self.trials):
            one = {key: _drawn(rng, values) for key, values in self.search.items()}
            if one not in drawn:
                drawn.append(one)
        return drawn

    def _on_task(
        self, place: Place, model: Model, task: str, start: Cell | None
    ) -> list[Cell]:
        labels = [f"{place.label}-trial{n}" for n in range(len(self._tried))]
        first = self.seeds[0]
        names = [
            self._cell_id(f"{label}-{task}-s{first}", place.protocol)
            for label in labels
        ]
        choice = choice_of(self.search, len(self._tried), self.held_out)
        cell = dataclasses.replace(
            self._finetuning(place, model, task, start),
            trials=dict(zip(names, self._tried, strict=True)),
        )
        cell = _with(cell, {"runs.finetune.choice": choice})
        if place.seed != first:
            return [cell]
        folder = os.path.join(place.folder, TRIALS)
        trials = [
            _with(
                self._finetuning(
                    place._replace(folder=folder, label=label), model, task, start
                ),
                {**tried, "runs.finetune.held_out": self.held_out},
            )
            for label, tried in zip(labels, self._tried, strict=True)
        ]
        return [*trials, cell]


def choice_of(
    search: Mapping[str, Any], trials: int, held_out: float
) -> dict[str, Any]:
    """What the record of the chosen setting says, see `RunRecord.choice`.

    Args:
        search: gin key to the values that were tried.
        trials: how many settings were.
        held_out: share of the training set that they were compared on.
    """
    values = {key: _plain(values) for key, values in search.items()}
    on = f"{held_out:g} of the training set"
    return {"trials": trials, "on": on, "values": values}


def _with(cell: Cell, bindings: Bindings) -> Cell:
    return dataclasses.replace(cell, bindings={**cell.bindings, **bindings})


def _check(key: str, values: Any, *, is_drawn: bool) -> None:
    where = f"suites.search.search, {key!r}"
    if isinstance(values, Mapping):
        if not {"low", "high"} <= set(values) <= RANGE:
            raise ValueError(
                f"{where}: a range is {{'low': ..., 'high': ..., 'log': True or False}}, "
                f"got {dict(values)!r}"
            )
        if not is_drawn:
            raise ValueError(
                f"{where} is a range: give suites.search.trials, the number of draws"
            )
        low, high = values["low"], values["high"]
        if not low < high or values.get("log") and not low > 0:
            raise ValueError(f"{where}: no range from {low!r} to {high!r}")
    elif not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise ValueError(
            f"{where}: expected a list of values or a range, got {values!r}"
        )


def _drawn(rng: random.Random, values: Any) -> Any:
    if not isinstance(values, Mapping):
        return rng.choice(values)
    low, high = values["low"], values["high"]
    if values.get("log"):
        number = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        number = rng.uniform(low, high)
    if isinstance(low, int) and isinstance(high, int):
        return round(number)
    return float(f"{number:.{DIGITS}g}")


def _plain(values: Any) -> Any:
    return dict(values) if isinstance(values, Mapping) else list(values)
