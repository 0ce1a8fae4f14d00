"""Lines that each hold a JSON object."""

import json
from collections.abc import Mapping
from typing import Any

from electra_bench.data.text.streams import Reading


def json_value(text: str) -> Any:
    """What a JSON text says.

    Raises:
        json.JSONDecodeError: nothing, or nothing that can be read.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", text, 0) from None
    except ValueError as error:
        # Python refuses numbers of thousands of digits.
        raise json.JSONDecodeError(str(error), text, 0) from None


def json_object(line: str, where: str, reading: Reading) -> dict[str, Any] | None:
    """The object that a line holds; None if it holds none and errors are skipped.

    Args:
        line: of a file.
        where: names file and line in messages.
        reading: what to do about errors.
    """
    try:
        record = json_value(line)
    except json.JSONDecodeError as error:
        reading.wrong(f"{where}: not JSON: {error}")
        return None
    if not isinstance(record, dict):
        reading.wrong(f"{where}: expected a JSON object, got {type(record).__name__}")
        return None
    return record


def string_field(
    record: Mapping[str, Any], name: str, where: str, reading: Reading
) -> str | None:
    """The string in a field; None if it has none and errors are skipped."""
    text = record.get(name)
    if not isinstance(text, str):
        found = "is no string" if name in record else "is missing"
        reading.wrong(f"{where}: field {name!r} {found}; fields: {sorted(record)}")
        return None
    return valid_text(text)


def valid_text(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON may escape."""
    return text.encode("utf-8", "replace").decode()
