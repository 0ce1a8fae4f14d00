"""A part of the fault campaign; all of it: `python tests/campaign`."""

import pytest
from faults import DEAD_END, LOST, WRONG, all_faults
from workshop import Workshop, not_compiled

SEED, SIZE = 0, 4


def test_no_fault_ends_badly(tmp_path):
    with not_compiled(str(tmp_path)):
        made = Workshop.open()
        for fault in all_faults(made, SEED, SIZE):
            verdict, said = fault.inject()
            if verdict in (LOST, WRONG, DEAD_END):
                pytest.fail(f"{fault.what}: {verdict}: {said}")
