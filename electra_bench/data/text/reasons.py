"""Why something was left out, where it is often for the same reason."""

import re
from collections.abc import Iterable, Sequence


class Reasons:
    """Reasons as they come; of those that are alike only the first is kept.

    They are alike if they differ in numbers and quoted text only.
    """

    # So many are named.
    MOST = 5

    def __init__(self, messages: Iterable[str] = ()):
        """Begins with some, or none."""
        self._alike: dict[str, tuple[str, int]] = {}
        for message in messages:
            self.add(message)

    def add(self, message: str) -> None:
        """One more."""
        kind = re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "", message)
        first, count = self._alike.get(kind, (message, 0))
        self._alike[kind] = first, count + 1

    def said(self) -> list[str]:
        """A sentence of each that differs, with a count, in the order of coming."""
        return [_said(*found) for found in self._alike.values()]

    def by_frequency(self) -> list[str]:
        """As `said`; those that are most come first."""
        most = sorted(self._alike.values(), key=lambda found: -found[1])
        return [_said(*found) for found in most]


def too_many(
    name: str, count: str, limit: float, parameter: str, reasons: Sequence[str]
) -> str:
    """What is said where more was left out than may be.

    Args:
        name: of what was read.
        count: how much was left out, of how much.
        limit: share that may be, from 0 to 1.
        parameter: what binds it.
        reasons: why, those that are most first; the first few are named.
    """
    why = "; ".join(reasons[: Reasons.MOST])
    # Each begins with what was read, as the sentence does.
    why = why.replace(f"{name}, ", "").replace(f"{name}: ", "")
    return (
        f"{name}: {count} cannot be used, more than the {100 * limit:g} % that may be "
        f"skipped ({parameter}): {why}"
    )


def _said(first: str, count: int) -> str:
    return first + (f" (and {count - 1:,} more like it)" if count > 1 else "")
