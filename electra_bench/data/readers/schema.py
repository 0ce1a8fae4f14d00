"""Values as JSON has them, checked against a type."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
_LONGEST = 100  # characters of a value in a message


def checked(value: Any, schema: type[T], names: Mapping[str, Any] | None = None) -> T:
    """A value as a schema has it.

    Usual spellings are taken for what they mean: "8" and 8.0 for a whole number, "false"
    and 0 for false.

    Args:
        value: of JSON.
        schema: what msgspec takes for a type.
        names: what fields are called in messages, where not as in the schema.

    Raises:
        ValueError: another type, or something is lacking; names the field and its value.
    """
    try:
        return msgspec.convert(value, schema, strict=False)
    except msgspec.ValidationError as error:
        message = str(error)
    names = names or {}
    said, _, path = message.partition(" - at ")
    keys = re.findall(r"[^.\[\]]+", path.strip("`$"))
    for key in keys:
        value = value[int(key) if isinstance(value, (list, tuple)) else key]
    place = "".join(f"[{key}]" if key.isdigit() else f".{key}" for key in keys[1:])
    field = f"{names.get(keys[0], keys[0])}{place}" if keys else ""
    found = re.match(r"Object missing required field `(.*?)`", said)
    if found:
        lacking = repr(names.get(found[1], found[1]))
        raise ValueError(f"{field!r} lacks {lacking}" if field else f"lacks {lacking}")
    types = said.split("`")[1].split(" | ")
    # A number may be a whole one; that nothing may stand there helps nobody.
    types = [t for t in types if t != "null" and not (t == "int" and "float" in types)]
    wanted = " or ".join(_WORDS.get(name, name) for name in types)
    length = re.search(r" of length .*", said)
    shown = repr(value)
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
    raise ValueError(
        f"{field or 'it'!r} is {shown}, expected {wanted}{length[0] if length else ''}"
    )
