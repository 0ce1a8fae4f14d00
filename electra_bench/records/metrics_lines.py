"""What a run has logged: `metrics.jsonl`, a JSON object a line."""

import json
from typing import Any

FILE_NAME = "metrics.jsonl"


def read_metrics(path: str) -> tuple[list[dict[str, Any]], list[int]]:
    """Reads the lines of a run.

    Args:
        path: the file.

    Returns:
        Its objects, which all have a whole number as `step`; and the numbers of the lines,
        from 1, that are none. The last line may be cut off, as a killed process leaves it:
        it is neither, since it is written again when the run goes on.
    """
    objects, damaged = [], []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith("\n"):
                break
            try:
                found = json.loads(line)
            except ValueError:
                found = None
            if isinstance(found, dict) and isinstance(found.get("step"), int):
                objects.append(found)
            else:
                damaged.append(number)
    return objects, damaged
