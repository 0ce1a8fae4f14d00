"""Why something was left out, where it is often for the same reason."""

import re
from collections.abc import Iterable


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


def _said(first: str, count: int) -> str:
    return first + (f" (and {count - 1:,} more like it)" if count > 1 else "")
