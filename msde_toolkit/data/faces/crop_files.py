"""Crops as PNG files, each marked with what it was made of: what is there already is not made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.faces.crops import EYES, FaceCrops
from msde_toolkit.data.image_cache import Progress, chunked, read_all
from msde_toolkit.files import whole
from msde_toolkit.types import Manifest

MARK = "msde-faces"
"""Text in each PNG that the toolkit wrote here: the key of what it shows."""

FACES, MASKS = "faces", "masks"
CHUNK = 16


@dataclass(frozen=True)
class CropFiles:
    """The crops of a folder.

    Attributes:
        folder: that of the manifest.
        crops: reads and cuts.
        photos: of each sample, by id, a name of the photo's pixels.
    """

    folder: Path
    crops: FaceCrops
    photos: Mapping[str, str]

    def missing(self, faces: Manifest, names: Mapping[str, str]) -> Manifest:
        """The samples whose crop is not there, or is of other pixels, another place or another recipe."""
        there = [
            mark_of(self.folder / FACES / f"{names[sample]}.png") == self._key(sample, eyes)
            for sample, eyes in zip(faces.ids, faces.frame[EYES], strict=True)
        ]
        return faces.take(~np.array(there, dtype=bool))

    def write(self, faces: Manifest, names: Mapping[str, str], progress: Progress) -> None:
        """Cut these samples, worker processes joining in where it takes long.

        Raises:
            DataError: a photo that can no longer be read.
        """
        done = 0
        work = _Work(self, {sample: names[sample] for sample in faces.ids})
        for count in chunked(faces, work, CHUNK):
            done += count
            progress(done, len(faces))

    def write_one(self, row: Manifest, name: str) -> None:
        """Cut one sample: the alpha of its mask first, if it has one, so that a crop that is there is complete."""
        (sample,) = row.ids
        key = self._key(sample, row.frame[EYES].iat[0])
        (alpha,) = self.crops.mask_regions(row)
        if alpha is not None:
            save_png(alpha, self.folder / MASKS / f"{name}.png", key)
        else:
            remove_ours(self.folder / MASKS / f"{name}.png")
        (crop,) = read_all(self.crops, row)
        save_png(crop, self.folder / FACES / f"{name}.png", key)

    def paths(self, faces: Manifest, names: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Where each sample's face is, and its mask's alpha where it has one: path from the folder, by id."""
        crops = {sample: f"{FACES}/{names[sample]}.png" for sample in faces.ids}
        masks = {sample: f"{MASKS}/{names[sample]}.png" for sample in faces.ids}
        return crops, {sample: path for sample, path in masks.items() if (self.folder / path).is_file()}

    def remove_others(self, manifest: Manifest) -> None:
        """Remove crops that were written here and are in the manifest no more."""
        kept = {*manifest.frame["path"], *manifest.frame["mask_path"].dropna()}
        for part in (FACES, MASKS):
            for file in sorted((self.folder / part).glob("*.png")):
                if f"{part}/{file.name}" not in kept:
                    remove_ours(file)

    def _key(self, sample: str, eyes: object) -> str:
        place = [float(number) for number in np.asarray(eyes).ravel()]
        facts = [self.photos[sample], str(self.crops.cutting.recipe), place]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class _Work:
    """Cuts a chunk of samples; it can be sent to another process."""

    files: CropFiles
    names: Mapping[str, str]

    def __call__(self, rows: Manifest) -> int:
        for row, sample in enumerate(rows.ids):
            self.files.write_one(rows.take([row]), self.names[sample])
        return len(rows)


def save_png(pixels: npt.NDArray[np.uint8], file: Path, mark: str) -> None:
    """Write a marked PNG, whole or not at all."""
    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(MARK, mark)
    with whole(file) as partial:
        Pillow.fromarray(pixels).save(partial, format="PNG", pnginfo=info)


def mark_of(file: Path) -> str | None:
    """What a file of ours is marked with; None for any other, and where there is none."""
    from PIL import Image as Pillow

    with suppress(OSError, ValueError, SyntaxError), Pillow.open(file) as image:
        mark = image.info.get(MARK)
        return mark if isinstance(mark, str) else None
    return None


def remove_ours(file: Path) -> None:
    """Remove a file if it was written here."""
    if mark_of(file) is not None:
        file.unlink(missing_ok=True)
