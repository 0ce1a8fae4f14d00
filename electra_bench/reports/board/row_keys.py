"""Which runs are seeds of one row."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.records import RunRecord

# A parameter of one kind of task. Runs on other kinds have it not, and cannot say of it
# that it was changed.
OF_KIND = re.compile(r"kinds\.(\w+)\.")

Changes = dict[str, Any]


class RowKey(NamedTuple):
    """What runs must share to be seeds of one row.

    Attributes:
        label: the row's name.
        protocol: with `*` if there are changes.
        changes: to the protocol, JSON.
        fraction: of pre-training that the model has seen; 0 without any, None if the
            records do not tell, as for imported models.
    """

    label: str
    protocol: str | None
    changes: str
    fraction: float | None


def row_keys(records: Sequence[RunRecord]) -> list[RowKey]:
    """The row of every record.

    Runs on one kind of task share a row if all changes to the protocol agree. Those on
    another kind join them if all its runs have the same changes of its own parameters, or
    if they have none: `kinds.span_qa.beam_size` changed everywhere makes one row still.
    """
    variants: dict[RowKey, dict[str, dict[str, Changes]]] = {}
    split = [_split(record) for record in records]
    for base, kinds in split:
        of_row = variants.setdefault(base, {})
        for kind, changes in kinds.items():
            of_row.setdefault(kind, {})[_json(changes)] = changes
    return [_key(base, kinds, variants[base]) for base, kinds in split]


def _split(record: RunRecord) -> tuple[RowKey, dict[str, Changes]]:
    """The row by what all kinds of task share, and changes of parameters of the run's."""
    protocol = record.protocol
    shared: Changes = {}
    kinds: dict[str, Changes] = {str(record.objective): {}}
    if record.protocol_changes and protocol:
        protocol = protocol.removesuffix("*")
    for name, change in record.protocol_changes.items():
        of_kind = OF_KIND.match(name)
        part = kinds.setdefault(of_kind[1], {}) if of_kind else shared
        part[name] = change
    fraction = 0.0 if record.is_untrained else record.pretrain_fraction
    return RowKey(record.label, protocol, _json(shared), fraction), kinds


def _key(
    base: RowKey,
    kinds: Mapping[str, Changes],
    variants: Mapping[str, Mapping[str, Changes]],
) -> RowKey:
    joins = all(not own or len(variants[kind]) == 1 for kind, own in kinds.items())
    parts = list(kinds.values())
    if joins:
        parts = [
            changes
            for of_kind in variants.values()
            if len(of_kind) == 1
            for changes in of_kind.values()
        ]
    changes = json.loads(base.changes)
    for part in parts:
        changes |= part
    if not changes:
        return base
    protocol = f"{base.protocol}*" if base.protocol else base.protocol
    return base._replace(protocol=protocol, changes=_json(changes))


def _json(changes: Mapping[str, Any]) -> str:
    return json.dumps(dict(changes), sort_keys=True) if changes else "{}"
