"""Where the face is in each image that is to be masked, and which faces no mask can be put on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from msde_toolkit.data.faces import Finder
from msde_toolkit.data.faces.outcome import Outcome
from msde_toolkit.data.faces.search import Search
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.data.masks.outcome import Unmasked
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Dataset, Landmarks
from msde_toolkit.landmarks import eye_centres
from msde_toolkit.types import NM, Manifest

SMALLEST = 6.0
"""Pixels between the eyes below which a mask has no form."""
COVERED = [*range(2, 15), *range(29, 36), *range(48, 68)]
"""Landmarks that lie beneath a mask: the lower jaw, the tip of the nose, the mouth."""
EDGE = 0.03
"""From one side of the face to the other; a nose tip nearer to a side than this is seen in profile."""


@dataclass(frozen=True)
class Placing:
    """The faces that are to be masked.

    Attributes:
        manifest: unmasked samples whose face has been found; ``landmarks`` is null where the average face's are taken.
        lost: the other unmasked samples, by id.
        all: all unmasked samples, in the set's order.
        found_by: what found faces; None if nothing was looked for.
        found: how many it found.
        left_aside: samples of the set that wear a mask already, or are in another condition than unmasked.
    """

    manifest: Manifest
    lost: Mapping[str, Unmasked]
    all: Manifest
    found_by: Finder | None = None
    found: int = 0
    left_aside: int = 0


def place(
    dataset: Dataset,
    manifest: Manifest,
    finder: Finder | None = None,
    *,
    skip_unreadable: bool = True,
    progress: Progress | None = None,
) -> Placing:
    """Landmarks of every unmasked sample: the manifest's own where it has some, else those that ``finder`` finds.

    Args:
        dataset: reads the images.
        manifest: the set.
        finder: looks for faces; None: the average face, where the dataset's faces are aligned.
        skip_unreadable: an image that cannot be decoded is lost rather than an error.
        progress: told how many images have been searched.

    Raises:
        InputError: no unmasked sample; or no finder for faces that are neither aligned nor have landmarks; a model of
            the finder that is missing.
        DataError: an image that cannot be decoded, if these are not skipped.
    """
    bare = (manifest.frame["condition"] == NM).to_numpy()
    sources = manifest.take(bare)
    aside = len(manifest) - len(sources)
    if not len(sources):
        message = f"{manifest.name}: every image wears a mask already; masks are drawn on unmasked faces."
        raise InputError(message)
    unknown = sources.frame["landmarks"].isna().to_numpy()
    if not unknown.any() or (finder is None and dataset.aligned):
        return Placing(sources, {}, sources, left_aside=aside)
    if finder is None:
        message = (
            f"{manifest.name}: {int(unknown.sum())} of {len(sources)} faces have no landmarks and the set is not "
            "aligned. Name what finds them: --landmarker dlib (see 'msde list landmarkers')."
        )
        raise InputError(message)
    outcomes = Search(dataset, finder).run(sources.take(unknown), progress)
    found, lost = _decided(outcomes, skip_unreadable=skip_unreadable)
    cells: list[Any] = [
        found.get(sample, own) for sample, own in zip(sources.ids, sources.frame["landmarks"], strict=True)
    ]
    placed = replace(sources, frame=sources.frame.assign(landmarks=cells))
    kept = placed.take(~placed.frame["id"].isin(list(lost)).to_numpy(dtype=bool))
    return Placing(kept, lost, sources, finder, len(found), aside)


def _decided(
    outcomes: Mapping[str, Outcome], *, skip_unreadable: bool
) -> tuple[dict[str, list[float]], dict[str, Unmasked]]:
    found: dict[str, list[float]] = {}
    lost: dict[str, Unmasked] = {}
    for sample, outcome in outcomes.items():
        if outcome.unreadable and not skip_unreadable:
            message = f"sample {sample}: {outcome.reason}"
            raise DataError(message)
        faces = outcome.faces
        if outcome.unreadable:
            lost[sample] = Unmasked("unreadable", outcome.reason)
        elif outcome.reason or not faces:
            lost[sample] = Unmasked("no_face", outcome.reason or "no face found")
        elif len(faces) > 1:
            lost[sample] = Unmasked("several_faces", f"{len(faces)} faces found")
        elif faces[0].landmarks is None:
            lost[sample] = Unmasked("no_face", "the landmarker gives eyes only, no 68 landmarks")
        else:
            found[sample] = [float(number) for number in faces[0].landmarks.ravel()]
    return found, lost


def why_not(points: Landmarks, width: int, height: int) -> Unmasked | None:
    """Why no mask fits a face of these ``[68, 2]`` landmarks in an image of this size; None if one may."""
    if not np.isfinite(points).all():
        return Unmasked("not_fitted", "its landmarks are not finite")
    left, right = eye_centres(points)
    apart = float(np.hypot(*(right - left)))
    if apart < SMALLEST:
        return Unmasked("too_small", f"the eyes are {apart:.1f} px apart in {width}x{height} px")
    covered = points[COVERED]
    inside = ((covered >= 0) & (covered < [width, height])).all(axis=1).mean()
    if inside < 1 / 2:
        return Unmasked("out_of_frame", f"{100 * (1 - inside):.0f} % of the face's lower half lies outside the image")
    along = (right - left) / apart
    first, last, nose = (float(place @ along) for place in (points[:3].mean(0), points[14:17].mean(0), points[30]))
    share = (nose - first) / max(last - first, 1e-6)
    if not EDGE < share < 1 - EDGE:
        return Unmasked("profile", "the head is turned so far that the nose hides a cheek")
    return None
