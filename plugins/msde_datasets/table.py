"""Any manifest: a CSV or Parquet of the toolkit's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from msde_datasets.bad_rows import BadRows
from msde_datasets.expression_words import expression, label_set
from msde_datasets.image_listing import ImageListing
from msde_datasets.pixel_table import read_pixel_table
from msde_datasets.table_cells import of_codes, tidied
from msde_datasets.table_file import TableFile, find_table, read_table
from msde_datasets.usable_rows import usable_manifest
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Dataset, DatasetOptions, Image, decode
from msde_toolkit.types import LABEL_SETS, SEVEN, LeftOut, Manifest

_LINE = re.compile(r"#(\d+)$")


class Table(Dataset):
    """A table with a row a sample: at least ``path`` and ``label``, and any other column of a manifest.

    Paths are relative to the table's folder (or to ``images``); ``file.csv#LINE`` is a face in a CSV of pixels. A label
    is an index into the classes, in the toolkit's order, or a word for a class. Where ``id`` is missing, the path is
    the id. A cell of a list (``box``, ``landmarks``, ``target``, ``votes``) holds its numbers with spaces, commas or
    semicolons between them. Images are taken to be face crops, unless rows bring landmarks.
    """

    summary = "Any CSV or Parquet manifest: path and label; subject, condition, pair and split if known"
    reference = "the manifest of this toolkit (docs/architecture.md)"
    licence = "as the images' owner says; the table does not say"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = "a .csv, .tsv or .parquet with the columns path and label, or the folder with one"
    aligned: ClassVar[bool] = True

    class Options(DatasetOptions):
        """Options of a table."""

        classes: Literal["auto", "seven", "eight", "three"] = Field(
            "auto",
            description="Set of classes; auto is what the file says of itself, else the first of these that has all "
            "words of the column label, else seven.",
        )
        images: Path | None = Field(None, description="Folder that paths are relative to; by default the table's own.")
        check_files: bool = Field(True, description="Look before a run whether every image is there.")

    def load(self, root: Path | None, options: Options) -> Manifest:
        """Rows in the file's order.

        Raises:
            InputError: if the root is missing or no table, or ``images`` is no folder.
            DataError: naming the file and what it lacks, or its first bad row (unless ``on_bad=skip``).
        """
        file = find_table(self.require_root(root))
        folder = options.images if options.images is not None else file.parent
        if not folder.is_dir():
            message = f"--set data.images={folder}: is no folder."
            raise InputError(message)
        bad = BadRows(str(file))
        table = read_table(file, bad)
        _require_columns(table, file)
        frame = tidied(table.frame)
        classes = _classes(options.classes, frame["label"], table.facts)
        name = str(table.facts.get("name") or file.name.partition(".")[0] or "table")
        reasons = _Reasons()
        frame["label"] = _indices(frame["label"], classes, reasons)
        if options.check_files:
            frame["path"] = _checked_paths(frame["path"], folder, reasons)
        kept = reasons.settle(frame, table, bad)
        good = frame[kept].reset_index(drop=True)
        numbers = np.flatnonzero(kept)
        return usable_manifest(
            good,
            name,
            bad=bad,
            where=lambda row: table.where(int(numbers[row])),
            skip=options.on_bad == "skip",
            root=folder,
            classes=classes,
            licence=str(table.facts.get("licence") or self.licence),
            synthetic=table.facts.get("synthetic") is True,
            notes=tuple(map(str, table.facts.get("notes") or ())),
            left_out=_left_out(table.facts, classes, file),
        )

    def read(self, rows: Manifest) -> list[Image]:
        """uint8 ``[H, W, 3]`` of image files, upright by EXIF, and of lines of a CSV of pixels.

        Raises:
            DataError: naming the file or line that holds no image.
        """
        root = self.require_root(rows.root)
        return [_face(root, path) if _LINE.search(path) else decode(root, path) for path in rows.frame["path"]]


def _face(root: Path, path: str) -> Image:
    if (root / path).is_file():  # a name that ends like a line
        return decode(root, path)
    name, _, line = path.rpartition("#")
    face = read_pixel_table(root / name).face(int(line))
    if face is None:
        message = f"{root / path}: no usable face in that line."
        raise DataError(message)
    return np.repeat(face[..., None], 3, axis=2)


def _require_columns(table: TableFile, file: Path) -> None:
    missing = [name for name in ("path", "label") if name not in table.frame]
    if missing:
        message = f"{file}: no column {' and no column '.join(missing)} (it has {', '.join(table.frame.columns)})."
        raise DataError(message)
    if table.frame.empty:
        message = f"{file}: has columns but no rows."
        raise DataError(message)


def _classes(choice: str, labels: pd.Series, facts: Mapping[str, Any]) -> tuple[str, ...]:
    if choice != "auto":
        return LABEL_SETS[choice]
    said = facts.get("classes")
    if isinstance(said, list) and len(said) > 1 and all(isinstance(name, str) for name in said):
        return tuple(said)
    words = {expression(str(cell)) for cell in labels.dropna().unique() if _number(cell) is None} - {None}
    classes = label_set(word for word in words if word is not None) if words else SEVEN
    if classes is None:
        message = f"Labels {', '.join(sorted(filter(None, words)))} together are no set ({', '.join(LABEL_SETS)})."
        raise DataError(message)
    return classes


def _left_out(facts: Mapping[str, Any], classes: tuple[str, ...], file: Path) -> tuple[LeftOut, ...]:
    """What a manifest of the toolkit says of samples that it lost; its labels are indices into its own classes."""
    return LeftOut.all_of(facts.get("left_out") or (), str(file)) if facts.get("classes") == list(classes) else ()


def _number(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


class _Reasons:
    """Why rows cannot be used, the first reason of each."""

    def __init__(self) -> None:
        self._of: dict[int, str] = {}

    def add(self, codes: npt.NDArray[np.int64], why: Mapping[int, str]) -> None:
        """Note the rows of these codes."""
        for row in np.flatnonzero(np.isin(codes, list(why))).tolist():
            self._of.setdefault(row, why[int(codes[row])])

    def settle(self, frame: pd.DataFrame, table: TableFile, bad: BadRows) -> npt.NDArray[np.bool_]:
        """Note them in the order of the rows; True for rows without."""
        kept = np.ones(len(frame), dtype=bool)
        for row, why in sorted(self._of.items()):
            bad.add(table.where(row), why)
            kept[row] = False
        return kept


def _indices(labels: pd.Series, classes: Sequence[str], reasons: _Reasons) -> pd.Series:
    """Labels as numbers; numbers out of range are left to the manifest's own check."""
    codes, distinct = pd.factorize(labels)
    values: list[Any] = []
    wrong = {-1: "label is empty"}
    for code, cell in enumerate(distinct):
        word = str(cell).strip().lower()
        word = word if word in classes else expression(word) or ""
        number = _number(cell)
        if word in classes:
            values.append(classes.index(word))
            continue
        values.append(number)
        if number is None:
            wrong[code] = f"label {cell!r} is none of {', '.join(classes)}"
    reasons.add(codes, wrong)
    return of_codes(codes, values)


def _checked_paths(paths: pd.Series, folder: Path, reasons: _Reasons) -> pd.Series:
    """Paths as the disk spells them; each distinct one is looked up once."""
    images = ImageListing(folder)
    codes, distinct = pd.factorize(paths)
    found: list[str | None] = []
    wrong = {-1: "path is empty"}
    for code, path in enumerate(distinct):
        try:
            found.append(_found(images, str(path)))
        except ValueError as error:
            wrong[code] = str(error)
            found.append(None)
    reasons.add(codes, wrong)
    return of_codes(codes, found)


def _found(images: ImageListing, path: str) -> str:
    """The path of an image, or of a line of a CSV of pixels, as the disk spells it."""
    try:
        return images.find(path)
    except ValueError:
        line = _LINE.search(path)
        if line is None:
            raise
        return images.find(path[: line.start()]) + line[0]
