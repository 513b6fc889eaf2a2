"""Simulated votes of seven raters on every requested image, whose outcome under the paper's rule is its inventory.

Sec. 2.2: 1,719 images nobody flagged; of the others some kept their label, some got another, 54 were removed, so that
2,014 images become 1,960 and 1,007 pairs become 857. (The paper says that 288 images were flagged; 2,014 - 1,719 is
295.) The rule is read of each other class by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from msde_synthetic.facs import CLASSES
from msde_synthetic.plan import SampleSpec, samples
from msde_synthetic.randomness import stream
from msde_synthetic.verification import CONFUSION_COST

RATERS = 7
NEVER_FLAGGED = 1719
UNNAMED = -1
"""The vote of a rater who flags an image and names no class."""

# What some raters say instead of the label that wins: a, b are two likely other classes, "-" names none. With seven
# raters four are at least half, and one vote is no more than a quarter.
_KEPT_ALL_THE_SAME = ("a", "-", "ab", "a-", "ab-")
_RELABELLED = ("", "r", "ra", "r-", "ra-")
_REMOVED = ("aab", "aaab", "aa--", "aabb", "aaa", "ab---")
"""Of an image that is removed, all votes but these are for the requested label: too few, or too many for another."""


def ballots(seed: int) -> Iterator[tuple[str, str, int]]:
    """Sample id, rater (``r1`` to ``r7``) and vote (0-6, or ``UNNAMED``), sample by sample."""
    untouched = _never_flagged(int(seed))
    for spec in samples(seed, subset="all"):
        rng = stream(seed, "ballots", spec.id)
        votes = _votes(spec, rng, flagged=spec.id not in untouched)
        for rater, place in enumerate(rng.permutation(RATERS), start=1):
            yield spec.id, f"r{rater}", votes[int(place)]


@lru_cache(maxsize=4)
def _never_flagged(seed: int) -> frozenset[str]:
    """The images on which all agree: of those that kept their label, the ones most clearly acted."""
    kept = [spec for spec in samples(seed, subset="all") if spec.label == spec.requested_label]
    clear = sorted(kept, key=lambda spec: (spec.blend.share - 0.3 * spec.blend.intensity, spec.id))
    return frozenset(spec.id for spec in clear[:NEVER_FLAGGED])


def _votes(spec: SampleSpec, rng: Generator, *, flagged: bool) -> list[int]:
    requested, label = spec.requested_label, spec.label
    if not flagged:
        return [requested] * RATERS
    if label is None:
        return _filled(requested, _one_of(_REMOVED, rng), requested, rng)
    patterns = _KEPT_ALL_THE_SAME if label == requested else _RELABELLED
    return _filled(label, _one_of(patterns, rng), requested, rng)


def _one_of(patterns: Sequence[str], rng: Generator) -> str:
    return patterns[int(rng.integers(len(patterns)))]


def _filled(winner: int, others: str, requested: int, rng: Generator) -> list[int]:
    """Seven votes: those of the pattern, the rest for ``winner``."""
    cost = CONFUSION_COST[winner] + 0.8 * rng.random(len(CLASSES))
    likely = [int(label) for label in np.argsort(cost) if label not in (winner, requested)]
    meaning = {"a": likely[0], "b": likely[1], "r": requested, "-": UNNAMED}
    said = [meaning[letter] for letter in others]
    return said + [winner] * (RATERS - len(said))
