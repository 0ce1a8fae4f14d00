"""What tables claim about models whose true scores are known, by our rules and by others'.

    python benchmarks/claims.py --tables 1000

Run s of model k answers example i of group g of a task rightly if

    ability[k] + pretraining[k, p] + seed[k, s] + difficulty[i] + group[g]
        + affinity[k, i] + taste[k, g] + noise[k, s, i] > 0

with independent normal terms; noise has variance 1. `group` is what makes some articles
hard for all, `taste` what makes some of them suit one model. A run that collapses guesses
between two classes. A world says how large the terms are; all its models are equal, but for
the column of power. Every table is judged by every rule. `WORLDS` and `RULES` are what to
extend.
"""

import argparse
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import stats

from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.replicates import sample_weights
from electra_bench.reports.statistics.significance import Estimate, Runs

LEVEL = 0.05
REPLICATES = 300
ABILITY = 0.6


class World(NamedTuple):
    """How tables come about.

    Attributes:
        sizes: number of examples of every group of a task.
        group, taste: standard deviations of what the examples of a group share, for all
            models and for one.
        seed, pretraining: the same of runs.
        difficulty, affinity: the same of single examples, for all models and for one.
        num_seeds: runs of a model on a task.
        num_pretrainings: that these start from in turn; 0 for one of each run's own.
        collapse: probability that a run does.
        models, tasks: how many a table has.
    """

    sizes: tuple[int, ...]
    group: float = 0.0
    taste: float = 0.0
    seed: float = 0.15
    pretraining: float = 0.0
    difficulty: float = 1.0
    affinity: float = 0.2
    num_seeds: int = 5
    num_pretrainings: int = 0
    collapse: float = 0.0
    models: int = 3
    tasks: int = 2

    @property
    def total(self) -> float:
        """Standard deviation of all terms together."""
        terms = self.group, self.taste, self.seed, self.pretraining
        return float(np.linalg.norm([*terms, self.difficulty, self.affinity, 1.0]))

    def score(self, ability: float) -> float:
        """The true score, percentage: of another run on other groups."""
        share = stats.norm.cdf(ability / self.total)
        return 100 * float((1 - self.collapse) * share + self.collapse / 2)

    def ability(self, score: float) -> float:
        """The ability that has a true score."""
        share = (score / 100 - self.collapse / 2) / (1 - self.collapse)
        return float(self.total * stats.norm.ppf(share))


@dataclass(frozen=True)
class Column:
    """The runs of all models on one task.

    Attributes:
        world: that they are of.
        right: whether answers are right, bool [models, runs, examples].
        starts: the pre-training of every run.
        name: of the task, whose groups are its own.
    """

    world: World
    right: np.ndarray
    starts: Sequence[str]
    name: str

    @cached_property
    def runs(self) -> list[Runs]:
        """The models' runs with their scores on samples of groups."""
        return self._drawn(self.world.sizes)

    @cached_property
    def runs_of_examples(self) -> list[Runs]:
        """The same on samples of single examples."""
        return self._drawn((1,) * self.right.shape[-1])

    def _drawn(self, of_groups: Sequence[int]) -> list[Runs]:
        sizes = np.array(of_groups)
        drawn = np.concatenate(list(sample_weights(len(sizes), REPLICATES)))
        firsts = np.cumsum([0, *sizes[:-1]])
        right = np.add.reduceat(self.right, firsts, axis=-1, dtype=np.float64)
        samples = 100 * (right @ drawn.T) / (drawn @ sizes)
        number = significance.effective_number(sizes)
        return [
            Runs(100 * right.mean(-1), of_model, number, drawn=self.name).clustered(
                [f"{model} {start}" for start in self.starts]
            )
            for model, (right, of_model) in enumerate(
                zip(self.right, samples, strict=True)
            )
        ]


Table = list[Column]


