"""A check for one person under two ids, or on two sides, by their faces. Only on demand: it compares people's faces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.audit.finding import DoesNotApply, Finding, Severity, found
from msde_toolkit.data.audit.material import Material
from msde_toolkit.data.faces.search import known_hint
from msde_toolkit.data.image_cache import chunked, read_each
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Dataset, Landmarker
from msde_toolkit.types import NM, Manifest

CHUNK = 16
"""Photos that are looked at before progress is told."""
BLOCK = 256
"""Faces whose neighbours are looked for at once: memory grows with the number of faces, not with its square."""
MOST = 20
"""Pairs of subjects that are listed; the severest and nearest ones first."""


@dataclass(frozen=True)
class Faces:
    """One descriptor for each unmasked photo with one face.

    Attributes:
        rows: ``[n]`` place of each in the manifest.
        descriptors: ``[n, D]``.
        others: place of each unmasked photo that does not show one face.
        without: photos with no face.
        several: photos with more than one.
    """

    rows: npt.NDArray[np.int64]
    descriptors: npt.NDArray[np.float64]
    others: npt.NDArray[np.int64]
    without: int
    several: int

    @property
    def told(self) -> str:
        """What was compared, in words."""
        return (
            f"{len(self.rows):,} unmasked faces were compared; {self.without:,} photos with no face found, "
            f"{self.several:,} with several, and faces under a mask, which tell too little, were left out"
        )


def same_identity(material: Material) -> list[Finding]:
    """Subjects who look like one person; where subjects are unknown, people who are on several sides."""
    limit = _limit(material)
    faces = describe(material)
    frame = material.manifest.frame.iloc[faces.rows]
    if frame["subject"].notna().all() and frame["subject"].nunique() > 1:
        return _of_subjects(material, faces, limit) or _not_compared(material, faces)
    if not material.divided:
        message = "subjects are unknown, or there is one, and there is no split"
        raise DoesNotApply(message)
    return _of_sides(material, faces, limit) or _not_compared(material, faces)


def _not_compared(material: Material, faces: Faces) -> list[Finding]:
    """Where no two ids look alike, what that cannot be said of."""
    rows = np.zeros(len(material.manifest.frame), dtype=bool)
    rows[faces.others] = True
    return found(
        "same_identity",
        "info",
        material,
        rows,
        f"No two look like one person, but {{rows}} unmasked photos could not be compared: {faces.told}.",
        "Find more faces (--set faces.upsample=1, --set faces.detector=cnn), or look at these by eye.",
        material.manifest.frame["condition"].to_numpy(dtype=object),
    )


def _limit(material: Material) -> float:
    landmarker = material.landmarker
    if landmarker is None:
        message = "faces were not compared (--identities)"
        raise DoesNotApply(message)
    if material.dataset is None:
        message = "images were not read (--metadata)"
        raise DoesNotApply(message)
    if landmarker.same_person_below is None:
        message = f"--landmarker {type(landmarker).__name__}: does not tell people apart; dlib does."
        raise InputError(message)
    return landmarker.same_person_below


def describe(material: Material) -> Faces:
    """Look at every unmasked photo. Nothing is written to disk.

    Raises:
        DoesNotApply: if there are fewer than two faces to compare.
        InputError: if the landmarker lacks a package or a model.
    """
    dataset, landmarker = material.dataset, material.landmarker
    assert dataset is not None
    assert landmarker is not None
    places = np.flatnonzero((material.manifest.frame["condition"] == NM).to_numpy())
    unmasked = material.manifest.take(places)
    seen: list[npt.NDArray[np.float64] | int] = []
    for part in chunked(unmasked, partial(_seen, dataset, landmarker), CHUNK) if len(unmasked) else ():
        seen += part
        if material.progress is not None:
            material.progress(len(seen), len(unmasked))
    alone = [row for row, one in enumerate(seen) if not isinstance(one, int)]
    counts = [one for one in seen if isinstance(one, int)]
    if len(alone) < 2:
        message = f"{len(alone)} of {len(unmasked):,} unmasked photos show one face"
        raise DoesNotApply(message)
    descriptors = np.stack([one for one in seen if not isinstance(one, int)])
    return Faces(
        places[alone], descriptors, np.delete(places, alone), counts.count(0), sum(count > 1 for count in counts)
    )


def _seen(dataset: Dataset, landmarker: Landmarker, rows: Manifest) -> list[npt.NDArray[np.float64] | int]:
    """Of each photo the descriptor of its face, or how many faces there are instead of one."""
    answers: list[npt.NDArray[np.float64] | int] = []
    hints = (known_hint(rows.take([row])) for row in range(len(rows)))
    for image, hint in zip(read_each(dataset, rows), hints, strict=True):
        try:
            if isinstance(image, DataError):
                raise image
            faces = landmarker.find(image, hint)
            answers.append(landmarker.descriptor(image, faces[0]) if len(faces) == 1 else len(faces))
        except DataError:
            answers.append(0)
    return answers


def near(descriptors: npt.NDArray[np.float64], limit: float) -> Iterator[tuple[npt.NDArray[np.int64], ...]]:
    """``left, right, distance`` of all pairs nearer than this, left < right, a block of faces at a time."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(radius=limit).fit(descriptors)
    for start in range(0, len(descriptors), BLOCK):
        distances, neighbours = search.radius_neighbors(descriptors[start : start + BLOCK])
        left = np.repeat(np.arange(start, start + len(neighbours)), [len(row) for row in neighbours])
        right, distance = np.concatenate(list(neighbours)), np.concatenate(list(distances))
        once = (left < right) & (distance < limit)
        yield left[once], right[once], distance[once]


