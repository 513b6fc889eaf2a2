"""Intervals of anything that is computed from cells: people drawn once for all cells of a set, repeats once a method.

A person who is easy stays easy in every cell, so that differences on the same people are paired; the source's people
and the target's are drawn apart. With two repeats or more, repeats are drawn too (crossed bootstrap), and the
interval is about the method, not only about these trained models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_crossdataset.cells import Cell, Cells, Key
from msde_toolkit import statistics
from msde_toolkit.randomness import generator

DRAWS = statistics.DRAWS
_CHUNK = 2_000_000  # person weights held at a time (16 MB)

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Mapping[Key, Floats]], Floats]
"""From cells' counts ``[..., C, C]`` to numbers ``[..., K]``."""


@dataclass(frozen=True)
class Estimate:
    """Numbers with their 95 % percentile intervals, ``[K]`` each; nan where there is none."""

    value: Floats
    low: Floats
    high: Floats

    def interval(self, index: int = 0) -> list[float] | None:
        """Both ends; None where there is no interval."""
        ends = [float(self.low[index]), float(self.high[index])]
        return ends if np.isfinite(ends).all() else None


def estimate(
    cells: Cells, keys: tuple[Key, ...], statistic: Statistic, *, corrected: bool = False, seed: int = 0
) -> Estimate:
    """A statistic of these cells, with its interval; nan ends where a set shows fewer than two people."""
    chosen = {key: _counts(cells.cells[key], corrected) for key in keys}
    value = np.atleast_1d(statistic({key: counts.sum(axis=(0, 1)).astype(float) for key, counts in chosen.items()}))
    if any((counts.sum(axis=(1, 2, 3)) > 0).sum() < 2 for counts in chosen.values()):
        nothing = np.full_like(value, np.nan)
        return Estimate(value, nothing, nothing)
    drawn = np.concatenate([statistic(part) for part in _drawn(chosen, seed)]).reshape(DRAWS, -1)
    ends = statistics.percentile_intervals(drawn, drawn.shape[1])
    low, high = np.array([one or (np.nan, np.nan) for one in ends]).T
    return Estimate(value, low, high)


def _counts(cell: Cell, corrected: bool) -> npt.NDArray[np.int64]:
    if not corrected:
        return cell.counts
    assert cell.corrected is not None
    return cell.corrected


def _drawn(chosen: Mapping[Key, npt.NDArray[np.int64]], seed: int) -> Iterator[dict[Key, Floats]]:
    """Chunks of resampled counts ``[d, C, C]`` of each cell."""
    people = {where: counts.shape[0] for (where, _, _), counts in chosen.items()}
    present = {
        where: np.logical_or.reduce([c.sum(axis=(1, 2, 3)) > 0 for (w, _, _), c in chosen.items() if w == where])
        for where in people
    }
    repeats = {(where, trained): counts.shape[1] for (where, trained, _), counts in chosen.items()}
    trainings = dict.fromkeys(trained for _, trained in repeats)
    # Each cell's random numbers have a name of their own, so that no effect depends on which others are computed.
    who = {where: generator(seed, "people", where) for where in people}
    again = {trained: generator(seed, "repeats", trained) for trained in trainings}
    step = max(1, _CHUNK // max(people.values()))
    for start in range(0, DRAWS, step):
        size = min(step, DRAWS - start)
        weights = {where: _weights(who[where], present[where], size) for where in people}
        times = {
            trained: _repeats(again[trained], max(n for (_, t), n in repeats.items() if t == trained), size)
            for trained in trainings
        }
        yield {
            key: _resampled(counts, weights[key[0]], times[key[1]][:, : counts.shape[1]])
            for key, counts in chosen.items()
        }


def _weights(rng: np.random.Generator, present: npt.NDArray[np.bool_], size: int) -> Floats:
    count = int(present.sum())
    out = np.zeros((size, len(present)))
    out[:, present] = rng.multinomial(count, np.full(count, 1 / count), size=size)
    return out


def _repeats(rng: np.random.Generator, repeats: int, size: int) -> Floats:
    if repeats == 1:
        return np.ones((size, 1))
    return rng.multinomial(repeats, np.full(repeats, 1 / repeats), size=size).astype(float)


def _resampled(counts: npt.NDArray[np.int64], people: Floats, repeats: Floats) -> Floats:
    groups, times, classes, _ = counts.shape
    by_repeat = (people @ counts.reshape(groups, -1)).reshape(len(people), times, classes, classes)
    return np.asarray(np.einsum("drij,dr->dij", by_repeat, repeats))
