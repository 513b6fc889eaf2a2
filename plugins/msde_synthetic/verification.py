"""Outcomes of the label verification, in exactly the numbers of the paper's Table 2.

1,007 pairs were requested. After verification, 857 pairs have one label on both images; 96 kept both images under
different labels; in 43 the non-masked image was removed and in 11 the masked one. That gives 964 non-masked and 996
masked images. Which classes meet in a pair is drawn from the seed, with plausible confusions the most frequent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from msde_synthetic.facs import CLASSES
from msde_synthetic.randomness import stream

TABLE_2_NM = (128, 121, 114, 193, 123, 104, 181)
TABLE_2_M = (121, 128, 127, 164, 142, 143, 171)
TABLE_2_PAIRS = (113, 108, 106, 155, 119, 100, 156)
REMOVED_NM, REMOVED_M, MISMATCHED = 43, 11, 96
SUBJECTS = 142
EXTRA_REQUESTS = (1, 1, 1, 1, 1, 2, 2, 2, 2, 5, 5, 5, 5)
"""Requested labels (fear, disgust, angry) of the 13 pairs beyond 142 x 7."""

CONFUSION_COST = np.array(
    [  # seen as: surprise fear disgust happy sad angry neutral; rows: asked for
        [0.0, 1.0, 4.0, 2.0, 4.0, 4.0, 1.6],
        [0.8, 0.0, 2.0, 3.0, 1.6, 2.6, 1.8],
        [3.5, 2.2, 0.0, 2.6, 1.8, 0.8, 2.4],
        [3.5, 4.5, 4.0, 0.0, 4.5, 5.0, 2.5],
        [4.0, 2.0, 2.2, 3.0, 0.0, 2.2, 0.9],
        [3.5, 2.8, 0.9, 2.6, 2.0, 0.0, 1.4],
        [4.0, 4.0, 4.0, 2.4, 2.2, 3.0, 0.0],
    ]
)
"""How implausible a confusion is (0 none): fear is taken for surprise, disgust for anger, sadness for calm."""


@dataclass(frozen=True)
class Outcome:
    """What became of one requested pair.

    Attributes:
        requested: Label 0-6 the subject was asked for.
        nm: Verified label of the non-masked image; None if it was removed.
        m: Verified label of the masked image; None if it was removed.
        extra: True for the 13 pairs of the additional sets.
    """

    requested: int
    nm: int | None
    m: int | None
    extra: bool = False

    @property
    def agrees(self) -> bool:
        """Whether both images were kept under the same label."""
        return self.nm is not None and self.nm == self.m


def outcomes(seed: int) -> list[Outcome]:
    """Return the 1,007 outcomes: 142 for each requested label in label order, then the 13 extra ones."""
    rng = stream(seed, "verification")
    verified = _verified_pairs(rng)
    requested = _assign_requests(verified, rng)
    pools: dict[int, list[int]] = {label: [] for label in range(len(CLASSES))}
    for index in rng.permutation(len(verified)):
        pools[requested[index]].append(int(index))
    extras = [_take_agreeing(pools[label], verified) for label in EXTRA_REQUESTS]
    rows = [(index, False) for label in pools for index in pools[label]] + [(index, True) for index in extras]
    return [Outcome(requested[index], *verified[index], extra=extra) for index, extra in rows]


def _verified_pairs(rng: Generator) -> list[tuple[int | None, int | None]]:
    """List (non-masked label, masked label) of all pairs; None for a removed image."""
    single_nm = np.repeat(np.arange(7), np.subtract(TABLE_2_NM, TABLE_2_PAIRS))
    single_m = np.repeat(np.arange(7), np.subtract(TABLE_2_M, TABLE_2_PAIRS))
    left, right = rng.permutation(single_nm), rng.permutation(single_m)
    without_m, without_nm = left[:REMOVED_M], right[:REMOVED_NM]
    both = _marry(left[REMOVED_M:], right[REMOVED_NM:], rng)
    pairs: list[tuple[int | None, int | None]] = [
        (label, label) for label in range(7) for _ in range(TABLE_2_PAIRS[label])
    ]
    pairs += both
    pairs += [(int(label), None) for label in without_m]
    pairs += [(None, int(label)) for label in without_nm]
    return pairs


def _marry(left: NDArray[np.intp], right: NDArray[np.intp], rng: Generator) -> list[tuple[int, int]]:
    """Couple two lists of labels into plausible confusions, never a label with itself."""
    cost = CONFUSION_COST + CONFUSION_COST.T + np.eye(7) * 1000.0
    matrix = cost[left][:, right] + rng.random((len(left), len(right))) * 3.0 * (left[:, None] != right[None, :])
    # Rows are left labels; a masked label equal to its partner would count as an agreeing pair.
    matrix[left[:, None] == right[None, :]] = 1000.0
    partner = _improve(matrix, np.arange(len(right)), rng)
    return [(int(a), int(right[index])) for a, index in zip(left, partner, strict=True)]


def _assign_requests(verified: list[tuple[int | None, int | None]], rng: Generator) -> list[int]:
    """Give every pair the label that had been asked for: mostly one of the verified ones, else a likely confusion."""
    capacity = np.bincount(EXTRA_REQUESTS, minlength=7) + SUBJECTS
    requests = np.repeat(np.arange(7), capacity)
    cost = np.zeros((len(verified), 7))
    for row, (nm, m) in enumerate(verified):
        seen = [label for label in (nm, m) if label is not None]
        cost[row] = np.mean([CONFUSION_COST[:, label] for label in seen], axis=0)
        # An agreeing pair argues twice for its own label; a mismatched one is ambiguous anyway.
        cost[row] *= 2.0 if nm == m else 1.0
    cost += rng.random(cost.shape) * 1.5
    start = _truthful_start(verified, requests)
    order = _improve(cost[:, requests], start, rng)
    return [int(requests[index]) for index in order]


def _truthful_start(verified: list[tuple[int | None, int | None]], requests: NDArray[np.intp]) -> NDArray[np.intp]:
    """Begin with each pair's own label while requests of it last."""
    free = {label: list(np.flatnonzero(requests == label)) for label in range(7)}
    start = np.full(len(verified), -1, dtype=np.intp)
    for row, pair in enumerate(verified):
        for label in pair:
            if label is not None and start[row] < 0 and free[label]:
                start[row] = free[label].pop()
    rest = iter([index for label in range(7) for index in free[label]])
    for place in np.flatnonzero(start < 0):
        start[place] = next(rest)
    return start


