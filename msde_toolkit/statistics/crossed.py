"""Intervals for *this method*: subjects crossed with repeats of the training.

A plain bootstrap over both underestimates what few repeats add (it draws R of R: (R-1)/R of the variance), counts their
interaction twice, and takes five repeats for many. Here the bootstrap gives only the shape, the width comes from
variance components. With u_sr the linearised contribution of subject s in repeat r (infinitesimal jackknife; Efron and
Tibshirani 1993, ch. 21):

- V1 = S var_s(mean_r u) is between subjects, interaction included;
- V2 = var_r(sum_s u) / R is between repeats, interaction included once more;
- V3 is the interaction alone (two-way layout without replication), to be taken off once;
- V = V1 + max(0, V2 - V3), with Satterthwaite's (1946) degrees of freedom.

The interval is 2 t sqrt(V) wide, divided above and below the estimate as the percentiles of a bootstrap divide it that
draws S-1 of S subjects and R-1 of R repeats (Rao and Wu 1988), with 30 % at least on either side. With one repeat
V = V1, and the interval speaks of *these trained models* on further subjects. docs/statistics.md has the coverage by
simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.randomness import generator
from msde_toolkit.statistics.intervals import DRAWS, LEVEL, bound_of_none, few_groups
from msde_toolkit.statistics.metrics import Values

Statistic = Callable[..., npt.NDArray[np.float64]]

METHOD = "this method: further subjects, trained again"
MODELS = "these trained models on further subjects"
_MANY = 20_000
_CHUNK = 4_000_000  # weights held at a time (32 MB)
_NOTHING = 1e-9
"""A half-width below this is rounding."""
_CARRYING = 5
"""Fewer subjects than this, and a variance, for all the others, is that of these few."""
_LEAST_SIDE = 0.3
"""Of the interval's width on either side: where few subjects differ, the bootstrap would put all on one side."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: the estimate, all repeats pooled.
        low: lower end, None for fewer than two subjects or an undefined value.
        high: upper end.
        estimand: what the interval speaks of.
        subjects: resampled units.
        repeats: trainings of each method.
        unreliable: why not to trust the interval; None where there is no reason.
    """

    value: float
    low: float | None
    high: float | None
    estimand: str
    subjects: int
    repeats: int
    unreliable: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def crossed_intervals(
    arms: Sequence[npt.ArrayLike],
    statistic: Statistic,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    units: Sequence[int] | None = None,
    paired_repeats: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Estimate]:
    """Estimates of smooth functions of counts, each with a 95 % interval over subjects and repeats.

    Args:
        arms: for each method ``[S, R, K]`` counts of subject, repeat and cell; subjects are the same in all.
        statistic: ``[..., K]`` pooled counts of each arm to ``[..., M]`` numbers. A ratio: doubling all counts changes
            nothing.
        bounds: of the numbers.
        units: ``[M]`` subjects that each number is about, where not all.
        paired_repeats: whether repeat r of one arm goes with repeat r of the other; needs equal R.
        draws: bootstrap draws.
        seed: of the draws.

    Raises:
        ValueError: if arms have different subjects.
    """
    tables = [np.asarray(arm, dtype=np.float64) for arm in arms]
    if len({len(table) for table in tables}) != 1:
        message = "All methods must be tested on the same subjects."
        raise ValueError(message)
    repeats = [table.shape[1] for table in tables]
    paired = paired_repeats and len(set(repeats)) == 1
    pooled = [table.sum(axis=0).mean(axis=0) for table in tables]
    values = np.atleast_1d(statistic(*pooled))
    subjects = len(tables[0])
    counted = list(units) if units is not None else [subjects] * len(values)
    estimand = METHOD if min(repeats) > 1 else MODELS
    if subjects < 2:
        return [_bare(value, estimand, subjects, min(repeats)) for value in values.tolist()]
    parts = contributions(tables, pooled, statistic)
    widths, carried = half_widths(parts, paired=paired), _carrying(parts)
    # Of so many subjects the shape is the normal one, and drawing them would take minutes.
    drawn = values[None] if subjects > _MANY else _draws(tables, statistic, paired, draws, seed)
    return [
        _estimate(value, width, drawn[:, column], bounds, estimand, many, min(repeats), carried[column])
        for column, (value, width, many) in enumerate(zip(values.tolist(), widths.tolist(), counted, strict=True))
    ]


def contributions(tables: Sequence[Values], pooled: Sequence[Values], statistic: Statistic) -> list[Values]:
    """For each arm ``[S, R, M]``: gradient of the statistic (central differences) times the subject's counts."""
    out = []
    for index, table in enumerate(tables):
        present = np.flatnonzero(pooled[index] > 0)
        steps = np.zeros((len(present), len(pooled[index])))
        steps[np.arange(len(present)), present] = 1e-4 * pooled[index][present]
        ends = []
        for sign in (1, -1):
            moved: list[Values] = [np.broadcast_to(side, steps.shape) for side in pooled]
            moved[index] = pooled[index] + sign * steps
            ends.append(statistic(*moved))
        slope = (ends[0] - ends[1]) / (2e-4 * pooled[index][present])[:, None]
        out.append(table[..., present] @ np.nan_to_num(slope))
    return out


