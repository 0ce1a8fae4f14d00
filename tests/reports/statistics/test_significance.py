"""Single statistics against other ways to compute them."""

import numpy as np
import pytest
import scipy.stats
from simulated_tables import Spread, right_answers

from electra_bench.reports.statistics import significance
from electra_bench.reports.statistics.replicates import sample_weights
from electra_bench.reports.statistics.significance import Estimate, Runs


def runs_of(right, replicates=2000):
    weights = np.concatenate(list(sample_weights(right.shape[-1], replicates)))
    scores = 100 * right.mean(-1)
    return Runs(scores, 100 * right @ weights.T / right.shape[-1], right.shape[-1])


def test_weights_are_draws_with_replacement():
    weights = np.concatenate(list(sample_weights(50, 400)))
    assert weights.shape == (400, 50)
    assert (weights.sum(-1) == 50).all()
    assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.05)
    assert (weights == np.concatenate(list(sample_weights(50, 400)))).all()


def test_one_run_has_the_error_of_a_proportion():
    right = np.random.default_rng(0).random((1, 500)) < 0.7
    found = significance.estimate(runs_of(right))
    share = right.mean()
    assert found.error == pytest.approx(
        100 * np.sqrt(share * (1 - share) / 500), rel=0.06
    )
    assert found.value == 100 * share
    assert found.low < found.value < found.high


def test_independent_runs_have_the_error_of_their_mean():
    """Where examples say nothing of one another, runs alone make the error."""
    scores = np.array([70.0, 72.0, 75.0, 69.0])
    # All examples are alike: no sample differs from the whole.
    runs = Runs(scores, np.repeat(scores[:, None], 100, axis=1), 1000)
    found = significance.estimate(runs)
    expected = scipy.stats.ttest_1samp(scores, 71.0).confidence_interval(0.95)
    assert found.freedom == pytest.approx(3)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    others = Runs(scores - 4.0, runs.samples - 4.0, 1000)
    welch = scipy.stats.ttest_ind(scores, scores - 4.0, equal_var=False)
    assert significance.estimate(runs, others).p_value == pytest.approx(welch.pvalue)


def test_intervals_end_where_values_do():
    """Two runs far apart: Student's t with one degree of freedom goes far."""
    scores = np.array([2.0, 12.0])
    samples = np.repeat(scores[:, None], 100, axis=1)
    share = significance.estimate(Runs(scores, samples, 1000, (0.0, 100.0)))
    open_ended = significance.estimate(Runs(scores, samples, 1000))
    assert open_ended.low < 0.0
    assert (share.low, share.high) == (0.0, open_ended.high)
    assert share.p_value == open_ended.p_value
    correlation = Runs(scores, 30.0 * samples, 1000, (-100.0, 100.0))
    assert significance.estimate(correlation).low == open_ended.low
    far = Runs(np.array([0.0, 60.0]), 5.0 * samples, 1000, (0.0, 100.0))
    difference = significance.estimate(far, Runs(scores, samples, 1000, (0.0, 100.0)))
    assert (difference.low, difference.high) == (-100.0, 100.0)
    both = [share, significance.estimate(correlation)]
    mean = significance.combined(both, [1, 1])
    assert mean.limits == (-50.0, 100.0)


def test_pairing_by_example_makes_differences_surer():
    random = np.random.default_rng(1)
    one, other = right_answers([0.7, 0.6], Spread(difficulty=2.0), random)
    paired = significance.estimate(runs_of(one), runs_of(other))
    alone = significance.estimate(runs_of(one)), significance.estimate(runs_of(other))
    assert paired.error < np.hypot(alone[0].error, alone[1].error)
    swapped = significance.estimate(runs_of(other), runs_of(one))
    assert swapped.value == pytest.approx(-paired.value)
    assert swapped.p_value == pytest.approx(paired.p_value)


def test_equal_runs_do_not_differ():
    right = np.random.default_rng(2).random((3, 100)) < 0.7
    found = significance.estimate(runs_of(right), runs_of(right))
    assert (found.value, found.p_value) == (0.0, pytest.approx(1.0))


def test_mcnemar_is_the_binomial_test_of_disagreements():
    random = np.random.default_rng(3)
    right, other = random.random(300) < 0.8, random.random(300) < 0.7
    only_one, only_other = np.sum(right & ~other), np.sum(~right & other)
    expected = scipy.stats.binomtest(int(only_one), int(only_one + only_other))
    assert significance.mcnemar(right, other) == pytest.approx(expected.pvalue)
    assert significance.mcnemar(right, right) == 1.0


