"""What the leaderboard claims about runs whose true scores are known."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control
from simulated_tables import Spread, right_answers, simulated

from electra_bench.reports.leaderboard import leaderboard
from electra_bench.reports.replicates import sample_weights
from electra_bench.reports.significance import Runs, detectable, estimate

FEW = 200


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
    random = np.random.default_rng(8)
    spread = Spread(num_examples=300)
    build = leaderboard(replicates=FEW)

    def one_task(abilities):
        return build(simulated(abilities, spread, random, tasks=("cola",)))

    details = [one_task([0.6] * 8).details["cola"] for _ in range(12)]
    # A table estimates it from its own runs; so does the mean, but better.
    promised = np.mean([float(d.partition("difference ")[2]) for d in details])
    abilities = [spread.ability(68 + promised / 2), spread.ability(68 - promised / 2)]
    assert spread.score(abilities[0]) - spread.score(abilities[1]) == pytest.approx(
        promised
    )
    tables = [one_task(abilities) for _ in range(200)]
    found = [table for table in tables if claims(table)]
    # The binomial standard error is 2.8 %; the promise itself is estimated.
    assert 0.72 <= len(found) / len(tables) <= 0.9
    for table in found:
        ranks = {table.cell(r, "model"): table.cell(r, "rank") for r in table.rows}
        assert ranks in ({"m0": 1, "m1": 2}, {"m0": 2, "m1": 1})


@pytest.mark.parametrize(
    "spread",
    [
        Spread(seed=0.0),
        Spread(),
        Spread(seed=0.4),
        Spread(num_seeds=3),
        Spread(num_seeds=10, num_examples=100),
        Spread(num_examples=60),
    ],
    ids=str,
)
def test_the_95_percent_interval_covers_the_truth(spread):
    random = np.random.default_rng(9)
    weights = np.concatenate(list(sample_weights(spread.num_examples, FEW)))
    covered = 0
    for _ in range(1000):
        [right] = right_answers([0.6], spread, random)
        samples = 100 * right @ weights.T / spread.num_examples
        found = estimate(Runs(100 * right.mean(-1), samples, spread.num_examples))
        covered += found.low <= spread.score(0.6) <= found.high
    assert 920 <= covered <= 980


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
