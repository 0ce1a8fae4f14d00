"""Everything that is known by name, found through entry points.

`tasks` and `mixtures` hold TaskCards and mixture descriptions; seqio's own registries hold
the tasks themselves. `metrics` holds functions that nothing configures. The other
registries hold builders, which are registered with gin as `<kind>.<name>`; those of
optimizers, schedules and strategies as `training.<name>`. Nothing here imports TensorFlow
or seqio.
"""

import functools
import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import gin

from electra_bench.system.near_names import near_and_all


class UnknownName(KeyError):
    """A name that nothing is registered under; the message lists near names."""

    def __str__(self) -> str:
        return self.args[0]


@dataclass(frozen=True)
class Origin:
    """Where a registered thing comes from.

    Attributes:
        distribution: installed distribution; None if registered by `--plugin` or code.
        version: its version.
        target: `module:attribute`.
    """

    distribution: str | None
    version: str | None
    target: str


class Registry:
    """Names of one kind of thing, imported on first use.

    Names come from the entry-point group `electra_bench.<kind>` of any installed
    distribution, or from `register` and `add` in a module that was loaded otherwise.
    Listing names imports nothing.
    """

    def __init__(
        self,
        kind: str,
        *,
        gin_names: bool = True,
        gin_module: str | None = None,
        parts: Sequence["Registry"] = (),
    ):
        """Makes an empty registry.

        Args:
            kind: plural noun; the end of the entry-point group.
            gin_names: whether the things are builders that gin may bind.
            gin_module: first part of their gin selectors; None for `kind`.
            parts: registries with this gin module, whose names are found here too.
        """
        self.kind = kind
        # Of `strategies`: `strategy`.
        self.singular = re.sub("ies$", "y", kind).removesuffix("s")
        self.gin_module = gin_module or kind
        self._gin_names = gin_names
        self._parts = tuple(parts)
        # Registries with this gin module, in which a name is to be the only one.
        self._family: Sequence[Registry] = (self, *parts)
        for part in parts:
            part._family = self._family
        self._things: dict[str, Any] = {}
        self._origins: dict[str, Origin] = {}

    @functools.cached_property
    def _declared(self) -> dict[str, metadata.EntryPoint]:
        declared: dict[str, metadata.EntryPoint] = {}
        for entry in metadata.entry_points(group=f"electra_bench.{self.kind}"):
            other = declared.setdefault(entry.name, entry)
            if other.value != entry.value:
                raise ValueError(
                    f"two distributions declare {self.kind} {entry.name!r}: "
                    f"{_origin(other).distribution} ({other.value}) and "
                    f"{_origin(entry).distribution} ({entry.value}); uninstall one"
                )
        return declared

    def register(self, name: str) -> Callable[[Callable], Callable]:
        """Decorator that registers a builder, also with gin as `<module>.<name>`.

        Raises:
            ValueError: the name is taken; says by whom.
        """

        def decorate(builder: Callable) -> Callable:
            self.add(name, builder)
            if self._gin_names:
                gin.register(name, module=self.gin_module)(builder)
            return builder

        return decorate

    def add(self, name: str, thing: Any) -> Any:
        """Registers an object under `name` and returns it.

        Raises:
            ValueError: the name is taken; says by whom.
        """
        target = f"{_module_of(thing)}:{getattr(thing, '__name__', name)}"
        for other in self._family:
            if other is not self and name in other.names():
                raise ValueError(
                    f"{self.gin_module}.{name} is of {other.kind}, by "
                    f"{other.origin(name).target}; cannot register {target} in "
                    f"{self.kind}: choose another name"
                )
        declared = self._declared.get(name)
        if name in self._things:
            raise ValueError(
                f"{self.kind} {name!r} is taken by {self._origins[name].target}; "
                f"cannot register {target}"
            )
        is_builder = inspect.isfunction(thing) or inspect.isclass(thing)
        if declared and is_builder and declared.module != _module_of(thing):
            raise ValueError(f"{_said(declared)}; cannot register {target}")
        self._things[name] = thing
        origin = _origin(declared) if declared else Origin(None, None, target)
        self._origins[name] = origin
        return thing

    def replace(self, name: str, thing: Any) -> Any:
        """Registers an object in place of an earlier one: what a configuration describes.

        Raises:
            ValueError: a distribution declares this name.
        """
        declared = self._declared.get(name)
        if declared:
            raise ValueError(f"{_said(declared)}; choose another name")
        self._things.pop(name, None)
        return self.add(name, thing)

    def get(self, name: str) -> Any:
        """The builder as gin sees it (bindings apply), or the object.

        Raises:
            UnknownName: nothing has this name; lists near ones.
        """
        self.load(name)
        if self._gin_names:
            return gin.get_configurable(f"{self.gin_module}.{name}")
        return self._things[name]

    def choice(self, name: str, default: str) -> str:
        """The registered name that gin binds to the parameter `name` of a builder.

        Asking leaves no trace in the operative configuration, so that one without a choice
        reads as it did when there was nothing to choose.

        Args:
            name: the builder that takes a choice.
            default: what holds where nothing is bound.
        """
        return gin.get_bindings(self.get(name)).get("name", default)

    def load(self, name: str) -> None:
        """Imports what is declared under `name`, so that gin knows it.

        Raises:
            UnknownName: nothing has this name; lists near ones.
        """
        if name in self._things:
            return
        entry = self._declared.get(name)
        if entry is None:
            self._part(name).load(name)
            return
        thing = entry.load()
        if name in self._things:
            return
        if self._gin_names:
            raise ValueError(
                f"{_origin(entry).distribution} declares {self.kind} {name!r} as "
                f"{entry.value}, but importing it registered nothing under that name"
            )
        self.add(name, thing)

    def _part(self, name: str) -> "Registry":
        """The part that has a name.

        Raises:
            UnknownName: none has it.
        """
        for part in self._parts:
            if name in part.names():
                return part
        names = sorted(name for one in (self, *self._parts) for name in one.names())
        raise UnknownName(f"no {self.kind} {name!r}; {near_and_all(name, names)}")

    def names(self) -> list[str]:
        """All names, declared or registered, sorted; imports nothing."""
        return sorted({*self._declared, *self._things})

    def loaded(self) -> list[str]:
        """Names whose things have been imported, sorted; gin knows only these."""
        return sorted(self._things)

    def origin(self, name: str) -> Origin:
        """Where `name` comes from; imports nothing.

        Raises:
            UnknownName: nothing has this name.
        """
        if name in self._origins:
            return self._origins[name]
        entry = self._declared.get(name)
        if entry is None:
            return self._part(name).origin(name)
        return _origin(entry)


