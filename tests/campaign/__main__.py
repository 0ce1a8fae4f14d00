"""Injects faults into tiny runs, their caches and tables, and says how each ended.

Command: python tests/campaign [--seed N] [--size N] [--group N] [--markdown FILE]
"""

import argparse
import collections
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from faults import DEAD_END, GROUPS, LOST, VERDICTS, WRONG, all_faults
from workshop import Workshop, a_place

BAD = (LOST, WRONG, DEAD_END)


def main() -> int:
    """Runs the campaign; 1 if something was lost, silently wrong or a dead end."""
    parser = argparse.ArgumentParser(prog="tests/campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn")
    parser.add_argument("--size", type=int, default=60, help="faults of each group")
    parser.add_argument("--group", type=int, choices=GROUPS, help="only of this group")
    parser.add_argument("--markdown", help="file for the table")
    args = parser.parse_args()
    started, counts, bad = time.monotonic(), collections.Counter(), []
    with a_place():
        made = Workshop.open()
        for fault in all_faults(made, args.seed, args.size):
            if args.group in (None, fault.group):
                verdict, said = fault.inject()
                counts[fault.group, verdict] += 1
                print(f"{fault.group} {verdict}: {fault.what}", flush=True)
                if verdict in BAD:
                    bad.append(fault.what)
                    print(said, flush=True)
    seconds = time.monotonic() - started
    text = f"{table(counts)}\nSeed {args.seed}, {seconds:.0f} s.\n"
    print(text)
    if args.markdown:
        Path(args.markdown).write_text(text)
    return 1 if bad else 0


def table(counts: Mapping[tuple[int, str], int]) -> str:
    """The counts of faults as Markdown, by group and verdict."""
    rows = [
        [GROUPS[group], *(counts[group, verdict] for verdict in VERDICTS)]
        for group in GROUPS
    ]
    rows.append(["all", *(sum(row[i] for row in rows) for i in range(1, len(rows[0])))])
    lines = [["fault", "injected", *VERDICTS], ["---"] * (len(VERDICTS) + 2)]
    lines += [[name, sum(numbers), *numbers] for name, *numbers in rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
