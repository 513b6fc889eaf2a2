"""The smallest true difference that a study of so many subjects would find, by drawing such studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from msde_toolkit import statistics
from msde_toolkit.errors import InputError
from msde_toolkit.randomness import generator
from msde_toolkit.results.power.pilot import Variances
from msde_toolkit.statistics.metrics import Values

STUDIES = 500
FLIPS = 999
ALPHA = 0.05
LARGEST = 2_000
"""Subjects: beyond, drawing takes minutes."""


@dataclass(frozen=True)
class Detectable:
    """For one number of subjects.

    Attributes:
        condition: of the images.
        subjects, repeats: of the study.
        models: smallest true difference between *these trained models* that sign flips find with the wanted power, a
            fraction; None if none below 1 does, or the pilot says nothing of it.
        method: smallest true difference between the *methods* whose crossed 95 % interval leaves out zero;
            None, too, with one repeat, which says nothing of how training varies.
        unreliable: why an interval of such a study would be called unreliable, or None.
    """

    condition: str
    subjects: int
    repeats: int
    models: float | None
    method: float | None
    unreliable: str | None


def detectable(
    variances: Variances,
    subjects: Sequence[int],
    repeats: int = 5,
    *,
    power: float = 0.8,
    comparisons: int = 1,
    seed: int = 0,
) -> list[Detectable]:
    """Minimum detectable differences.

    Args:
        variances: of the difference between two methods.
        subjects: numbers to ask for.
        repeats: trainings of each method.
        power: chance to find it.
        comparisons: tests in the primary family; sign flips must be below alpha / comparisons (Holm's first step).
        seed: of the drawn studies.

    Raises:
        InputError: naming the argument that is out of range.
    """
    _check(subjects, repeats, power, comparisons)
    rows = []
    known = variances.subject + variances.chance > 0
    for count in subjects:
        few = f"only {count} subjects" if statistics.few_groups(count) else None
        if not known:
            rows.append(Detectable(variances.condition, count, repeats, None, None, few))
            continue
        people, training = _drawn(variances, count, repeats, seed)
        models, method = _of_models(people, power, ALPHA / comparisons), _of_method(people + training, power)
        rows.append(Detectable(variances.condition, count, repeats, models, method if repeats > 1 else None, few))
    return rows


def _check(subjects: Sequence[int], repeats: int, power: float, comparisons: int) -> None:
    for name, value, low, high in (
        *(("--subjects", count, 5, LARGEST) for count in subjects or [0]),
        ("--repeats", repeats, 1, 100),
        ("--power", power, 0.05, 0.99),
        ("--comparisons", comparisons, 1, 50),
    ):
        if not low <= value <= high:
            message = f"{name} {value:g}: expected {low:g} to {high:g}."
            raise InputError(message)


def _drawn(variances: Variances, subjects: int, repeats: int, seed: int) -> tuple[Values, Values]:
    """Studies in which there is no difference: ``[STUDIES, S, R]`` of people, ``[STUDIES, 1, R]`` of trainings."""
    rng = generator(seed, "power", variances.condition, subjects, repeats)
    sizes = np.sqrt([variances.subject, variances.chance, variances.training])
    shapes = ((STUDIES, subjects, 1), (STUDIES, subjects, repeats), (STUDIES, 1, repeats))
    always, chance, training = (rng.normal(0.0, size, shape) for size, shape in zip(sizes, shapes, strict=True))
    return always + chance, training


def _of_models(people: Values, power: float, alpha: float) -> float | None:
    """By bisection over the same drawn studies."""
    apart = people.mean(axis=2)
    low, high = 0.0, 1.0
    if _power(apart + high, alpha) < power:
        return None
    while high - low > 0.0005:
        middle = (low + high) / 2
        low, high = (low, middle) if _power(apart + middle, alpha) >= power else (middle, high)
    return high


def _power(apart: Values, alpha: float) -> float:
    return float((statistics.sign_flip_many(apart, flips=FLIPS) <= alpha).mean())


def _of_method(tables: Values, power: float) -> float | None:
    """The shift at which so many studies' intervals lie above zero."""
    widths = statistics.half_widths([np.moveaxis(tables, 0, -1) / tables.shape[1]])
    needed = float(np.quantile(widths - tables.mean(axis=(1, 2)), power))
    return needed if needed < 1 else None
