"""Intervals from a bootstrap over subjects.

Images of one person are not independent, so intervals resample whole groups (subjects) with replacement (cluster
bootstrap: Field and Welsh 2007, "Bootstrapping clustered data"; Efron and Tibshirani 1993, ch. 13 for percentile
intervals). They speak of *these trained models* on further subjects, not of training the method again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from msde_toolkit.randomness import generator
from msde_toolkit.statistics.metrics import METRICS, Counts, Values, cells_of

Interval = tuple[float, float] | None
"""Lower and upper end; None where there are fewer than two groups to resample."""

DRAWS = 2000
LEVEL = 0.95
RELIABLE_GROUPS = 30
_CHUNK = 4_000_000  # bootstrap weights held at a time (32 MB)


def few_groups(groups: int) -> bool:
    """Whether an interval over so few groups (under 30) must be called unreliable."""
    return groups < RELIABLE_GROUPS


def cluster_bootstrap(
    labels: npt.ArrayLike,
    predicted: npt.ArrayLike,
    groups: npt.ArrayLike,
    classes: int,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Interval]:
    """95 % percentile intervals of ``METRICS``, resampling groups.

    Args:
        labels: ``[n]`` true class indices.
        predicted: ``[n]`` predicted class indices.
        groups: ``[n]`` the subject of each sample (or the sample itself, where subjects are unknown).
        classes: number of classes C.
        draws: bootstrap draws.
        seed: the same seed gives the same intervals.

    Raises:
        ValueError: as ``confusion``.
    """
    drawn = resampled_counts(labels, predicted, groups, classes, draws=draws, seed=seed)
    count = len(set(np.asarray(groups).astype(str)))
    return {
        name: None if drawn is None else percentile_intervals(metric(drawn)[:, None], 1, [count])[0]
        for name, metric in METRICS.items()
    }


def resampled_counts(
    labels: npt.ArrayLike,
    predicted: npt.ArrayLike,
    groups: npt.ArrayLike,
    classes: int,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Counts | None:
    """``[draws, C, C]`` confusion counts of each bootstrap draw of groups; None for fewer than two groups."""
    cells = cells_of(labels, predicted, classes)
    drawn = _resample(cells, classes * classes, groups, draws, seed)
    return None if drawn is None else drawn.reshape(draws, classes, classes)


def percentile_intervals(drawn: Values | None, count: int, groups: Sequence[int] | None = None) -> list[Interval]:
    """``[draws, count]`` bootstrap values to one 95 % interval a column (None where no draw has a value).

    Args:
        drawn: None for fewer than two groups.
        count: columns.
        groups: for shares, ``[count]`` groups that each is of. Where no draw differs from 0 (or from 1) resampling says
            nothing of the other end: it becomes Clopper and Pearson's (1934) bound for none out of so many groups.
    """
    found = [None if drawn is None else _interval(drawn[:, column]) for column in range(count)]
    return found if groups is None else bounded_shares(found, groups)


def bounded_shares(intervals: Sequence[Interval], groups: Sequence[int]) -> list[Interval]:
    """Intervals of shares, those at [0, 0] and [1, 1] widened as ``percentile_intervals`` says."""
    return [_off_the_bound(interval, count) for interval, count in zip(intervals, groups, strict=True)]


def bound_of_none(groups: int) -> float:
    """Upper end for a share of which so many groups (at least one) show nothing (Clopper and Pearson 1934)."""
    return float(1 - ((1 - LEVEL) / 2) ** (1 / groups))


def _off_the_bound(interval: Interval, groups: int) -> Interval:
    if interval not in ((0.0, 0.0), (1.0, 1.0)) or groups < 1:
        return interval
    bound = bound_of_none(groups)
    return (0.0, bound) if interval == (0.0, 0.0) else (1 - bound, 1.0)


def paired_conditions(
    labels: npt.ArrayLike,
    predicted: npt.ArrayLike,
    groups: npt.ArrayLike,
    conditions: npt.ArrayLike,
    classes: int,
    *,
    first: str = "nm",
    second: str = "m",
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, dict[str, Interval]]:
    """95 % intervals of the difference and the mean of two conditions, each draw of groups serving both.

    A subject who is easy without a mask tends to be easy with one; drawing subjects once for both conditions keeps that
    dependence, which two separate intervals lose.

    Args:
        labels: ``[n]`` true class indices of the samples of all conditions.
        predicted: ``[n]`` predicted class indices.
        groups: ``[n]`` subject of each sample, named alike in both conditions.
        conditions: ``[n]`` condition of each sample; others than these two are left out.
        classes: number of classes C.
        first: condition that the difference starts from.
        second: condition that is subtracted.
        draws: bootstrap draws.
        seed: the same seed gives the same intervals.

    Returns:
        ``{"gap": {metric: interval}, "average": {metric: interval}}``: first minus second, and their mean. All None
        if a condition is missing or there are fewer than two groups.

    Raises:
        ValueError: as ``confusion``.
    """
    words = np.asarray(conditions, dtype=object)
    kept = (words == first) | (words == second)
    cells = cells_of(labels, predicted, classes)[kept] + classes * classes * (words[kept] == second)
    drawn = _resample(cells, 2 * classes * classes, np.asarray(groups)[kept], draws, seed)
    if drawn is None or not {first, second} <= set(words[kept]):
        return {name: dict.fromkeys(METRICS) for name in ("gap", "average")}
    pairs = drawn.reshape(draws, 2, classes, classes)
    by_metric = {name: metric(pairs) for name, metric in METRICS.items()}
    return {
        "gap": {name: _interval(both[:, 0] - both[:, 1]) for name, both in by_metric.items()},
        "average": {name: _interval(both.mean(axis=1)) for name, both in by_metric.items()},
    }


def cluster_mean_interval(
    values: npt.ArrayLike, groups: npt.ArrayLike, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """95 % percentile interval of the mean of ``values [n]``, resampling groups; nan values are left out.

    A share (values 0 and 1 alone) gets its bound as in ``percentile_intervals``.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers)
    pairs = np.column_stack([numbers[known], np.ones(int(known.sum()))])
    codes, count = _codes(np.asarray(groups)[known])
    sums = resampled_sums(pairs, codes, draws=draws, seed=seed)
    if sums is None:
        return None
    share = bool(np.isin(numbers[known], (0.0, 1.0)).all())
    return percentile_intervals((sums[:, 0] / sums[:, 1])[:, None], 1, [count] if share else None)[0]


