"""Numbers as files write them, read the same by Python and TensorFlow."""

import re

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def is_number(text: str) -> bool:
    """Whether `parsed_number` reads a number."""
    return bool(_NUMBER.fullmatch(text))


def parsed_number(text: str) -> float:
    """The number that a text says.

    Python alone would read `1_000` and digits of other scripts, TensorFlow alone `0x10`;
    both `nan`, which is no number.

    Raises:
        ValueError: it says none.
    """
    if not is_number(text):
        raise ValueError(f"{text!r} is not a number; expected one such as -1.5 or 2e3")
    return float(text)
