"""Labels that are different ones, but hardly meant to be."""

import unicodedata
from collections.abc import Mapping


def like_labels(counts: Mapping[str, int]) -> list[str]:
    """What is said of labels that only case, blanks or invisible characters tell apart.

    Args:
        counts: how often each occurs; 0 if it only might.
    """
    alike: dict[str, list[str]] = {}
    for label in sorted(counts):
        alike.setdefault(_folded(label), []).append(label)
    return [
        f"{', '.join(f'{label!r} ({counts[label]:,})' for label in labels)} differ only by "
        "case, blanks or invisible characters, and are classes of their own"
        for labels in alike.values()
        if len(labels) > 1
    ]


def _folded(label: str) -> str:
    """The label without blanks and characters of format, as U+200B is one."""
    letters = unicodedata.normalize("NFKC", label).casefold()
    return "".join(
        letter
        for letter in letters
        if not letter.isspace() and unicodedata.category(letter) != "Cf"
    )
