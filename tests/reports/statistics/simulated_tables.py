"""Runs whose true scores are known, without files.

The generating model: run s of model k answers example i of a task rightly if

    ability[k] + pretraining[k, p] + seed[k, s] + difficulty[i] + group[g]
        + affinity[k, i] + taste[k, g] + noise[k, s, i] > 0

with independent normal terms; noise has variance 1. Example i is of group g. Run s starts
from pre-training p = s modulo their number; a single one has no term. All other terms are
drawn for every task anew. The true score of a model is the probability of a right answer,
over pre-trainings, seeds and all examples that there could be. Runs of one model and
different models share the examples, hence their difficulty.
"""

from typing import NamedTuple

import numpy as np
from run_records import run_record
from scipy.stats import norm

from electra_bench.reports.collect.predictions import Answers
from electra_bench.reports.collect.records import Records


class Spread(NamedTuple):
    """Standard deviations of the terms, and numbers of runs and examples.

    `sizes` are those of groups, whose sum is the number of examples; none without groups.
    """

    seed: float = 0.15
    difficulty: float = 1.0
    affinity: float = 0.2
    num_seeds: int = 5
    num_examples: int = 200
    pretraining: float = 0.0
    num_pretrainings: int = 1
    sizes: tuple[int, ...] = ()
    group: float = 0.0
    taste: float = 0.0

    @property
    def total(self) -> float:
        """The standard deviation of all terms together."""
        parts = (self.pretraining, self.seed, self.difficulty, self.affinity, 1.0)
        return float(np.linalg.norm((*parts, self.group, self.taste)))

    @property
    def groups(self) -> np.ndarray:
        """Number of the group of every example."""
        sizes = self.sizes or (1,) * self.num_examples
        return np.repeat(np.arange(len(sizes)), sizes)

    def score(self, ability: float) -> float:
        """The true score, percentage."""
        return 100 * norm.cdf(ability / self.total)

    def ability(self, score: float) -> float:
        """The ability that has a true score."""
        return self.total * norm.ppf(score / 100)


def pretrained(abilities, spread, random) -> np.ndarray:
    """Abilities after pre-training, [models, seeds]."""
    found = np.repeat(np.reshape(abilities, (-1, 1)), spread.num_seeds, axis=1)
    count = spread.num_pretrainings
    if count == 1:
        return found
    drawn = random.normal(0, spread.pretraining, (len(found), count))
    return found + drawn[:, np.arange(spread.num_seeds) % count]


def right_answers(abilities, spread, random) -> np.ndarray:
    """Whether answers to one task are right, bool [models, seeds, examples].

    Args:
        abilities: of the models, or of their runs after pre-training.
        spread: of the other terms.
        random: source of these.
    """
    groups = spread.groups
    shape = (len(abilities), spread.num_seeds, len(groups))
    of_groups = random.normal(0, spread.group, groups[-1] + 1)
    tastes = random.normal(0, spread.taste, (shape[0], 1, groups[-1] + 1))
    return (
        np.reshape(abilities, (len(abilities), -1, 1))
        + random.normal(0, spread.seed, (*shape[:2], 1))
        + random.normal(0, spread.difficulty, (1, 1, shape[2]))
        + random.normal(0, spread.affinity, (shape[0], 1, shape[2]))
        + (of_groups + tastes)[..., groups]
        + random.normal(0, 1, shape)
    ) > 0


class Simulated(Records):
    """Records with predictions in memory; everything else is as with files."""

    def __init__(self, records, answers, groups=()):
        """Takes records and, by run_id, whether their answers are right; and groups."""
        super().__init__(tuple(records))
        object.__setattr__(self, "_answers", answers)
        object.__setattr__(self, "_groups", groups)

    def predictions_sha256(self, record, result):
        """None: there is no file, hence no cache."""
        return None

    def answers(self, record, result):
        """The predictions of a result: 1 where they are right."""
        right = self._answers[record.run_id]
        ids = tuple(f"{i:05d}" for i in range(len(right)))
        found = tuple(right.astype(int).astype(str))
        return Answers(ids, ("1",) * len(right), found, (), self._groups)


def simulated(abilities, spread, random, tasks=("cola", "rte")) -> Simulated:
    """Runs of models m0, m1, ... with these abilities, on tasks of equal spread."""
    records, answers = [], {}
    groups = tuple(map(str, spread.groups)) if spread.sizes else ()
    told = {"unit": "document", "num_groups": len(spread.sizes)} if groups else {}
    of_runs = pretrained(abilities, spread, random)
    for task in tasks:
        right = right_answers(of_runs, spread, random)
        for model, of_model in enumerate(right):
            for seed, of_run in enumerate(of_model):
                start = seed % spread.num_pretrainings
                record = run_record(
                    f"m{model}",
                    task,
                    seed,
                    100 * float(of_run.mean()),
                    parent_run_id=f"m{model}-pretraining-{start}",
                    pretrain_seed=start,
                    result={"num_examples": len(of_run)} | told,
                )
                records.append(record)
                answers[record.run_id] = of_run
    return Simulated(records, answers, groups)
