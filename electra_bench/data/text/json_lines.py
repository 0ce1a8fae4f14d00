"""Lines that each hold a JSON object."""

import json
from collections.abc import Iterator
from typing import Any

from electra_bench.data.text.streams import (
    Line,
    Peekable,
    Reading,
    Text,
    numbered_lines,
)


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
            record = json_value(line.text)
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
            yield Text(record.get("id", line.number), line.where, valid_text(text))
            continue
        found = "is no string" if field in record else "is missing"
        fields = sorted(record)
        reading.wrong(f"{line.where}: field {field!r} {found}; fields: {fields}")


def valid_text(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON may escape."""
    return text.encode("utf-8", "replace").decode()
