"""The arguments of a verb, declared as the fields of a dataclass.

Its docstring is the help: a description, examples, and what each of its attributes is.
Fields before `KW_ONLY` are given by their place, the others as flags; those without a
default must be given, and a flag that is a list may be repeated. Base classes hold what
verbs have in common.
"""

import argparse
import dataclasses
import inspect
import math
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from electra_bench.config.ranges import Range, Share
from electra_bench.data.run_context import MAX_SKIPPED
from electra_bench.registry import load_plugin

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Declared = TypeVar("Declared", bound="DataclassInstance")


class Options:
    """Further options of `add_argument`, beside a type in `Annotated`."""

    def __init__(self, **given: Any):
        self.given = given


File = Annotated[str, Options(metavar="FILE")]
Dir = Annotated[str, Options(metavar="DIR")]
# How the help calls a value, unless the options say it.
METAVARS = {str: "NAME", int: "N", float: "X"}


@dataclass(kw_only=True)
class Json:
    """Of a verb whose output programs read.

    Attributes:
        json: print JSON
    """

    json: bool = False


@dataclass(kw_only=True)
class Plugins:
    """Of a verb that knows things by names.

    Attributes:
        plugin: module or file that registers more names
    """

    plugin: list[Annotated[str, Options(metavar="P")]] = field(default_factory=list)

    def load_plugins(self) -> None:
        """Loads what `--plugin` names."""
        for plugin in self.plugin:
            load_plugin(plugin)


@dataclass(kw_only=True)
class TextInput:
    """Of a verb that reads text.

    Attributes:
        format: of the files; auto tells them apart (default)
        text_field: field of a JSON line, or column, that holds the text (default: text)
        on_error: skip: count lines that are not UTF-8 or JSON and damaged files, and go on
        max_skipped: share of lines, or of bytes, that may be left out so (default: 0.1)
    """

    format: Literal["auto", "text", "jsonl", "csv", "openwebtext"] = "auto"
    text_field: str = "text"
    on_error: Literal["raise", "skip"] = "raise"
    max_skipped: Share[float] = MAX_SKIPPED


@dataclass
class RunDir:
    """Of a verb about one run.

    Attributes:
        run_dir: folder of a run
    """

    run_dir: Annotated[str, Options(metavar="RUN")]


def add(
    subparsers,
    name: str,
    declared: type[Declared],
    run: Callable[[Declared], int | None],
    *,
    dashes: bool = False,
) -> argparse.ArgumentParser:
    """Adds a verb, or an action of one.

    Args:
        subparsers: what it is added to.
        name: what the user types.
        declared: its arguments, see the module.
        run: does the work; returns an exit status, None for that of success.
        dashes: whether flags may be written with dashes, too.

    Returns:
        Its parser.
    """
    sections = [_sections(each.__doc__) for each in declared.__mro__]
    description = sections[0][0]
    parser = subparsers.add_parser(
        name,
        help=description.partition("\n")[0],
        description=description,
        epilog=next(filter(None, (examples for _, examples, _ in sections)), None),
    )
    helps = {
        attribute: " ".join(text.split())
        for *_, attributes in reversed(sections)
        for attribute, text in re.findall(
            r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, re.M
        )
    }
    hints = typing.get_type_hints(declared, include_extras=True)
    fields = dataclasses.fields(declared)
    for one in fields:
        options = {"help": helps.get(one.name), **_options(hints[one.name])}
        _add_argument(parser, one, options, dashes)

    def run_parsed(parsed: argparse.Namespace) -> int | None:
        return run(declared(**{f.name: getattr(parsed, f.name) for f in fields}))

    parser.set_defaults(run=run_parsed)
    return parser


def add_actions(subparsers, name: str, doc: str | None):
    """Adds a verb that has actions.

    Args:
        subparsers: what it is added to.
        name: what the user types.
        doc: its description, and perhaps examples.

    Returns:
        What actions are added to.
    """
    description, examples, _ = _sections(doc)
    parser = subparsers.add_parser(name, description=description, epilog=examples)
    return parser.add_subparsers(metavar="ACTION")


def _sections(doc: str | None) -> tuple[str, str, str]:
    """What a docstring has before, from and after its examples."""
    text, _, attributes = inspect.cleandoc(doc or "").partition("\nAttributes:\n")
    description, heading, examples = text.partition("\nexamples:\n")
    return description.strip(), (heading + examples).strip(), attributes


def _options(hint: Any) -> dict[str, Any]:
    """What a type says of an argument, in the words of `add_argument`."""
    kind, parts = typing.get_origin(hint), typing.get_args(hint)
    if kind is Annotated:
        options = _options(parts[0])
        for mark in parts[1:]:
            options |= (
                _within(parts[0], mark) if isinstance(mark, Range) else mark.given
            )
        if "choices" in options:  # which the help names
            options.pop("metavar", None)
        return options
    if kind in (types.UnionType, typing.Union):  # with None
        return _options(parts[0])
    if kind is list:
        return {"action": "append"} | _options(parts[0])
    if kind is Literal:
        return {"choices": parts}
    if hint is bool:
        return {"action": "store_true"}
    return {"type": hint, "metavar": METAVARS[hint]}


def _within(kind: type[float], range: Range) -> dict[str, Any]:
    """The option `type` of a number in a range."""

    def convert(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        if not range.holds(number):
            expected = f"{kind.__name__} {range.words}"
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return number

    return {"type": convert}


def _add_argument(
    parser: argparse.ArgumentParser,
    one: dataclasses.Field,
    options: dict[str, Any],
    dashes: bool,
) -> None:
    default = one.default
    if one.default_factory is not dataclasses.MISSING:
        default = one.default_factory()
    is_required = default is dataclasses.MISSING
    is_list = options.get("action") == "append"
    if not one.kw_only:
        if is_list:
            del options["action"]
            options["nargs"] = "+" if is_required else "*"
        elif not is_required:
            options["nargs"] = "?"
        parser.add_argument(one.name, **options)
        return
    flags = options.pop("flags", [f"--{one.name}"])
    if dashes:
        flags = dict.fromkeys(["--" + f[2:].replace("_", "-") for f in flags] + flags)
    if is_list:
        options["help"] += "; may be repeated"
    options |= {"required": True} if is_required else {"default": default}
    parser.add_argument(*flags, dest=one.name, **options)
