"""The corrected resampled t test over folds and repeats: a look at sensitivity, no primary test.

Training sets of folds overlap, so the folds' differences are not independent. The variance is enlarged by the ratio of
test to training images (Nadeau and Bengio 2003, sec. 4; for repeated cross-validation Bouckaert and Frank 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True)
class ResampledT:
    """What the test found.

    Attributes:
        difference: mean difference.
        t: None where all differences are equal.
        df: degrees of freedom.
        p: two-sided.
        detectable: the smallest true difference that the test would find with power .8 at this spread.
    """

    difference: float
    t: float | None
    df: int
    p: float
    detectable: float


def resampled_t(differences: npt.ArrayLike, test_share: float) -> ResampledT:
    """Corrected resampled t test.

    Args:
        differences: ``[J]`` one a fold and repeat, e.g. of accuracies.
        test_share: test images divided by training images of one fold, 1/9 for ten folds.

    Raises:
        ValueError: for fewer than two differences.
    """
    from scipy.stats import t as student

    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 2:
        message = "A t test needs at least two differences."
        raise ValueError(message)
    df = len(values) - 1
    error = float(np.sqrt((1 / len(values) + test_share) * values.var(ddof=1)))
    mean = float(values.mean())
    if error == 0:
        return ResampledT(mean, None, df, 1.0 if mean == 0 else 0.0, 0.0)
    return ResampledT(mean, mean / error, df, float(2 * student.sf(abs(mean) / error, df)), _detectable(df) * error)


def _detectable(df: int) -> float:
    """Non-centrality at which a two-sided t test of level .05 has power .8."""
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    limit = t.isf(ALPHA / 2, df)

    def lacking(shift: float) -> float:
        # scipy answers nan where the wrong tail is too thin to compute.
        return float(nct.sf(limit, df, shift) + np.nan_to_num(nct.cdf(-limit, df, shift)) - POWER)

    return float(brentq(lacking, 1.0, 2 * limit + 2))