def _of_subjects(material: Material, faces: Faces, limit: float) -> list[Finding]:
    """A finding a pair of ids whose faces are nearer than the limit in the median of all their images."""
    frame = material.manifest.frame.iloc[faces.rows]
    subjects, names = pd.factorize(frame["subject"], sort=True)
    candidates: set[tuple[int, int]] = set()
    for left, right, _ in near(faces.descriptors, limit):
        ones, others = subjects[left], subjects[right]
        apart = ones != others
        candidates |= {(int(min(pair)), int(max(pair))) for pair in zip(ones[apart], others[apart], strict=True)}
    groups = {subject: np.flatnonzero(subjects == subject) for subject in {one for pair in candidates for one in pair}}
    alike = []
    for one, other in candidates:
        median = _median(faces.descriptors[groups[one]], faces.descriptors[groups[other]])
        if median < limit:
            alike.append((median, str(names[one]), str(names[other]), _severity(material, names[one], names[other])))
    alike.sort(key=lambda pair: (pair[3] != "severe", pair))
    return [_pair(material, faces, *pair, more=len(alike) - MOST) for pair in alike[:MOST]]


def _median(ones: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> float:
    return float(np.median([np.linalg.norm(others - one, axis=1) for one in ones]))


def _severity(material: Material, one: object, other: object) -> Severity:
    """Severe where one id is on a side on which the other is not: a model is tested on someone whom it has seen."""
    subject = material.manifest.frame["subject"].to_numpy(dtype=object)
    sides = [{side for side in material.sides[subject == who] if side is not None} for who in (one, other)]
    apart = len(sides[0] | sides[1]) > 1 and bool(sides[0]) and bool(sides[1])
    return "severe" if apart else "warning"


def _pair(
    material: Material, faces: Faces, median: float, one: str, other: str, severity: Severity, *, more: int
) -> Finding:
    frame = material.manifest.frame
    rows = np.zeros(len(frame), dtype=bool)
    rows[faces.rows] = frame["subject"].iloc[faces.rows].isin([one, other]).to_numpy()
    leak = f" They stand on several sides of the {material.side_word}." if severity == "severe" else ""
    also = f" {more} more pairs are not listed." if more > 0 else ""
    (finding,) = found(
        "same_identity",
        severity,
        material,
        rows,
        f"The ids {one} and {other} look like one person: the distance of their faces in {{rows}} images is "
        f"{median:.2f} (median), below {_limit(material):g}.{leak} {faces.told}.{also}",
        "Look at both: if they are one person, give them one id, and divide again.",
        frame["subject"].to_numpy(dtype=object),
    )
    return finding


def _of_sides(material: Material, faces: Faces, limit: float) -> list[Finding]:
    """Faces with one on another side that is nearer than the limit."""
    sides = pd.Series(material.sides[faces.rows], dtype=object).fillna("").to_numpy(dtype=object)
    across = np.zeros(len(sides), dtype=bool)
    for left, right, _ in near(faces.descriptors, limit):
        apart = (sides[left] != sides[right]) & (sides[left] != "") & (sides[right] != "")
        across[left[apart]] = across[right[apart]] = True
    rows = np.zeros(len(material.manifest.frame), dtype=bool)
    rows[faces.rows] = across
    return found(
        "same_identity",
        "warning",
        material,
        rows,
        f"{{rows}} faces look like someone on another side of the {material.side_word} (distance below {limit:g}); "
        f"where subjects are unknown, strangers who look alike are among them. {faces.told}.",
        "Look at the examples: if people are on both sides, divide by person, or call the set's split one that leaks.",
        material.sides,
    )
