"""What becomes of a face: it is masked, and its pixels are recorded; or it is not, and there is a reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.masking import Parameter
from msde_toolkit.randomness import generator

Why = Literal["unreadable", "no_face", "several_faces", "too_small", "profile", "out_of_frame", "not_fitted", "bad_row"]

SKETCH = 8
"""Sums by which two images can be told apart, and how far they are apart be guessed."""
BLOCK = 4096

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Unmasked:
    """A face without a mask: why, in one word and in several."""

    why: Why
    reason: str


@dataclass(frozen=True)
class Drawn:
    """A masked face, as a record that holds no image.

    Attributes:
        key: of all that it was made of; another one where that has changed.
        width: pixels.
        height: pixels.
        source: SHA-256 of the unmasked pixels, uint8 RGB row by row.
        masked: SHA-256 of the masked pixels.
        alpha: SHA-256 of the mask's alpha.
        source_sketch: ``[SKETCH]`` of the unmasked pixels, see ``sketch``.
        masked_sketch: ``[SKETCH]`` of the masked pixels.
        shape: ``[6]`` of the mask, see ``mask_shape``.
        parameters: what the masker says of the mask.
    """

    key: str
    width: int
    height: int
    source: str
    masked: str
    alpha: str
    source_sketch: tuple[int, ...]
    masked_sketch: tuple[int, ...]
    shape: tuple[float, ...]
    parameters: Mapping[str, Parameter]

    def to_json(self) -> str:
        """In one line of ASCII."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | None) -> Drawn | None:
        """Back from ``to_json``; None for anything else."""
        try:
            told: dict[str, Any] = json.loads(text or "")
            lists = {key: tuple(told[key]) for key in ("source_sketch", "masked_sketch", "shape")}
            return cls(**{**told, **lists})
        except (ValueError, TypeError, KeyError):
            return None


def sha_of(pixels: Pixels) -> str:
    """SHA-256 of an image's shape and its values, row by row."""
    sha = hashlib.sha256("x".join(map(str, pixels.shape)).encode())
    sha.update(np.ascontiguousarray(pixels).tobytes())
    return sha.hexdigest()


def sketch(pixels: Pixels) -> tuple[int, ...]:
    """``[SKETCH]`` sums of all values, each value with a sign that a fixed generator has chosen.

    They hold no image, being eight numbers for all its pixels; but the square of a difference's sketch is expected to
    be the square of the difference's norm (Johnson and Lindenstrauss 1984; signs: Achlioptas 2003).
    """
    values = np.zeros((-(-pixels.size // BLOCK), BLOCK), dtype=np.float32)
    values.ravel()[: pixels.size] = pixels.ravel()
    within, between = _signs(len(values))
    # A block's sums are whole numbers below 2**24, which 32 bits hold exactly.
    sums = (values @ within).astype(np.int64) * between
    return tuple(int(number) for number in sums.sum(axis=0))


def distance(one: tuple[int, ...], other: tuple[int, ...], values: int) -> float:
    """Estimate of the root-mean-square difference of two images of so many ``values``, by their sketches."""
    difference = np.array(one, dtype=np.float64) - np.array(other, dtype=np.float64)
    return float(np.sqrt((difference**2).mean() / max(values, 1)))


@lru_cache(maxsize=4)
def _signs(blocks: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """-1 and 1: ``[BLOCK, SKETCH]`` within each block, ``[blocks, SKETCH]`` of the blocks."""
    rng = generator("mask sketch")
    within = rng.integers(0, 2, (BLOCK, SKETCH)) * 2 - 1
    return within.astype(np.float32), rng.integers(0, 2, (blocks, SKETCH)) * 2 - 1
