"""One face after the other: read, masked, recorded, and stored as PNG files that carry their record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.audit.mask_leak import mask_shape
from msde_toolkit.data.faces.crop_files import mark_of, save_png
from msde_toolkit.data.image_cache import read_each
from msde_toolkit.data.masking import MaskDrawer, points_on
from msde_toolkit.data.masks.outcome import Drawn, Unmasked, sha_of, sketch
from msde_toolkit.data.masks.placing import why_not
from msde_toolkit.errors import DataError
from msde_toolkit.files import PARTIAL
from msde_toolkit.interfaces import Dataset, Image
from msde_toolkit.types import Manifest

FACES, MASKED, ALPHA = "faces", "masked", "masks"
"""Folders of a twin: the unmasked half, the masked half, the masks' alpha."""
PARTS = (FACES, ALPHA, MASKED)
"""In the order in which they are written: a masked image that is there is complete."""

RECORD = 1
"""Another one where records of the same pixels would say something else."""
NAME = "file_name"
"""Column of the samples that are given to a ``Brush``: how their pictures are called."""


@dataclass(frozen=True, eq=False)
class Painting:
    """A face with its mask on: uint8 ``[H, W, 3]`` twice, alpha ``[H, W]``, and the record of all three."""

    image: Image
    masked: Image
    alpha: npt.NDArray[np.uint8]
    drawn: Drawn


@dataclass(frozen=True)
class Painter:
    """Masks the faces of a dataset; it can be sent to another process.

    Attributes:
        dataset: reads the unmasked images.
        drawer: puts the mask on.
        basis: names what all masks have in common: the set's pixels, the masker with its options and seed.
    """

    dataset: Dataset
    drawer: MaskDrawer
    basis: str

    @classmethod
    def of(cls, dataset: Dataset, drawer: MaskDrawer, sources: Manifest) -> Painter:
        """For these samples."""
        masker = drawer.masker
        facts = [
            RECORD,
            f"{type(dataset).__module__}.{type(dataset).__qualname__}",
            dataset.fingerprint(sources),
            f"{type(masker).__module__}.{type(masker).__qualname__}",
            *(masker.fingerprint(), masker.options.model_dump(mode="json")),
            *(drawer.name, drawer.seed),
        ]
        return cls(dataset, drawer, hashlib.sha256(json.dumps(facts).encode()).hexdigest())

    def key(self, landmarks: list[float] | None) -> str:
        """Of all that a masked face is made of."""
        points = None if landmarks is None else [round(float(number), 6) for number in landmarks]
        return hashlib.sha256(json.dumps([self.basis, points]).encode()).hexdigest()[:32]

    def paint(self, row: Manifest) -> Painting | Unmasked:
        """The one sample of ``row`` with its mask on, or why that cannot be.

        Raises:
            PluginError: the masker breaks its contract.
        """
        (sample,) = row.ids
        landmarks: Any = row.frame["landmarks"].iat[0]
        (image,) = read_each(self.dataset, row)
        if isinstance(image, DataError):
            return Unmasked("unreadable", str(image))
        height, width = image.shape[:2]
        try:
            points = points_on(image, landmarks, aligned=self.dataset.aligned)
            if (why := why_not(points, width, height)) is not None:
                return why
            masked, alpha = self.drawer.draw(image, sample, points)
        except DataError as error:
            return Unmasked("not_fitted", str(error))
        shape = mask_shape(alpha)
        if shape is None:
            return Unmasked("out_of_frame", "the mask lies outside the image")
        drawn = Drawn(
            self.key(landmarks),
            *(width, height),
            *(sha_of(image), sha_of(masked), sha_of(alpha)),
            *(sketch(image), sketch(masked)),
            tuple(round(float(number), 6) for number in shape),
            self.drawer.parameters(image, sample, points),
        )
        return Painting(image, masked, alpha, drawn)


@dataclass(frozen=True)
class Store:
    """The pictures of a twin, by the name of their files without ending.

    Attributes:
        folder: of the twin.
    """

    folder: Path

    def file(self, part: str, name: str) -> Path:
        """A picture in one of ``PARTS``."""
        return self.folder / picture(part, name)

    def write(self, name: str, painting: Painting) -> None:
        """Store the three pictures, each whole or not at all, the masked one with its record last."""
        drawn = painting.drawn
        save_png(painting.image, self.file(FACES, name), drawn.key)
        save_png(painting.alpha, self.file(ALPHA, name), drawn.key)
        save_png(painting.masked, self.file(MASKED, name), drawn.to_json())

    def recorded(self, name: str) -> Drawn | None:
        """The record of three pictures that are there; None where one is missing or bears no record."""
        drawn = Drawn.from_json(mark_of(self.file(MASKED, name)))
        there = drawn is not None and all(self.file(part, name).is_file() for part in PARTS)
        return drawn if there else None

    def remove_others(self, names: Collection[str]) -> None:
        """Remove pictures of other names that were written here, and what a kill has left half-written."""
        for part in PARTS:
            for file in sorted((self.folder / part).glob("*.png")):
                if file.stem not in names and mark_of(file) is not None:
                    file.unlink(missing_ok=True)
            for file in (self.folder / part).glob(f".*{PARTIAL}"):
                file.unlink(missing_ok=True)


def with_names(sources: Manifest, names: Mapping[str, str]) -> Manifest:
    """With the names of pictures in a column, so that a worker is sent those of its own samples alone."""
    return replace(sources, frame=sources.frame.assign(**{NAME: [names[sample] for sample in sources.ids]}))


def picture(part: str, name: str) -> str:
    """Where it is from the twin's folder, with ``/``."""
    return f"{part}/{name}.png"


@dataclass(frozen=True)
class Brush:
    """Paints a chunk of samples into a store; it can be sent to another process."""

    painter: Painter
    store: Store

    def __call__(self, rows: Manifest) -> dict[str, Drawn | Unmasked]:
        """What becomes of each sample, by id."""
        # One image at a time: a chunk of photos of thirty megapixels is more than memory has to hold.
        return {row.ids[0]: self._one(row) for row in (rows.take([place]) for place in range(len(rows)))}

    def _one(self, row: Manifest) -> Drawn | Unmasked:
        painted = self.painter.paint(row)
        if isinstance(painted, Unmasked):
            return painted
        self.store.write(str(row.frame[NAME].iat[0]), painted)
        return painted.drawn
