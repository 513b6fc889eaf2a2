"""Intervals over subjects and repeats: closed forms, ends of the scale, and coverage."""

import numpy as np
import pytest
from scipy import stats

from msde_toolkit import statistics


def share(table):
    """``[..., (right, wrong)] -> [..., 1]``."""
    return (table[..., 0] / table.sum(axis=-1))[..., None]


def counted(right, images):
    right = np.asarray(right)
    return np.stack([right, images - right], axis=-1)


def test_one_repeat_and_equal_subjects_give_the_t_interval_of_their_means():
    right = np.random.default_rng(0).binomial(10, 0.7, 200)
    (got,) = statistics.crossed_intervals([counted(right[:, None], 10)], share)
    expected = stats.t.interval(0.95, 199, right.mean() / 10, stats.sem(right / 10))
    assert got.high - got.low == pytest.approx(expected[1] - expected[0], rel=1e-4)
    assert got.interval == pytest.approx(expected, abs=0.003)
    assert got.estimand == statistics.MODELS
    assert got.unreliable is None


def test_the_variance_is_that_of_the_two_way_layout():
    """Against the mean squares of subjects and repeats, as a textbook has them."""
    values = np.random.default_rng(1).normal(size=(40, 5)) + np.linspace(0, 4, 5)
    subjects, repeats = values.shape
    mean_squares = repeats * values.mean(1).var(ddof=1), subjects * values.mean(0).var(ddof=1)
    rest = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    residual = (rest**2).sum() / (39 * 4)
    variance = (mean_squares[0] + mean_squares[1] - residual) / (subjects * repeats)
    parts = np.array([*mean_squares, residual]) / (subjects * repeats)
    df = variance**2 / (parts[0] ** 2 / 39 + parts[1] ** 2 / 4 + parts[2] ** 2 / 156)
    width = statistics.half_widths([values[..., None] / subjects])
    assert width[0] == pytest.approx(stats.t.ppf(0.975, df) * np.sqrt(variance))


def test_repeats_that_differ_widen_the_interval():
    same = np.repeat(np.random.default_rng(0).binomial(10, 0.7, (100, 1)), 5, axis=1)
    shifted = np.clip(same + np.array([-2, -1, 0, 1, 2]), 0, 10)
    (calm,), (wild,) = (statistics.crossed_intervals([counted(right, 10)], share) for right in (same, shifted))
    assert wild.high - wild.low > 2 * (calm.high - calm.low)
    assert wild.estimand == statistics.METHOD


def test_ends_of_the_scale_get_a_bound_and_are_called_unreliable():
    (got,) = statistics.crossed_intervals([counted(np.full((40, 3), 6), 6)], share)
    assert got.value == got.high == 1
    assert got.low == pytest.approx(stats.binomtest(40, 40).proportion_ci(method="exact").low)
    assert "40 subjects" in got.unreliable
    (few,) = statistics.crossed_intervals([counted(np.arange(12)[:, None] % 3, 4)], share)
    assert few.unreliable == "only 12 subjects"


def test_a_difference_draws_subjects_once_for_both_methods():
    rng = np.random.default_rng(2)
    easy = rng.uniform(0.2, 1, (150, 1))
    first, second = (counted(rng.binomial(10, easy.repeat(4, axis=1)), 10) for _ in range(2))

    def difference(one, two):
        return share(one) - share(two)

    (paired,) = statistics.crossed_intervals([first, second], difference, bounds=(-1, 1))
    (apart,) = statistics.crossed_intervals([first, second[::-1]], difference, bounds=(-1, 1))
    assert paired.value == pytest.approx(apart.value)
    assert paired.high - paired.low < 0.7 * (apart.high - apart.low)
    (same,) = statistics.crossed_intervals([first, first], difference, bounds=(-1, 1))
    assert same.low < 0 < same.high
    unequal = statistics.crossed_intervals([first, second[:, :2]], difference, bounds=(-1, 1))[0]
    assert unequal.low < unequal.value < unequal.high
    assert unequal.repeats == 2


def test_methods_must_share_their_subjects():
    with pytest.raises(ValueError, match="same subjects"):
        statistics.crossed_intervals([np.ones((3, 1, 2)), np.ones((4, 1, 2))], lambda a, b: share(a) - share(b))


def test_a_single_subject_has_no_interval():
    (got,) = statistics.crossed_intervals([np.ones((1, 3, 2))], share)
    assert got.value == 0.5
    assert got.interval is None
    assert not statistics.non_inferior(got.low, 0.02)


def test_non_inferior_means_that_the_lower_end_is_above_minus_the_margin():
    assert statistics.non_inferior(-0.01, 0.02)
    assert not statistics.non_inferior(-0.02, 0.02)


def test_the_interval_covers_the_method_where_one_over_subjects_alone_does_not():
    """400 studies of 142 subjects and 5 repeats whose seeds matter as much as subjects: limits at four errors."""
    rng = np.random.default_rng(7)
    subject = rng.normal(0, 0.12, (400, 142, 1))
    seed = rng.normal(0, 0.012, (400, 1, 5))
    right = rng.binomial(12, np.clip(0.6 + subject + seed, 0, 1))
    hits = np.zeros(2)
    for table in right:
        for column, arm in enumerate((table, table.sum(axis=1, keepdims=True))):
            images = 12 if column == 0 else 60
            (got,) = statistics.crossed_intervals([counted(arm, images)], share, draws=200)
            hits[column] += got.low <= 0.6 <= got.high
    crossed, subjects = hits / 400
    assert 0.91 <= crossed <= 0.985
    assert subjects < 0.93


def test_an_interval_has_both_sides_and_says_that_it_rests_on_few_subjects():
    """Two of sixty subjects differ: a bootstrap's median is at its edge, and the other 58 tell nothing."""
    first, second = (counted(np.full((60, 1), 5), 10) for _ in range(2))
    second[:2, 0] = (2, 8)
    (got,) = statistics.crossed_intervals([first, second], lambda a, b: share(a) - share(b), bounds=(-1, 1))
    assert got.value == pytest.approx(0.01)
    assert got.low < 0 < got.value < got.high
    assert got.unreliable == "rests on about 2 subjects"
