"""Checks for images that are there more than once: to the pixel, or nearly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.audit.finding import DoesNotApply, Finding, found
from msde_toolkit.data.audit.material import NO_SPLIT, Material
from msde_toolkit.data.audit.perceptual_hash import NEAR, near_pairs
from msde_toolkit.data.audit.pixels import Pixels


def duplicates_across_splits(material: Material) -> list[Finding]:
    """Every sample of a group of identical images that stands on several sides."""
    pixels = images_of(material)
    if not material.divided:
        message = "no split"
        raise DoesNotApply(message)
    return found(
        "duplicates_across_splits",
        "severe",
        material,
        material.on_several_sides(_contents(pixels)),
        f"{{rows}} samples are in groups of identical images that stand on several sides of the {material.side_word}: "
        "a model is tested on images that it has seen.",
        "Keep each group on one side: drop its samples from the training side.",
        material.sides,
    )


def duplicates_within_split(material: Material) -> list[Finding]:
    """Samples beyond the first of each group of identical images, by side."""
    pixels = images_of(material)
    sides = _named(material)
    surplus = pd.DataFrame({"content": _contents(pixels), "side": sides}).duplicated()
    return found(
        "duplicates_within_split",
        "warning",
        material,
        (surplus & pixels.comparable).to_numpy(dtype=bool),
        "{rows} samples repeat an image that is already there: it counts several times, and where subjects are "
        "unknown, folds may divide its copies.",
        "Keep one sample of each group.",
        sides,
    )


def near_duplicates(material: Material) -> list[Finding]:
    """Images that look the same without being identical, such as a scaled copy or the next frame of a video."""
    pixels = images_of(material)
    across, within = _near(material, pixels)
    hashes = f"perceptual hashes at most {NEAR} of 64 bits apart, other pixels"
    leaks = (
        f", {int(across.sum()):,} of them one on another side of the {material.side_word}: a model may be tested on "
        "copies of what it has seen"
        if across.any()
        else ""
    )
    return found(
        "near_duplicates",
        "warning" if across.any() else "info",
        material,
        across | within,
        f"{{rows}} samples look almost like another one ({hashes}){leaks}.",
        "Look at the examples beside their twins: if they are copies or frames of one shot, keep them on one side.",
        _named(material),
        first=across,
    )


def conflicting_labels(material: Material) -> list[Finding]:
    """Identical images with different labels."""
    pixels = images_of(material)
    labels = material.manifest.frame["label"].groupby(_contents(pixels)).transform("nunique")
    return found(
        "conflicting_labels",
        "warning",
        material,
        (labels > 1).to_numpy(dtype=bool, na_value=False),
        "{rows} samples show an image that is also there with another label: no model can be right on all of them.",
        "Decide on one label, give votes or a soft target, or leave the whole group out.",
        _named(material),
    )


def images_of(material: Material) -> Pixels:
    """What the images show.

    Raises:
        DoesNotApply: if no image is to be read.
    """
    if material.pixels is None:
        message = "images were not read (--metadata)"
        raise DoesNotApply(message)
    return material.pixels


def _contents(pixels: Pixels) -> pd.Series:
    """Content numbers, missing for images that cannot be told apart."""
    return pd.Series(pixels.content).where(pixels.comparable)


def _named(material: Material) -> npt.NDArray[np.object_]:
    return pd.Series(material.sides, dtype=object).fillna(NO_SPLIT).to_numpy(dtype=object)


def _near(material: Material, pixels: Pixels) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """``[n]`` which samples have a near twin on another side, and on their own."""
    frame = pd.DataFrame({"content": pixels.content, "side": _named(material)})
    # Copies on one side are one image; whoever is drawn on a pair's photo is its partner, not its copy.
    first = frame[pixels.comparable].drop_duplicates()
    rows = first.index.to_numpy()
    left, right = rows[near_pairs(pixels.looks[rows])].T
    pair = material.manifest.frame["pair"].to_numpy(dtype=object)
    content, side = frame["content"].to_numpy(), frame["side"].to_numpy(dtype=object)
    partners = (pair[left] == pair[right]) & pd.notna(pair[left])
    others = (content[left] != content[right]) & ~partners
    apart = side[left] != side[right]
    across, within = ((left[kind], right[kind]) for kind in (others & apart, others & ~apart))
    return _with_copies(frame, *across), _with_copies(frame, *within)


def _with_copies(frame: pd.DataFrame, left: npt.ArrayLike, right: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """These rows and their identical copies on the same side."""
    chosen = frame.iloc[np.union1d(left, right)]
    among: npt.NDArray[np.bool_] = pd.MultiIndex.from_frame(frame).isin(pd.MultiIndex.from_frame(chosen))
    return among
