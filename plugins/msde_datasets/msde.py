"""MSD-E, the Masked Student Dataset of Expressions, and its pairs, MSD-PE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from msde_datasets.bad_rows import BadRows
from msde_datasets.image_tree import ImageTree
from msde_datasets.published_counts import MSDE_PAPER
from msde_datasets.set_folder import set_folder
from msde_datasets.text_files import one_of, read_lines
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset, DatasetOptions
from msde_toolkit.types import CLASSES, NM, M, Manifest, PublishedTable, by_class

FOLDERS = {NM: "MSD-E", M: "MSD-ME"}
LIST = "Paired_files.txt"
TABLE_2: Mapping[str, tuple[int, ...]] = {
    NM: (128, 121, 114, 193, 123, 104, 181),
    M: (121, 128, 127, 164, 142, 143, 171),
    "pairs": (113, 108, 106, 155, 119, 100, 156),
}
"""The paper's Table 2, in the order of the classes."""
PRINTED_TOTALS = (249, 249, 241, 357, 256, 247, 352)
MISPRINT = "the total for Sad is printed 256; 123 + 142 = 265, with which the column adds up to 1,960 as printed"
SUBJECTS = 142
_NAME = re.compile(r"([^_]+)_([0-9]+)(?:_.*)?\.[^.]+")


class Msde(Dataset):
    """MSD-E: 1,960 photographs of 142 students, unmasked in ``MSD-E`` and masked in ``MSD-ME``; 857 pairs (MSD-PE).

    A name is ``<subject>_<label>_...``, its label 0 to 6 in the toolkit's order. ``Paired_files.txt`` holds a name a
    line; the two images of a pair have that name in both folders. Where there is no such list, equal names are pairs.
    The set's release is paused since December 2022: this reads a copy that you have.
    """

    summary = "MSD-E and MSD-PE: real faces without and with worn masks, 142 subjects"
    reference = "Sola and Gera, Masked Student Dataset of Expressions, ICVGIP 2022, Section 2 and Table 2"
    licence = "MSD-E's own terms: release paused by its authors; images must not be passed on"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = "the folder with MSD-E, MSD-ME and Paired_files.txt"
    aligned: ClassVar[bool] = False

    class Options(DatasetOptions):
        """Options of MSD-E."""

        set: Literal["all", "pairs"] = Field("all", description="All images (MSD-E), or the pairs only (MSD-PE).")

    def load(self, root: Path | None, options: Options) -> Manifest:
        """The unmasked images, then the masked, each by name.

        Raises:
            InputError: if the root is missing or lacks a folder of the two (or the list, for ``set=pairs``).
            DataError: naming the image whose name says no label, or the line of the list whose image is missing
                (unless ``on_bad=skip``).
        """
        root = set_folder(self.require_root(root), _has_both)
        skip = options.on_bad == "skip"
        bad = BadRows(str(root))
        tree = ImageTree.of(root, bad, self.root_hint)
        images = {condition: _images(tree, folder, bad) for condition, folder in FOLDERS.items()}
        pairs, notes = _pairs(root, images, needed=options.set == "pairs", skip=skip)
        frame = _table(images, pairs)
        if options.set == "pairs":
            frame = frame[frame["pair"].notna()].reset_index(drop=True)
        notes = bad.settle(len(frame), skip=skip) + tree.notes() + notes
        notes += _against_table_2(frame, only_pairs=options.set == "pairs")
        return Manifest.from_frame(frame, "msde", root=root, licence=self.licence, notes=notes)

    def published(self, options: Options) -> tuple[PublishedTable, ...]:
        """Table 2; of MSD-PE, its column of pairs."""
        pairs = by_class(CLASSES, TABLE_2["pairs"])
        if options.set == "pairs":
            return (PublishedTable("Table 2", MSDE_PAPER, {"pairs": pairs}),)
        columns = {"NM": by_class(CLASSES, TABLE_2[NM]), "M": by_class(CLASSES, TABLE_2[M]), "pairs": pairs}
        columns["all"] = by_class(CLASSES, PRINTED_TOTALS, total=sum(TABLE_2[NM] + TABLE_2[M]))
        return (PublishedTable("Table 2", MSDE_PAPER, columns, MISPRINT),)


def _has_both(folder: Path) -> bool:
    return all(one_of(folder, (name,)) for name in FOLDERS.values())


@dataclass(frozen=True)
class _Image:
    path: str
    subject: str
    label: int


