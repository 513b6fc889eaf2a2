"""Metrics against scikit-learn, intervals against closed forms."""

import warnings

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics as reference

from msde_toolkit import statistics

CLASSES = 7


def answers(rows=400, classes=CLASSES, right=0.6, seed=1):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    predicted = np.where(rng.random(rows) < right, labels, rng.integers(0, classes, rows))
    return labels, predicted


def test_metrics_equal_scikit_learn():
    labels, predicted = answers()
    counts = statistics.confusion(labels, predicted, CLASSES)
    assert np.array_equal(counts, reference.confusion_matrix(labels, predicted))
    assert statistics.accuracy(counts) == pytest.approx(reference.accuracy_score(labels, predicted))
    assert statistics.balanced_accuracy(counts) == pytest.approx(reference.balanced_accuracy_score(labels, predicted))
    assert statistics.macro_f1(counts) == pytest.approx(reference.f1_score(labels, predicted, average="macro"))
    recalls = reference.recall_score(labels, predicted, average=None)
    assert statistics.recall_by_class(counts) == pytest.approx(recalls)
    assert statistics.majority_baseline(counts) == pytest.approx(np.bincount(labels).max() / len(labels))


def test_an_absent_class_is_left_out_of_means():
    labels, predicted = answers()
    kept = labels != 2
    labels, predicted = labels[kept], predicted[kept]
    counts = statistics.confusion(labels, predicted, CLASSES)
    assert np.isnan(statistics.recall_by_class(counts)[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of the predicted class that has no sample
        expected = reference.balanced_accuracy_score(labels, predicted)
    assert statistics.balanced_accuracy(counts) == pytest.approx(expected)
    present = sorted(set(labels))
    assert statistics.macro_f1(counts) == pytest.approx(
        reference.f1_score(labels, predicted, labels=present, average="macro")
    )


def test_metrics_work_over_leading_axes_and_without_samples():
    one = statistics.confusion(*answers(seed=1), CLASSES)
    two = statistics.confusion(*answers(seed=2), CLASSES)
    stack = np.stack([[one, two], [np.zeros_like(one), one]])
    for metric in statistics.METRICS.values():
        got = metric(stack)
        assert got.shape == (2, 2)
        assert got[0, 1] == metric(two)
        assert np.isnan(got[1, 0])
    assert statistics.recall_by_class(stack).shape == (2, 2, CLASSES)


def test_interval_of_one_image_a_subject_is_the_binomial_one():
    labels, predicted = answers(rows=600)
    share = float((labels == predicted).mean())
    low, high = statistics.cluster_bootstrap(labels, predicted, np.arange(600), CLASSES)["accuracy"]
    reach = norm.ppf(0.975) * np.sqrt(share * (1 - share) / 600)
    assert (low, high) == pytest.approx((share - reach, share + reach), abs=0.006)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # Subjects of 5 equal answers: the truth is covered at 95 % only if subjects, not images, are resampled.
    subjects, size, trials, truth = 80, 5, 200, 0.7
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(subjects), size)
    by_subject = by_image = 0
    for trial in range(trials):
        predicted = np.repeat((rng.random(subjects) < truth).astype(int), size)
        labels = np.ones_like(predicted)
        low, high = statistics.cluster_bootstrap(labels, predicted, groups, 2, draws=300, seed=trial)["accuracy"]
        by_subject += low <= truth <= high
        narrow = statistics.cluster_bootstrap(labels, predicted, np.arange(len(labels)), 2, draws=300, seed=trial)
        by_image += narrow["accuracy"][0] <= truth <= narrow["accuracy"][1]
    assert 0.90 <= by_subject / trials <= 0.99
    assert by_image / trials < 0.75


def test_merging_equal_groups_changes_no_distribution():
    # The multinomial over kinds of groups, against subjects drawn one by one and their rows put together.
    labels, predicted = answers(rows=300)
    groups = np.sort(np.random.default_rng(0).integers(0, 40, 300))
    got = statistics.cluster_bootstrap(labels, predicted, groups, CLASSES, draws=8000)["macro_f1"]
    rng = np.random.default_rng(5)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    direct = []
    for _ in range(4000):
        rows = np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
        direct.append(float(statistics.macro_f1(statistics.confusion(labels[rows], predicted[rows], CLASSES))))
    assert got == pytest.approx(tuple(np.quantile(direct, [0.025, 0.975])), abs=0.006)


def test_the_seed_decides_and_row_order_does_not():
    labels, predicted = answers()
    groups = np.array([f"s{row % 50}" for row in range(len(labels))], dtype=object)
    order = np.random.default_rng(0).permutation(len(labels))
    first = statistics.cluster_bootstrap(labels, predicted, groups, CLASSES, seed=4)
    assert statistics.cluster_bootstrap(labels[order], predicted[order], groups[order], CLASSES, seed=4) == first
    assert statistics.cluster_bootstrap(labels, predicted, groups, CLASSES, seed=5) != first


def test_one_group_has_no_interval():
    labels, predicted = answers(rows=20)
    found = statistics.cluster_bootstrap(labels, predicted, np.zeros(20), CLASSES)
    assert found == {"accuracy": None, "balanced_accuracy": None, "macro_f1": None}
    assert statistics.resampled_counts(labels, predicted, np.zeros(20), CLASSES) is None
    assert statistics.few_groups(29)
    assert not statistics.few_groups(30)


def test_paired_conditions_keep_the_dependence_within_subjects():
    # Masked answers repeat the unmasked ones but for one image in ten: the gap is known far better than either side.
    labels, predicted = answers(rows=1000, right=0.5)
    masked = np.where(np.arange(1000) % 10 == 0, (labels + 1) % CLASSES, predicted)
    subjects = np.repeat(np.arange(100), 10)
    everything = (np.tile(labels, 2), np.r_[predicted, masked], np.tile(subjects, 2))
    words = np.repeat(["nm", "m"], 1000)
    found = statistics.paired_conditions(*everything, words, CLASSES)
    gap = float((predicted == labels).mean() - (masked == labels).mean())
    low, high = found["gap"]["accuracy"]
    assert low < gap < high
    by_subject = ((predicted == labels) * 1.0 - (masked == labels)).reshape(100, 10).mean(axis=1)
    reach = norm.ppf(0.975) * by_subject.std() / 10
    assert (low, high) == pytest.approx((gap - reach, gap + reach), abs=0.005)
    middle = float((np.r_[predicted, masked] == np.tile(labels, 2)).mean())
    assert found["average"]["accuracy"] == pytest.approx((middle - 0.03, middle + 0.03), abs=0.012)


def test_paired_conditions_need_both_conditions():
    labels, predicted = answers(rows=50)
    found = statistics.paired_conditions(labels, predicted, np.arange(50), ["nm"] * 50, CLASSES)
    assert set(found["gap"].values()) == {None}


def test_mean_interval_follows_the_normal_approximation_and_skips_nan():
    values = np.random.default_rng(0).normal(2.0, 1.0, 400)
    low, high = statistics.cluster_mean_interval(np.r_[values, np.nan], np.arange(401))
    reach = norm.ppf(0.975) * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.012)
    assert statistics.cluster_mean_interval([1.0, 2.0], ["a", "a"]) is None


@pytest.mark.parametrize(("labels", "predicted", "match"), [([0, 7], [0, 0], "outside"), ([0], [0, 1], "predictions")])
def test_unusable_input_is_refused(labels, predicted, match):
    with pytest.raises(ValueError, match=match):
        statistics.confusion(labels, predicted, CLASSES)


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_a_share_that_never_varies_is_bounded_by_the_number_of_subjects(right):
    from scipy.stats import binomtest

    subjects = np.repeat(np.arange(40), 3)
    low, high = statistics.cluster_mean_interval(np.full(120, right), subjects)
    exact = binomtest(int(40 * right), 40).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high))
    labels = np.tile([0, 1, 1], 40)
    predicted = labels if right else 1 - labels
    assert statistics.cluster_bootstrap(labels, predicted, subjects, 2)["accuracy"] == pytest.approx((low, high))
    assert statistics.cluster_mean_interval(np.full(120, 0.5), subjects) == (0.5, 0.5)
