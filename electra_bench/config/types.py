"""Whether a literal can be what a builder's annotation asks for."""

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from electra_bench.config.ranges import range_of
from electra_bench.config.roles import bare

UNIONS = (types.UnionType, typing.Union)
# Types that gin has literals of, and what annotations of them are made of.
LITERALS = (int, float, bool, str, list, tuple, dict, Mapping, Sequence, Literal)


def fits(value: Any, annotation: Any) -> bool:
    """Whether a literal is of a type; True for types that gin has no literals of.

    An int is a float, too; a bool is no number. Of containers only the sort is looked at,
    and numbers inside that have a range.

    Args:
        value: as it stands in a gin file, macros resolved.
        annotation: of the parameter.
    """
    allowed_range, annotation = range_of(annotation), bare(annotation)
    if typing.get_origin(annotation) in UNIONS:
        return any(fits(value, part) for part in typing.get_args(annotation))
    if annotation is None or annotation is type(None):
        return value is None
    kind = typing.get_origin(annotation) or annotation
    if kind in (int, float):
        allowed = (int,) if kind is int else (int, float)
        if not isinstance(value, allowed) or isinstance(value, bool):
            return False
        return allowed_range is None or allowed_range.holds(value)
    if kind is Sequence:
        return isinstance(value, (list, tuple)) and _items_fit(value, annotation)
    if kind is Mapping:
        return isinstance(value, kind) and _items_fit(value.values(), annotation)
    if kind in (bool, str, list, tuple, dict):
        return isinstance(value, kind)
    return True


def _items_fit(items: Iterable[Any], annotation: Any) -> bool:
    """Whether all are numbers in the range that a container's type says, if it does."""
    of_item = typing.get_args(annotation)[-1:]
    if not of_item or range_of(of_item[0]) is None:
        return True
    return all(fits(item, of_item[0]) for item in items)


def has_objects(annotation: Any) -> bool:
    """Whether a type has values that gin has no literals of, but references to."""
    if typing.get_origin(annotation) is typing.Literal:
        return False
    return fits(object(), annotation)


def has_literals(annotation: Any) -> bool:
    """Whether gin has literals of a type, so that a file may bind such a parameter."""
    annotation = bare(annotation)
    origin = typing.get_origin(annotation)
    if origin in UNIONS:
        return any(has_literals(part) for part in typing.get_args(annotation))
    return (origin or annotation) in LITERALS


def shown(annotation: Any) -> str:
    """How a message spells a type."""
    allowed_range, annotation = range_of(annotation), bare(annotation)
    parts = typing.get_args(annotation)
    if allowed_range:
        return f"{shown(annotation)} {allowed_range.words}"
    if annotation is type(None):
        return "None"
    if typing.get_origin(annotation) in UNIONS:
        return " | ".join(map(shown, parts))
    if parts and range_of(parts[-1]):
        sort = typing.get_origin(annotation).__name__
        return f"{sort}[{', '.join(map(shown, parts))}]"
    if isinstance(annotation, type) and not parts:
        return annotation.__name__
    return str(annotation).replace("collections.abc.", "").replace("typing.", "")
