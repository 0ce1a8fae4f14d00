"""What objects do, as a hash: their code, the values bound to them, and versions."""

import copyreg
import functools
import hashlib
import json
import pickle
import re
import types
import unicodedata
from collections.abc import Iterable, Iterator, Set
from typing import Any

from electra_bench.system.source_closure import (
    closure_sha256,
    closure_versions,
    is_own,
    outermost,
)

ATOMS = (bool, int, float, complex, str, bytes, type(None), type(...))
# Global values of these types count where a function mentions them. What others are made
# of stands in the source files, and they may change as they are used.
PLAIN = (*ATOMS, list, tuple, set, frozenset, dict, re.Pattern, functools.partial)


class Untold(ValueError):
    """Nothing says what an object does: it has no source file, or cannot be taken apart."""


def behaviour_sha256(things: Iterable[Any], modules: Iterable[str] = ()) -> str:
    """The hash of everything that decides what objects do.

    That is the source of all own code that they lead to (see `closure`), the versions of
    the packages which that code imports, Python's Unicode version, and what is bound at
    run time: arguments of partials, attributes of objects, what functions close over, and
    the plain values of globals that they mention. Equal in every process.

    Args:
        things: functions, classes, objects or plain values.
        modules: names of further modules that do the work; their packages are own.

    Raises:
        Untold: code without a source file (of a console or a notebook), or an object that
            cannot be taken apart, such as a lock.
    """
    modules = set(modules)
    describer = _Describer({outermost(module) for module in modules})
    values = describer.describe(list(things))
    used = {module for module in describer.modules if describer.is_own(module)}
    try:
        parts = {
            "values": values,
            "code": closure_sha256(modules | used),
            "packages": closure_versions(modules | used, describer.modules - used),
            "unicode": unicodedata.unidata_version,
        }
    except ModuleNotFoundError as error:
        raise Untold(str(error)) from error
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class _Describer:
    """Describes values so that equal ones have equal descriptions in every process.

    Attributes:
        modules: names of those that functions and classes come from.
    """

    def __init__(self, packages: Set[str]) -> None:
        self._packages = packages  # own ones, beside those that are anyway
        self.modules: set[str] = set()
        self._known: dict[int, str] = {}
        self._kept: list[Any] = []  # so that an address is not used twice

    def is_own(self, module: str) -> bool:
        return is_own(outermost(module), self._packages)

    def describe(self, value: Any) -> str:
        if type(value) in ATOMS:
            return repr(value)
        if id(value) not in self._known:
            self._kept.append(value)
            self._known[id(value)] = "within itself"
            text = repr([type(value).__name__, *self._parts(value)])
            self._known[id(value)] = hashlib.sha256(text.encode()).hexdigest()
        return self._known[id(value)]

    def _parts(self, value: Any) -> Iterable[str]:
        match value:
            case types.FunctionType():
                return self._function_parts(value)
            case types.CodeType():
                return map(
                    self.describe, (value.co_code, value.co_names, value.co_consts)
                )
            case types.ModuleType():
                self.modules.add(value.__name__)
                return [value.__name__]
            case type():
                self.modules.add(value.__module__)
                return [value.__module__, value.__qualname__]
        if type(value) in (list, tuple):
            return map(self.describe, value)
        if type(value) in (set, frozenset):
            return sorted(map(self.describe, value))
        if type(value) is dict:
            return [self.describe(part) for item in value.items() for part in item]
        return self._object_parts(value)

    def _function_parts(self, function: types.FunctionType) -> Iterator[str]:
        home = function.__globals__.get("__name__", function.__module__)
        self.modules |= {home, function.__module__}
        mentioned = {
            name: function.__globals__[name]
            for name in sorted(_names(function.__code__) & set(function.__globals__))
            # Python's own and libraries' may change as they are used.
            if self.is_own(home) and _counts(function.__globals__[name], home)
        }
        yield from (function.__module__, function.__qualname__)
        yield self.describe(function.__code__)
        yield self.describe(function.__defaults__)
        yield self.describe(function.__kwdefaults__)
        yield from map(self.describe, map(_content, function.__closure__ or ()))
        yield self.describe(getattr(function, "__wrapped__", None))
        yield self.describe(mentioned)

    def _object_parts(self, value: Any) -> Iterator[str]:
        """What `pickle` would write of an object."""
        self.modules.add(type(value).__module__)
        try:
            reduce = copyreg.dispatch_table.get(type(value))
            reduced = reduce(value) if reduce else value.__reduce_ex__(4)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise Untold(f"{type(value).__qualname__} object: {error}") from error
        if isinstance(reduced, str):  # the name of a global, such as a cached function
            self.modules.add(getattr(value, "__module__", None) or "builtins")
            yield reduced
            yield self.describe(getattr(value, "__wrapped__", None))
            return
        make, arguments, state, items, pairs, *_ = (*reduced, None, None, None)
        for part in (make, arguments, state, list(items or ()), list(pairs or ())):
            yield self.describe(part)


def _names(code: types.CodeType) -> set[str]:
    """Global names in a function's code and in the functions within it."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _counts(value: Any, module: str) -> bool:
    """Whether a global that a function of a module mentions is described."""
    if isinstance(value, types.FunctionType | type):
        return outermost(value.__module__) == outermost(module)
    return type(value) in PLAIN


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet: a function that calls itself
        return None