def resampled_sums(values: npt.ArrayLike, groups: npt.ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> Values | None:
    """``[draws, K]`` column sums of ``values [n, K]`` in each bootstrap draw of groups; None for under two groups."""
    numbers = np.asarray(values, dtype=np.float64)
    codes, count = _codes(groups)
    if count < 2:
        return None
    totals = np.stack([np.bincount(codes, column, count) for column in numbers.T], axis=1)
    return np.concatenate([weight @ totals for weight in _weights(np.ones(count, dtype=np.int64), draws, seed)])


def _codes(groups: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], int]:
    names, codes = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    return codes.astype(np.int64), len(names)


def _resample(
    cells: npt.NDArray[np.int64], cell_count: int, groups: npt.ArrayLike, draws: int, seed: int
) -> Counts | None:
    """``[draws, cells]``: counts summed over groups drawn with replacement.

    Groups with the same counts are interchangeable, so they are drawn as one kind with their joint probability. The
    distribution is the same, and half a million one-image groups become at most ``cells`` kinds.
    """
    codes, group_count = _codes(groups)
    if len(codes) != len(cells):
        message = f"{len(cells)} samples but {len(codes)} groups."
        raise ValueError(message)
    if group_count < 2:
        return None
    dense = np.bincount(codes * cell_count + cells, minlength=group_count * cell_count).reshape(group_count, -1)
    rows = np.ascontiguousarray(dense.astype(np.min_scalar_type(dense.max())))
    kinds, size = np.unique(rows.view(np.dtype((np.void, rows.strides[0]))).ravel(), return_counts=True)
    counts = kinds.view(rows.dtype).reshape(len(kinds), cell_count).astype(np.float64)
    return np.concatenate([np.rint(weights @ counts).astype(np.int64) for weights in _weights(size, draws, seed)])


def _weights(kinds: npt.NDArray[np.int64], draws: int, seed: int) -> Iterator[Values]:
    """Chunks ``[d, K]`` of how often each kind of group is drawn, each row summing to the number of groups."""
    rng = generator(seed, "cluster bootstrap")
    groups = int(kinds.sum())
    step = max(1, _CHUNK // len(kinds))
    for start in range(0, draws, step):
        yield rng.multinomial(groups, kinds / groups, size=min(step, draws - start)).astype(np.float64)


def _interval(drawn: Values) -> Interval:
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
