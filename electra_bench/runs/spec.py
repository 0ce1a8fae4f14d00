"""One run as it is asked for: its root, its parameters, its names; no TensorFlow."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from electra_bench import config
from electra_bench.config.roles import Role
from electra_bench.config.statements import plain
from electra_bench.registry.parameters import role_of
from electra_bench.training.choices import DEFAULTS


@dataclasses.dataclass(frozen=True)
class RunSpec:
    """A run.

    Attributes:
        root: what runs it, `finetune`.
        label: row of the tables.
        name: of its folder.
        seed: of the run; None for one without.
        text: its configuration, as a gin file that repeats it.
    """

    root: str
    label: str
    name: str
    seed: int | None
    text: str

    @functools.cached_property
    def parameters(self) -> Mapping[str, Any]:
        """Key to value as plain JSON, those that nothing binds included."""
        return config.literals(self.text)

    def expand(
        self,
        seeds: Sequence[int],
        fractions: Sequence[float | None],
        name: Callable[[int, float | None], str],
    ) -> list[tuple["RunSpec", float | None]]:
        """The runs that one command makes: one a fraction and seed, with its fraction.

        Args:
            seeds: of the runs.
            fractions: of the training of the checkpoint that they start from.
            name: gives the folder's name.
        """

        def run(seed: int, at: float | None) -> RunSpec:
            values = {f"runs.{self.root}.seed": seed, f"runs.{self.root}.init_at": at}
            text = config.replaced(self.text, values)
            return dataclasses.replace(self, name=name(seed, at), seed=seed, text=text)

        return [(run(seed, at), at) for at in fractions for seed in seeds]


def counted(parameters: Mapping[str, Any], *further: Role) -> dict[str, Any]:
    """Parameters that make a run another one; those of unknown role are among them.

    Args:
        parameters: of a run.
        *further: roles that do not count either.
    """
    left_out = {Role.MACHINE, Role.CONTENT, Role.GIVEN, *further}
    return {k: v for k, v in parameters.items() if role_of(k) not in left_out}


def overlaid(
    before: Mapping[str, Any], parsed: config.Parsed, default: Callable[[str], Any]
) -> dict[str, Any]:
    """The parameters that a run had, with the values that a configuration gives them.

    What a run did not say because it was the default, such as the optimizer, is there if
    the configuration chooses another one.

    Args:
        before: key to value there.
        parsed: the configuration.
        default: gives the value of what it does not bind.
    """
    bound = {binding.key for binding in parsed.bindings}

    def value(key: str) -> Any:
        # A scope's parameter is bound in the scope, or for all.
        for name in (key, key.rpartition("/")[2]):
            if name in bound:
                return parsed.value(name)
        return default(key)

    chosen = {
        key
        for key, usual in DEFAULTS.items()
        if key in bound and value(key) not in (None, usual) and _has_choice(before, key)
    }
    return {key: plain(value(key)) for key in {**before, **dict.fromkeys(chosen)}}


def _has_choice(parameters: Mapping[str, Any], key: str) -> bool:
    """Whether a run makes a choice: all train, but not all tag words for instance."""
    module, _, _ = key.partition(".")
    made_by = f"{module}.{DEFAULTS[key]}."
    return module == "training" or any(name.startswith(made_by) for name in parameters)
