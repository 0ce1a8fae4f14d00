"""Whether intervals hold for a setting that trials chose, by where it was chosen.

    python benchmarks/search_trials.py --tables 1000

Two models each try some settings with one seed; the best one is run with five seeds and
compared on the scored split. The worlds are those of `claims.py`. Settings are equally
good, or their abilities differ by a normal term. Chosen is on other examples, as
`suites.search` does, or on the scored ones, whose first seed is then among the five.
"""

import argparse

import numpy as np
from claims import ABILITY, Column, World, simulated

from electra_bench.reports.statistics import significance

TRIALS = (1, 2, 4, 8, 16, 32)
SPREADS = (0.0, 0.1, 0.3)
# The part that is held out of a training set of ten times the size, as the scored split.
WORLD = World((10,) * 60, group=0.5, taste=0.5, tasks=2)
MODELS = 2


def judged(trials: int, spread: float, random: np.random.Generator) -> dict[str, list]:
    """By where settings are chosen: whether the interval of the first model's score, and
    that of the models' difference, hold the truth; and how far the score is too high."""
    abilities = ABILITY + spread * random.normal(size=MODELS * trials)
    held_out, scored = simulated(WORLD, abilities, random)
    found = {}
    for name, column in {"held out": held_out, "scored": scored}.items():
        by_trial = column.right[:, 0].mean(-1).reshape(MODELS, trials)
        best = by_trial.argmax(1) + trials * np.arange(MODELS)
        runs = Column(WORLD, scored.right[best], scored.starts, scored.name).runs
        truth = [WORLD.score(ability) for ability in abilities[best]]
        own, difference = significance.estimate(runs[0]), significance.estimate(*runs)
        found[name] = [
            own.low <= truth[0] <= own.high,
            difference.low <= truth[0] - truth[1] <= difference.high,
            own.value - truth[0],
        ]
    return found


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    args = parser.parse_args()
    random = np.random.default_rng(2026)
    print(
        "| trials, spread of settings | score, held out | difference, held out | bias | "
        "score, on the scored split | difference | bias |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for spread in SPREADS:
        for trials in TRIALS:
            tables = [judged(trials, spread, random) for _ in range(args.tables)]
            cells = []
            for name in ("held out", "scored"):
                own, both, bias = np.mean([table[name] for table in tables], 0)
                cells += [f"{100 * own:.1f} %", f"{100 * both:.1f} %", f"{bias:+.2f}"]
            print(f"| {trials}, {spread:g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
