"""The bindings of gin files and of the command line, before gin sees them."""

import copy
import functools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from gin import config_parser

from electra_bench.config.locate import find_gin_file

COMMAND_LINE = "command line"
REQUIRED = "gin.REQUIRED"
_INCLUDE = re.compile(r"""^include\s+(?P<quote>['"])(?P<file>.+)(?P=quote).*$""", re.M)


class Reference(NamedTuple):
    """`@scope/selector` or `@scope/selector()`."""

    selector: str
    evaluate: bool

    def __str__(self) -> str:
        return f"@{self.selector}{'()' if self.evaluate else ''}"


class Macro(NamedTuple):
    """`%NAME`."""

    name: str


class Binding(NamedTuple):
    """One binding and where it stands.

    Attributes:
        scope: `generator` of `generator/models.electra.hidden_size`; else empty.
        selector: `models.electra`; for a macro its name.
        parameter: `hidden_size`; empty for a macro.
        value: the literal, with `Reference` and `Macro` inside.
        file: path of the file, or `COMMAND_LINE`.
        line: line number, from 1; on the command line the number of the override.
    """

    scope: str
    selector: str
    parameter: str
    value: Any
    file: str
    line: int

    @property
    def key(self) -> str:
        """How the binding is spelt on the left of `=`."""
        scope = f"{self.scope}/" if self.scope else ""
        return scope + self.selector + (f".{self.parameter}" if self.parameter else "")

    @property
    def place(self) -> str:
        """Where the binding stands, for messages."""
        if self.file == COMMAND_LINE:
            return COMMAND_LINE
        return f"{self.file}:{self.line}"


class Import(NamedTuple):
    """`import module` of an out-of-tree plugin."""

    module: str
    file: str
    line: int


Statement = Binding | Import


class _Delegate(config_parser.ParserDelegate):
    def configurable_reference(self, scoped_configurable_name, evaluate):
        return Reference(scoped_configurable_name, evaluate)

    def macro(self, macro_name):
        return Macro(macro_name)


def read_file(name: str, including: Sequence[str] = ()) -> Iterator[Statement]:
    """Yields the statements of a file, those of included files in their place.

    Args:
        name: see `find_gin_file`.
        including: paths of the files that are being read and include this one.

    Raises:
        FileNotFoundError: the file, or one that it includes, does not exist.
        SyntaxError: not gin; says where.
        ValueError: not UTF-8, or files that include each other.
    """
    path = find_gin_file(name)
    if str(path) in including:
        raise ValueError(
            f"{path} includes itself: {' -> '.join([*including, str(path)])}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}") from error
    yield from _read(text, str(path), (*including, str(path)))


def expanded(name: str) -> str:
    """The text of a file with included files in their place."""
    text = find_gin_file(name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: expanded(match["file"]), text)


def read_overrides(overrides: Sequence[str]) -> Iterator[Statement]:
    """Yields the statements given on the command line, one each.

    Raises:
        SyntaxError: not gin.
    """
    for number, override in enumerate(overrides, 1):
        for statement in _read(override, COMMAND_LINE):
            yield statement._replace(line=number)


def read_text(text: str) -> Iterator[Statement]:
    """Yields the statements of a configuration's text, a run's snapshot for instance.

    Raises:
        SyntaxError: not gin.
    """
    yield from _read(text, "text")


@functools.lru_cache(maxsize=256)
def _parsed(source: str) -> tuple[Any, ...]:
    """gin's statements; cells of a suite differ in a few lines only."""
    return tuple(config_parser.ConfigParser(source, _Delegate()))


def _read(source: str, file: str, including: Sequence[str] = ()) -> Iterator[Statement]:
    for statement in _parsed(source):
        if isinstance(statement, config_parser.IncludeStatement):
            yield from read_file(statement.filename, including)
        elif isinstance(statement, config_parser.ImportStatement):
            yield Import(statement.module, file, statement.location.line_num)
        elif isinstance(statement, config_parser.BindingStatement):
            yield Binding(
                statement.scope or "",
                statement.selector,
                statement.arg_name or "",
                # A copy: whoever gets it may change it.
                copy.deepcopy(statement.value),
                file,
                statement.location.line_num,
            )


def substituted(value: Any, kind: type, by: Callable[[Any], Any]) -> Any:
    """A value with the references or macros inside it replaced.

    Args:
        value: as it stands in a gin file.
        kind: `Reference` or `Macro`.
        by: what takes the place of one.
    """
    if isinstance(value, kind):
        return by(value)
    if isinstance(value, dict):
        return {
            substituted(key, kind, by): substituted(item, kind, by)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)) and not isinstance(value, (Reference, Macro)):
        return type(value)(substituted(item, kind, by) for item in value)
    return value


def plain(value: Any) -> Any:
    """A value as JSON has it: without tuples; references as gin spells them."""
    value = substituted(value, Reference, str)
    return json.loads(json.dumps(value, default=repr))


def contained(value: Any, kind: type) -> list[Any]:
    """The references or macros inside a value."""
    found: list[Any] = []
    substituted(value, kind, found.append)
    return found
