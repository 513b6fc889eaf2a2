"""Tests of paired differences against scipy, statsmodels and examples worked by hand."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from msde_toolkit import statistics

ALTERNATIVES = ("two-sided", "greater", "less")


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("whole", [True, False])
def test_sign_flips_of_few_subjects_equal_scipy(alternative, whole):
    values = np.random.default_rng(3).normal(0.6, 2, 11)
    values = np.rint(values) if whole else values
    expected = stats.permutation_test(
        (values, np.zeros(11)),
        lambda a, b, axis: (a - b).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
        alternative=alternative,
    )
    assert statistics.sign_flip(values, alternative=alternative) == pytest.approx(expected.pvalue)


def test_sign_flips_of_one_image_a_subject_are_the_exact_mcnemar_test():
    values = np.repeat([1, -1, 0], [40, 22, 300])
    assert statistics.sign_flip(values) == pytest.approx(mcnemar([[0, 40], [22, 300]], exact=True).pvalue)
    assert statistics.plain_mcnemar(9, 4).p == pytest.approx(mcnemar([[0, 9], [4, 0]], exact=True).pvalue)


def test_monte_carlo_sign_flips_are_near_the_exact_ones_and_seeded():
    values = np.random.default_rng(0).integers(-4, 6, 60)
    exact = statistics.sign_flip(values)
    # A third of a whole number cannot be listed: 60 subjects are drawn.
    drawn = statistics.sign_flip(values / 3 * (1 + 1e-13), flips=40_000)
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact / 40_000))
    assert drawn == statistics.sign_flip(values / 3 * (1 + 1e-13), flips=40_000)
    many = statistics.sign_flip_many(values[None], flips=40_000)
    assert many[0] == pytest.approx(exact, abs=4 * np.sqrt(exact / 40_000))


def test_equal_methods_have_p_one():
    assert statistics.sign_flip(np.zeros(9)) == 1
    assert statistics.sign_flip_many(np.zeros((2, 9)))[0] == 1
    assert statistics.clustered_mcnemar(np.zeros(9), np.ones(9), "yang").p == 1
    assert statistics.plain_mcnemar(0, 0).p == 1


def test_adjusted_p_values_equal_statsmodels():
    p = [0.01, 0.04, 0.03, 0.005, 0.2, 0.04]
    assert statistics.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert statistics.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])
    assert len(statistics.holm([])) == len(statistics.benjamini_hochberg([])) == 0


def test_clustered_mcnemar_of_one_image_a_subject_is_mcnemars():
    values = np.repeat([1, -1, 0], [40, 22, 38])
    expected = mcnemar([[0, 40], [22, 38]], exact=False, correction=False)
    for kind in ("yang", "durkalski"):
        got = statistics.clustered_mcnemar(values, np.ones(100), kind)
        assert (got.statistic, got.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert statistics.plain_mcnemar(40, 22).statistic == pytest.approx(expected.statistic)
    obuchowski = statistics.clustered_mcnemar(values, np.ones(100), "obuchowski")
    assert obuchowski.statistic == pytest.approx(0.99 * expected.statistic)


def test_clustered_mcnemar_worked_by_hand():
    """b - c = 2, 1, -1, 2 of n = 4, 2, 2, 8: (4)^2 / 10, and (.5 + .5 - .5 + .25)^2 / (.25 + .25 + .25 + .0625)."""
    differences, sizes = [2, 1, -1, 2], [4, 2, 2, 8]
    assert statistics.clustered_mcnemar(differences, sizes, "yang").statistic == pytest.approx(1.6)
    assert statistics.clustered_mcnemar(differences, sizes, "obuchowski").statistic == pytest.approx(1.2)
    durkalski = statistics.clustered_mcnemar(differences, sizes, "durkalski")
    assert durkalski.statistic == pytest.approx(0.5625 / 0.8125)
    assert durkalski.p == pytest.approx(2 * stats.norm.sf(np.sqrt(0.5625 / 0.8125)))


def test_the_resampled_t_without_correction_is_scipys_and_detects_what_statsmodels_says():
    values = np.random.default_rng(5).normal(0.02, 0.03, 10)
    plain = statistics.resampled_t(values, 0.0)
    expected = stats.ttest_1samp(values, 0)
    assert (plain.t, plain.p, plain.df) == pytest.approx((expected.statistic, expected.pvalue, 9))
    effect = TTestPower().solve_power(nobs=10, alpha=0.05, power=0.8) * values.std(ddof=1)
    assert plain.detectable == pytest.approx(effect, rel=1e-4)


def test_the_correction_of_the_resampled_t_is_nadeau_and_bengios():
    values = np.array([0.01, 0.03, 0.02, 0.05, -0.01])
    got = statistics.resampled_t(values, 1 / 4)
    assert got.t == pytest.approx(values.mean() / np.sqrt((1 / 5 + 1 / 4) * values.var(ddof=1)))
    assert statistics.resampled_t([0.1, 0.1], 0.1).t is None
    with pytest.raises(ValueError, match="at least two"):
        statistics.resampled_t([0.1], 0.1)
