"""Sign-flip permutation test of paired differences, one difference a subject.

If neither of two methods is better, each subject's difference is as likely to point the other way (Fisher 1935,
sec. 21; Pesarin and Salmaso 2010). Subjects are exchanged whole, so images of one person may depend on each
other. The test speaks of *these trained models*: how much another training would change them, it cannot see.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from msde_toolkit.randomness import generator
from msde_toolkit.statistics.metrics import Values

Alternative = Literal["two-sided", "greater", "less"]

FLIPS = 20_000


def sign_flip(
    differences: npt.ArrayLike, *, alternative: Alternative = "two-sided", flips: int = FLIPS, seed: int = 0
) -> float:
    """P value of the sum of ``differences [S]``, each subject's sign turned at random.

    Exact where all distinct sums can be listed (whole differences: practically always; real ones: up to about 20
    subjects), by adding one subject after the other (Pagano and Tritchler 1983). Otherwise a Monte Carlo of ``flips``
    draws, the observed one counted in (Phipson and Smyth 2010): never zero. 1 where nothing differs; zero differences
    say nothing and change nothing.

    Args:
        differences: ``[S]`` of each subject, e.g. images that A alone got right minus those that B alone did.
        alternative: "greater" asks whether the sum is larger than chance would have it.
        flips: Monte Carlo draws.
        seed: of the draws.
    """
    values = np.asarray(differences, dtype=np.float64).ravel()
    values = values[values != 0]
    if not len(values):
        return 1.0
    sums, chances = _all_sums(np.abs(values))
    if sums is None or chances is None:
        drawn = _drawn_sums(np.abs(values), flips, seed)
        return float((1 + _extreme(drawn, values.sum(), alternative).sum()) / (1 + flips))
    return float(min(1.0, chances[_extreme(sums, values.sum(), alternative)].sum()))


def sign_flip_many(differences: npt.ArrayLike, *, flips: int = 999, seed: int = 0) -> Values:
    """``[T, S] -> [T]`` two-sided Monte Carlo p values of many tables of differences: for simulations."""
    values = np.asarray(differences, dtype=np.float64)
    signs = generator(seed, "sign flips").integers(0, 2, (values.shape[1], flips)) * 2.0 - 1.0
    extreme = _extreme(values @ signs, values.sum(axis=1, keepdims=True), "two-sided")
    return np.asarray((1 + extreme.sum(axis=1)) / (1 + flips), dtype=np.float64)


def _extreme(sums: Values, observed: float | Values, alternative: Alternative) -> npt.NDArray[np.bool_]:
    # Sums that are equal on paper may differ in the last digits.
    slack = 1e-9 * np.maximum(1.0, np.abs(observed))
    if alternative == "two-sided":
        return np.asarray(np.abs(sums) >= np.abs(observed) - slack)
    return np.asarray(sums >= observed - slack if alternative == "greater" else sums <= observed + slack)


def _all_sums(sizes: Values) -> tuple[Values | None, Values | None]:
    """Every sum that the signs can give, and its probability; None where they are too many."""
    whole = bool((sizes == np.rint(sizes)).all())
    if whole and len(sizes) * sizes.sum() < 1e8:
        return _whole_sums(sizes.astype(np.int64))
    if len(sizes) > 20:
        return None, None
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums - size, sums + size])
    return sums, np.full(len(sums), 1 / len(sums))


def _whole_sums(sizes: npt.NDArray[np.int64]) -> tuple[Values, Values]:
    total = int(sizes.sum())
    chances = np.zeros(2 * total + 1)
    chances[total] = 1.0
    reach = 0
    for size in sizes.tolist():
        here = chances[total - reach : total + reach + 1].copy()
        chances[total - reach : total + reach + 1] = 0.0
        chances[total - reach - size : total + reach - size + 1] += here / 2
        chances[total - reach + size : total + reach + size + 1] += here / 2
        reach += size
    return np.arange(-total, total + 1, dtype=np.float64), chances


def _drawn_sums(sizes: Values, flips: int, seed: int) -> Values:
    """Subjects with the same size are turned together: how many of them stay positive is binomial."""
    rng = generator(seed, "sign flips")
    kinds, count = np.unique(sizes, return_counts=True)
    sums = np.zeros(flips)
    for size, many in zip(kinds.tolist(), count.tolist(), strict=True):
        sums += size * (2.0 * rng.binomial(many, 0.5, flips) - many)
    return sums
