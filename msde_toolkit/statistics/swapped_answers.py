"""Permutation test of any function of two methods' counts: subjects' answers change places.

If two methods are alike, it does not matter whose answers of a subject are called whose (Pesarin and Salmaso 2010,
ch. 1; for F1 and other functions that are no sums, Yeh 2000). With a sum it is the sign-flip test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from msde_toolkit.randomness import generator
from msde_toolkit.statistics.metrics import Values

SWAPS = 9_999
_CHUNK = 4_000_000


def swap_test(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    statistic: Callable[[Values], Values],
    *,
    swaps: int = SWAPS,
    seed: int = 0,
) -> Values:
    """``[M]`` two-sided p values of the differences of M numbers, Monte Carlo, the observed draw counted in.

    Args:
        first: ``[S, K]`` counts of each subject by cell, summed or averaged over repeats.
        second: the same of the other method.
        statistic: ``[..., K]`` counts, summed over subjects, to ``[..., M]`` numbers; a p value of nan where one has
            no value.
        swaps: Monte Carlo draws.
        seed: of the draws.

    Raises:
        ValueError: if the methods have other subjects or cells.
    """
    one, two = (np.asarray(side, dtype=np.float64) for side in (first, second))
    if one.shape != two.shape:
        message = "Both methods must be tested on the same subjects."
        raise ValueError(message)
    half, apart = (one + two).sum(axis=0) / 2, (one - two) / 2
    apart = apart[apart.any(axis=1)]
    observed = statistic(one.sum(axis=0)) - statistic(two.sum(axis=0))
    extreme = np.zeros(observed.shape)
    for signs in _signs(len(apart), swaps, seed):
        moved = signs @ apart
        drawn = statistic(half + moved) - statistic(half - moved)
        # Differences that are equal on paper may differ in the last digits.
        extreme += (np.abs(drawn) >= np.abs(observed) - 1e-9).sum(axis=0)
    return np.where(np.isfinite(observed), (1 + extreme) / (1 + swaps), np.nan)


def _signs(subjects: int, swaps: int, seed: int) -> Iterator[Values]:
    rng = generator(seed, "swapped answers")
    step = max(1, _CHUNK // max(1, subjects))
    sizes = [min(step, swaps - start) for start in range(0, swaps, step)]
    for size in sizes:
        yield np.asarray(rng.integers(0, 2, (size, subjects)) * 2.0 - 1.0, dtype=np.float64)
