"""What a configuration chooses by name, as the optimizer; no TensorFlow."""

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


def check_bindings(parsed: config.Parsed) -> None:
    """Checks that what is chosen exists, and that nothing is bound in vain.

    The project's own gin files say what holds for each optimizer, whichever is chosen; a
    run's saved configuration has values of parameters that nobody has bound.

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
            _check_used(binding, names)


def _check_used(binding: Binding, names: dict[str, str]) -> None:
    selector, parameter = binding.selector, binding.parameter
    module, _, name = selector.partition(".")
    # Of features nobody knows what they are for, so any of the three may have chosen them.
    choices = {
        choice: names[choice]
        for choice, (things, _) in CHOICES.items()
        if things.gin_module == module and name in things.names()
    }
    if selector not in CHOICES and choices and name not in choices.values():
        found = " and ".join(
            f"the {choice.partition('.')[2]} is {other!r} ({choice}.name)"
            for choice, other in choices.items()
        )
        raise config.ConfigError(
            f"{binding.place}: {binding.key} is bound, but {found}"
        )
    schedule = names["training.schedule"]
    if (
        selector == "training.adamw"
        and parameter in LINEAR_ONLY
        and schedule != "linear"
    ):
        raise config.ConfigError(
            f"{binding.place}: {binding.key} is bound, but it belongs to the schedule "
            f"'linear', and the schedule is {schedule!r}"
        )
    adamws = ("training.optimizer", "training.schedule", "training.linear")
    if (
        names["training.optimizer"] == "adamw"
        and selector in adamws
        and parameter != "name"
    ):
        raise config.ConfigError(
            f"{binding.place}: {binding.key} is bound, but the optimizer 'adamw' has its "
            f"own: bind training.adamw.{parameter}"
        )
