"""Photos whose faces are two beads, and a landmarker that finds them: real pixels, and the truth is known."""

import csv
import os
import sys
from contextlib import contextmanager

import numpy as np
from installed import install
from PIL import Image as Pillow

MODULE = "bead_plugins_for_tests"
SOURCE = '''
import numpy as np
from pydantic import Field

from msde_toolkit.interfaces import Face, Landmarker, PluginOptions
from msde_toolkit.types import InputError

SEEN = []


def bead(image, number, channel):
    """The middle of a bead: red is the eye on the left, green the other; blue tells faces apart."""
    pixels = image.astype(int)
    lit = (pixels[..., channel] > 150) & (pixels[..., 1 - channel] < 90) & (abs(pixels[..., 2] - 50 * number) < 20)
    rows, columns = np.nonzero(lit)
    return (columns.mean() + 0.5, rows.mean() + 0.5) if len(rows) else None


class Beads(Landmarker):
    """Notes how many photos it was asked about."""

    version = "7"

    class Options(PluginOptions):
        most: int = Field(2, ge=0)
        spoilt: str = ""

    def find(self, image, hint):
        SEEN.append(hint.box)
        if self.options.spoilt:
            return self.broken()
        faces = []
        for number in range(1, self.options.most + 1):
            eyes = [bead(image, number, 0), bead(image, number, 1)]
            if None not in eyes and (hint.box is None or self.inside(eyes, hint.box)):
                eyes = np.array(eyes)
                low, span = eyes.min(axis=0) - 10, np.ptp(eyes, axis=0) + 20
                points = np.repeat(eyes, 34, axis=0) if number == 1 else None
                faces.append(Face(eyes, points, (*map(float, low), *map(float, span)), 1.0 / number))
        return faces

    def inside(self, eyes, box):
        left, top, width, height = box
        return all(left <= x <= left + width and top <= y <= top + height for x, y in eyes)

    def broken(self):
        if self.options.spoilt == "model":
            raise InputError("beads: the model is missing.")
        return [Face(np.full((2, 2), 3.0))]
'''


@contextmanager
def bead_plugins(folder):
    """The distribution on the import path, and a cache of its own; yields the plugins' module."""
    (folder / "site-packages").mkdir()
    install(
        folder / "site-packages", "msde-beads", "1.0", {"msde.landmarkers": {"beads": f"{MODULE}:Beads"}},
        **{MODULE: SOURCE},
    )  # fmt: skip
    before = {name: os.environ.get(name) for name in ("MSDE_CACHE", "MSDE_PLUGINS")}
    os.environ |= {"MSDE_CACHE": str(folder / "cache"), "MSDE_PLUGINS": "msde-beads"}
    sys.path.insert(0, str(folder / "site-packages"))
    try:
        yield __import__(MODULE)
    finally:
        from msde_toolkit.data.faces import search

        search._landmarker.cache_clear()
        sys.path.remove(str(folder / "site-packages"))
        sys.modules.pop(MODULE, None)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def draw(*faces, size=(200, 150), radius=4):
    """A photo ``[H, W, 3]`` with these faces: each its two eyes, ((x, y), (x, y)), numbered from 1."""
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    image[..., 0] = np.linspace(60, 120, size[0])  # uneven, so that a wrong place shows
    rows, columns = np.mgrid[: size[1], : size[0]] + 0.5
    for number, eyes in enumerate(faces, 1):
        for channel, (x, y) in enumerate(eyes):
            colour = np.zeros(3, np.uint8)
            colour[channel], colour[2] = 255, 50 * number
            image[np.hypot(columns - x, rows - y) <= radius] = colour
    return image


def write_photos(folder, photos, **columns):
    """Photos by id as PNG, and ``photos.csv`` for the dataset ``table``.

    Args:
        folder: made if it is not there.
        photos: id to image ``[H, W, 3]``, or to bytes of a file.
        columns: further cells by id: ``pair={"a-nm": "a"}``.
    """
    folder.mkdir(exist_ok=True)
    with (folder / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "path", "label", *columns])
        for number, (sample, photo) in enumerate(photos.items()):
            name = f"photo{number}.png"
            if isinstance(photo, bytes):
                (folder / name).write_bytes(photo)
            else:
                Pillow.fromarray(photo).save(folder / name)
            cells = [values.get(sample, "") for values in columns.values()]
            table.writerow([sample, name, "happy" if number % 2 else "sad", *cells])
    return folder