def simulated(
    world: World, abilities: Sequence[float], random: np.random.Generator
) -> Table:
    """The columns of a table of models with these abilities."""
    groups = np.repeat(np.arange(len(world.sizes)), world.sizes)
    count, size = len(abilities), len(groups)
    own = np.arange(world.num_seeds)
    pretrainings = own % world.num_pretrainings if world.num_pretrainings else own
    of_start = random.normal(0, world.pretraining, (count, world.num_seeds))
    table = []
    for task in range(world.tasks):
        if not world.num_pretrainings:
            of_start = random.normal(0, world.pretraining, of_start.shape)
        of_runs = np.reshape(abilities, (-1, 1)) + of_start[:, pretrainings]
        of_runs = of_runs + random.normal(0, world.seed, of_runs.shape)
        shared = random.normal(0, world.difficulty, size)
        shared = shared + random.normal(0, world.group, len(world.sizes))[groups]
        tastes = random.normal(0, world.taste, (count, len(world.sizes)))[:, groups]
        of_models = shared + tastes + random.normal(0, world.affinity, (count, size))
        noise = random.normal(0, 1, (count, world.num_seeds, size))
        right = of_runs[..., None] + of_models[:, None] + noise > 0
        collapsed = random.random(of_runs.shape) < world.collapse
        right[collapsed] = random.random((collapsed.sum(), size)) < 0.5
        starts = [
            f"{start}" if world.num_pretrainings else f"{task} {start}"
            for start in pretrainings
        ]
        table.append(Column(world, right, starts, str(task)))
    return table


# Row, other row, column; the mean over columns is the last one.
Place = tuple[int, int, int]
# The claims of a rule about a table.
Rule = Callable[[Table], set[Place]]


def ours(table: Table) -> set[Place]:
    """The leaderboard's: mean over runs, groups are drawn, Holm over the whole table."""
    p_values = {place: one.p_value for place, one in estimates(table).items()}
    adjusted = significance.adjusted(list(p_values.values()), "holm")
    return {place for place, p in zip(p_values, adjusted, strict=True) if p <= LEVEL}


def uncorrected(table: Table) -> set[Place]:
    """The same tests, each by itself."""
    return {p for p, one in estimates(table).items() if one.p_value <= LEVEL}


def groups_ignored(table: Table) -> set[Place]:
    """The same tests as if examples were independent; columns alone."""
    return {
        (row, other, place)
        for place, column in enumerate(table)
        for row, other in _pairs(table)
        if significance.estimate(
            column.runs_of_examples[row], column.runs_of_examples[other]
        ).p_value
        <= LEVEL
    }


def estimates(table: Table) -> dict[Place, Estimate]:
    """All differences of a table, as the leaderboard has them."""
    found = {}
    for row, other in _pairs(table):
        sides = [(column.runs[row], column.runs[other]) for column in table]
        for place, two in enumerate(sides):
            found[row, other, place] = significance.estimate(*two)
        if len(table) > 1:
            found[row, other, len(table)] = significance.mean_over_columns(sides)
    return found


def _pairs(table: Table) -> itertools.combinations:
    return itertools.combinations(range(len(table[0].right)), 2)


def single_seed(table: Table) -> set[Place]:
    """One run a model; the difference is more than 1.96 of its standard errors.

    These are of proportions, from the number of examples alone.
    """
    return _apart(table, lambda right: _proportion(right[:1]), np.hypot)


def intervals_apart(table: Table) -> set[Place]:
    """95 % intervals of the mean over seeds, from examples alone, do not overlap."""
    return _apart(table, _of_examples, np.add)


def _proportion(right: np.ndarray) -> tuple[float, float]:
    share = right.mean()
    return share, np.sqrt(share * (1 - share) / right.shape[-1])


def _of_examples(right: np.ndarray) -> tuple[float, float]:
    means = right.mean(0)
    return means.mean(), stats.sem(means)


