"""FER2013 in its original form, a CSV of pixels."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from msde_datasets.pixel_table import USAGES, PixelTable, read_pixel_table
from msde_datasets.set_folder import set_folder
from msde_datasets.text_files import one_of
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Dataset, DatasetOptions, Image
from msde_toolkit.types import CLASSES, Manifest

NAMES = ("fer2013.csv", "fer2013.csv.gz", "icml_face_data.csv")
"""As given out first, and by its later page."""
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The file's own order, 0 to 6."""


class Fer2013(Dataset):
    """FER2013: 35,887 grey faces of 48x48 pixels, labelled with seven expressions; who is shown is unknown.

    Training is split ``train``; PrivateTest is ``test`` and PublicTest ``validation``, or ``test`` where there is no
    PrivateTest. A row's ``path`` is ``file.csv.gz#LINE`` with the header as line 1.
    """

    summary = "FER2013: 48x48 grey faces in one CSV of pixels (emotion,pixels,Usage)"
    reference = "Goodfellow et al., Challenges in Representation Learning, ICONIP 2013, arXiv:1307.0414"
    licence = "no licence for the photographs (collected by web search); for research only"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = "fer2013.csv, fer2013.csv.gz or icml_face_data.csv, or the folder with one of them"
    aligned: ClassVar[bool] = True

    class Options(DatasetOptions):
        """Options of FER2013."""

    def load(self, root: Path | None, options: Options) -> Manifest:
        """All usable rows in the file's order.

        Raises:
            InputError: if the root is missing or is no such file.
            DataError: naming file and line: a damaged file, a missing column, a bad row (unless ``on_bad=skip``).
        """
        import pandas as pd

        file = pixel_file(self.require_root(root), self.root_hint)
        table = read_pixel_table(file)
        notes = _complaints(table, file, skip=options.on_bad == "skip") + table.differences()
        to_ours = np.array([CLASSES.index(word) for word in EMOTIONS])
        frame = pd.DataFrame(
            {
                "id": [f"fer2013-{line:06d}" for line in table.lines],
                "path": [f"{file.name}#{line}" for line in table.lines],
                "label": to_ours[table.emotions],
                "split": _splits(table),
            }
        )
        return Manifest.from_frame(frame, "fer2013", root=file, licence=self.licence, notes=notes)

    def read(self, rows: Manifest) -> list[Image]:
        """uint8 ``[48, 48, 3]``, the grey value in all three channels.

        Raises:
            DataError: if the file is gone or a row's line holds no usable face.
        """
        root = self.require_root(rows.root)
        folder = root.parent if root.is_file() else root
        return [_face(folder, path) for path in rows.frame["path"]]


def pixel_file(root: Path, hint: str) -> Path:
    """FER2013's CSV: the root itself, or the only one in it or in a folder below.

    Raises:
        InputError: if it is not there, or there in several forms; ``hint`` says what the root must be.
    """
    if not root.is_dir():
        if root.name.lower().endswith((".csv", ".csv.gz")):
            return root
        message = f"--root {root}: not a .csv or .csv.gz. It must be {hint}."
        raise InputError(message)
    folder = set_folder(root, lambda folder: bool(pixel_files(folder)))
    found = pixel_files(folder)
    if len(found) > 1:
        message = f"--root {folder}: holds {' and '.join(file.name for file in found)}. Give the file itself."
        raise InputError(message)
    if not found:
        message = f"--root {root}: none of {', '.join(NAMES)} there. It must be {hint}."
        raise InputError(message)
    return found[0]


def pixel_files(folder: Path) -> list[Path]:
    """FER2013's CSV in a folder, in whatever forms it is there."""
    found = [one_of(folder, (name,)) for name in NAMES]
    return [file for file in found if file is not None and file.is_file()]


def _complaints(table: PixelTable, file: Path, *, skip: bool) -> tuple[str, ...]:
    """What a manifest notes of bad rows.

    Raises:
        DataError: if they must not be skipped, or no other rows are left.
    """
    if not table.bad and len(table.lines):
        return ()
    if not table.bad:
        message = f"{file}: has a header but no rows."
        raise DataError(message)
    if not len(table.lines):
        message = f"{file}: none of its {table.bad} rows can be used; {table.reasons[0]}."
        raise DataError(message)
    if not skip:
        others = f" and {table.bad - 1} more bad rows" if table.bad > 1 else ""
        message = f"{file}, {table.reasons[0]}{others}.\nMend the file, or leave them out with --set data.on_bad=skip."
        raise DataError(message)
    more = "; ..." if table.bad > len(table.reasons) else ""
    return (f"{table.bad} bad rows of {file.name} left out ({'; '.join(table.reasons)}{more})",)


def _splits(table: PixelTable) -> list[str]:
    training, public, private = range(len(USAGES))
    word = {training: "train", private: "test", public: "validation" if private in table.usages else "test"}
    return [word[usage] for usage in table.usages.tolist()]


def _face(folder: Path, path: str) -> Image:
    name, _, line = path.rpartition("#")
    face = read_pixel_table(folder / name).face(int(line)) if name and line.isdecimal() else None
    if face is None:
        message = f"{folder / path}: no usable row there; a path of FER2013 is FILE.csv#LINE."
        raise DataError(message)
    return np.repeat(face[..., None], 3, axis=2)