def test_holm_is_the_step_down_of_bonferroni():
    assert significance.adjusted([0.01, 0.04, 0.03, 0.005], "holm") == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert significance.adjusted([0.01, 0.04, 0.03, 0.005], "bh") == pytest.approx(
        [0.02, 0.04, 0.04, 0.02]
    )
    assert significance.adjusted([], "holm") == significance.adjusted([], "bh") == []
    with pytest.raises(ValueError, match="one of holm, bh; got 'none'"):
        significance.adjusted([0.1], "none")


def test_a_mean_of_tasks_adds_independent_errors():
    one, other = Estimate(4.0, 3.0, 8.0, 0, 0), Estimate(2.0, 4.0, 8.0, 0, 0)
    apart = significance.combined([one, other], [1, 1])
    assert (apart.value, apart.error) == (3.0, pytest.approx(2.5))
    assert apart.freedom > 8
    three_to_one = significance.combined([one, other], [3, 1])
    assert three_to_one.value == pytest.approx(3.5)
    assert three_to_one.error == pytest.approx(np.hypot(9, 4) / 4)


def sure_runs(scores, clusters, size=1000):
    """Runs whose scores the examples have no part in."""
    samples = np.repeat(np.array(scores)[:, None], 100, axis=1)
    return Runs(np.array(scores), samples, size).clustered(clusters)


def check_welch(found, one, other):
    """Checks an estimate against Welch's test of two sets of numbers."""
    welch = scipy.stats.ttest_ind(one, other, equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p_value == pytest.approx(welch.pvalue)


def test_runs_of_one_pretraining_count_as_one():
    random = np.random.default_rng(3)
    one, other = random.normal(70, 2, (3, 5)), random.normal(68, 2, (4, 2))
    found = significance.estimate(
        sure_runs(one.ravel(), [p for p in "abc" for _ in range(5)]),
        sure_runs(other.T.ravel(), [p for _ in range(2) for p in "defg"]),
    )
    check_welch(found, one.mean(1), other.mean(1))


def test_a_mean_over_columns_compares_the_means_of_pretrainings():
    random = np.random.default_rng(4)
    one, other = random.normal(70, 2, (8, 5)), random.normal(68, 2, (8, 4))
    columns = [
        # The order of runs is another in every column.
        (
            sure_runs(np.roll(a, k), np.roll(list("abcde"), k), 500 + k),
            sure_runs(b, "fghi", 500 + k),
        )
        for k, (a, b) in enumerate(zip(one, other, strict=True))
    ]
    found = significance.mean_over_columns(columns)
    check_welch(found, one.mean(0), other.mean(0))
    alone = significance.mean_over_columns([column[:1] for column in columns])
    expected = scipy.stats.ttest_1samp(one.mean(0), 0).confidence_interval(0.95)
    assert (alone.low, alone.high) == pytest.approx(tuple(expected))


def test_what_only_one_side_shares_is_no_burden_on_the_other():
    random = np.random.default_rng(5)
    one, other = random.normal(70, 2, (6, 5)), random.normal(68, 2, (6, 5))
    columns = [
        (sure_runs(a, "abcde"), sure_runs(b, [f"{k}-{s}" for s in range(5)]))
        for k, (a, b) in enumerate(zip(one, other, strict=True))
    ]
    found = significance.mean_over_columns(columns)
    shared = scipy.stats.sem(one.mean(0))
    apart = np.linalg.norm(scipy.stats.sem(other, axis=1)) / 6
    assert found.error == pytest.approx(np.hypot(shared, apart))
    assert 4 < found.freedom < 28


def test_columns_that_lack_some_pretrainings():
    random = np.random.default_rng(6)
    errors, spread = [], []
    for _ in range(2000):
        shared = random.normal(70, 1, 5)
        columns = [
            sure_runs(shared[:kept] + random.normal(0, 1, kept), "abcde"[:kept])
            for kept in (5, 5, 4, 3)
        ]
        found = significance.mean_over_columns([(runs,) for runs in columns])
        errors.append(found.error**2)
        spread.append(found.value)
        assert 2 < found.freedom < 4
    assert np.mean(errors) == pytest.approx(np.var(spread), rel=0.1)


def test_columns_of_the_same_examples_are_drawn_alike():
    right = np.random.default_rng(7).random((2, 300)) < 0.7
    runs = runs_of(right).clustered("ab")
    twice = significance.mean_over_columns([(runs,), (runs,)])
    assert twice.error == pytest.approx(significance.estimate(runs).error, rel=0.05)


def test_detectable_difference_has_the_promised_power():
    estimates = [Estimate(0.0, 2.0, 12.0, 0, 0)]
    for level in (0.05, 0.05 / 30):
        smallest = significance.detectable(estimates, level)
        quantile = scipy.stats.t.isf(level / 2, 12)
        assert scipy.stats.nct.sf(quantile, 12, smallest / 2) == pytest.approx(0.8)