def _apart(
    table: Table,
    of_model: Callable[[np.ndarray], tuple[float, float]],
    joint: Callable[[float, float], float],
) -> set[Place]:
    """Differences of more than 1.96 errors, of the mean over columns as well.

    Args:
        table: the table.
        of_model: from right answers to a score and its standard error.
        joint: from two errors to that of a difference.
    """
    values, errors = np.array(
        [[of_model(right) for right in column.right] for column in table]
    ).transpose(2, 0, 1)
    if len(table) > 1:
        values = np.vstack([values, values.mean(0)])
        errors = np.vstack([errors, np.linalg.norm(errors, axis=0) / len(errors)])
    return {
        (row, other, place)
        for row, other in _pairs(table)
        for place in range(len(values))
        if abs(values[place, row] - values[place, other])
        > 1.96 * joint(errors[place, row], errors[place, other])
    }


def t_test_over_examples(table: Table) -> set[Place]:
    """Paired t-test of the share of runs that are right, over examples; columns alone."""
    return {
        (row, other, place)
        for place, column in enumerate(table)
        for row, other in _pairs(table)
        if stats.ttest_rel(*column.right[[row, other]].mean(1)).pvalue <= LEVEL
    }


RULES: Mapping[str, Rule] = {
    "Holm, groups": ours,
    "each test alone": uncorrected,
    "groups ignored": groups_ignored,
    "one seed, standard errors": single_seed,
    "intervals apart": intervals_apart,
    "t-test over examples": t_test_over_examples,
}


def unequal(count: int, total: int, spread: float) -> tuple[int, ...]:
    """Sizes of groups whose logarithms have a standard deviation, at least 1."""
    shares = np.exp(spread * stats.norm.ppf((np.arange(count) + 0.5) / count))
    return tuple(np.maximum(1, np.round(total * shares / shares.sum())).astype(int))


SIXTY = World((10,) * 60, group=0.5, taste=0.5)
ALONE = World((1,) * 600)
WORLDS = {
    "600 examples, no groups": ALONE,
    "60 groups of 10, which do not matter": SIXTY._replace(group=0.0, taste=0.0),
    "60 groups of 10, of one difficulty": SIXTY._replace(taste=0.0),
    "60 groups of 10, to one model's taste": SIXTY,
    "60 groups of 10, taste matters most": SIXTY._replace(seed=0.05, taste=1.0),
    "60 groups of 10, three seeds": SIXTY._replace(num_seeds=3),
    "60 groups of 10, seeds matter more (0.4)": SIXTY._replace(seed=0.4),
    "35 articles of 26 to 245 questions": SIXTY._replace(sizes=unequal(35, 3000, 0.5)),
    "500 paragraphs of 6 questions": SIXTY._replace(sizes=(6,) * 500),
    "60 groups of 1 to 200": SIXTY._replace(sizes=unequal(60, 1200, 1.2)),
    "10 groups of 60": SIXTY._replace(sizes=(60,) * 10),
    "5 groups of 120": SIXTY._replace(sizes=(120,) * 5),
    "5 pre-trainings (0.4), a run of each on 8 tasks": ALONE._replace(
        pretraining=0.4, num_pretrainings=5, tasks=8, models=2
    ),
    "3 pre-trainings with 5 runs each": ALONE._replace(
        pretraining=0.4, num_pretrainings=3, num_seeds=15, tasks=1
    ),
    "both: 60 groups, 5 pre-trainings, 4 tasks": SIXTY._replace(
        pretraining=0.4, num_pretrainings=5, tasks=4
    ),
    "no groups, a tenth of the runs collapses": ALONE._replace(collapse=0.1),
    "60 groups, a tenth collapses": SIXTY._replace(collapse=0.1),
}


class Found(NamedTuple):
    """What was found in a world, shares.

    Attributes:
        covered: intervals of a cell that hold the truth; `of_mean`: of the mean over
            columns; `ignoring`: of a cell, with examples drawn instead of groups;
            `naive`: of one run and 1.96 standard errors of a proportion.
        pairs: for each rule, false claims of all differences in single columns.
        tables: for each rule, tables with a false claim.
        power: pairs that are as far apart as the table calls detectable, and claimed.
    """

    covered: float
    of_mean: float
    ignoring: float
    naive: float
    pairs: dict[str, float]
    tables: dict[str, float]
    power: float


