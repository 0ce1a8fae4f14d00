"""Parses gin files and overrides, finding every mistake before any work.

gin 0.5.0 silently accepts a parameter that is bound twice and a scope that nothing uses,
and reports a missing value only when it is needed; see docs/design/config.md.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import gin

from electra_bench.config import statements, types
from electra_bench.config.signature import signature_of
from electra_bench.config.statements import Binding, Import, Macro, Reference
from electra_bench.config.syntax import ConfigError
from electra_bench.system.near_names import near_and_all, near_names

# Roles in which an objective builds encoders; nothing else is called in a scope.
SCOPES = ("discriminator", "generator")


# Names of gin are short: so far apart are those that may have been meant.
_near = functools.partial(near_names, cutoff=0.5)
_near_and_all = functools.partial(near_and_all, cutoff=0.5)


class Parsed(NamedTuple):
    """What was parsed.

    Attributes:
        bindings: the effective binding of every key, in order.
        overridden: (binding that holds, binding that it replaced), in order.
    """

    bindings: tuple[Binding, ...]
    overridden: tuple[tuple[Binding, Binding], ...]

    def value(self, key: str) -> Any:
        """The literal bound to a key, macros resolved; None if there is none."""
        for binding in self.bindings:
            if binding.key == key:
                return statements.substituted(
                    binding.value, Macro, lambda macro: self.value(macro.name)
                )
        return None


def parse(
    files: Sequence[str],
    overrides: Sequence[str],
    load: Callable[[str, str], None],
    import_module: Callable[[str], None],
    kinds: Sequence[str],
) -> Parsed:
    """Parses files, then overrides, into gin's global configuration.

    A later file overrides an earlier one, an including file what it includes, and the
    command line all of them.

    Args:
        files: gin files, see `find_gin_file`.
        overrides: bindings such as `models.electra.num_layers = 3` or `SEED = 1`.
        load: `load(kind, name)` imports the builder so that gin knows it; raises KeyError
            if there is none.
        import_module: loads an out-of-tree plugin named in an `import`.
        kinds: the known first parts of selectors.

    Raises:
        ConfigError: a double binding, an unknown name, parameter, scope or macro, a
            required value that is missing, or a value of a wrong type.
        FileNotFoundError: no such file.
    """
    found = _read(files, overrides)
    for statement in found:
        if isinstance(statement, Import):
            import_module(statement.module)
    bindings = [s for s in found if isinstance(s, Binding)]
    _check_double(bindings)
    parsed = _effective(bindings)
    _check_circles(parsed.bindings)
    references = [
        (binding, *reference.selector.rpartition("/")[::2])
        for binding in parsed.bindings
        for reference in statements.contained(binding.value, Reference)
    ]
    for binding in parsed.bindings:
        _check_binding(binding, load, kinds)
    for binding, scope, selector in references:
        _check_scope(scope, selector, binding)
    _check_macros(parsed.bindings)
    _check_required(parsed.bindings)
    _check_types(parsed)
    for binding, _, selector in references:
        _check_selector(selector, binding, load, kinds)
    # gin takes the folder of an included file for a Python package and fails if there is
    # one of that name (`models`, `runs`) on sys.path, so it gets no includes.
    for name in files:
        gin.parse_config(statements.expanded(name))
    gin.parse_config([statements.expanded_override(each) for each in overrides])
    return parsed


def literals(text: str) -> dict[str, Any]:
    """Every parameter that a configuration's text binds, macros resolved, see `plain`."""
    parsed = _effective(
        [s for s in statements.read_text(text) if isinstance(s, Binding)]
    )
    return {
        b.key: statements.plain(parsed.value(b.key))
        for b in parsed.bindings
        if b.parameter
    }


def set_by(text: str, keys: set[str]) -> set[str]:
    """The parameters of a configuration that some keys set: by themselves, or as macros.

    Args:
        text: the configuration, as `snapshot` writes it.
        keys: parameters or macros.
    """
    bound = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)

    def names(key: str) -> Iterator[str]:
        """A key and the macros that its value comes from."""
        yield key
        value = bound.get(key, "")
        if value.startswith("%"):
            yield from names(value.removeprefix("%"))

    return {key for key in bound if "." in key and not keys.isdisjoint(names(key))}


