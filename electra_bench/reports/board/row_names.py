"""Names of rows, and of columns, that say what it takes to tell them apart."""

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from electra_bench.reports.board.recipes import numbered, told_apart
from electra_bench.reports.board.row_keys import RowKey, changed_to


def seen_of_pretraining(fraction: float | None) -> str:
    """How much of pre-training a model has seen, in a word."""
    if fraction is None:
        return "untold"
    if fraction == 1:
        return "all"
    return f"{fraction:.4g}" if fraction else "none"


def row_names(rows: Sequence[RowKey]) -> list[str]:
    """Names of rows where the protocol stands beside."""

    def after(fraction: float | None) -> str:
        if fraction == 0:
            return "without pre-training"
        return after_pretraining(fraction, " of pre-training")

    names = distinct_names(rows, {"fraction": after}, [row.name for row in rows])
    twins = [
        (row.label, row.fraction, row.protocol and row.protocol.removesuffix("*"))
        for row in rows
    ]
    return _with_changes(names, rows, twins, [row.protocol for row in rows])


def short_names(rows: Sequence[RowKey]) -> list[str]:
    """Names of rows that all differ, in few words."""
    forms = {
        "protocol": lambda protocol: protocol or "no protocol",
        "fraction": after_pretraining,
    }
    names = distinct_names(rows, forms, [row.name for row in rows])
    return _with_changes(names, rows, names, [None] * len(rows))


def after_pretraining(fraction: float | None, of: str = "") -> str:
    """The same as part of a name; `of` follows a part of it."""
    if fraction is None:
        return "pre-trained"
    return f"after {seen_of_pretraining(fraction)}{of}"


def _with_changes(
    names: Sequence[str],
    rows: Sequence[RowKey],
    twins: Sequence[Hashable],
    beside: Sequence[str | None],
) -> list[str]:
    """Names with the changes to their protocols that tell twins apart.

    They differ where what stands beside them does not, if need be by a number.
    """
    changes: dict[Hashable, dict[str, None]] = defaultdict(dict)
    for row, twin in zip(rows, twins, strict=True):
        changes[twin][row.changes] = None
    words: dict[tuple[Hashable, str], str] = {}
    for twin, several in changes.items():
        values = [
            {key: changed_to(change) for key, change in json.loads(one).items()}
            for one in several
        ]
        told = told_apart(values) if len(values) > 1 else [""]
        words |= {(twin, c): w for c, w in zip(several, told, strict=True)}
    found = [
        _with_words(name, words[twin, row.changes])
        for name, row, twin in zip(names, rows, twins, strict=True)
    ]
    # A numbered name may be another row's label.
    while len(set(whole := list(zip(found, beside, strict=True)))) < len(whole):
        found = numbered(found, whole)
    return found


def _with_words(name: str, words: str) -> str:
    if not words:
        return name
    if name.endswith(")"):
        return f"{name.removesuffix(')')}, {words})"
    return f"{name} ({words})"


def distinct_names(
    keys: Sequence[NamedTuple],
    forms: dict[str, Callable[[Any], str]],
    names: list[str],
) -> list[str]:
    """Names of keys, and of their fields what it takes to differ.

    Args:
        keys: the keys, all different.
        forms: field to how a value of it is written, in the order of preference.
        names: of the keys.
    """
    for field, form in forms.items():
        values: dict[str, set] = defaultdict(set)
        for name, key in zip(names, keys, strict=True):
            values[name].add(getattr(key, field))
        names = [
            f"{name} {form(getattr(key, field))}" if len(values[name]) > 1 else name
            for name, key in zip(names, keys, strict=True)
        ]
    return names
