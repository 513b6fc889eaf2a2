"""AffectNet, its manually annotated part."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field

from msde_datasets import affectnet_csv, affectnet_npy
from msde_datasets.affectnet_labels import NAMES
from msde_datasets.image_listing import ImageListing
from msde_datasets.published_counts import Published, compared, counts_by_split, table_1, total
from msde_datasets.ran_lists import AFFECTNET, SubsetOptions, restricted
from msde_datasets.set_folder import set_folder
from msde_datasets.text_files import one_of
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import EIGHT, LABEL_SETS, Manifest, PublishedTable

FILES = {"training.csv": "train", "validation.csv": "test"}
FILE_FOLDERS = ("Manually_Annotated_file_lists", "Manually_Annotated")
FOLDERS = {"train_set": "train", "val_set": "test"}
_TRAIN = dict(zip(NAMES, (74_874, 134_415, 25_459, 14_090, 6_378, 3_803, 24_882, 3_750), strict=True))
PUBLISHED: Published = {"train": [_TRAIN[name] for name in EIGHT], "test": [500] * len(EIGHT)}
VALIDATION_2021 = 3_999
"""One image less than in the first form."""
OCCLUDED = "RAN's list of occluded validation images (data.subset=occlusion) has 683"

_Read = tuple[pd.DataFrame, tuple[str, ...]]


class AffectNet(Dataset):
    """AffectNet's manually annotated faces, 287,651 and 4,000 of eight classes; who is shown is unknown.

    Two layouts: ``training.csv`` and ``validation.csv`` (with or without a header), or the folders ``train_set`` and
    ``val_set`` of 2021. The validation images are split ``test``, as everywhere in the literature: the authors keep
    the test set. Rows of the expressions none, uncertain and no face are left out and counted. Images are read whole;
    the face's box and, if asked for, its 68 points are columns of the manifest, in the image's pixels.
    """

    summary = "AffectNet: faces in the wild, seven expressions and contempt, as CSV or in the form of 2021"
    reference = "Mollahosseini, Hasani and Mahoor, AffectNet, IEEE Trans. Affective Computing 2019, arXiv:1708.03985"
    licence = "AffectNet's own agreement: for research only, images must not be passed on"
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, ...]] = EIGHT
    root_hint: ClassVar[str] = (
        "the folder with training.csv and validation.csv and the images' folders, or with train_set and val_set"
    )
    aligned: ClassVar[bool] = False

    class Options(SubsetOptions):
        """Options of AffectNet."""

        classes: Literal["eight", "seven"] = Field("eight", description="With or without contempt.")
        landmarks: bool = Field(
            False,
            description="Fill in the 68 points, which --mask needs; for the whole set, minutes and 4 GB of memory.",
        )

    def load(self, root: Path | None, options: Options) -> Manifest:
        """Rows in the files' order, training images first.

        Raises:
            InputError: if the root is missing or of no such layout.
            DataError: naming file and line, or the sample: a bad row (unless ``on_bad=skip``), or none left.
        """
        root = set_folder(self.require_root(root), lambda folder: bool(_files(folder) or _folders(folder)))
        skip = options.on_bad == "skip"
        files = _files(root)
        if files:
            parts, expected = _of_files(root, files, options.landmarks, skip)
        else:
            parts, expected = _of_folders(root, options.landmarks, skip)
        frame = pd.concat([part for part, _ in parts], ignore_index=True)
        if options.subset != "all" and not files:
            message = f"--set data.subset: RAN's lists name images as AffectNet's CSV form does; {root} has numbers."
            raise InputError(message)
        notes = [note for _, told in parts for note in told]
        notes += _differences(frame, expected)
        if options.classes == "seven":
            inside = frame["label"] < EIGHT.index("contempt")
            notes.append(f"{int((~inside).sum()):,} images of contempt left out")
            frame = frame[inside].reset_index(drop=True)
        classes = LABEL_SETS[options.classes]
        names = frame["path"].str.extract(r"([^/.]+)\.[^/.]*$", expand=False).str.lower()
        frame, more = restricted(frame, names, AFFECTNET, options, root, classes)
        notes += more
        return Manifest.from_frame(frame, "affectnet", root=root, classes=classes, licence=self.licence, notes=notes)

    def published(self, options: Options) -> tuple[PublishedTable, ...]:
        """Counts of the manually annotated images in their first form, and the paper's row on occlusion."""
        classes = LABEL_SETS[options.classes]
        counts = {split: counts[: len(classes)] for split, counts in PUBLISHED.items()}
        if options.subset != "all":
            del counts["test"]
        note = f"of the CSV form; the form of 2021 has {VALIDATION_2021:,} validation images"
        return counts_by_split(counts, classes, self.reference, note), table_1(100, 0, OCCLUDED)


def _files(root: Path) -> dict[Path, str]:
    for folder in (root, *(one_of(root, (name,)) for name in FILE_FOLDERS)):
        found = {one_of(folder, (name,)): split for name, split in FILES.items()} if folder is not None else {}
        there = {file: split for file, split in found.items() if file is not None}
        if there:
            return there
    return {}


def _of_files(root: Path, files: dict[Path, str], landmarks: bool, skip: bool) -> tuple[list[_Read], Published]:
    listing = ImageListing(root)
    parts = [
        affectnet_csv.read_split(file, split, listing, landmarks=landmarks, skip=skip) for file, split in files.items()
    ]
    return parts, PUBLISHED


def _of_folders(root: Path, landmarks: bool, skip: bool) -> tuple[list[_Read], Published]:
    parts = [
        affectnet_npy.read_split(folder, split, landmarks=landmarks, skip=skip)
        for folder, split in _folders(root).items()
    ]
    if not parts:
        message = f"--root {root}: must be {AffectNet.root_hint}."
        raise InputError(message)
    return parts, {}


def _folders(root: Path) -> dict[Path, str]:
    found = {one_of(root, (name,)): split for name, split in FOLDERS.items()}
    return {folder: split for folder, split in found.items() if folder is not None and folder.is_dir()}


def _differences(frame: pd.DataFrame, expected: Published) -> list[str]:
    """What differs from the published counts; of the form of 2021 only the number of validation images is known."""
    if expected:
        return list(compared(frame["label"].to_numpy(dtype="int64"), frame["split"], EIGHT, expected))
    found = int((frame["split"] == "test").sum())
    return [total("validation", VALIDATION_2021, found)] if found != VALIDATION_2021 else []
