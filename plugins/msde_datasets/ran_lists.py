"""RAN's lists of test images that are occluded or turned away, of three sets, as its authors give them out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from msde_datasets.affectnet_labels import NAMES
from msde_datasets.bad_rows import BadRows
from msde_datasets.ferplus_votes import NAMES as FERPLUS_NAMES
from msde_datasets.set_folder import set_folder
from msde_datasets.text_files import one_of, read_lines
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import DatasetOptions
from msde_toolkit.types import CLASSES


@dataclass(frozen=True)
class Listed:
    """The lists of one set.

    Attributes:
        folder: of the authors' repository.
        files: by subset: ``pose30`` are heads turned by more than 30 degrees, ``pose45`` by more than 45.
        classes: what the lists' labels 0, 1, ... mean.
    """

    folder: str
    files: Mapping[str, str]
    classes: Sequence[str]


RAFDB = Listed(
    "RAF_DB_dir",
    {"occlusion": "rafdb_occlusion_list.txt", "pose30": "val_raf_db_list.txt", "pose45": "val_raf_db_list_45.txt"},
    CLASSES,
)
FERPLUS = Listed(
    "FERplus_dir",
    {
        "occlusion": "jianfei_occlusion_list.txt",
        "pose30": "pose_30_ferplus_list.txt",
        "pose45": "pose_45_ferplus_list.txt",
    },
    FERPLUS_NAMES,
)
AFFECTNET = Listed(
    "AffectNet_dir",
    {
        "occlusion": "occlusion_affectnet_list.txt",
        "pose30": "pose_30_affectnet_list.txt",
        "pose45": "pose_45_affectnet_list.txt",
    },
    NAMES,
)
_HEADER = re.compile(r"\d+\s+\d+")
_NAME = r"(?P<name>\w{8,}?)(_aligned)?(\.(jpg|jpeg|png))?"
_FORMS = (
    re.compile(rf"(?P<label>\d+)_{_NAME}(\s+\d+)*", re.IGNORECASE),  # 1_fer0034656.png 8 0
    re.compile(rf"(val/)?(?P<label>\d+)/{_NAME}(/\d+\.jpg|/)?", re.IGNORECASE),  # 0/NAME.jpg, val/0/NAME/, 7/NAME/8.jpg
    re.compile(rf"{_NAME}\s+(?P<label>\d+)(\s+\d+)*", re.IGNORECASE),  # test_0003_aligned 3 4
)


class SubsetOptions(DatasetOptions):
    """Options of a set that RAN has lists of."""

    subset: Literal["all", "occlusion", "pose30", "pose45"] = Field(
        "all", description="Test images: all, or those of RAN's list (occluded; turned by over 30 or 45 degrees)."
    )
    lists: Path | None = Field(None, description="RAN's lists, a folder or the file; by default the root.")


@dataclass(frozen=True)
class RanList:
    """The images of one list.

    Attributes:
        file: where it stands.
        labels: an image's name without ``_aligned`` and ending (``test_0003``, in small letters) to its class.
        notes: of lines left out, and of images listed more than once.
    """

    file: Path
    labels: dict[str, str]
    notes: tuple[str, ...]


def restricted(
    frame: pd.DataFrame, names: pd.Series, of: Listed, options: SubsetOptions, root: Path, classes: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A set's rows with only those test images that the list names, and notes; all rows for ``subset=all``.

    Args:
        frame: with ``label`` and ``split``, index 0..n-1.
        names: of the rows' images, as in ``RanList.labels``.
        of: the set's lists.
        options: which list, and where.
        root: where the list is if the options do not say.
        classes: what the frame's labels mean.

    Raises:
        InputError: ``lists`` without a subset, or no such list.
        DataError: naming file and line; or none of the list's images is a test image here.
    """
    if options.subset == "all":
        if options.lists is not None:
            message = "--set data.lists: say which list with --set data.subset=occlusion, pose30 or pose45."
            raise InputError(message)
        return frame, ()
    listed = read_ran_list(of, options.subset, options.lists or root, skip=options.on_bad == "skip")
    is_test = frame["split"] == "test"
    inside = names.isin(listed.labels.keys()) & is_test
    kept = frame[inside]
    if kept.empty:
        message = f"{listed.file}: none of its {len(listed.labels)} images is a test image of this set."
        raise DataError(message)
    notes = [f"test images are the {len(kept):,} of {listed.file.name} that are here", *listed.notes]
    if len(kept) < len(listed.labels):
        notes.append(f"{len(listed.labels) - len(kept):,} of {len(listed.labels):,} listed images are not here")
    words = names[inside].map(listed.labels)
    other = int((words != kept["label"].map(lambda label: classes[label])).sum())
    if other:
        notes.append(f"{other:,} listed images have another label in {listed.file.name}; the set's own is kept")
    return frame[~is_test | inside].reset_index(drop=True), tuple(notes)


def read_ran_list(of: Listed, subset: str, lists: Path, *, skip: bool) -> RanList:
    """The list of ``occlusion``, ``pose30`` or ``pose45``.

    Args:
        of: the set.
        subset: which of its lists.
        lists: the file, or a folder that holds it or its folder, as ``RAF_DB_dir``.
        skip: leave out lines that cannot be read.

    Raises:
        InputError: if there is no such list.
        DataError: naming file and line.
    """
    file = _find(of, subset, lists)
    bad = BadRows(str(file))
    labels: dict[str, str] = {}
    lines = 0
    for number, line in read_lines(file):
        if number == 1 and _HEADER.fullmatch(line):
            continue  # "1247 7": how many lines and classes follow
        try:
            name, label = parse_line(line, len(of.classes))
        except ValueError as error:
            bad.add(f"line {number}", str(error))
            continue
        word = of.classes[label]
        if labels.setdefault(name, word) != word:
            bad.add(f"line {number}", f"{name} is {word} here and {labels[name]} above")
        else:
            lines += 1
    notes = bad.settle(len(labels), skip=skip)
    again = (f"{file.name} names {len(labels):,} images in {lines:,} lines",) if lines > len(labels) else ()
    return RanList(file, labels, (*notes, *again))


def parse_line(line: str, classes: int) -> tuple[str, int]:
    """Name and label of ``test_0003_aligned 3 4``, ``1_fer0034656.png 8 0``, ``0/NAME.jpg`` or ``val/0/NAME/``.

    A list may name a ``.jpg`` that is a ``.png`` here: the ending says nothing. Numbers behind a name that has a label
    are codes of the occlusion.

    Raises:
        ValueError: saying what stands there instead.
    """
    match = next(filter(None, (form.fullmatch(line.replace("\\", "/")) for form in _FORMS)), None)
    if match is None or int(match["label"]) >= classes:
        message = (
            f"{line[:60]!r} is none of 'NAME LABEL CODE', 'LABEL_NAME.png CODE' and 'LABEL/NAME.jpg' with a label from "
            f"0 to {classes - 1}"
        )
        raise ValueError(message)
    return match["name"].lower(), int(match["label"])


def _find(of: Listed, subset: str, lists: Path) -> Path:
    if lists.is_file():
        return lists
    name = of.files[subset]
    file = one_of(set_folder(lists, lambda folder: one_of(folder, (name,)) is not None), (name,))
    if file is None:
        message = (
            f"No list {name} in {lists} or below. The lists are RAN's (github.com/kaiwang960112); give their folder or "
            "the file with --set data.lists=PATH."
        )
        raise InputError(message)
    return file
