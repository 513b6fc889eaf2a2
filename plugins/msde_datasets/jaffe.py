"""JAFFE, Japanese female facial expressions."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import ClassVar

import pandas as pd

from msde_datasets.bad_rows import BadRows
from msde_datasets.image_tree import ImageTree
from msde_datasets.published_counts import total
from msde_toolkit.interfaces import Dataset, DatasetOptions
from msde_toolkit.types import CLASSES, Manifest

PUBLISHED = 213
EMOTIONS = {
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}
_NAME = re.compile(r"([A-Z]{2})\.([A-Z]{2})(\d*)\.(\d+)(\.[A-Z0-9]+)+", re.IGNORECASE)


class Jaffe(Dataset):
    """JAFFE: 213 grey images of 256x256 pixels, ten women with seven expressions each.

    A name is ``KA.AN1.39.tiff``: subject, expression with its number, running number; public copies are named
    ``KA.AN1.39.tiff.png``. Folders below the root are searched too.
    """

    summary = "JAFFE: ten women, seven posed expressions, 213 grey images"
    reference = "Lyons, Akamatsu, Kamachi and Gyoba, Coding Facial Expressions with Gabor Wavelets, FG 1998"
    licence = "JAFFE's own terms: for non-commercial research, images must not be passed on"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = "the folder with KA.AN1.39.tiff and the others"
    aligned: ClassVar[bool] = False

    class Options(DatasetOptions):
        """Options of JAFFE."""

    def load(self, root: Path | None, options: Options) -> Manifest:
        """All images, sorted by path.

        Raises:
            InputError: if the root is missing or no folder.
            DataError: naming an image whose name says no subject or expression, is there twice, or holds no bytes
                (unless ``on_bad=skip``).
        """
        root = self.require_root(root)
        bad = BadRows(str(root))
        tree = ImageTree.of(root, bad, self.root_hint)
        rows = _rows(tree, bad)
        notes = bad.settle(len(rows), skip=options.on_bad == "skip") + tree.notes()
        if len(rows) != PUBLISHED:
            notes += (total("JAFFE", PUBLISHED, len(rows)),)
        return Manifest.from_frame(pd.DataFrame(rows), "jaffe", root=root, licence=self.licence, notes=notes)


def parse_name(name: str) -> tuple[str, str, str]:
    """Subject (``KA``), class, and what is unlike in every image (``KA.AN1.39``) of a file's name.

    Raises:
        ValueError: saying what is wrong with it.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        message = "its name is not SUBJECT.EXPRESSIONn.NUMBER, as KA.AN1.39.tiff"
        raise ValueError(message)
    subject, code = match[1].upper(), match[2].upper()
    if code not in EMOTIONS:
        message = f"{code} is not one of the expressions {' '.join(EMOTIONS)}"
        raise ValueError(message)
    return subject, EMOTIONS[code], f"{subject}.{code}{match[3]}.{match[4]}"


def _rows(tree: ImageTree, bad: BadRows) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    first: dict[str, PurePosixPath] = {}
    for path in tree.images():
        try:
            subject, word, image = parse_name(path.name)
            if image in first:
                message = f"is a second copy of {first[image].as_posix()}"
                raise ValueError(message)
        except ValueError as error:
            bad.add(path.as_posix(), str(error))
            continue
        first[image] = path
        rows.append({"id": image, "path": path.as_posix(), "subject": subject, "label": CLASSES.index(word)})
    return rows
