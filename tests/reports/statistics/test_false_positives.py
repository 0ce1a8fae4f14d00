"""What the leaderboard claims about runs whose true scores are known."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control
from simulated_tables import Spread, pretrained, right_answers, simulated

from electra_bench.reports.leaderboard import leaderboard
from electra_bench.reports.statistics.replicates import sample_weights
from electra_bench.reports.statistics.significance import (
    Runs,
    detectable,
    effective_number,
    estimate,
    mean_over_columns,
)

FEW = 200
# Pre-training matters as much as the seed of fine-tuning, and both more than examples.
EIGHT_TASKS = ("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst", "sts")
OF_SEEDS = Spread(seed=0.4, pretraining=0.4, num_pretrainings=5)
THREE_TIMES_FIVE = OF_SEEDS._replace(num_pretrainings=3, num_seeds=15)


# Groups of one size, and of 1 to 90 examples.
EQUAL_GROUPS = Spread(sizes=(10,) * 60, group=0.5, taste=0.8)
UNEQUAL_GROUPS = EQUAL_GROUPS._replace(
    sizes=tuple(int(np.exp(4.5 * i / 39)) for i in range(40))
)


def samples_of(right, spread):
    """Scores of runs on samples of groups, and how many these are."""
    groups = spread.groups
    sizes = np.bincount(groups)
    weights = np.concatenate(list(sample_weights(len(sizes), FEW)))[:, groups]
    samples = 100 * (right @ weights.T) / weights.sum(-1)
    return samples, effective_number(sizes)


def claims(table):
    return [one for one in table.differences if one.significant]


def test_tables_without_a_true_difference_rarely_claim_one():
    random = np.random.default_rng(7)
    build = leaderboard(replicates=FEW)
    tables = [build(simulated([0.6] * 3, Spread(), random)) for _ in range(200)]
    # Three rows, two tasks and the mean.
    assert {len(table.differences) for table in tables} == {9}
    assert sum(bool(claims(table)) for table in tables) <= 18
    # Without a true difference every claim is false, so this bound holds for the false
    # discovery rate, too.
    by_rate = [
        false_discovery_control([one.p_value for one in table.differences]).min()
        for table in tables
    ]
    assert sum(p_value <= 0.05 for p_value in by_rate) <= 18


def test_a_planted_difference_is_found_at_the_power_promised():
    random = np.random.default_rng(28)
    spread = Spread(num_examples=300)
    build = leaderboard(replicates=FEW)

    def one_task(abilities):
        return build(simulated(abilities, spread, random, tasks=("cola",)))

    details = [one_task([0.6] * 4).details["cola"] for _ in range(24)]
    # A table estimates it from its own runs; so does the mean, but better.
    promised = np.mean([float(d.partition("difference ")[2]) for d in details])
    better, worse = (spread.ability(68 + sign * promised / 2) for sign in (1, -1))
    assert spread.score(better) - spread.score(worse) == pytest.approx(promised)
    # The second is in between, so that no other claim helps that of these two.
    tables = [one_task([better, 0.6, 0.6, worse]) for _ in range(200)]
    found = 0
    for table in tables:
        ranks = {table.cell(r, "model"): table.cell(r, "rank") for r in table.rows}
        found += ranks["m0"] < ranks["m3"]
    # The binomial standard error is 2.8 %; the promise itself is estimated.
    assert 0.72 <= found / len(tables) <= 0.9


@pytest.mark.parametrize(
    "spread",
    [
        Spread(seed=0.0),
        Spread(),
        Spread(seed=0.4),
        Spread(num_seeds=3),
        Spread(num_seeds=10, num_examples=100),
        Spread(num_examples=60),
        EQUAL_GROUPS,
        UNEQUAL_GROUPS,
        EQUAL_GROUPS._replace(num_seeds=3, seed=0.3),
    ],
    ids=str,
)
def test_the_95_percent_interval_covers_the_truth(spread):
    """In 93 to 97 % of all, with two binomial standard errors more."""
    random = np.random.default_rng(9)
    covered, count = 0, 600
    for _ in range(count):
        [right] = right_answers([0.6], spread, random)
        samples, number = samples_of(right, spread)
        found = estimate(Runs(100 * right.mean(-1), samples, number))
        covered += found.low <= spread.score(0.6) <= found.high
    assert 0.91 <= covered / count <= 0.985


@pytest.mark.parametrize("spread", [EQUAL_GROUPS, UNEQUAL_GROUPS], ids=["equal", "not"])
def test_equal_models_with_tastes_for_groups_rarely_differ(spread):
    """At the 5 % level, with three binomial standard errors; 31 % if groups are ignored."""
    random = np.random.default_rng(13)
    false, ignored, count = 0, 0, 250
    alone = spread._replace(sizes=(), num_examples=sum(spread.sizes))
    for _ in range(count):
        right = right_answers([0.6, 0.6], spread, random)
        for drawn in (spread, alone):
            pair = []
            for of_model in right:
                samples, number = samples_of(of_model, drawn)
                pair.append(Runs(100 * of_model.mean(-1), samples, number))
            is_claim = estimate(*pair).p_value <= 0.05
            false += is_claim and drawn is spread
            ignored += is_claim and drawn is alone
    assert false / count <= 0.09
    assert ignored / count >= 0.15


def test_tables_draw_groups():
    random = np.random.default_rng(14)
    build = leaderboard(replicates=FEW)
    spread = EQUAL_GROUPS._replace(num_seeds=3, seed=0.0)
    tables = [build(simulated([0.6] * 3, spread, random)) for _ in range(25)]
    assert sum(bool(claims(table)) for table in tables) <= 4
    assert "600 examples in 60 documents" in tables[0].details["rte"]
    # The errors of groups are the larger ones.
    random = np.random.default_rng(14)
    alone = simulated([0.6] * 3, spread, random)
    object.__setattr__(alone, "_groups", ())
    table = build(alone)
    for row, other in zip(tables[0].rows, table.rows, strict=True):
        low, high = tables[0].cell(row, "rte").interval
        first, last = table.cell(other, "rte").interval
        assert high - low > 1.5 * (last - first)


def test_a_detectable_difference_shrinks_with_runs_and_examples():
    random = np.random.default_rng(10)

    def smallest(spread):
        weights = np.concatenate(list(sample_weights(spread.num_examples, FEW)))
        found = []
        for _ in range(30):
            pair = [
                Runs(
                    100 * right.mean(-1),
                    100 * right @ weights.T / spread.num_examples,
                    spread.num_examples,
                )
                for right in right_answers([0.6, 0.6], spread, random)
            ]
            found.append(estimate(*pair))
        return detectable(found)

    usual = smallest(Spread())
    assert smallest(Spread(num_seeds=10)) < usual
    assert smallest(Spread(num_examples=800)) < usual


def cells(spread, num_models, num_tasks, random):
    """Tasks to models to runs; pre-trainings of models are not the same."""
    weights = np.concatenate(list(sample_weights(spread.num_examples, FEW)))
    abilities = pretrained([0.6] * num_models, spread, random)
    starts = np.arange(spread.num_seeds) % spread.num_pretrainings
    return [
        [
            Runs(
                100 * right.mean(-1),
                100 * right @ weights.T / spread.num_examples,
                spread.num_examples,
            ).clustered([f"{model}-{start}" for start in starts])
            for model, right in enumerate(right_answers(abilities, spread, random))
        ]
        for _ in range(num_tasks)
    ]


@pytest.mark.parametrize(
    ("spread", "num_tasks", "least"),
    # Three numbers tell their spread less well; three runs cover it no better.
    [(OF_SEEDS, 8, 0.92), (THREE_TIMES_FIVE, 1, 0.9)],
    ids=["5 pre-trainings on 8 tasks", "3 x 5 runs"],
)
def test_runs_that_share_a_pretraining(spread, num_tasks, least):
    """At the 5 % level, within three binomial standard errors: 2 to 8 %."""
    random = np.random.default_rng(11)
    false, covered, count = 0, 0, 500
    for _ in range(count):
        columns = cells(spread, 2, num_tasks, random)
        false += mean_over_columns(columns).p_value <= 0.05
        found = mean_over_columns([column[:1] for column in columns])
        covered += found.low <= spread.score(0.6) <= found.high
    assert 0.02 <= false / count <= 0.08
    assert least <= covered / count <= 0.98


def p_values_of_means(abilities, spread, tasks, random, count):
    """Of two models, in tables that are built from records."""
    build = leaderboard(replicates=FEW)
    ordering = "mean" if len(tasks) > 1 else tasks[0]
    tables = [build(simulated(abilities, spread, random, tasks)) for _ in range(count)]
    differences = [one for table in tables for one in table.differences]
    found = [one.p_value for one in differences if one.column == ordering]
    assert len(found) == count
    return np.array(found)


@pytest.mark.parametrize(
    ("spread", "tasks"),
    [(OF_SEEDS, EIGHT_TASKS), (THREE_TIMES_FIVE, ("cola",))],
    ids=["5 pre-trainings on 8 tasks", "3 x 5 runs"],
)
def test_tables_know_which_runs_share_a_pretraining(spread, tasks):
    random = np.random.default_rng(12)
    p_values = p_values_of_means([0.6, 0.6], spread, tasks, random, 60)
    # Of independent runs 5 %, three standard errors more are 13 %.
    assert np.mean(p_values <= 0.05) <= 0.13
    apart = [spread.ability(85), spread.ability(40)]
    assert np.mean(p_values_of_means(apart, spread, tasks, random, 20) <= 0.05) >= 0.8