def _origin(entry: metadata.EntryPoint) -> Origin:
    if entry.dist is None:
        return Origin(None, None, entry.value)
    return Origin(*_name_and_version(entry.dist), entry.value)


@functools.cache
def _name_and_version(distribution: metadata.Distribution) -> tuple[str, str]:
    """Read once: the file has them behind a README, and all entries share it."""
    return distribution.name, distribution.version


def load_plugin(module_or_file: str) -> None:
    """Imports a plugin for one command: a dotted module name or a Python file.

    The same one may be loaded again.

    Raises:
        FileNotFoundError: neither a file nor an importable module.
        ValueError: a file with the name of another module.
    """
    if not module_or_file.endswith(".py"):
        try:
            importlib.import_module(module_or_file)
        except ModuleNotFoundError as error:
            if error.name and module_or_file.startswith(error.name):
                raise FileNotFoundError(
                    f"--plugin: no module or file {module_or_file!r}"
                ) from error
            raise
        return
    if not os.path.isfile(module_or_file):
        raise FileNotFoundError(f"--plugin: no file {module_or_file!r}")
    name = os.path.splitext(os.path.basename(module_or_file))[0]
    if name in sys.modules:
        loaded = getattr(sys.modules[name], "__file__", None)
        if loaded and os.path.realpath(loaded) == os.path.realpath(module_or_file):
            return
        raise ValueError(
            f"--plugin: module {name!r} is loaded already; rename the file"
        )
    spec = importlib.util.spec_from_file_location(name, module_or_file)
    assert spec and spec.loader, "every .py file has them"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _said(entry: metadata.EntryPoint) -> str:
    kind = entry.group.removeprefix("electra_bench.")
    distribution = _origin(entry).distribution
    return f"{kind} {entry.name!r} is declared by {distribution} as {entry.value}"


def _module_of(thing: Any) -> str:
    return getattr(thing, "__module__", type(thing).__module__)


tasks = Registry("tasks", gin_names=False)
mixtures = Registry("mixtures", gin_names=False)
metrics = Registry("metrics", gin_names=False)
features = Registry("features")
models = Registry("models")
objectives = Registry("objectives")
kinds = Registry("kinds")
reports = Registry("reports")
suites = Registry("suites")
optimizers = Registry("optimizers", gin_module="training")
schedules = Registry("schedules", gin_module="training")
strategies = Registry("strategies", gin_module="training")
training = Registry("training", parts=(optimizers, schedules, strategies))
vocabularies = Registry("vocabularies")

REGISTRIES = {
    thing.kind: thing
    for thing in list(globals().values())
    if isinstance(thing, Registry)
}
# First parts of gin selectors.
GIN_MODULES = tuple(dict.fromkeys(r.gin_module for r in REGISTRIES.values()))
_FILE_TASK = "electra_bench.tasks.from_files.source:Definition"


def target_of(selector: str) -> str:
    """Where what gin calls `<kind>.<name>` is defined; empty if nobody knows."""
    kind, _, name = selector.partition(".")
    if kind == "runs":
        return f"electra_bench.runs.{name}:{name}"
    if kind == "tasks":
        return _FILE_TASK
    try:
        return REGISTRIES[kind].origin(name).target
    except KeyError:
        return ""
