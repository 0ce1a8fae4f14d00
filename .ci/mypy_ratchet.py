"""Runs mypy and fails where a package has more errors than it had.

    python .ci/mypy_ratchet.py            compares with .ci/mypy_errors.txt
    python .ci/mypy_ratchet.py --lower    writes the numbers down, where they are lower

A package that is not in the file has no errors and may get none; what was mended has to be
written down, so that it stays.
"""

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

LIMITS = Path(__file__).with_name("mypy_errors.txt")
ERROR = re.compile(r"electra_bench/(\w+)(?:\.py|/\S*):\d+: error:")


def main() -> int:
    """Compares, or writes; the exit status is 1 if a package has other numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lower", action="store_true")
    args = parser.parse_args()
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], capture_output=True, text=True, check=False
    )
    found = Counter(ERROR.findall(done.stdout))
    if done.returncode > 1 or (done.returncode == 1 and not found):
        print(done.stdout, done.stderr, sep="\n")
        return 1
    words = (line.split() for line in LIMITS.read_text().splitlines())
    limits = {package: int(count) for package, count in words}
    worse = {p: n for p, n in found.items() if n > limits.get(p, 0)}
    for line in done.stdout.splitlines():
        error = ERROR.match(line)
        if error and error[1] in worse:
            print(line)
    for package, count in sorted(worse.items()):
        print(f"{package}: {count} errors, at most {limits.get(package, 0)} before")
    if args.lower:
        limits = {p: min(n, found[p]) for p, n in limits.items() if found[p]}
        LIMITS.write_text("".join(f"{p} {n}\n" for p, n in sorted(limits.items())))
    elif not worse and sum(found.values()) < sum(limits.values()):
        print(
            f"{sum(found.values())} errors, fewer than before: write it down by --lower"
        )
        return 1
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
