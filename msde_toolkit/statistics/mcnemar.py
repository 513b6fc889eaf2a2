"""McNemar's test of paired answers, for images that cluster in subjects, and the plain one.

With b_k images of subject k that A alone got right, c_k that B alone did and n_k images in all:

- Obuchowski (1998): (K-1)/K (sum b_k - c_k)^2 / sum (b_k - c_k)^2
- Yang, Sun and Hardin (2010): (sum b_k - c_k)^2 / sum (b_k - c_k)^2
- Durkalski et al. (2003): (sum (b_k - c_k) / n_k)^2 / sum ((b_k - c_k) / n_k)^2

each chi-squared with one degree of freedom. The first two weigh images alike, the third subjects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["obuchowski", "yang", "durkalski", "plain", "exact"]
FEW_DISCORDANT = 25


@dataclass(frozen=True)
class McNemar:
    """A test's statistic (None for the exact one), which it is, and p; degrees of freedom are one."""

    kind: Kind
    statistic: float | None
    p: float


def clustered_mcnemar(
    differences: npt.ArrayLike, sizes: npt.ArrayLike, kind: Literal["obuchowski", "yang", "durkalski"]
) -> McNemar:
    """McNemar's test with subjects as clusters.

    Args:
        differences: ``[K]`` b_k - c_k of each subject (their mean over repeats, where there are several).
        sizes: ``[K]`` images of each subject.
        kind: whose; p is 1 where no subject differs.
    """
    scores = np.asarray(differences, dtype=np.float64)
    if kind == "durkalski":
        scores = scores / np.asarray(sizes, dtype=np.float64)
    spread = float((scores**2).sum())
    statistic = float(scores.sum() ** 2 / spread) if spread else 0.0
    if kind == "obuchowski":
        statistic *= (len(scores) - 1) / len(scores)
    return McNemar(kind, statistic, _chi_squared(statistic))


def plain_mcnemar(only_first: int, only_second: int) -> McNemar:
    """McNemar (1947) without continuity correction; exact binomial under 25 discordant images.

    It takes images as independent. Use it only where nobody knows whose they are.
    """
    from scipy.stats import binom

    discordant = only_first + only_second
    if discordant < FEW_DISCORDANT:
        tail = binom.cdf(min(only_first, only_second), discordant, 0.5)
        return McNemar("exact", None, float(min(1.0, 2 * tail)))
    statistic = (only_first - only_second) ** 2 / discordant
    return McNemar("plain", float(statistic), _chi_squared(statistic))


def _chi_squared(statistic: float) -> float:
    from scipy.stats import chi2

    return float(chi2.sf(statistic, 1))
