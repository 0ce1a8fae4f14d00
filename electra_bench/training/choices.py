"""Which optimizer, schedule and strategy a configuration chooses; no TensorFlow."""

from electra_bench import config, registry
from electra_bench.config.statements import Binding
from electra_bench.registry import UnknownName

# Part of a training to its registry and to the name that holds unless gin says otherwise.
CHOICES = {
    "optimizer": (registry.optimizers, "adamw"),
    "schedule": (registry.schedules, "linear"),
    "strategy": (registry.strategies, "default"),
}
# Parameters of `training.adamw` that belong to its own schedule.
LINEAR_ONLY = ("decay_power", "warmup_shape")


def chosen(part: str) -> str:
    """The registered name that gin holds for a part of a training, one of `CHOICES`."""
    return registry.training.choice(part, CHOICES[part][1])


def check_bindings(parsed: config.Parsed) -> None:
    """Checks that what is chosen exists, and that nothing is bound in vain.

    The project's own gin files say what holds for each optimizer, whichever is chosen.

    Raises:
        ConfigError: an unknown name, or a parameter of an optimizer, schedule or strategy
            that is not the chosen one.
    """
    bound = [b for b in parsed.bindings if b.selector.startswith("training.")]
    names = {
        part: parsed.value(f"training.{part}.name") or default
        for part, (_, default) in CHOICES.items()
    }
    for binding in bound:
        part = binding.selector.removeprefix("training.")
        if part in CHOICES and binding.parameter == "name":
            try:
                CHOICES[part][0].origin(names[part])
            except UnknownName as error:
                raise config.ConfigError(f"{binding.place}: {error}") from error
    for binding in bound:
        if not config.is_own_file(binding.file):
            _check_used(binding, names)


def _check_used(binding: Binding, names: dict[str, str]) -> None:
    name, parameter = binding.selector.removeprefix("training."), binding.parameter
    has_own = names["optimizer"] == "adamw"
    for part, (things, _) in CHOICES.items():
        if name in things.names() and name != names[part]:
            raise config.ConfigError(
                f"{binding.place}: {binding.key} is bound, but the {part} is "
                f"{names[part]!r} (training.{part}.name)"
            )
    if name == "adamw" and parameter in LINEAR_ONLY and names["schedule"] != "linear":
        raise config.ConfigError(
            f"{binding.place}: {binding.key} is bound, but it belongs to the schedule "
            f"'linear', and the schedule is {names['schedule']!r}"
        )
    if has_own and name in ("optimizer", "schedule", "linear") and parameter != "name":
        raise config.ConfigError(
            f"{binding.place}: {binding.key} is bound, but the optimizer 'adamw' has its "
            f"own: bind training.adamw.{parameter}"
        )
