"""The bindings of gin files and of the command line, before gin sees them."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gin import config_parser

from electra_bench.config import syntax
from electra_bench.config.locate import find_gin_file, find_included
from electra_bench.config.syntax import Macro, Reference

COMMAND_LINE = "command line"
REQUIRED = "gin.REQUIRED"
_INCLUDE = re.compile(
    r"""^[ \t]*include\s+(?P<quote>['"])(?P<file>.+)(?P=quote).*$""", re.M
)


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


def read_file(name: str) -> Iterator[Statement]:
    """Yields the statements of a file, those of included files in their place.

    Args:
        name: see `find_gin_file`.

    Raises:
        FileNotFoundError: the file, or one that it includes, does not exist.
        ConfigError: not gin; says where.
        ValueError: not UTF-8, or files that include each other.
    """
    yield from _read_path(find_gin_file(name), ())


def _read_path(path: Path, including: Sequence[str]) -> Iterator[Statement]:
    """As `read_file`; `including` are the files being read that include this one."""
    if str(path) in including:
        raise ValueError(
            f"{path} includes itself: {' -> '.join([*including, str(path)])}"
        )
    found = syntax.parsed(_text_of(path), str(path))
    yield from _read(found, path, (*including, str(path)))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}") from error


def expanded(name: str) -> str:
    """The text of a file with included files in their place."""
    return _expanded(find_gin_file(name))


def _expanded(path: Path) -> str:
    return _INCLUDE.sub(
        lambda match: _expanded(find_included(match["file"], path)), _text_of(path)
    )


def expanded_override(override: str) -> str:
    """A binding of the command line as gin takes it, an included file in its place."""
    return _INCLUDE.sub(
        lambda match: expanded(match["file"]), syntax.with_quotes(override)
    )


def read_overrides(overrides: Sequence[str]) -> Iterator[Statement]:
    """Yields the statements given on the command line, one each.

    Raises:
        ConfigError: not gin.
    """
    for number, override in enumerate(overrides, 1):
        found = syntax.parsed_override(syntax.with_quotes(override), COMMAND_LINE)
        for statement in _read(found, None):
            yield statement._replace(line=number)


def read_text(text: str) -> Iterator[Statement]:
    """Yields the statements of a configuration's text, a run's snapshot for instance.

    Raises:
        ConfigError: not gin.
    """
    yield from _read(syntax.parsed(text, "text"), None, file="text")


def _read(
    found: Sequence[Any],
    path: Path | None,
    including: Sequence[str] = (),
    file: str = COMMAND_LINE,
) -> Iterator[Statement]:
    """gin's statements as ours.

    Args:
        found: what gin's parser gives.
        path: of the file that they stand in; None for none.
        including: it and the files that include it.
        file: what stands for the file if there is none.
    """
    for statement in found:
        number = statement.location.line_num
        if isinstance(statement, config_parser.IncludeStatement):
            included = find_included(statement.filename, path, number)
            yield from _read_path(included, including)
        elif isinstance(statement, config_parser.ImportStatement):
            yield Import(statement.module, str(path or file), number)
        elif isinstance(statement, config_parser.BindingStatement):
            yield Binding(
                statement.scope or "",
                statement.selector,
                statement.arg_name or "",
                # A copy: whoever gets it may change it.
                copy.deepcopy(statement.value),
                str(path or file),
                number,
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
