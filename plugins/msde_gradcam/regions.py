"""Where the mask is, or would be: from the run, or guessed from the average face; with a border moved by a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch.nn import functional as F

from msde_toolkit.interfaces import RunView
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.types import NM, M

Alpha = npt.NDArray[np.float64]
"""``[S, S]`` in [0, 1]: how much of each pixel the region covers."""

KNOWN, GUESSED = "mask", "average face"
BORDERS = ("exact", "eroded", "dilated")
_JAW, _BRIDGE = slice(1, 16), 28
"""Jaw from ear to ear (without its ends) and the second point of the nose's bridge: where masks are worn."""


@dataclass(frozen=True)
class Region:
    """The region that a map is measured on.

    Attributes:
        alpha: ``[S, S]`` in [0, 1].
        source: ``KNOWN`` or ``GUESSED``.
    """

    alpha: Alpha
    source: str


def regions_of(run: RunView, table: pd.DataFrame, side: int, which: str = "auto") -> dict[str, Region]:
    """The region of each sample, by id.

    An unmasked image of a pair has its masked partner's: the same place of the face, which no mask covers there.

    Args:
        run: knows the masks.
        table: columns ``id, pair, condition``.
        side: of the run's images, pixels.
        which: ``auto`` (the run's mask, else the guess), ``mask`` (those alone) or ``guess`` (guesses alone).
    """
    known = {} if which == "guess" else _known(run, table)
    guess = None if which == "mask" else {name: guessed(side, margin) for name, margin in _margins(run, table).items()}
    found = {}
    for sample, key in zip(table["id"], _keys(table), strict=True):
        if key in known:
            found[sample] = Region(known[key], KNOWN)
        elif guess is not None:
            found[sample] = Region(guess[sample], GUESSED)
    return found


def guessed(side: int, margin: float = 0.0) -> Alpha:
    """``[side, side]``: nose, mouth and chin of the average face, within its jaw.

    Args:
        side: of the crop, pixels.
        margin: of the face recipe: how much more than the face the crop shows.
    """
    from PIL import Image, ImageDraw

    unit = canonical_landmarks(1, 1)
    points = 0.5 + (np.concatenate([unit[_JAW], unit[_BRIDGE : _BRIDGE + 1]]) - 0.5) / (1 + margin)
    fine = 4 * side
    canvas = Image.new("L", (fine, fine))
    ImageDraw.Draw(canvas).polygon([(x * fine, y * fine) for x, y in points.tolist()], fill=255)
    return np.asarray(canvas.resize((side, side), Image.Resampling.BOX), dtype=np.float64) / 255.0


def bordered(alpha: Alpha, border: str, cell: int) -> Alpha:
    """The region with its border moved by a cell of the map: ``exact``, ``eroded`` or ``dilated``.

    The picture's own edge is no border: a mask that goes on beyond it is not eroded there.

    Args:
        alpha: ``[S, S]``.
        border: one of ``BORDERS``.
        cell: pixels of the image that one cell of the map covers.
    """
    if border == "dilated":
        return _dilated(alpha, cell)
    return 1.0 - _dilated(1.0 - alpha, cell) if border == "eroded" else alpha


def on_grid(alpha: Alpha, height: int, width: int) -> Alpha:
    """``[height, width]``: the region's share of each cell. A map says nothing finer than its cells."""
    shares: Alpha = F.interpolate(torch.from_numpy(alpha)[None, None], size=(height, width), mode="area")[0, 0].numpy()
    return shares


def overlap(guess: Alpha, truth: Alpha) -> tuple[float, float]:
    """Intersection over union of two regions (at half coverage), and the first's area over the second's."""
    first, second = guess >= 0.5, truth >= 0.5
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else np.nan, float(guess.sum() / truth.sum())


def _dilated(alpha: Alpha, cell: int) -> Alpha:
    tensor = torch.from_numpy(alpha)[None, None]
    for kernel, padding in (((2 * cell + 1, 1), (cell, 0)), ((1, 2 * cell + 1), (0, cell))):
        tensor = F.max_pool2d(tensor, kernel, stride=1, padding=padding)
    grown: Alpha = tensor[0, 0].numpy()
    return grown


def _keys(table: pd.DataFrame) -> list[str]:
    """What a row shares with the masked image whose region it is measured on: the pair, else the image itself."""
    paired = table["pair"].notna() & table["condition"].isin([NM, M])
    return list(("pair:" + table["pair"].astype(str)).where(paired, "id:" + table["id"]))


def _known(run: RunView, table: pd.DataFrame) -> dict[str, Alpha]:
    frame = run.manifest.frame
    wanted = frame["pair"].isin(table["pair"].dropna()) | frame["id"].isin(table["id"])
    masked = frame[(frame["condition"] == M) & wanted]
    alphas = run.mask_regions(list(masked["id"]))
    return {
        key: alpha.astype(np.float64) / 255.0
        for key, alpha in zip(_keys(masked), alphas, strict=True)
        if alpha is not None and alpha.any()
    }


def _margins(run: RunView, table: pd.DataFrame) -> dict[str, float]:
    """How much more than the face each image shows, as the recipe in ``prep`` says; 0 where none does."""
    frame = run.manifest.frame
    prep: Any = frame["prep"].iloc[run.manifest.rows_of(table["id"])]
    return {sample: _margin(text) for sample, text in zip(table["id"], prep, strict=True)}


def _margin(text: Any) -> float:
    found = re.search(r"\bmargin (\d+(?:\.\d+)?)", text) if isinstance(text, str) else None
    return float(found[1]) if found else 0.0
