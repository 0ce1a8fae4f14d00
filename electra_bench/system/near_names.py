"""What somebody may have meant who gave a name that is not known."""

import difflib
from collections.abc import Iterable

MOST = 3


def near_names(name: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """The known names that are most like a given one, best first.

    Args:
        name: as it was given.
        known: those that there are.
        cutoff: how like they must be, 0 to 1.
    """
    return difflib.get_close_matches(name, list(known), n=MOST, cutoff=cutoff)


def near_and_all(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of a message about an unknown name: `near: ['cola']; all: [...]`."""
    known = list(known)
    return f"near: {near_names(name, known, cutoff)}; all: {known}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to stand in a message about an unknown name; empty if nothing is near."""
    near = near_names(name, known)
    return f"did you mean {' or '.join(near)}? " if near else ""
