"""Answers that change places: the sign-flip test where it is a sum, and F1 by hand."""

import numpy as np
import pytest
from scipy import stats

from msde_toolkit import statistics


def counts(rng, right, subjects=14, images=6):
    hits = rng.binomial(images, right, subjects)
    return np.stack([hits, images - hits], axis=-1).astype(float)


def share(pooled):
    return (pooled[..., 0] / pooled.sum(axis=-1))[..., None]


def test_a_share_gives_the_sign_flip_tests_p():
    rng = np.random.default_rng(3)
    first, second = counts(rng, 0.8), counts(rng, 0.6)
    (p,) = statistics.swap_test(first, second, share, swaps=20_000)
    exact = statistics.sign_flip(first[:, 0] - second[:, 0])
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
    assert p == statistics.swap_test(first, second, share, swaps=20_000)[0]


def test_macro_f1_equals_scipys_permutation_of_whole_subjects():
    rng = np.random.default_rng(1)
    first, second = (rng.integers(0, 5, (9, 2, 2)).astype(float) for _ in range(2))
    second[:, :, 0] = first.sum(axis=2) - np.minimum(second[:, :, 1], first.sum(axis=2))
    second[:, :, 1] = first.sum(axis=2) - second[:, :, 0]

    def f1(pooled):
        return statistics.macro_f1(np.asarray(pooled).reshape(*np.shape(pooled)[:-1], 2, 2))[..., None]

    def difference(swapped, _):
        chosen = np.asarray(swapped) > 0
        one = np.where(chosen[:, None, None], second, first).sum(axis=0)
        two = np.where(chosen[:, None, None], first, second).sum(axis=0)
        return float(statistics.macro_f1(one) - statistics.macro_f1(two))

    # Signs of a column of -1 against zeros: every subject swapped or not, all 512 of them.
    expected = stats.permutation_test(
        (-np.ones(9), np.ones(9)), difference, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    (p,) = statistics.swap_test(first.reshape(9, 4), second.reshape(9, 4), f1, swaps=20_000)
    assert p == pytest.approx(expected.pvalue, abs=0.015)


def test_equal_answers_have_p_one_and_what_has_no_value_has_none():
    same = np.array([[3.0, 1.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0]])

    def both(pooled):
        return np.stack([pooled[..., 0] / 8, pooled[..., 2] / pooled[..., 2]], axis=-1)

    with np.errstate(invalid="ignore"):
        p = statistics.swap_test(same, same, both)
    assert p[0] == 1
    assert np.isnan(p[1])
    with pytest.raises(ValueError, match="same subjects"):
        statistics.swap_test(same, same[:1], both)
