"""How often two equal models are said to differ, where runs share pre-trainings.

    python benchmarks/shared_pretraining.py --tables 1500

Scores are normal: 70 points, a term of each pre-training that all its runs on all tasks
share, a term of the run and, in its samples, a smaller one of the examples. Every design is
tested with runs of one pre-training as a cluster, and as if all runs were independent.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from electra_bench.reports.statistics.significance import Runs, mean_over_columns
from electra_bench.reports.table import SIGNIFICANCE_LEVEL

REPLICATES = 200
NUM_EXAMPLES = 1000
# Standard deviation in samples, of the part that all runs share and of each run's own.
OF_EXAMPLES = 0.3


class Design(NamedTuple):
    """Numbers of tasks, pre-trainings and runs of each; deviations of their terms.

    Attributes:
        missing: (task, pre-training) without runs.
    """

    tasks: int
    pretrainings: int
    runs: int
    of_pretraining: float
    of_run: float = 1.0
    missing: frozenset[tuple[int, int]] = frozenset()


DESIGNS = {
    "8 tasks, 5 pre-trainings that do not matter": Design(8, 5, 1, 0.0),
    "8 tasks, 5 that matter half as much as a run": Design(8, 5, 1, 0.5),
    "8 tasks, 5 that matter as much": Design(8, 5, 1, 1.0),
    "8 tasks, 5 that matter twice as much": Design(8, 5, 1, 1.0, 0.5),
    "4 tasks, 5 that matter as much": Design(4, 5, 1, 1.0),
    "2 tasks, 5 that matter as much": Design(2, 5, 1, 1.0),
    "8 tasks, half of them without the fifth": Design(
        8, 5, 1, 1.0, missing=frozenset((task, 4) for task in range(4))
    ),
    "2 tasks, one pre-training of three in common": Design(
        2, 5, 1, 1.0, missing=frozenset([(0, 0), (0, 1), (1, 3), (1, 4)])
    ),
    "1 task, 3 pre-trainings x 5 runs": Design(1, 3, 5, 1.0),
    "1 task, 3 x 5 runs, half as much": Design(1, 3, 5, 0.5),
    "1 task, 5 x 3 runs": Design(1, 5, 3, 1.0),
}


def table(design: Design, random: np.random.Generator) -> list[list[Runs]]:
    """The runs of two equal models on every task, without clusters."""
    starts = random.normal(70, design.of_pretraining, (2, design.pretrainings))
    columns = []
    for task in range(design.tasks):
        kept = list(kept_of(design, task))
        shared = random.normal(0, OF_EXAMPLES, REPLICATES)
        columns.append([])
        for of_model in starts:
            scores = of_model[kept] + random.normal(0, design.of_run, len(kept))
            own = random.normal(0, OF_EXAMPLES, (len(kept), REPLICATES))
            samples = scores[:, None] + shared + own
            # Of another number of examples each, so that they are drawn independently.
            columns[-1].append(Runs(scores, samples, NUM_EXAMPLES + task))
    return columns


def kept_of(design: Design, task: int) -> Iterator[int]:
    """The pre-training of each run on a task."""
    for start in range(design.pretrainings):
        if (task, start) not in design.missing:
            yield from [start] * design.runs


def named(
    design: Design, columns: list[list[Runs]], *, as_independent: bool
) -> list[list[Runs]]:
    """The same runs, with their clusters."""
    found = []
    for task, column in enumerate(columns):
        starts = list(enumerate(kept_of(design, task)))
        found.append([])
        for model, runs in enumerate(column):
            names = [
                f"{model} {task} {run}" if as_independent else f"{model} {start}"
                for run, start in starts
            ]
            found[-1].append(runs.clustered(names))
    return found


def main() -> None:
    """Prints the rates."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=1500, help="of each design")
    tables = parser.parse_args().tables
    print(f"false positives at {SIGNIFICANCE_LEVEL:.0%}: as independent, by clusters")
    for name, design in DESIGNS.items():
        random = np.random.default_rng(0)
        false = np.zeros(2)
        for _ in range(tables):
            columns = table(design, random)
            for place, as_independent in enumerate((True, False)):
                sides = named(design, columns, as_independent=as_independent)
                false[place] += mean_over_columns(sides).p_value <= SIGNIFICANCE_LEVEL
        before, after = 100 * false / tables
        print(f"{name}: {before:.1f} %, {after:.1f} %", flush=True)


if __name__ == "__main__":
    main()
