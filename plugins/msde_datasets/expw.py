"""ExpW, Expression in the Wild: faces in photos from the web."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import pandas as pd

from msde_datasets.bad_rows import BadRows
from msde_datasets.face_boxes import read_boxes
from msde_datasets.image_listing import ImageListing
from msde_datasets.set_folder import set_folder
from msde_datasets.text_files import one_of, read_lines
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset, DatasetOptions, Image
from msde_toolkit.types import CLASSES, Manifest

LABELS = ("label.lst",)
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The file's own order, 0 to 6."""
FIELDS = ("face id", "top", "left", "right", "bottom", "confidence", "expression")


class ExpW(Dataset):
    """ExpW: a row is a face, given as a box in a photo that may show several; ``read`` cuts the box out.

    A line of ``label.lst`` is: image, face's number in it, top, left, right, bottom (pixels), the detector's
    confidence, expression. The images are in ``image``. There is no split, and who is shown is unknown; column
    ``source`` names the photo.
    """

    summary = "ExpW: faces boxed in photos from the web, seven basic expressions, no split"
    reference = "Zhang, Luo, Loy and Tang, From Facial Expression Recognition to Interpersonal Relation, IJCV 2018"
    licence = "no licence for the photographs (collected by web search); for non-commercial research only"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = "ExpW's folder, with label.lst (or label/label.lst) and the folder image"
    aligned: ClassVar[bool] = False

    class Options(DatasetOptions):
        """Options of ExpW."""

    def load(self, root: Path | None, options: Options) -> Manifest:
        """A row a face, in the file's order.

        Raises:
            InputError: if the root is missing, or has no label file or no images.
            DataError: naming file and line: a bad row (unless ``on_bad=skip``), or none left.
        """
        root = set_folder(self.require_root(root), lambda folder: _label_file(folder) is not None)
        labels, images = _label_file(root), _image_folder(root)
        if labels is None or images is None:
            lacks = LABELS[0] if labels is None else "folder image"
            message = f"--root {root}: no {lacks} there. It must be {self.root_hint}."
            raise InputError(message)
        faces = _Faces(ImageListing(root), images.relative_to(root).as_posix(), BadRows(str(labels)))
        for number, line in read_lines(labels):
            faces.add(f"line {number}", line)
        notes = faces.bad.settle(len(faces.rows), skip=options.on_bad == "skip")
        return Manifest.from_frame(
            pd.DataFrame(list(faces.rows.values())), "expw", root=root, licence=self.licence, notes=notes
        )

    def read(self, rows: Manifest) -> list[Image]:
        """uint8 ``[H, W, 3]`` of each row's box, as far as it lies inside the photo.

        Raises:
            DataError: naming the file that cannot be decoded, or whose box lies outside it.
        """
        return read_boxes(self.require_root(rows.root), rows)


@dataclass(frozen=True)
class FaceLine:
    """A line of ``label.lst``: ``box`` is left, top, width, height in pixels, ``label`` an index into ``CLASSES``."""

    image: str
    face: int
    box: list[float]
    label: int


def parse_line(line: str) -> FaceLine:
    """The face that a line describes. An image's name may hold spaces.

    Raises:
        ValueError: saying what stands there instead.
    """
    image, *words = line.rsplit(None, len(FIELDS))
    if len(words) != len(FIELDS):
        message = f"{len(words) + 1} words, expected {len(FIELDS) + 1}: image, {', '.join(FIELDS)}"
        raise ValueError(message)
    face, top, left, right, bottom = (_whole(name, word) for name, word in zip(FIELDS, words[:5], strict=False))
    try:
        float(words[5])
    except ValueError:
        message = f"confidence {words[5][:20]!r} is not a number"
        raise ValueError(message) from None
    if right <= left or bottom <= top:
        message = f"box top {top}, left {left}, right {right}, bottom {bottom} is empty"
        raise ValueError(message)
    if not (words[6].isdecimal() and int(words[6]) < len(EXPRESSIONS)):
        message = f"expression {words[6][:20]!r} is not one of 0 to {len(EXPRESSIONS) - 1}"
        raise ValueError(message)
    box = [float(left), float(top), float(right - left), float(bottom - top)]
    return FaceLine(image, face, box, CLASSES.index(EXPRESSIONS[int(words[6])]))


def _whole(name: str, word: str) -> int:
    if not (word.removeprefix("-").isdecimal() and len(word) < 8):
        message = f"{name} {word[:20]!r} is not a whole number"
        raise ValueError(message)
    return int(word)


@dataclass
class _Faces:
    images: ImageListing
    folder: str
    bad: BadRows
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, where: str, line: str) -> None:
        try:
            face = parse_line(line)
            path = self.images.find(face.image, self.folder)
            name = f"expw-{PurePosixPath(path).name}-{face.face}"
            if name in self.rows:
                message = f"face {face.face} of {face.image} stands there a second time"
                raise ValueError(message)
        except ValueError as error:
            self.bad.add(where, str(error))
            return
        self.rows[name] = {"id": name, "path": path, "label": face.label, "box": face.box, "source": path}


def _label_file(root: Path) -> Path | None:
    for folder in (root, one_of(root, ("label",))):
        file = one_of(folder, LABELS) if folder is not None else None
        if file is not None and file.is_file():
            return file
    return None


def _image_folder(root: Path) -> Path | None:
    """``image``, or ``origin`` (the name of the archive) in it or without it."""
    folder = one_of(root, ("image", "images", "origin"))
    inner = one_of(folder, ("origin",)) if folder is not None else None
    found = inner if inner is not None and inner.is_dir() else folder
    return found if found is not None and found.is_dir() else None
