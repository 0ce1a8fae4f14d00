"""Work on several processes, for whatever program starts it."""

import subprocess
import sys

SCRIPT = """
from electra_bench.system.ordered_map import ordered_map

print([result for _, result in ordered_map(abs, [-1, 2, -3], 2)])
print(__file__.endswith("script.py"), __spec__)
"""


def test_a_script_is_not_run_again_by_its_workers(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=100
    )
    assert (done.stdout, done.stderr) == ("[1, 2, 3]\nTrue None\n", "")
