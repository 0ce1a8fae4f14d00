"""A part of the fault campaign; all of it: `python tests/campaign`."""

from collections import Counter

import pytest
from faults import DEAD_END, LOST, WRONG, all_faults
from workshop import Workshop, a_place

SEED, SIZE = 4, 1


def test_no_fault_ends_badly():
    with a_place():
        faults = all_faults(
            Workshop.open("from built", "evaluate", "export saved"), SEED, SIZE
        )
        groups = Counter()
        for fault in faults:
            groups[fault.group] += 1
            verdict, said = fault.inject()
            print(f"{fault.group} {verdict}: {fault.what} (seed {SEED})")
            if verdict in (LOST, WRONG, DEAD_END):
                pytest.fail(said)
    assert len(groups) == 6 and set(groups.values()) == {SIZE}
