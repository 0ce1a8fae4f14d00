"""Runs whose true scores are known, without files.

The generating model: run s of model k answers example i of a task rightly if

    ability[k] + seed[k, s] + difficulty[i] + affinity[k, i] + noise[k, s, i] > 0

with independent normal terms; noise has variance 1. The true score of a model is the
probability of a right answer, over seeds and over all examples that there could be. Runs
of one model and different models share the examples, hence their difficulty.
"""

from typing import NamedTuple

import numpy as np
from run_records import run_record
from scipy.stats import norm

from electra_bench.reports.collect import Collected
from electra_bench.reports.predictions import Answers


class Spread(NamedTuple):
    """Standard deviations of the terms, and numbers of runs and examples."""

    seed: float = 0.15
    difficulty: float = 1.0
    affinity: float = 0.2
    num_seeds: int = 5
    num_examples: int = 200

    def score(self, ability: float) -> float:
        """The true score, percentage."""
        total = self.seed**2 + self.difficulty**2 + self.affinity**2 + 1
        return 100 * norm.cdf(ability / np.sqrt(total))

    def ability(self, score: float) -> float:
        """The ability that has a true score."""
        total = self.seed**2 + self.difficulty**2 + self.affinity**2 + 1
        return np.sqrt(total) * norm.ppf(score / 100)


def right_answers(abilities, spread, random) -> np.ndarray:
    """Whether answers are right, bool [models, seeds, examples]."""
    shape = (len(abilities), spread.num_seeds, spread.num_examples)
    return (
        np.reshape(abilities, (-1, 1, 1))
        + random.normal(0, spread.seed, (*shape[:2], 1))
        + random.normal(0, spread.difficulty, (1, 1, shape[2]))
        + random.normal(0, spread.affinity, (shape[0], 1, shape[2]))
        + random.normal(0, 1, shape)
    ) > 0


class Simulated(Collected):
    """Records with predictions in memory; everything else is as with files."""

    def __init__(self, records, answers):
        """Takes records and, by run_id, whether their answers are right."""
        super().__init__(tuple(records))
        object.__setattr__(self, "_answers", answers)

    def predictions_sha256(self, record, result):
        """None: there is no file, hence no cache."""
        return None

    def answers(self, record, result):
        """The predictions of a result: 1 where they are right."""
        right = self._answers[record.run_id]
        ids = tuple(f"{i:05d}" for i in range(len(right)))
        return Answers(ids, ("1",) * len(right), tuple(right.astype(int).astype(str)))


def simulated(abilities, spread, random, tasks=("cola", "rte")) -> Simulated:
    """Runs of models m0, m1, ... with these abilities, on tasks of equal spread."""
    records, answers = [], {}
    for task in tasks:
        right = right_answers(abilities, spread, random)
        for model, of_model in enumerate(right):
            for seed, of_run in enumerate(of_model):
                record = run_record(
                    f"m{model}",
                    task,
                    seed,
                    100 * float(of_run.mean()),
                    result={"num_examples": len(of_run)},
                )
                records.append(record)
                answers[record.run_id] = of_run
    return Simulated(records, answers)
