"""FERPlus: ten people voted on each face, and what a set makes of their votes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from msde_toolkit.types import EIGHT

COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""The files' own order; NF is "no face"."""
EMOTIONS = 8
UNDECIDED = -1
NAMES = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
"""The emotions' columns as the toolkit names them."""
TO_OURS = np.array([EIGHT.index(name) for name in NAMES])
"""For each emotion column its label in the toolkit's eight classes."""

Votes = npt.NDArray[np.int64]


def parse_votes(cells: Sequence[str]) -> list[int]:
    """Ten counts, in the order of ``COLUMNS``.

    Raises:
        ValueError: saying what stands there instead.
    """
    if len(cells) != len(COLUMNS):
        message = f"{len(cells)} counts of votes, expected {len(COLUMNS)}"
        raise ValueError(message)
    for name, cell in zip(COLUMNS, cells, strict=True):
        if not (cell.isascii() and cell.isdigit() and len(cell) < 5):
            message = f"votes for {name} are {cell[:20]!r}, not a count"
            raise ValueError(message)
    votes = [int(cell) for cell in cells]
    if not sum(votes):
        message = "nobody voted"
        raise ValueError(message)
    return votes


def majority(votes: Votes) -> npt.NDArray[np.int64]:
    """``[n]`` columns that hold over half of the votes once single ones are dropped; ``UNDECIDED`` where none does.

    This is what the set's authors call the majority mode. Votes for "unknown" and "NF" count like any other.

    Args:
        votes: ``[n, 10]``.
    """
    kept = np.where(votes > 1, votes, 0)
    top: npt.NDArray[np.int64] = kept.argmax(axis=1)
    return np.where(2 * kept.max(axis=1) > kept.sum(axis=1), top, UNDECIDED)


def distribution(votes: Sequence[int]) -> list[int] | None:
    """Eight counts that make up a soft target, or None for a row that the authors discard.

    This is their probability mode. Single votes are dropped; then emotions are taken from the most voted down, those
    that tie together, until they hold three quarters of the votes or are three; "unknown" or "NF" ends it. The row
    is discarded if what was taken holds no more than half of the votes, or is more than three emotions.
    """
    kept = [count if count > 1 else 0 for count in votes]
    whole = sum(kept)
    taken = [0] * EMOTIONS
    for level in sorted({count for count in kept if count}, reverse=True):
        if 4 * sum(taken) >= 3 * whole or np.count_nonzero(taken) >= 3:
            break
        tied = [column for column, count in enumerate(kept) if count == level]
        for column in tied:
            if column < EMOTIONS:
                taken[column] = level
        if tied[-1] >= EMOTIONS:
            break
    discarded = 2 * sum(taken) <= whole or np.count_nonzero(taken) > 3
    return None if discarded else taken


def in_our_order(votes: Votes) -> Votes:
    """``[n, 10]`` with the eight emotions in the toolkit's order; "unknown" and "NF" stay last."""
    out = votes.copy()
    out[:, TO_OURS] = votes[:, :EMOTIONS]
    return out
