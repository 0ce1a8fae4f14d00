"""What runs build on, and so which of them are independent of one another."""

import itertools
from collections.abc import Iterator, Sequence

from electra_bench.records import RunRecord
from electra_bench.reports.collect.records import Records

# What a run builds on, oldest first, and the run itself: run_ids, or the name of a seed.
Lineage = tuple[str, ...]


def ancestors(record: RunRecord, records: Records) -> Iterator[RunRecord | None]:
    """The runs that one builds on, nearest first; None where one is not there."""
    return map(records.by_id.get, _ancestor_ids(record, records))


def _ancestor_ids(record: RunRecord, records: Records) -> list[str]:
    """Their run_ids; that of the last one may be of a run that is not there."""
    found = [record.run_id]
    last: RunRecord | None = record
    while last and last.parent_run_id and last.parent_run_id not in found:
        found.append(last.parent_run_id)
        last = records.by_id.get(last.parent_run_id)
    return found[1:]


def lineage(record: RunRecord, records: Records) -> Lineage:
    """The lineage of a run.

    A run names its parent by run_id, which also an imported model has. If the record of
    the parent is not there, the parent may be an intermediate task; then the seed of the
    pre-training, where it is known, tells what lies behind. A run that tells neither, as
    one with random values or from a checkpoint without a record, stands alone.
    """
    found = [*reversed(_ancestor_ids(record, records)), record.run_id]
    is_known = record.parent_run_id in records.by_id
    if record.pretrain_seed is not None and not is_known:
        found.insert(0, f"pre-training seed {record.pretrain_seed}")
    return tuple(found)


def clusters(lineages: Sequence[Lineage]) -> list[str]:
    """What each of some runs shares with those that depend on it.

    It is the oldest that a run builds on and not all the others do. What all build on is
    given, and a claim is about that: runs from one checkpoint are each a cluster of its
    own.
    """
    place = num_given(lineages)
    return [one[place] for one in lineages]


def num_given(lineages: Sequence[Lineage]) -> int:
    """The number of checkpoints, one made from the other, that all runs build on."""
    # A run and what builds on it belong together.
    most = min(len(one) for one in lineages) - 1
    generations = zip(*lineages, strict=False)
    alike = itertools.takewhile(lambda ids: len(set(ids)) == 1, generations)
    return min(len(list(alike)), most)
