"""Numbers of calibration: ECE in bins of equal mass, proper scores, and accuracy of the most confident answers.

Intervals resample groups (subjects), thresholds and bins held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_robustness.answers import Answers, Values
from msde_toolkit import statistics
from msde_toolkit.interfaces import RunView
from msde_toolkit.randomness import generator

COVERAGES = np.linspace(0.05, 1.0, 20)
"""Shares of the answers that are kept, the most confident first."""
SMALLEST_BIN = 25
SIMULATED = 500


@dataclass(frozen=True)
class Number:
    """A value with its 95 % interval and what to hold it against (None: nothing)."""

    value: float
    ci95: statistics.Interval
    reference: float | None = None


def bins_of(confidence: Values, most: int) -> npt.NDArray[np.int64]:
    """``[n]`` each answer's bin, 0 to B-1 by confidence, of as equal a mass as ties allow; at least 25 answers each."""
    count = max(1, min(most, len(confidence) // SMALLEST_BIN))
    inner = np.quantile(confidence, np.linspace(0, 1, count + 1)[1:-1])
    return np.unique(np.searchsorted(np.unique(inner), confidence, side="left"), return_inverse=True)[1].astype(
        np.int64
    )


def ece(confidence: Values, right: npt.ArrayLike, bins: npt.NDArray[np.int64]) -> float:
    """Expected calibration error (Naeini et al. 2015): mean over answers of their bin's |confidence - accuracy|."""
    return float(np.abs(np.bincount(bins, confidence - np.asarray(right))).sum() / len(bins))


def calibration(answers: Answers, most_bins: int, seed: int) -> dict[str, Number]:
    """The numbers of one condition.

    ``ece``, its reference what perfectly calibrated answers of these confidences would get in these bins by chance;
    ``overconfidence`` (mean confidence minus accuracy); ``brier`` (sum over classes, 0 to 2) and ``nll`` (nats), their
    reference always answering with the class shares.
    """
    confidence, right, labels = answers.confidence, answers.right, answers.labels
    groups, bins = answers.units.groups, bins_of(confidence, most_bins)
    shares = np.bincount(labels, minlength=answers.probabilities.shape[1]) / len(labels)
    truth = np.eye(len(shares))[labels]
    losses = {
        "overconfidence": confidence - right,
        "brier": ((answers.probabilities - truth) ** 2).sum(axis=1),
        "nll": -np.log(np.maximum(answers.probabilities[np.arange(len(labels)), labels], 1e-30)),
    }
    known = shares[shares > 0]
    references = {
        "accuracy": float(shares.max()),
        "overconfidence": 0.0,
        "brier": float(1.0 - (shares**2).sum()),
        "nll": float(-(known * np.log(known)).sum()),
    }
    found = {
        name: Number(
            float(values.mean()), statistics.cluster_mean_interval(values, groups, seed=seed), references[name]
        )
        for name, values in losses.items()
    }
    # As every other table has it, so that one report does not give one accuracy two intervals.
    ends = statistics.cluster_bootstrap(labels, answers.probabilities.argmax(axis=1), groups, len(shares), seed=seed)
    found["accuracy"] = Number(float(right.mean()), ends["accuracy"], references["accuracy"])
    return {**found, "ece": _ece(confidence, right, bins, groups, seed)}


def reliability_table(answers: Answers, most_bins: int, seed: int) -> list[dict[str, Any]]:
    """A row a bin: its answers, mean confidence, and accuracy with a 95 % interval."""
    confidence, right, bins = answers.confidence, answers.right, bins_of(answers.confidence, most_bins)
    rows = []
    for place in range(int(bins.max()) + 1):
        mine = bins == place
        interval = statistics.cluster_mean_interval(right[mine], answers.units.groups[mine], seed=seed)
        low, high = interval or (None, None)
        rows.append(
            {
                "bin": place + 1,
                "n": int(mine.sum()),
                "confidence_from": float(confidence[mine].min()),
                "confidence_to": float(confidence[mine].max()),
                "confidence": float(confidence[mine].mean()),
                "accuracy": float(right[mine].mean()),
                "ci95_low": low,
                "ci95_high": high,
            }
        )
    return rows


def selective(answers: Answers, seed: int) -> tuple[list[Number], Number]:
    """Accuracy of the most confident share of answers at ``COVERAGES``, and the area under their risk.

    The area's (AURC's; Geifman and El-Yaniv 2017) reference is the error of all: what a confidence gets that knows
    nothing. Answers of equal confidence are taken in the order of their ids.
    """
    order = np.lexsort((answers.ids.astype(str), -answers.confidence))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    kept = (rank[:, None] < np.ceil(COVERAGES * len(order) - 1e-9)).astype(np.float64)
    columns = np.hstack([kept * answers.right[:, None], kept])
    drawn = statistics.resampled_sums(columns, answers.units.groups, seed=seed)
    curve = _kept_accuracy(columns.sum(axis=0))
    again = None if drawn is None else _kept_accuracy(drawn)
    of_kept = [min(answers.units.count, int(kept_images)) for kept_images in kept.sum(axis=0)]
    intervals = statistics.percentile_intervals(again, len(COVERAGES), of_kept)
    area = statistics.percentile_intervals(None if again is None else 1.0 - np.nanmean(again, axis=1)[:, None], 1)[0]
    numbers = [Number(float(value), interval) for value, interval in zip(curve, intervals, strict=True)]
    return numbers, Number(float(1.0 - curve.mean()), area, float(1.0 - answers.right.mean()))


def _kept_accuracy(sums: Values) -> Values:
    right, kept = np.split(sums, 2, axis=-1)
    shares: Values = np.divide(right, kept, out=np.full(kept.shape, np.nan), where=kept > 0)
    return shares


def _ece(confidence: Values, right: Values, bins: npt.NDArray[np.int64], groups: npt.ArrayLike, seed: int) -> Number:
    """With an interval that holds the ECE of endless data in these bins in 95 % of samples (docs/analyses.md).

    Noise raises an ECE, and resampling adds noise: percentiles alone would lie too high. The lower end is that of the
    basic bootstrap, which mirrors the noise away; 0 where perfectly calibrated answers might have got as much. The
    upper end is the percentile.
    """
    count, value = int(bins.max()) + 1, ece(confidence, right, bins)
    rng = generator(seed, "calibrated answers")
    lucky = np.array([ece(confidence, rng.random(len(bins)) < confidence, bins) for _ in range(SIMULATED)])
    of_bins = np.eye(count)[bins] * (confidence - right)[:, None]
    drawn = statistics.resampled_sums(np.column_stack([of_bins, np.ones(len(bins))]), groups, seed=seed)
    interval = None
    if drawn is not None:
        high = float(np.quantile(np.abs(drawn[:, :-1]).sum(axis=1) / drawn[:, -1], 0.975))
        by_chance = value <= np.quantile(lucky, 0.975)
        interval = (0.0 if by_chance else max(0.0, 2 * value - high), max(high, value))
    return Number(value, interval, float(lucky.mean()))


@dataclass(frozen=True)
class Found:
    """What was found for one run in one condition.

    Attributes:
        run: whose.
        answers: its held-out answers.
        numbers: by name, see ``calibration``.
        bins: a row a bin.
        curve: accuracy at each of ``COVERAGES``.
        area: under the risk.
    """

    run: RunView
    answers: Answers
    numbers: dict[str, Number]
    bins: list[dict[str, Any]]
    curve: list[Number]
    area: Number


def found_in(run: RunView, answers: Answers, bins: int, seed: int) -> Found:
    """All of it, in at most so many bins."""
    curve, area = selective(answers, seed)
    numbers = calibration(answers, bins, seed)
    return Found(run, answers, numbers, reliability_table(answers, bins, seed), curve, area)
