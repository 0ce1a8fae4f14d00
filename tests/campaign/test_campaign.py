"""A part of the fault campaign; all of it: `python tests/campaign`."""

import pytest
from faults import DEAD_END, LOST, WRONG, all_faults
from workshop import Workshop, a_place

SEED, SIZE = 0, 2


def test_no_fault_ends_badly():
    with a_place():
        made = Workshop.open()
        for fault in all_faults(made, SEED, SIZE):
            verdict, said = fault.inject()
            print(f"{fault.group} {verdict}: {fault.what} (seed {SEED})")
            if verdict in (LOST, WRONG, DEAD_END):
                pytest.fail(said)
