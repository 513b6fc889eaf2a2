"""What AffectNet's numbers mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from msde_toolkit.types import EIGHT

NAMES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
TO_OURS = np.array([EIGHT.index(name) for name in NAMES])
"""For each of AffectNet's expressions 0 to 7 its label in the toolkit's eight classes."""
NO_EXPRESSION = ("none", "uncertain", "no face")
"""8, 9 and 10: such rows are no samples."""
EXPRESSIONS = len(NAMES) + len(NO_EXPRESSION)


def parse_expression(word: str) -> int:
    """0 to 10.

    Raises:
        ValueError: saying what stands there instead.
    """
    if not (word.isascii() and word.isdigit() and int(word) < EXPRESSIONS):
        message = f"expression {word[:20]!r} is not one of 0 to {EXPRESSIONS - 1}"
        raise ValueError(message)
    return int(word)


def left_out(expressions: npt.NDArray[np.int64], where: str) -> tuple[str, ...]:
    """A note of how many rows show no expression, by kind."""
    counts = [(name, int((expressions == len(NAMES) + k).sum())) for k, name in enumerate(NO_EXPRESSION)]
    whole = sum(count for _, count in counts)
    if not whole:
        return ()
    kinds = ", ".join(f"{name} {count:,}" for name, count in counts if count)
    return (f"{whole:,} rows of {where} left out: {kinds}",)