def measured(world: World, tables: int, random: np.random.Generator) -> Found:
    """Simulates tables of a world."""
    equal = [ABILITY] * world.models
    truth = world.score(ABILITY)
    covered, of_mean, ignoring, naive = [], [], [], []
    pairs: dict[str, list[float]] = {name: [] for name in RULES}
    any_claim: dict[str, list[bool]] = {name: [] for name in RULES}
    for _ in range(tables):
        table = simulated(world, equal, random)
        count = len(list(_pairs(table))) * world.tasks
        for name, rule in RULES.items():
            claims = rule(table)
            in_columns = [one for one in claims if one[2] < world.tasks]
            pairs[name].append(len(in_columns) / count)
            any_claim[name].append(bool(claims))
        for column in table:
            for runs in column.runs:
                covered.append(_holds(significance.estimate(runs), truth))
            for runs in column.runs_of_examples:
                ignoring.append(_holds(significance.estimate(runs), truth))
            for right in column.right:
                share, error = _proportion(right[:1])
                naive.append(abs(100 * share - truth) <= 196 * error)
        for model in range(world.models):
            sides = [(column.runs[model],) for column in table]
            of_mean.append(_holds(significance.mean_over_columns(sides), truth))
    return Found(
        float(np.mean(covered)),
        float(np.mean(of_mean)),
        float(np.mean(ignoring)),
        float(np.mean(naive)),
        {name: float(np.mean(of_rule)) for name, of_rule in pairs.items()},
        {name: float(np.mean(of_rule)) for name, of_rule in any_claim.items()},
        _power(world._replace(models=4, tasks=1), tables // 2, random),
    )


def _holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def _power(world: World, tables: int, random: np.random.Generator) -> float:
    """How often two models are told apart that differ by what tables call detectable."""
    promised = []
    for _ in range(100):
        found = estimates(simulated(world, [ABILITY] * world.models, random))
        level = LEVEL / len(found)
        promised.append(significance.detectable(list(found.values()), level))
    middle, half = world.score(ABILITY), np.mean(promised) / 2
    best, worst = (world.ability(middle + sign * half) for sign in (1, -1))
    # The others are in between, so that no claim about them helps.
    abilities = [best, *[ABILITY] * (world.models - 2), worst]
    ends = 0, world.models - 1, 0
    return float(
        np.mean(
            [ends in ours(simulated(world, abilities, random)) for _ in range(tables)]
        )
    )


def main() -> None:
    """Prints tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=1000, help="of each world")
    parser.add_argument("--world", choices=WORLDS, help="one of them; without it all")
    args = parser.parse_args()
    worlds = {args.world: WORLDS[args.world]} if args.world else WORLDS
    found = {}
    for name, world in worlds.items():
        found[name] = measured(world, args.tables, np.random.default_rng(0))
        print(f"{name}: {found[name]}", flush=True)
    _print(
        (
            "95 % intervals that hold the truth",
            "cell",
            "mean over columns",
            "cell, groups ignored",
            "one run ± 1.96 errors",
        ),
        {name: one[:4] for name, one in found.items()},
    )
    _print(
        ("false claims, of all pairs in all columns", *RULES),
        {name: tuple(one.pairs.values()) for name, one in found.items()},
    )
    _print(
        ("tables with a false claim", *RULES, "detectable difference found"),
        {name: (*one.tables.values(), one.power) for name, one in found.items()},
    )


def _print(columns: Sequence[str], rows: Mapping[str, Sequence[float]]) -> None:
    print(f"\n| {' | '.join(columns)} |")
    print("|" + " --- |" * len(columns))
    for name, shares in rows.items():
        print(f"| {name} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |")


if __name__ == "__main__":
    main()
