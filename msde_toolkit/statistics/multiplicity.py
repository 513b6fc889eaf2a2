"""p values of several tests at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from msde_toolkit.statistics.metrics import Values


def holm(p_values: npt.ArrayLike) -> Values:
    """``[m] -> [m]`` adjusted p values (Holm 1979): the chance of any false claim stays below alpha."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(steps, 1.0)
    return out


def benjamini_hochberg(p_values: npt.ArrayLike) -> Values:
    """``[m] -> [m]`` adjusted p values (Benjamini and Hochberg 1995): the share of false claims stays below alpha."""
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, dtype=np.float64)
    return np.asarray(false_discovery_control(p), dtype=np.float64) if len(p) else p