def peek(key: str, files: Sequence[str], overrides: Sequence[str]) -> Any:
    """The literal that a configuration binds to a key, see `read`."""
    return read(files, overrides).value(key)


def read(files: Sequence[str], overrides: Sequence[str]) -> Parsed:
    """The bindings of a configuration, without checks of names and without effects.

    Raises:
        ConfigError: not gin, or macros in a circle.
        FileNotFoundError: no such file.
    """
    found = [s for s in _read(files, overrides) if isinstance(s, Binding)]
    parsed = _effective(found)
    _check_circles(parsed.bindings)
    return parsed


def bound_names(kind: str, files: Sequence[str]) -> list[str]:
    """Names of a kind that files bind parameters of, in order.

    Raises:
        ConfigError: not gin.
        FileNotFoundError: no such file.
    """
    selectors = (
        binding.selector.partition(".") for binding in read(files, ()).bindings
    )
    names = (name for found, _, name in selectors if found == kind and name)
    return list(dict.fromkeys(names))


def _read(files: Sequence[str], overrides: Sequence[str]) -> list[statements.Statement]:
    found = [s for name in files for s in statements.read_file(name)]
    return found + list(statements.read_overrides(overrides))


def _check_double(bindings: Iterable[Binding]) -> None:
    seen: dict[tuple[str, str], Binding] = {}
    for binding in bindings:
        first = seen.setdefault((binding.file, binding.key), binding)
        if first is not binding and first.line != binding.line:
            raise ConfigError(
                f"{binding.key} is bound twice in {binding.file}: "
                f"lines {first.line} and {binding.line}"
                if binding.file != statements.COMMAND_LINE
                else f"{binding.key} is given twice on the command line"
            )


def _check_circles(bindings: Sequence[Binding]) -> None:
    macros = {b.selector: b for b in bindings if not b.parameter}

    def follow(binding: Binding, seen: tuple[str, ...]) -> None:
        name = binding.selector
        if name in seen:
            circle = " = ".join(f"%{name}" for name in [*seen, name])
            raise ConfigError(f"{binding.place}: macros in a circle: {circle}")
        for macro in statements.contained(binding.value, Macro):
            if macro.name in macros:
                follow(macros[macro.name], (*seen, name))

    for binding in macros.values():
        follow(binding, ())


def _effective(bindings: Iterable[Binding]) -> Parsed:
    holding: dict[str, Binding] = {}
    overridden = []
    for binding in bindings:
        if binding.key in holding and holding[binding.key].place != binding.place:
            overridden.append((binding, holding[binding.key]))
        holding[binding.key] = binding
    return Parsed(tuple(holding.values()), tuple(overridden))


def _check_binding(binding: Binding, load, kinds: Sequence[str]) -> None:
    if not binding.parameter:
        if binding.scope or "." in binding.selector or not binding.selector.isupper():
            raise ConfigError(
                f"{binding.place}: {binding.key!r} binds nothing: a parameter is "
                "<kind>.<name>.<parameter>, a macro is one word in UPPER_SNAKE"
            )
        return
    _check_scope(binding.scope, binding.selector, binding)
    _check_selector(binding.selector, binding, load, kinds)
    parameters = parameter_names(binding.selector)
    if parameters is not None and binding.parameter not in parameters:
        raise ConfigError(
            f"{binding.place}: {binding.selector} has no parameter "
            f"{binding.parameter!r}; {_near_and_all(binding.parameter, parameters)}"
        )


def _check_scope(scope: str, selector: str, binding: Binding) -> None:
    if scope and scope not in SCOPES:
        raise ConfigError(
            f"{binding.place}: no scope {scope!r}; {_near_and_all(scope, SCOPES)}"
        )
    if scope and not selector.startswith("models."):
        raise ConfigError(
            f"{binding.place}: {scope}/{selector}: the scope {scope!r} holds for "
            "models only"
        )


