"""Which runs are seeds of one row."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.records import RunRecord
from electra_bench.reports.board import recipes
from electra_bench.reports.board.recipes import Settings, comparable
from electra_bench.reports.collect.records import Records

# What only runs on some tasks have: parameters of a kind of task, or of its features. The
# others cannot say of it that it was changed.
OF_SOME_TASKS = re.compile(r"(kinds|features)\.\w+\.")

# In changes to a protocol, before the values that trials chose.
CHOSEN = "chosen"


class RowKey(NamedTuple):
    """What runs must share to be seeds of one row.

    Attributes:
        label: of its runs.
        protocol: with `*` if there are changes.
        changes: to the protocol, JSON.
        fraction: of pre-training that the model has seen; 0 without any, None if the
            records do not tell, as for imported models.
        recipe: what tells it from other recipes under this label and protocol, in few
            words; empty where nothing has to be said.
    """

    label: str
    protocol: str | None
    changes: str
    fraction: float | None
    recipe: str = ""

    @property
    def name(self) -> str:
        """The label with what tells the recipe apart: `electra (100 steps)`."""
        return f"{self.label} ({self.recipe})" if self.recipe else self.label


class Place(NamedTuple):
    """Where a run is counted.

    Attributes:
        row: its row.
        untold: settings that tell this row from others and that it does not tell, though
            runs on its tasks do: it may belong to one of the others.
    """

    row: RowKey
    untold: tuple[str, ...] = ()


def row_keys(records: Sequence[RunRecord], known: Records) -> list[RowKey]:
    """The row of every record, see `places`."""
    return [place.row for place in places(records, known)]


def places(records: Sequence[RunRecord], known: Records) -> list[Place]:
    """The row of every record, and what it does not tell of that.

    Runs share a row if their recipes agree in all that both have. What only some tasks
    have, such as `kinds.span_qa.beam_size`, divides those, and the others go with the
    larger part; what a row may have otherwise on other tasks, such as epochs, divides it
    only if runs on one task differ in it.

    Args:
        records: the runs.
        known: with the runs that they build on, as far as they are there.
    """
    records = [recipes.as_made(record, known) for record in records]
    groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for number, record in enumerate(records):
        groups[record.label, _protocol(record)].append(number)
    found: dict[int, Place] = {}
    for (label, protocol), numbers in groups.items():
        grouped = _Group.of([records[number] for number in numbers], known)
        assumed: dict[int, list[str]] = defaultdict(list)
        for members, changes, recipe in _rows(grouped, assumed):
            starred = f"{protocol}*" if protocol and changes else protocol
            told = json.dumps(changes, sort_keys=True)
            of_row = RowKey(label, starred, told, None, recipe)
            for member in members:
                row = of_row._replace(fraction=_fraction(grouped.records[member]))
                found[numbers[member]] = Place(row, tuple(assumed[member]))
    return [found[number] for number in range(len(records))]


def _protocol(record: RunRecord) -> str | None:
    if record.protocol_changes and record.protocol:
        return record.protocol.removesuffix("*")
    return record.protocol


def _fraction(record: RunRecord) -> float | None:
    return 0.0 if record.is_untrained else record.pretrain_fraction


class _Group(NamedTuple):
    """Runs of one label and protocol, with the settings in which they differ.

    Attributes:
        records: of the runs.
        settings: of each.
        usual: what the protocol says of the parameters that some have changed.
        keys: of the settings in which they differ.
    """

    records: Sequence[RunRecord]
    settings: Sequence[Settings]
    usual: Mapping[str, Any]
    keys: Sequence[str]

    @classmethod
    def of(cls, group: Sequence[RunRecord], known: Records) -> "_Group":
        """Some runs, with those that they build on as far as they are there."""
        found = recipes.with_earlier(group, known)
        usual = {
            key: change[0] if _is_pair(change) else None
            for record in group
            for key, change in record.protocol_changes.items()
        }
        for record, settings in zip(group, found, strict=True):
            _add_changed(record, settings, usual)
        of_recipe = recipes.differing(found)
        keys = [*of_recipe, *sorted(usual.keys() - set(of_recipe))]
        return cls(group, found, usual, keys)

    def parts(
        self, members: Sequence[int], assumed: dict[int, list[str]]
    ) -> list[list[int]]:
        """The rows that some of the runs make.

        Args:
            members: the runs.
            assumed: run to what it does not tell of its row, which is added.
        """
        for key in self.keys:
            if not self._divides(key, members):
                continue
            by_value: dict[str, list[int]] = defaultdict(list)
            lacking = []
            for member in members:
                if key in self.settings[member]:
                    by_value[comparable(self.settings[member][key])].append(member)
                else:
                    lacking.append(member)
            for member in self._silent(key, lacking, members):
                assumed[member].append(key)
            of_protocol = comparable(self.usual.get(key))
            ordered = sorted(
                by_value, key=lambda v: (v != of_protocol, -len(by_value[v]), v)
            )
            by_value[ordered[0]] += lacking
            return [part for v in ordered for part in self.parts(by_value[v], assumed)]
        return [list(members)]

    def _silent(
        self, key: str, lacking: Sequence[int], members: Sequence[int]
    ) -> list[int]:
        """Runs without a setting that divides others on their tasks."""
        cells: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for member in members:
            record = self.records[member]
            for task in record.tasks:
                cells[task, record.is_untrained].append(member)
        divided = {cell for cell, of in cells.items() if self._divides(key, of)}
        return [
            member
            for member in lacking
            if _has(record := self.records[member], key)
            # What trials chose is told, but in no setting.
            and key not in recipes.chosen_parameters([record])
            and any((task, record.is_untrained) in divided for task in record.tasks)
        ]

    def _divides(self, key: str, members: Sequence[int]) -> bool:
        """Whether runs differ in a setting that should not, those on one task at least."""
        is_per_task = recipes.is_per_task(key)
        cells: dict[str, list[int]] = defaultdict(list)
        for member in members:
            for task in self.records[member].tasks if is_per_task else ("",):
                cells[task].append(member)
        return any(
            len({comparable(s[key]) for m in of_cell if key in (s := self.settings[m])})
            > 1
            for of_cell in cells.values()
        )

    def untold(self, members: Sequence[int]) -> Settings:
        """The settings that some runs share and that are neither changed nor usual."""
        changed = {key for m in members for key in self.records[m].protocol_changes}
        found = {}
        for key in self.keys:
            values = [s[key] for m in members if key in (s := self.settings[m])]
            is_shared = len({comparable(value) for value in values}) == 1
            is_usual = key in self.usual and values[:1] == [self.usual[key]]
            if is_shared and not is_usual and key not in changed:
                found[key] = values[0]
        return found

    def changes(self, members: Sequence[int]) -> dict[str, Any]:
        """The changes of some runs to their protocol.

        What runs on some tasks alone have changed is named with these; what trials chose
        is not.
        """
        chosen = recipes.chosen_parameters(self.records[m] for m in members)
        changed: dict[str, dict[str, tuple[Any, list[int]]]] = defaultdict(dict)
        for member in members:
            for key, change in self.records[member].protocol_changes.items():
                _, of_change = changed[key].setdefault(comparable(change), (change, []))
                of_change.append(member)
        found = {}
        for key, variants in changed.items():
            if key in chosen:
                several = [change for change, _ in variants.values()]
                values = sorted(map(changed_to, several), key=comparable)
                found[key] = [self.usual[key], {CHOSEN: values}]
                continue
            having = [
                m for m in members if key in self.settings[m] or key not in self.keys
            ]
            for change, of_change in variants.values():
                is_of_all = len(of_change) == len(having)
                tasks = {task for m in of_change for task in self.records[m].tasks}
                name = key if is_of_all else f"{key} on {', '.join(sorted(tasks))}"
                found[name] = change
        return found


def _rows(
    group: _Group, assumed: dict[int, list[str]]
) -> list[tuple[list[int], dict[str, Any], str]]:
    """The rows of runs of one label and protocol: members, changes, recipe.

    See `_Group.parts` for `assumed`.
    """
    parts = group.parts(range(len(group.records)), assumed)
    shared = [group.untold(part) for part in parts]
    variants = {comparable(one): one for one in shared}
    told = recipes.told_apart(list(variants.values())) if len(variants) > 1 else [""]
    words = dict(zip(variants, told, strict=True))
    return [
        (part, group.changes(part), words[comparable(one)])
        for part, one in zip(parts, shared, strict=True)
    ]


def _add_changed(
    record: RunRecord, settings: Settings, usual: Mapping[str, Any]
) -> None:
    """Adds what runs have changed of a protocol, or have as it says."""
    for key in usual.keys() - recipes.chosen_parameters([record]):
        if key in record.protocol_changes:
            settings[key] = changed_to(record.protocol_changes[key])
        elif key not in settings and _has(record, key):
            settings[key] = usual[key]


def changed_to(change: Any) -> Any:
    """The run's value in a change to its protocol; of chosen ones all, in words."""
    value = change[1] if _is_pair(change) else change
    if isinstance(value, Mapping) and CHOSEN in value:
        return " or ".join(map(str, value[CHOSEN]))
    return value


def _is_pair(change: Any) -> bool:
    return isinstance(change, Sequence) and len(change) == 2


def _has(record: RunRecord, key: str) -> bool:
    """Whether a run has a parameter: all have those that are not of some tasks only."""
    of_some = OF_SOME_TASKS.match(key)
    if of_some is None or of_some[0] == f"kinds.{record.objective}.":
        return True
    return any(name.startswith(of_some[0]) for name in record.hparams)
