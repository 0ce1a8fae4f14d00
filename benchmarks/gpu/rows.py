"""What is measured on a GPU, in order of importance, and when to stop."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from typing import NamedTuple

# Seconds for all rows of a command; a machine may be lent for a short time.
LIMIT_S = 480.0
COLUMNS = ("tokens_per_s", "peak_share", "peak_mb", "compile_s", "agrees", "error")


class Size(NamedTuple):
    """Sizes of a model and its batches: a file of gin/models, sequences, tokens in each."""

    model: str
    batch_size: int
    length: int
    vocabulary: int = 30522


SIZES = {
    "small-128": Size("small", 1024, 128),
    "base-512": Size("base", 64, 512),
    "base-128": Size("base", 256, 128),
    # Measured only where they are named: for several GPUs, and for a CPU.
    "large-512": Size("large", 32, 512),
    "tiny-128": Size("tiny", 16, 128, 8000),
}
ON_DEMAND = {"large-512", "tiny-128"}
PRECISIONS = ("bfloat16", "tf32", "float32")


class Row(NamedTuple):
    """One measurement.

    Attributes:
        size: one of `SIZES`.
        precision: one of `PRECISIONS`; "tf32" is float32 with products of TF32.
        dropout: whether with dropout of 0.1.
    """

    size: str
    precision: str
    dropout: bool

    @property
    def name(self) -> str:
        """What `--only` calls it."""
        end = "" if self.dropout else "-without-dropout"
        return f"{self.size}-{self.precision}{end}"


ROWS = tuple(
    Row(size, precision, dropout)
    for precision in PRECISIONS
    for dropout in (True, False)
    for size in SIZES
)


def row_of(name: str) -> Row:
    """The row of a name.

    Raises:
        ValueError: there is none.
    """
    for row in ROWS:
        if row.name == name:
            return row
    raise ValueError(f"no row {name!r}; all: {', '.join(row.name for row in ROWS)}")


def chosen(patterns: Sequence[str] = ()) -> list[str]:
    """Names of rows in order of importance.

    Args:
        patterns: as a shell has them; without any, all rows but those of `ON_DEMAND`.

    Raises:
        ValueError: a pattern fits none.
    """
    if not patterns:
        return [row.name for row in ROWS if row.size not in ON_DEMAND]
    for pattern in patterns:
        if not any(fnmatch(row.name, pattern) for row in ROWS):
            raise ValueError(
                f"--only {pattern} fits no row; all: {', '.join(r.name for r in ROWS)}"
            )
    return [r.name for r in ROWS if any(fnmatch(r.name, one) for one in patterns)]


def in_turn(
    names: Iterable[str],
    command: Callable[[str], Sequence[str]],
    path: str,
    limit_s: float = LIMIT_S,
) -> list[dict[str, object]]:
    """Measures rows, each in a process of its own, until there is no time left.

    Peak memory and precision belong to a process. What one prints last, a line of JSON, is
    appended to a file as soon as it is there.

    Args:
        names: of the rows.
        command: that measures a row.
        path: of the file.
        limit_s: seconds after which a row is broken off and none is begun.

    Returns:
        The lines; a row that failed has an `error`. Rows without time have none.
    """
    end, lines, left = time.monotonic() + limit_s, [], list(names)
    while left and time.monotonic() < end:
        name = left[0]
        try:
            done = subprocess.run(
                command(name),
                capture_output=True,
                text=True,
                timeout=end - time.monotonic(),
            )
        except subprocess.TimeoutExpired:
            break
        del left[0]
        last = (done.stderr if done.returncode else done.stdout).strip().split("\n")[-1]
        line = {
            "row": name,
            **({"error": last} if done.returncode else json.loads(last)),
        }
        lines.append(line)
        with open(path, "a", encoding="utf-8") as file:
            print(json.dumps(line), file=file, flush=True)
        print(json.dumps(line), flush=True)
    if left:
        sys.stderr.write(f"no time was left for: --only {shlex.join(left)}\n")
    return lines


def table(lines: Sequence[dict[str, object]]) -> str:
    """The lines as a table of Markdown."""
    there = [name for name in COLUMNS if any(name in line for line in lines)]
    rows = [["row", *there], ["---"] * (len(there) + 1)]
    rows += [
        [str(line["row"]), *(str(line.get(name, "-")) for name in there)]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