def _check_selector(selector: str, binding: Binding, load, kinds) -> None:
    kind, _, name = selector.partition(".")
    if kind not in kinds or not name:
        raise ConfigError(
            f"{binding.place}: {selector!r} must be <kind>.<name>; "
            f"near kinds: {_near(kind, kinds)}; all kinds: {sorted(kinds)}"
        )
    try:
        load(kind, name)
    except KeyError as error:
        raise ConfigError(f"{binding.place}: {error.args[0]}") from error


def parameter_names(selector: str) -> list[str] | None:
    """Parameters that gin may bind; None if the builder takes any."""
    parameters = signature_of(gin.get_configurable(selector)).parameters.values()
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return None
    return [parameter.name for parameter in parameters]


def _check_macros(bindings: Sequence[Binding]) -> None:
    defined = {b.selector for b in bindings if not b.parameter}
    used: dict[str, Binding] = {}
    for binding in bindings:
        for macro in statements.contained(binding.value, Macro):
            used.setdefault(macro.name, binding)
    used.pop(statements.REQUIRED, None)
    for name, binding in used.items():
        if name not in defined:
            raise ConfigError(
                f"{binding.place}: no macro {name}; near: {_near(name, defined)}"
            )
    for binding in bindings:
        # Model files set macros that only some runs use; on the command line an unused
        # one is a misspelling.
        from_user = binding.file == statements.COMMAND_LINE
        if from_user and not binding.parameter and binding.selector not in used:
            raise ConfigError(
                f"{binding.place}: nothing uses the macro {binding.selector}; "
                f"{_near_and_all(binding.selector, sorted(used))}"
            )


def _check_required(bindings: Sequence[Binding]) -> None:
    missing = [b for b in bindings if b.value == Macro(statements.REQUIRED)]
    if missing:
        flags = " ".join(f"--gin.{binding.key}=..." for binding in missing)
        places = ", ".join(f"{binding.key} ({binding.place})" for binding in missing)
        raise ConfigError(f"required values are missing: {places}; give {flags}")


def _check_types(parsed: Parsed) -> None:
    macros = {b.selector: b for b in parsed.bindings if not b.parameter}
    for binding in parsed.bindings:
        if not binding.parameter:
            continue
        # Where the value stands, which a message should name.
        literal = binding
        while isinstance(literal.value, Macro):
            literal = macros[literal.value.name]
        signature = signature_of(gin.get_configurable(binding.selector))
        parameter = signature.parameters.get(binding.parameter)
        if parameter is None:
            continue
        references = statements.contained(literal.value, Reference)
        if references and not types.has_objects(parameter.annotation):
            name = references[0].selector.rpartition(".")[2]
            raise ConfigError(
                f"{literal.place}: {literal.key} takes no reference, {references[0]}: "
                f"expected {types.shown(parameter.annotation)} (for {binding.key}); write "
                f"the name, {name!r}"
            )
        value = statements.substituted(
            literal.value, Macro, lambda macro: parsed.value(macro.name)
        )
        if not references and not types.fits(value, parameter.annotation):
            raise ConfigError(
                f"{literal.place}: {literal.key} = {literal.value!r}: expected "
                f"{types.shown(parameter.annotation)} (for {binding.key})"
            )


def require_bound(
    selector: str, supplied: Iterable[str], scope: str | None = None
) -> None:
    """Checks that gin or the caller gives every parameter that has no default.

    Args:
        selector: `models.electra`.
        supplied: parameters that the caller passes itself.
        scope: scope in which the builder will be called; None for none.

    Raises:
        ConfigError: names the missing ones.
    """
    builder = gin.get_configurable(selector)
    with gin.config_scope(scope):
        bound = gin.get_bindings(selector, resolve_references=False)
    missing = [
        parameter.name
        for parameter in signature_of(builder).parameters.values()
        if parameter.default is inspect.Parameter.empty
        and parameter.kind
        not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        and parameter.name not in bound
        and parameter.name not in supplied
    ]
    if missing:
        flags = " ".join(f"--gin.{selector}.{name}=..." for name in missing)
        raise ConfigError(f"{selector} needs {', '.join(missing)}: give {flags}")
