"""Freed memory stays with the process; tried in one of its own: there is no way back."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from electra_bench.training.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(64 << 20, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's switches")
def test_memory_is_faulted_in_once():
    def faults(how):
        command = [sys.executable, "-c", PROGRAM, how]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert faults("kept") < 100 < faults("given back")
