"""Mixtures of downstream tasks, which one encoder is fine-tuned on together."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import seqio

from electra_bench import registry
from electra_bench.tasks.registration import load_task

PROPORTIONAL, EQUAL = "proportional", "equal"


class Mixed(NamedTuple):
    """Tasks that are trained together.

    Attributes:
        name: of the task, or of the mixture.
        tasks: names; one or several.
        rates: the mixture's own rates; None where the run's `mixing` says them.
    """

    name: str
    tasks: tuple[str, ...]
    rates: tuple[float, ...] | None = None


def mixed(task: str | Sequence[str]) -> Mixed:
    """What a run is trained on.

    Args:
        task: a registered task, a registered mixture, or several tasks.

    Raises:
        UnknownName: no such task or mixture.
        ValueError: no task, or one twice.
    """
    if isinstance(task, str) and task in registry.mixtures.names():
        mixture = load_task(task)
        names = [part.name for part in mixture.tasks]
        rates = [float(mixture.get_rate(part)) for part in mixture.tasks]
        return Mixed(task, tuple(names), tuple(rates))
    names = (task,) if isinstance(task, str) else tuple(task)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"TASK must be one or several different tasks, got {task!r}")
    return Mixed("+".join(names), names)


def mixing_rates(mixing: str | float, sizes: Sequence[int]) -> list[float]:
    """How often each task is drawn.

    Args:
        mixing: "proportional" to the sizes, as the original; "equal"; or a temperature
            T >= 1, between the two: sizes to the power of 1 / T.
        sizes: examples of every task.

    Raises:
        ValueError: none of these.

    Source: the temperature is that of Raffel et al. 2020, section 3.5.2.
    """
    if mixing == PROPORTIONAL:
        return [float(size) for size in sizes]
    if mixing == EQUAL:
        return [1.0] * len(sizes)
    if isinstance(mixing, (str, bool)) or mixing < 1:
        raise ValueError(
            f"mixing must be {PROPORTIONAL!r}, {EQUAL!r} or a temperature of at least 1, "
            f"got {mixing!r}"
        )
    return [float(size) ** (1.0 / mixing) for size in sizes]


def register_mixture(rates: Mapping[str, float]) -> seqio.Mixture:
    """Registers tasks with their rates as a mixture of seqio's.

    Its name is that of the tasks with `_and_` between, since seqio allows no `+`.
    """
    name = "_and_".join(rates)
    for task in rates:
        load_task(task)
    if name in seqio.MixtureRegistry.names():
        seqio.MixtureRegistry.remove(name)
    return seqio.MixtureRegistry.add(name, list(rates.items()))
