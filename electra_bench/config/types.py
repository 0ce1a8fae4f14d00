"""Whether a literal can be what a builder's annotation asks for."""

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from electra_bench.config.roles import bare

UNIONS = (types.UnionType, typing.Union)
# Types that gin has literals of, and what annotations of them are made of.
LITERALS = (int, float, bool, str, list, tuple, dict, Mapping, Sequence, Literal)


def fits(value: Any, annotation: Any) -> bool:
    """Whether a literal is of a type; True for types that gin has no literals of.

    An int is a float, too; a bool is no number. Of containers only the sort is looked at.

    Args:
        value: as it stands in a gin file, macros resolved.
        annotation: of the parameter.
    """
    annotation = bare(annotation)
    if typing.get_origin(annotation) in UNIONS:
        return any(fits(value, part) for part in typing.get_args(annotation))
    if annotation is None or annotation is type(None):
        return value is None
    kind = typing.get_origin(annotation) or annotation
    if kind in (int, float):
        allowed = (int,) if kind is int else (int, float)
        return isinstance(value, allowed) and not isinstance(value, bool)
    if kind is Sequence:
        return isinstance(value, (list, tuple))
    if kind in (bool, str, list, tuple, dict, Mapping):
        return isinstance(value, kind)
    return True


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
    annotation = bare(annotation)
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("collections.abc.", "").replace("typing.", "")
