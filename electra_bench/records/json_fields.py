"""What JSON must hold to be a dataclass: told by the types of its fields.

Only what a record is made of: texts, numbers, truth values, null, and objects and arrays
of these. Tables are made of many records, so a value costs a look at its type.
"""

import functools
import reprlib
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# Integers of more bits are no numpy integers.
LARGEST_INT = 2**63 - 1
NUMBERS = (int, float)
# Of every type: what it is in JSON, and what that is called.
WORDS = {
    str: ((str,), "text"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((float, int), "a number"),
    types.NoneType: ((types.NoneType,), "null"),
    Mapping: ((dict,), "an object"),
    Sequence: ((list,), "an array"),
    tuple: ((list,), "an array"),
}


class Form(NamedTuple):
    """What a value may be.

    Attributes:
        types: its types; not their subclasses, since True is no number.
        words: the same in words.
        largest: of numbers; their smallest is its negative. NaN is none.
        inner: what the values of an object may be; None for anything.
    """

    types: frozenset[type]
    words: str
    largest: float
    inner: "Form | None"


def known_fields(cls: type, content: Mapping[str, Any], where: str = "") -> dict:
    """The entries of a JSON object that are fields of a dataclass.

    Args:
        cls: the dataclass.
        content: the object; what is no field, as of a later version, is left out.
        where: what the names of its fields have before them in errors.

    Raises:
        ValueError: a value is not of its field's type; says which and what it is.
    """
    if type(content) is not dict:
        name = where.removesuffix(".")
        raise ValueError(f"{name} is {reprlib.repr(content)}, expected an object")
    forms = _forms(cls)
    known = {}
    for name, value in content.items():
        form = forms.get(name)
        if form is None:
            continue
        kind = type(value)
        if kind not in form.types or kind in NUMBERS:
            _check(value, form, where, name)
        if form.inner is not None and value is not None:
            inside = f"{where}{name}."
            for key, item in value.items():
                _check(item, form.inner, inside, key)
        known[name] = value
    return known


def _check(value: Any, form: Form, where: str, name: str) -> None:
    if type(value) not in form.types:
        raise ValueError(
            f"{where}{name} is {reprlib.repr(value)}, expected {form.words}"
        )
    is_number = type(value) in NUMBERS
    if is_number and not -form.largest <= value <= form.largest:
        raise ValueError(f"{where}{name} is {reprlib.repr(value)}, which is too large")


@functools.cache
def _forms(cls: type) -> dict[str, Form]:
    return {name: _form(hint) for name, hint in typing.get_type_hints(cls).items()}


def _form(hint: Any) -> Form:
    """What values a type hint allows."""
    is_union = typing.get_origin(hint) is types.UnionType
    hints = typing.get_args(hint) if is_union else (hint,)
    found = [WORDS[typing.get_origin(one) or one] for one in hints]
    allowed = frozenset(kind for kinds, _ in found for kind in kinds)
    inner = None
    for one in hints:
        if typing.get_origin(one) is Mapping and typing.get_args(one)[1] is not Any:
            inner = _form(typing.get_args(one)[1])
    return Form(
        allowed,
        " or ".join(words for _, words in found),
        sys.float_info.max if float in allowed else LARGEST_INT,
        inner,
    )
