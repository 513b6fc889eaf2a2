"""How often the intervals cover, and how often each test finds a difference that is there, or is not.

    python benchmarks/coverage.py --replicates 2000 --jobs 2

Whole studies are drawn, with known truth: 12, 24 or 142 subjects of seven images, folds, five trainings of each of two
methods. Whether an image is told right depends on its subject, on the image, on how the subject suits the method, on
the training (a repeat, a fold's model, a fold's training set) and on chance. The intervals and tests are those of
``msde compare``; beside them two that are often used and take images as independent. No image, no network is involved.
Ends with Markdown on stdout: docs/statistics.md has it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt

import numpy as np
from scipy.stats import norm

from msde_toolkit import statistics
from msde_toolkit.randomness import generator

CLASSES, REPEATS = 7, 5
METRICS = ("accuracy", "recall", "macro-F1")
SUBJECTS = (12, 24, 142)
EFFECT = 0.05
"""Difference of accuracy that power is told for."""
ALPHA = 0.05
SLOPE = 0.24
"""Accuracy a unit of the latent scale, near the accuracies drawn here."""


@dataclass(frozen=True)
class World:
    """Standard deviations, in accuracy: subject .12 and so on; ``image`` and ``image_method`` on the latent scale."""

    subject: float = 0.12
    subject_method: float = 0.05
    repeat: float = 0.015
    fold_model: float = 0.02
    fold: float = 0.01
    image: float = 0.8
    image_method: float = 0.4

    @property
    def trained_alike(self) -> World:
        """The same people, but every training gives the same model: what a test of *these models* takes for granted."""
        return replace(self, repeat=0.0, fold_model=0.0, fold=0.0)

    @property
    def total(self) -> float:
        """Of the latent score, chance included."""
        parts = (self.subject, self.subject_method, self.repeat, self.fold_model, self.fold)
        return sqrt(1 + sum((part / SLOPE) ** 2 for part in parts) + self.image**2 + self.image_method**2)


def ease(shift: float) -> np.ndarray:
    """``[C]`` latent mean of each class; some expressions are easy, some hard."""
    return np.linspace(-0.6, 1.5, CLASSES) + shift / SLOPE


def mistakes() -> np.ndarray:
    """``[C, C]`` which class is said instead, rows sum to one."""
    table = generator("mistakes").dirichlet(np.full(CLASSES, 0.7), CLASSES)
    np.fill_diagonal(table, 0.0)
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def truth(world: World, shift: float) -> np.ndarray:
    """``[3]`` accuracy, recall of the first class and macro-F1 of the method, over all subjects and trainings."""
    right = norm.cdf(ease(shift) / world.total)
    return numbers((np.diag(right) + (1 - right)[:, None] * mistakes()).ravel())


def numbers(counts: np.ndarray) -> np.ndarray:
    """``[..., C * C] -> [..., 3]``."""
    tables = np.asarray(counts).reshape(*np.shape(counts)[:-1], CLASSES, CLASSES)
    first = statistics.recall_by_class(tables)[..., 0]
    return np.stack([statistics.accuracy(tables), first, statistics.macro_f1(tables)], axis=-1)


def study(world: World, subjects: int, shifts: tuple[float, ...], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """``[methods, S, C, R]`` answers, and ``[S]`` the fold of each subject."""
    methods = len(shifts)
    folds = np.arange(subjects) % min(10, subjects // 2)

    def effect(sd: float, *shape: int) -> np.ndarray:
        return rng.normal(0, sd / SLOPE, shape)

    score = np.stack([ease(shift) for shift in shifts])[:, None, :, None]
    score = score + effect(world.subject, 1, subjects, 1, 1) + effect(world.subject_method, methods, subjects, 1, 1)
    score = score + rng.normal(0, world.image, (1, subjects, CLASSES, 1))
    score = score + rng.normal(0, world.image_method, (methods, subjects, CLASSES, 1))
    models = effect(world.fold_model, methods, folds.max() + 1, 1, REPEATS) + effect(
        world.fold, methods, folds.max() + 1, 1, 1
    )
    score = score + effect(world.repeat, methods, 1, 1, REPEATS) + models[:, folds]
    right = score + rng.normal(size=(methods, subjects, CLASSES, REPEATS)) > 0
    said = rng.random((methods, subjects, CLASSES, REPEATS))[..., None] > np.cumsum(mistakes(), axis=1)[:, None, :]
    instead = np.minimum(said.sum(axis=-1), CLASSES - 1)
    return np.where(right, np.arange(CLASSES)[:, None], instead), folds


def counts(answers: np.ndarray) -> np.ndarray:
    """``[S, C, R] -> [S, R, C * C]``."""
    cells = np.arange(CLASSES)[:, None] * CLASSES + answers
    return np.asarray(np.eye(CLASSES**2)[cells].sum(axis=1))


def covered(world: World, subjects: int, number: int) -> dict[str, np.ndarray]:
    """``[3]`` for each interval: -1 where it lies above the truth, 1 below, 0 covered."""
    rng = generator("coverage", subjects, number)
    (answers,), _ = study(world, subjects, (0.0,), rng)
    table, goal = counts(answers), truth(world, 0.0)
    about = [subjects] * len(METRICS)
    crossed = statistics.crossed_intervals([table], numbers, units=about)
    pooled = table.sum(axis=(0, 1))
    images = [int(pooled.sum() / times) for times in (1, REPEATS)]
    once = statistics.crossed_intervals([table[:, :1]], numbers, units=about)
    return {
        "subjects x repeats": _sides([one.interval for one in crossed], goal),
        "subjects, one training": _sides([one.interval for one in once], goal),
        "subjects, repeats pooled": _sides(_percentile(numbers(_draws(table.sum(axis=1), rng))), goal),
        "images": _sides(_percentile(numbers(rng.multinomial(images[1], pooled / pooled.sum(), 1000))), goal),
        "images x repeats": _sides(_percentile(numbers(rng.multinomial(images[0], pooled / pooled.sum(), 1000))), goal),
    }


def _draws(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.multinomial(len(table), np.full(len(table), 1 / len(table)), 1000) @ table


def _percentile(drawn: np.ndarray) -> list[tuple[float, float]]:
    return [(float(low), float(high)) for low, high in np.nanquantile(drawn, [0.025, 0.975], axis=0).T]


def _sides(ends: list[tuple[float, float] | None], goal: np.ndarray) -> np.ndarray:
    return np.array(
        [0 if end is None else (end[1] < value) * 1 - (end[0] > value) for end, value in zip(ends, goal, strict=True)]
    )


def found(world: World, subjects: int, effect: float, number: int) -> dict[str, np.ndarray]:
    """``[3]`` for each test whether p < .05; nan where it is for accuracy only."""
    answers, folds = study(world, subjects, (0.0, effect), generator("tests", subjects, number))
    second, first = (counts(one) for one in answers)
    right = answers == np.arange(CLASSES)[:, None]
    apart = (right[1].mean(axis=-1) - right[0].mean(axis=-1)).sum(axis=1)
    sizes = np.full(subjects, CLASSES)
    by_fold = np.bincount(folds, apart) / np.bincount(folds) / CLASSES
    once, all_of_them = right[..., 0], right
    intervals = statistics.crossed_intervals([first, second], lambda a, b: numbers(a) - numbers(b), bounds=(-1, 1))
    swapped = statistics.swap_test(first.mean(axis=1), second.mean(axis=1), numbers, swaps=999, seed=number)
    swapped[0] = statistics.sign_flip(np.rint(apart * REPEATS), seed=number)
    return {
        "sign flips of subjects": swapped < ALPHA,
        "interval without zero": np.array(
            [end is not None and not end[0] <= 0 <= end[1] for end in (one.interval for one in intervals)]
        )
        * 1.0,
        "McNemar, Obuchowski": _alone(statistics.clustered_mcnemar(apart, sizes, "obuchowski").p),
        "McNemar, Durkalski": _alone(statistics.clustered_mcnemar(apart, sizes, "durkalski").p),
        "corrected resampled t": _alone(statistics.resampled_t(by_fold, 1 / (len(by_fold) - 1)).p),
        "plain McNemar, one training": _alone(_plain(once)),
        "plain McNemar, images x repeats": _alone(_plain(all_of_them)),
    }


def _alone(p: float) -> np.ndarray:
    return np.array([p < ALPHA, np.nan, np.nan], dtype=np.float64)


def _plain(right: np.ndarray) -> float:
    return statistics.plain_mcnemar(int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())).p


def averages(work: partial, replicates: int, pool: ProcessPoolExecutor) -> Iterator[tuple[str, np.ndarray]]:
    """By name ``[replicates, 3]``."""
    rows = list(pool.map(work, range(replicates), chunksize=25))
    for name in rows[0]:
        yield name, np.stack([row[name] for row in rows]).astype(np.float64)


def coverage_table(replicates: int, pool: ProcessPoolExecutor) -> Iterator[str]:
    """How often each interval covers the truth, and (lies above it, lies below it)."""
    yield f"| interval | subjects | {' | '.join(METRICS)} |"
    yield "|---|---|---|---|---|"
    for subjects in SUBJECTS:
        for name, sides in averages(partial(covered, World(), subjects), replicates, pool):
            cells = [
                f"{100 * np.mean(one == 0):.1f} ({100 * np.mean(one < 0):.1f}, {100 * np.mean(one > 0):.1f})"
                for one in sides.T
            ]
            yield f"| {name} | {subjects} | {' | '.join(cells)} |"


def test_table(replicates: int, pool: ProcessPoolExecutor) -> Iterator[str]:
    """Size and power of each test."""
    worlds: Mapping[str, tuple[World, float]] = {
        "size, trained alike": (World().trained_alike, 0.0),
        "size, trained again": (World(), 0.0),
        "power": (World(), EFFECT),
    }
    yield f"| test | subjects | {' | '.join(f'{metric}: {name}' for metric in METRICS for name in worlds)} |"
    yield "|---" * (2 + len(METRICS) * len(worlds)) + "|"
    for subjects in SUBJECTS:
        columns = {
            name: dict(averages(partial(found, world, subjects, effect), replicates, pool))
            for name, (world, effect) in worlds.items()
        }
        for test in next(iter(columns.values())):
            shares = [100 * columns[name][test][:, metric].mean() for metric in range(len(METRICS)) for name in worlds]
            told = ["-" if np.isnan(share) else f"{share:.1f}" for share in shares]
            yield f"| {test} | {subjects} | {' | '.join(told)} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=2000, help="studies drawn for each row")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    asked = parser.parse_args()
    error = 100 * sqrt(0.95 * 0.05 / asked.replicates)
    lower, upper = (truth(World(), shift) for shift in (0.0, EFFECT))
    told = ", ".join(
        f"{name} {100 * a:.1f} and {100 * b:.1f}" for name, a, b in zip(METRICS, lower, upper, strict=True)
    )
    print(f"{asked.replicates} studies a row, {REPEATS} trainings a fold; standard error {error:.1f} at 95 percent.")
    print(f"Truth of the two methods whose difference power is about: {told} percent.\n")
    with ProcessPoolExecutor(asked.jobs) as pool:
        for lines in (coverage_table(asked.replicates, pool), test_table(asked.replicates, pool)):
            for line in lines:
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
