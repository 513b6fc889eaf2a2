"""Faces that need no photo: grey noise with eyes nowhere, masked by a rectangle."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from msde_toolkit.data.masking import MaskDrawer
from msde_toolkit.data.masks import make_twin, place
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset, Masker, PluginOptions
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.types import Manifest

SIDE = 32


class Faces(Dataset):
    """PNG files whose rows the test changes before they are loaded."""

    licence = "CC0-1.0"

    def __init__(self):
        self.changes = {}

    def load(self, root, options=None):
        files = sorted(Path(root).glob("*.png"))
        frame = pd.DataFrame({"id": [file.stem for file in files], "path": [file.name for file in files]})
        frame["label"] = [row % 7 for row in range(len(files))]
        frame["subject"] = [f"p{row // 2}" for row in range(len(files))]
        for column, cells in self.changes.items():
            frame[column] = pd.Series([cells.get(sample) for sample in frame["id"]], dtype=object)
        return Manifest.from_frame(frame, "set", root=Path(root), licence=self.licence, notes=("a note",))


class Unaligned(Faces):
    aligned = False


class Rectangle(Masker):
    """From the tip of the nose down, in a random grey."""

    class Options(PluginOptions):
        refuse: str = ""
        shift: int = 0

    def apply(self, image, landmarks, rng):
        grey = self._grey(rng)
        if self.options.refuse and image.mean() > 250:
            raise DataError(self.options.refuse)
        alpha = np.zeros(image.shape[:2], np.uint8)
        alpha[max(int(landmarks[30, 1]), 0) :, 4:-4] = 255
        masked = image.copy()
        masked[alpha > 0] = grey + self.options.shift
        return masked, alpha

    def parameters(self, image, landmarks, rng):
        return {"grey": self._grey(rng), "kind": "flat", "width": np.float64(image.shape[1] - 8), "wired": False}

    def _grey(self, rng):
        return int(rng.integers(90, 160))


@dataclass
class Workshop:
    """A set on the disk and all that it takes to mask it."""

    root: Path
    dataset: Faces
    out: Path

    def drawer(self, seed=0, **options):
        return MaskDrawer(Rectangle(Rectangle.Options(**options)), "flat", seed)

    def place(self, finder=None, **more):
        return place(self.dataset, self.dataset.load(self.root), finder, **more)

    def make(self, out=None, *, drawer=None, finder=None, **more):
        return make_twin(
            self.dataset,
            self.dataset.load(self.root),
            self.place(finder),
            drawer or self.drawer(),
            out or self.out,
            **more,
        )

    def draw_face(self, name, shade=None):
        rng = np.random.default_rng(sum(map(ord, name)))
        pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        if shade is not None:
            pixels[:] = shade
        Pillow.fromarray(pixels).save(self.root / f"{name}.png")


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """Eighteen faces: more than one chunk."""
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    root.mkdir()
    made = Workshop(root, Faces(), tmp_path / "twin")
    for number in range(18):
        made.draw_face(f"f{number:02}")
    return made


@pytest.fixture
def points():
    """The average face's landmarks in an image of SIDE pixels, moved or squeezed."""

    def of(right=0.0, down=0.0, squeeze=1.0, nose=0.0):
        face = canonical_landmarks(SIDE, SIDE) * [squeeze, squeeze] + [right, down]
        face[27:36, 0] += nose
        return face.ravel().tolist()

    return of
