"""A dataset's photos, seen as face crops: read from the photo, cut by the recipe, each time alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.faces.cut import cut
from msde_toolkit.data.faces.decide import Decided, check_readable, check_some_are_left, decide
from msde_toolkit.data.faces.recipe import Recipe, carried
from msde_toolkit.data.faces.search import Finder, Search
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.data.masking import FOLLOWED
from msde_toolkit.data.own_split import of_split
from msde_toolkit.data.subject_rows import FACES
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset, Face, Image
from msde_toolkit.types import Manifest

EYES = "eyes"
"""Column of a manifest of faces: x, y of both eyes in the photo."""

LANDMARKER = "landmarker"
"""Column of a manifest of faces: what found the face."""

FILE = "manifest.parquet"


@dataclass(frozen=True)
class Cutting:
    """How photos are turned into faces.

    Attributes:
        recipe: how a face is cut.
        finder: finds the faces; None where the manifest says already where they are.
        progress: told how many photos have been searched.
    """

    recipe: Recipe
    finder: Finder | None = None
    progress: Progress | None = None


class FaceCrops(Dataset):
    """A dataset of photos whose images are the faces in them.

    To everyone else it is the photos' dataset, with ``-faces`` after its manifest's name, crops for images, and
    landmarks where the crop has them. The manifest holds all that ``read`` needs.

    Args:
        base: reads the photos.
        cutting: how the faces are found and cut.
        split: the photos' own split whose faces are looked for; None for all.
    """

    def __init__(self, base: Dataset, cutting: Cutting, split: str | None = None) -> None:
        self.base = base
        self.cutting = cutting
        self.split = split
        for attribute in FOLLOWED:
            setattr(self, attribute, getattr(base, attribute))
        self.aligned: bool = True  # type: ignore[misc]

    def load(self, root: Path | None, options: Any) -> Manifest:
        """Samples in whose photo there is one face; the others, and their partners, are in ``left_out``.

        Raises:
            InputError: as the base does; or a model of the landmarker is missing.
            DataError: as the base does; a photo that cannot be decoded, unless ``on_bad`` is "skip"; or no photo has a
                single face.
        """
        finder = self.cutting.finder
        if finder is None:
            message = "This dataset of faces reads what a manifest names; it was made without a landmarker."
            raise DataError(message)
        photos = of_split(self.base.load(root, options), self.split)
        outcomes = Search(self.base, finder).run(photos, self.cutting.progress)
        if getattr(options, "on_bad", "error") == "error":
            check_readable(outcomes)
        decided = decide(photos, outcomes, {})
        check_some_are_left(decided)
        return faces_manifest(decided, self.cutting.recipe, str(finder))

    def read(self, rows: Manifest) -> list[Image]:
        """uint8 ``[size, size, 3]`` crops.

        Raises:
            DataError: as the base does; or naming the sample whose face is not in its photo.
        """
        return [self._cut(image, eyes, sample) for image, eyes, sample in self._with_eyes(self.base.read, rows)]

    def mask_regions(self, rows: Manifest) -> list[npt.NDArray[np.uint8] | None]:
        """uint8 ``[size, size]`` alpha, cut like the face; None where the base has none. Raises as ``read`` does."""
        return [
            None if alpha is None else self._cut(alpha, eyes, sample, edges=False)
            for alpha, eyes, sample in self._with_eyes(self.base.mask_regions, rows)
        ]

    def fingerprint(self, rows: Manifest) -> str:
        """Changes with the base's pixels and the recipe; where the eyes are is in the manifest."""
        base = f"{type(self.base).__module__}.{type(self.base).__qualname__}"
        facts = [base, self.base.fingerprint(rows), str(self.cutting.recipe)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _with_eyes(self, read: Callable[[Manifest], list[Any]], rows: Manifest) -> Any:
        return zip(read(rows), rows.frame[EYES], rows.ids, strict=True)

    def _cut(
        self, picture: npt.NDArray[np.uint8], eyes: Any, sample: str, *, edges: bool = True
    ) -> npt.NDArray[np.uint8]:
        recipe = self.cutting.recipe
        matrix = recipe.to_crop(np.asarray(eyes, dtype=np.float64).reshape(2, 2))
        try:
            return cut(picture, matrix, recipe.size, edges=edges)
        except DataError as error:
            message = f"sample {sample}: {error}"
            raise DataError(message) from error


def faces_manifest(decided: Decided, recipe: Recipe, landmarker: str) -> Manifest:
    """The set of faces that were decided upon. ``path`` is still the photo's; landmarks lie in the crop."""
    photos = decided.manifest.without(decided.left_out(), _notes(decided))
    faces = [decided.faces[sample] for sample in photos.ids]
    columns: dict[str, Any] = {
        "landmarks": [_landmarks(face, recipe) for face in faces],
        "box": None,
        "prep": str(recipe),
        "source": photos.frame["path"].where(photos.frame["path"] != "", None),
        EYES: [face.eyes.ravel().tolist() for face in faces],
        LANDMARKER: landmarker,
    }
    frame = photos.frame.assign(**columns)
    return replace(photos, name=f"{photos.name}{FACES}").with_frame(frame)


def at_their_places(manifest: Manifest, root: Path, paths: Mapping[str, str], masks: Mapping[str, str]) -> Manifest:
    """The set with its crops as files below ``root``: path of each face, and of each mask's alpha, by sample id."""
    ids = manifest.frame["id"]
    frame = manifest.frame.assign(path=ids.map(paths), mask_path=ids.map(masks).where(ids.isin(list(masks)), None))
    return replace(manifest, frame=frame, root=root)


def _landmarks(face: Face, recipe: Recipe) -> list[float]:
    if face.landmarks is None:
        points = recipe.average_landmarks()
    else:
        points = carried(face.landmarks, recipe.to_crop(face.eyes))
    return [round(value, 2) for value in points.ravel().tolist()]


def _notes(decided: Decided) -> list[str]:
    notes = []
    average = sum(face.landmarks is None for face in decided.faces.values())
    if average:
        notes.append(f"{average} faces have no landmarks of their own: the average face's, placed by the eyes")
    counts = decided.by_condition()
    lost = {word: count["samples"] - count["cut"] - count["partner"] for word, count in counts.items()}
    if any(lost.values()):
        told = ", ".join(f"{word.upper()} {lost[word]} of {counts[word]['samples']}" for word in counts)
        partners = sum(count["partner"] for count in counts.values())
        with_them = f"; {partners} more with them, the other images of their pairs" if partners else ""
        notes.append(f"photos without a face crop were left out ({told}){with_them}")
    return notes