def parse_name(name: str) -> tuple[str, int]:
    """Subject and label of ``12_3_a.jpg``: ("12", 3).

    Raises:
        ValueError: saying what is wrong with it.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        message = "its name is not SUBJECT_LABEL_..., as 12_3_a.jpg"
        raise ValueError(message)
    label = int(match[2])
    if label >= len(CLASSES):
        message = f"label {label} in its name is not one of 0 to {len(CLASSES) - 1}"
        raise ValueError(message)
    return match[1], label


def _images(tree: ImageTree, folder: str, bad: BadRows) -> dict[str, _Image]:
    """By name, sorted."""
    there = one_of(tree.root, (folder,))
    if there is None or not there.is_dir():
        message = f"--root {tree.root}: no folder {folder} there. It must be {Msde.root_hint}."
        raise InputError(message)
    found: dict[str, _Image] = {}
    for path in tree.images(there.name):
        try:
            subject, label = parse_name(path.name)
            if path.name in found:
                message = f"is a second {path.name}, beside {found[path.name].path}"
                raise ValueError(message)
        except ValueError as error:
            bad.add(path.as_posix(), str(error))
            continue
        found[path.name] = _Image(path.as_posix(), subject, label)
    return dict(sorted(found.items()))


def _pairs(
    root: Path, images: Mapping[str, Mapping[str, _Image]], *, needed: bool, skip: bool
) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """For each condition the pair of each image's name; and notes."""
    file = one_of(root, (LIST,))
    if file is None:
        if needed:
            message = f"--root {root}: no {LIST} there, which says what MSD-PE holds. Leave data.set=pairs out."
            raise InputError(message)
        both = {name: name for name in images[NM] if name in images[M]}
        return {NM: both, M: both}, (f"no {LIST}: the {len(both)} names that are in both folders are taken as pairs",)
    bad, again = BadRows(str(file)), 0
    spelt = {condition: {name.lower(): name for name in reversed(list(of))} for condition, of in images.items()}
    found: dict[str, dict[str, str]] = {NM: {}, M: {}}
    for number, line in read_lines(file):
        names = {
            condition: line if line in images[condition] else spelt[condition].get(line.lower())
            for condition in FOLDERS
        }
        nm, m = names[NM], names[M]
        if nm is None or m is None:
            bad.add(f"line {number}", _missing(line, names))
        elif nm in found[NM] or m in found[M]:
            again += 1
        else:
            found[NM][nm] = found[M][m] = nm
    notes = bad.settle(len(found[NM]), skip=skip)
    return found, notes + ((f"{again} lines of {LIST} repeat an earlier one",) if again else ())


def _missing(line: str, names: Mapping[str, str | None]) -> str:
    if "/" in line or "\\" in line:
        return f"{line[:80]!r} is no name of a file but a path"
    folders = " or ".join(FOLDERS[condition] for condition, name in names.items() if name is None)
    return f"no usable image {line[:80]!r} in {folders}"


def _table(images: Mapping[str, Mapping[str, _Image]], pairs: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    rows = [
        {
            "id": f"{FOLDERS[condition]}/{name}",
            "path": image.path,
            "subject": image.subject,
            "label": image.label,
            "condition": condition,
            "pair": pairs[condition].get(name),
        }
        for condition, of_condition in images.items()
        for name, image in of_condition.items()
    ]
    frame = pd.DataFrame(rows, columns=["id", "path", "subject", "label", "condition", "pair"])
    frame["pair"] = frame["pair"].astype(object).where(frame["pair"].notna(), None)
    frame["pairing"] = frame["pair"].map(lambda pair: None if pair is None else "reshot").astype(object)
    return frame


def _against_table_2(frame: pd.DataFrame, *, only_pairs: bool) -> tuple[str, ...]:
    """A note for each column of the paper's table whose counts differ; the slip that it has itself is not one."""
    of_pairs = frame["pair"].notna()
    found = {
        NM: frame[frame["condition"] == NM],
        M: frame[frame["condition"] == M],
        "pairs": frame[(frame["condition"] == NM) & of_pairs],
    }
    expected = dict.fromkeys(TABLE_2, TABLE_2["pairs"]) if only_pairs else TABLE_2
    notes = []
    for what, published in expected.items():
        counts = np.bincount(found[what]["label"].to_numpy(dtype=np.int64), minlength=len(CLASSES)).tolist()
        other = [
            f"{name} {count} of {number}"
            for name, count, number in zip(CLASSES, counts, published, strict=True)
            if count != number
        ]
        if other:
            notes.append(f"{what}: {sum(counts)} of the {sum(published)} in the paper's Table 2 ({', '.join(other)})")
    subjects = frame["subject"].nunique()
    if subjects != SUBJECTS:
        notes.append(f"{subjects} subjects of the paper's {SUBJECTS}")
    if notes:
        return tuple(notes)
    return ("counts are those of the paper's Table 2 (whose total for Sad is printed 256 and sums to 265)",)