def _improve(cost: NDArray[np.float64], assigned: NDArray[np.intp], rng: Generator) -> NDArray[np.intp]:
    """Lower the total of ``cost[row, assigned[row]]`` by swapping columns between random pairs of rows.

    Not the optimum, on purpose: people's confusions are not optimal either. Runs until 60 rounds bring nothing.
    """
    assigned = assigned.copy()
    half = len(assigned) // 2
    idle = 0
    while idle < 60:
        order = rng.permutation(len(assigned))
        one, two = order[:half], order[half : 2 * half]
        now = cost[one, assigned[one]] + cost[two, assigned[two]]
        then = cost[one, assigned[two]] + cost[two, assigned[one]]
        better = then < now - 1e-9
        idle = 0 if better.any() else idle + 1
        swap_one, swap_two = one[better], two[better]
        assigned[swap_one], assigned[swap_two] = assigned[swap_two].copy(), assigned[swap_one].copy()
    return assigned


def _take_agreeing(pool: list[int], verified: list[tuple[int | None, int | None]]) -> int:
    """Remove and return the first pair of the pool that agrees (people who emote well made the extra sets)."""
    for position, index in enumerate(pool):
        if verified[index][0] is not None and verified[index][0] == verified[index][1]:
            return pool.pop(position)
    return pool.pop()
