"""How cost grows with batch, length, layers, vocabulary, text and records.

    python benchmarks/growth.py --text 'corpus/*.xz' --vocab vocab.txt \
        --output growth.jsonl --plot growth.png

Changes one of them at a time, appends a line of JSON for each measurement to `--output` as
soon as it is known, fits seconds = a + b x by least squares of relative errors, prints the
fits as a table and plots them; `--only WORD` takes some of them, `--fit` measures nothing.
Nothing else may run beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = "gin/models/small.gin"


class Axis(NamedTuple):
    """What is changed.

    Attributes:
        name: of it, and of the horizontal axis.
        unit: of the vertical one.
        values: that it takes.
        measure: from a value to the seconds.
    """

    name: str
    unit: str
    values: Sequence[int]
    measure: Callable[[int], float]


def axes(args: argparse.Namespace) -> list[Axis]:
    """All, with ELECTRA-Small in float32 where a model is trained."""

    def step(*bindings: str) -> float:
        flags = [word for one in bindings for word in ("--gin_param", one)]
        command = ["train_speed.py", SMALL, "--text", args.text, "--vocab", args.vocab]
        return run([*command, "--steps", "10", "--log_every", "2", *flags])[
            "s_per_step"
        ]

    def of_vocabulary(size: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            smaller = os.path.join(folder, "vocab.txt")
            with open(args.vocab, encoding="utf-8") as file:
                tokens = file.read().splitlines()[:size]
            with open(smaller, "w", encoding="utf-8") as file:
                file.write("\n".join(tokens) + "\n")
            return step("BATCH_SIZE = 32", f"VOCAB = {smaller!r}")

    def built(megabytes: int) -> float:
        command = ["corpus_build.py", "--text", args.text, "--vocab", args.vocab]
        return run([*command, "--mb", str(megabytes)])["seconds"]

    def leaderboard(records: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            scale = [os.path.join(HERE, "leaderboard_scale.py")]
            made = [sys.executable, *scale, "make", folder, "--records", str(records)]
            subprocess.run(made, check=True)
            measured = [sys.executable, *scale, "measure", folder]
            done = subprocess.run(measured, check=True, capture_output=True, text=True)
        return float(done.stdout.split("cold: ")[1].split(" s")[0])

    layers = "models.electra.num_layers"
    return [
        Axis(
            "sequences of 128 tokens in a batch",
            "s an update",
            (8, 16, 32, 64),
            lambda n: step(f"BATCH_SIZE = {n}"),
        ),
        Axis(
            "tokens in a sequence, 4,096 in a batch",
            "s an update",
            (64, 128, 256, 512),
            lambda n: step(f"BATCH_SIZE = {4096 // n}", f"MAX_SEQ_LENGTH = {n}"),
        ),
        Axis(
            "layers",
            "s an update",
            (2, 4, 8, 12),
            lambda n: step("BATCH_SIZE = 32", f"{layers} = {n}"),
        ),
        Axis(
            "tokens of the vocabulary",
            "s an update",
            (2000, 8000, 30000),
            of_vocabulary,
        ),
        Axis("MB of text to build", "s", (20, 40, 80, 160), built),
        Axis("records of a leaderboard", "s", (250, 500, 1000, 2000), leaderboard),
    ]


def run(arguments: Sequence[str]) -> dict[str, float]:
    """The line of JSON that another benchmark prints."""
    command = [sys.executable, os.path.join(HERE, arguments[0]), *arguments[1:]]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measures what is asked for, fits and plots."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", required=True, help="file or glob of text")
    parser.add_argument("--vocab", required=True, help="vocab.txt of 30,522 tokens")
    parser.add_argument("--output", required=True, help="file of JSON lines")
    parser.add_argument("--plot", required=True, help="picture to write")
    parser.add_argument("--only", default="", help="part of the names")
    parser.add_argument("--fit", action="store_true", help="measure nothing")
    args = parser.parse_args()
    chosen = [axis for axis in axes(args) if args.only in axis.name]
    for axis in [] if args.fit else chosen:
        for value in axis.values:
            found = {"axis": axis.name, "value": value, "seconds": axis.measure(value)}
            with open(args.output, "a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(json.dumps(found), flush=True)
    fitted(chosen, args)


def fitted(chosen: Sequence[Axis], args: argparse.Namespace) -> None:
    """Prints a table of the fits and draws them."""
    points = defaultdict(dict)
    with open(args.output, encoding="utf-8") as file:
        for line in map(json.loads, file):
            points[line["axis"]][line["value"]] = line["seconds"]
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    panels = figure.subplots(2, 3).flat
    print("| what grows | measured | fit | largest error |")
    print("| --- | --- | --- | --- |")
    for axis, panel in zip(chosen, panels, strict=False):
        x, y = map(np.array, zip(*sorted(points[axis.name].items()), strict=True))
        # Every point divided by its own seconds, so that errors are relative.
        columns = np.stack([1 / y, x / y], axis=1)
        (start, slope), *_ = np.linalg.lstsq(columns, np.ones(len(x)), rcond=None)
        error = np.abs((start + slope * x) / y - 1).max()
        told = ", ".join(f"{a:,}: {b:.3g}" for a, b in zip(x, y, strict=True))
        formula = f"{start:.3g} + {slope:.3g} x"
        print(f"| {axis.name} | {told} {axis.unit} | {formula} | {100 * error:.0f} % |")
        panel.plot(x, y, "o", color="#1f5fae")
        panel.plot([0, x.max()], [start, start + slope * x.max()], color="#5b6472")
        panel.set(xlabel=axis.name, ylabel=axis.unit, title=formula, ylim=(0, None))
    figure.savefig(args.plot, dpi=120)


if __name__ == "__main__":
    main()
