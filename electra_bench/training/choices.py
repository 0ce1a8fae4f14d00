"""What a configuration chooses by name, as the optimizer; no TensorFlow."""

from typing import Any

from electra_bench import config, registry
from electra_bench.config.statements import Binding
from electra_bench.registry import UnknownName

# What takes a choice, to the registry of what there is and to the name that holds unless
# gin says otherwise. Features are those of tagging, question answering and corpora.
CHOICES = {
    "training.optimizer": (registry.optimizers, "adamw"),
    "training.schedule": (registry.schedules, "linear"),
    "training.strategy": (registry.strategies, "default"),
    "features.tagging": (registry.features, "words"),
    "features.span_qa": (registry.features, "windows"),
    "features.corpus": (registry.features, "pretraining"),
}
# The parameter that chooses to the name that holds unless gin says otherwise.
DEFAULTS = {f"{selector}.name": default for selector, (_, default) in CHOICES.items()}
# Parameters of `training.adamw` that belong to its own schedule, and their defaults.
LINEAR_ONLY = {"warmup_shape": "multiplied", "decay_power": 1.0}


def chosen(part: str) -> str:
    """The registered name that gin holds for a part of a training, as `optimizer`."""
    return registry.training.choice(part, DEFAULTS[f"training.{part}.name"])


def build(things: registry.Registry, name: str, /, **supplied: Any) -> Any:
    """Builds what is chosen by its registered name.

    Args:
        things: where it is registered.
        name: the chosen one.
        **supplied: what it gets besides gin's parameters.

    Raises:
        UnknownName: no such name.
        ConfigError: it needs a parameter that nothing binds.
    """
    builder = things.get(name)
    config.require_bound(f"{things.gin_module}.{name}", supplied)
    return builder(**supplied)


def check_bindings(parsed: config.Parsed) -> None:
    """Checks that what is chosen exists, and that nothing is bound in vain.

    The project's own gin files say what holds for each optimizer, whichever is chosen, and
    so do copies of them; a run's saved configuration has values of parameters that nobody
    has bound.

    Raises:
        ConfigError: an unknown name, or a parameter of something that is not chosen, with
            another value than its default.
    """
    names = {
        selector: parsed.value(f"{selector}.name") or default
        for selector, (_, default) in CHOICES.items()
    }
    for binding in parsed.bindings:
        if binding.key in DEFAULTS:
            try:
                CHOICES[binding.selector][0].origin(names[binding.selector])
            except UnknownName as error:
                raise config.ConfigError(f"{binding.place}: {error}") from error
    for binding in parsed.bindings:
        if binding.selector.startswith(("training.", "features.")) and not (
            config.is_own_file(binding.file)
            or parsed.value(binding.key) == config.default_of(binding.key)
        ):
            reason = _in_vain(binding, names)
            if reason and not _said_of_chosen(binding, parsed, names):
                raise config.ConfigError(
                    f"{binding.place}: {binding.key} is bound, but {reason}"
                )


def _said_of_chosen(
    binding: Binding, parsed: config.Parsed, names: dict[str, str]
) -> bool:
    """Whether a parameter of what is chosen, of the same name, has the same value."""
    return any(
        other.parameter == binding.parameter
        and other.selector.startswith("training.")
        and not _in_vain(other, names)
        and parsed.value(other.key) == parsed.value(binding.key)
        for other in parsed.bindings
    )


def _in_vain(binding: Binding, names: dict[str, str]) -> str | None:
    """Why a parameter has no effect; `names` are what is chosen."""
    selector, parameter = binding.selector, binding.parameter
    module, _, name = selector.partition(".")
    # Of features nobody knows what they are for, so any of the three may have chosen them.
    choices = {
        choice: names[choice]
        for choice, (things, _) in CHOICES.items()
        if things.gin_module == module and name in things.names()
    }
    if selector not in CHOICES and choices and name not in choices.values():
        return " and ".join(
            f"the {choice.partition('.')[2]} is {other!r} ({choice}.name)"
            for choice, other in choices.items()
        )
    schedule, is_linear_only = names["training.schedule"], parameter in LINEAR_ONLY
    if selector == "training.adamw" and is_linear_only and schedule != "linear":
        return f"it belongs to the schedule 'linear', and the schedule is {schedule!r}"
    adamws = ("training.optimizer", "training.schedule", "training.linear")
    is_adamw = names["training.optimizer"] == "adamw"
    if is_adamw and selector in adamws and parameter != "name":
        return f"the optimizer 'adamw' has its own: bind training.adamw.{parameter}"
    return None