def half_widths(arms: Sequence[Values], *, paired: bool = True) -> Values:
    """``[M]`` t sqrt(V) of contributions ``[S, R, M]``; with ``paired`` repeats of arms go together."""
    from scipy.stats import t

    layers = [np.sum(arms, axis=0)] if paired else list(arms)
    means = np.sum([layer.mean(axis=1) for layer in layers], axis=0)
    subjects = len(means)
    between = subjects * means.var(axis=0, ddof=1)
    variance, uncertain = between.copy(), between**2 / (subjects - 1)
    for layer in layers:
        repeats = layer.shape[1]
        if repeats < 2:
            continue
        totals = layer.sum(axis=0)
        again = totals.var(axis=0, ddof=1) / repeats
        rest = layer - layer.mean(axis=1, keepdims=True) - (totals - totals.mean(axis=0)) / subjects
        freedom = (subjects - 1) * (repeats - 1)
        residual = subjects * (rest**2).sum(axis=(0, 1)) / freedom / repeats
        more = again > residual
        variance += np.where(more, again - residual, 0.0)
        uncertain += np.where(more, again**2 / (repeats - 1) + residual**2 / freedom, 0.0)
    degrees = np.divide(variance**2, uncertain, out=np.full(variance.shape, np.inf), where=uncertain > 0)
    return np.asarray(t.ppf((1 + LEVEL) / 2, degrees) * np.sqrt(variance), dtype=np.float64)


def _carrying(arms: Sequence[Values]) -> list[float]:
    """For each number, about how many subjects its variance rests on: (sum u^2)^2 / sum u^4, S/3 of normal ones."""
    squares = np.sum([arm.mean(axis=1) for arm in arms], axis=0) ** 2
    largest = squares.max(axis=0)
    shares = np.divide(squares, largest, out=np.zeros_like(squares), where=largest > 0)
    return [
        float(total**2 / fourth) if fourth else 0.0
        for total, fourth in zip(shares.sum(0), (shares**2).sum(0), strict=True)
    ]


def non_inferior(low: float | None, margin: float) -> bool:
    """Whether a difference's lower end rules out a loss of ``margin`` (> 0, a fraction) or more."""
    return low is not None and low > -margin


def _draws(tables: Sequence[Values], statistic: Statistic, paired: bool, draws: int, seed: int) -> Values:
    """``[draws, M]`` the statistic with S-1 of S subjects and R-1 of R repeats drawn."""
    rng = generator(seed, "crossed bootstrap of repeats")
    subjects = len(tables[0])
    drawn, weights = [], None
    chosen = (_kept_draws if subjects * draws <= _CHUNK else _subject_draws)(subjects, draws, seed)
    for table in tables:
        repeats = table.shape[1]
        if weights is None or not paired:
            few = max(1, repeats - 1)
            weights = rng.multinomial(few, np.full(repeats, 1 / repeats), draws) / few
        flat = table.reshape(subjects, -1)
        sums = np.concatenate([part @ flat for part in chosen]).reshape(draws, repeats, -1)
        drawn.append(np.einsum("dr,drk->dk", weights, sums))
    return np.asarray(statistic(*drawn), dtype=np.float64)


def _subject_draws(subjects: int, draws: int, seed: int) -> list[Values]:
    rng = generator(seed, "crossed bootstrap of subjects")
    step = max(1, _CHUNK // subjects)
    return [
        rng.multinomial(subjects - 1, np.full(subjects, 1 / subjects), min(step, draws - start)).astype(np.float64)
        for start in range(0, draws, step)
    ]


_kept_draws = lru_cache(maxsize=2)(_subject_draws)
"""A comparison asks for the same ones dozens of times."""


def _estimate(
    value: float,
    width: float,
    drawn: Values,
    bounds: tuple[float, float],
    estimand: str,
    subjects: int,
    repeats: int,
    carried: float,
) -> Estimate:
    if not np.isfinite(value) or subjects < 1:
        return _bare(value, estimand, subjects, repeats)
    low, high = bounds
    if width <= _NOTHING:
        # No spread at all.
        bound = bound_of_none(subjects)
        why = f"no variation between subjects; bound for {subjects} subjects"
        return Estimate(value, max(low, value - bound), min(high, value + bound), estimand, subjects, repeats, why)
    ends = np.quantile(drawn[np.isfinite(drawn)], [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    below = (ends[1] - ends[0]) / (ends[2] - ends[0]) if ends[2] > ends[0] else 0.5
    below = min(max(below, _LEAST_SIDE), 1 - _LEAST_SIDE)
    why_not = f"rests on about {carried:.0f} subjects" if carried < _CARRYING else None
    why_not = f"only {subjects} subjects" if few_groups(subjects) else why_not
    return Estimate(
        value,
        float(max(low, value - 2 * width * below)),
        float(min(high, value + 2 * width * (1 - below))),
        estimand,
        subjects,
        repeats,
        why_not,
    )


def _bare(value: float, estimand: str, subjects: int, repeats: int) -> Estimate:
    return Estimate(float(value), None, None, estimand, subjects, repeats, "too few subjects")
