"""Lines that each hold a JSON object."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from electra_bench.data.text.streams import (
    Line,
    Peekable,
    Reading,
    Text,
    numbered_lines,
)

# Half of a pair in UTF-16, which JSON may escape; it is no character.
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def json_value(text: str, replaced: Callable[[int], None]) -> Any:
    """What a JSON text says, each half of a surrogate pair as "?".

    Args:
        text: the JSON.
        replaced: is told how many halves there were, if any.

    Raises:
        json.JSONDecodeError: nothing, or nothing that can be read.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", text, 0) from None
    except ValueError as error:
        # Python refuses numbers of thousands of digits.
        raise json.JSONDecodeError(str(error), text, 0) from None
    if not _ESCAPED_HALF.search(text):
        return value
    halves = 0

    def whole(part: Any) -> Any:
        nonlocal halves
        if isinstance(part, str):
            part, count = _HALF.subn("?", part)
            halves += count
        elif isinstance(part, list):
            part = [whole(item) for item in part]
        elif isinstance(part, dict):
            part = {whole(name): whole(item) for name, item in part.items()}
        return part

    value = whole(value)
    if halves:
        replaced(halves)
    return value


def json_objects(
    stream: Peekable, name: str, reading: Reading
) -> Iterator[tuple[Line, dict[str, Any]]]:
    """The objects of a stream, one a line; blank lines are passed over.

    Args:
        stream: unpacked bytes.
        name: of the file, for messages.
        reading: what to do about lines that hold no object.
    """
    for line in numbered_lines(stream, name, reading):
        if not line.text.strip():
            continue
        try:
            record = json_value(line.text, reading.report.replace)
        except json.JSONDecodeError as error:
            reading.wrong(f"{line.where}: not JSON: {error}")
            continue
        if isinstance(record, dict):
            yield line, record
        else:
            found = type(record).__name__
            reading.wrong(f"{line.where}: expected a JSON object, got {found}")


def json_texts(stream: Peekable, name: str, reading: Reading) -> Iterator[Text]:
    """What the objects of a stream have in `reading.text_field`; see `json_objects`."""
    field = reading.text_field
    for line, record in json_objects(stream, name, reading):
        text = record.get(field)
        if isinstance(text, str):
            yield Text(record.get("id", line.number), line.where, text)
            continue
        found = "is no string" if field in record else "is missing"
        fields = sorted(record)
        reading.wrong(f"{line.where}: field {field!r} {found}; fields: {fields}")
