"""RAF-DB, its single-label set of seven basic expressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from msde_datasets.bad_rows import BadRows
from msde_datasets.image_listing import ImageListing
from msde_datasets.image_tree import ImageTree
from msde_datasets.published_counts import Published, compared, counts_by_split, masked_twin, table_1
from msde_datasets.raf_folders import NAME, has_class_folders, labelled_by_folders
from msde_datasets.ran_lists import RAFDB, SubsetOptions, restricted
from msde_datasets.set_folder import set_folder
from msde_datasets.text_files import one_of, read_lines
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import CLASSES, Manifest, PublishedTable

WHOLE = ("list_patition_label.txt", "list_partition_label.txt")
"""The authors' file, as they spell it, and as others mend it."""
HALVES = {"train_label.txt": "train", "test_label.txt": "test"}
PUBLISHED: Published = {
    "train": (1290, 281, 717, 4772, 1982, 705, 2524),
    "test": (329, 74, 160, 1185, 478, 162, 680),
}
OCCLUDED = "RAN's list of occluded test images (data.subset=occlusion) has 735"
MASKED = "3,008 as printed, where RAF-DB's list has 3,068; whether 60 faces were lost or mistyped is not known"
FORMS = ("{}_aligned.jpg", "{}_aligned.png", "{}.jpg", "{}.png")
"""Names of an image: as given out, and as copies have it."""


class RafDb(Dataset):
    """RAF-DB basic: 12,271 + 3,068 aligned colour faces of 100x100 pixels; who is shown is unknown.

    Labels 1 to 7 are the toolkit's classes in their order. The label file is ``list_patition_label.txt`` or
    ``train_label.txt`` with ``test_label.txt``, in the root or its ``EmoLabel``; the images are in ``Image/aligned``
    or ``aligned``. Where there is no list, folders of public mirrors are read: ``train/1`` to ``test/7``.
    """

    summary = "RAF-DB: aligned faces in the wild, seven basic expressions, own train/test split"
    reference = "Li, Deng and Du, Reliable Crowdsourcing and Deep Locality-Preserving Learning, CVPR 2017"
    licence = "RAF-DB's own terms: for non-commercial research, images must not be passed on"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = "RAF-DB's folder 'basic', with EmoLabel and Image/aligned, or one with train/1 to test/7"
    aligned: ClassVar[bool] = True

    class Options(SubsetOptions):
        """Options of RAF-DB."""

    def load(self, root: Path | None, options: Options) -> Manifest:
        """Rows in the label file's order. With ``subset``, the test split holds only images of RAN's list.

        Raises:
            InputError: if the root is missing or has no label file or no images, or there is no such list.
            DataError: naming file and line: a bad row (unless ``on_bad=skip``), or none left.
        """
        root = set_folder(self.require_root(root), _is_basic)
        skip = options.on_bad == "skip"
        rows, notes = _labelled(root, skip=skip)
        frame = pd.DataFrame(rows)
        notes += compared(frame["label"].to_numpy(), frame["split"], CLASSES, PUBLISHED)
        names = frame["id"].str.removeprefix("rafdb-")
        frame, more = restricted(frame, names, RAFDB, options, root, CLASSES)
        return Manifest.from_frame(frame, "rafdb", root=root, licence=self.licence, notes=notes + more)

    def published(self, options: Options) -> tuple[PublishedTable, ...]:
        """Counts of the authors' label list, and the paper's on occlusion and on its masked copy."""
        counts = dict(PUBLISHED)
        if options.subset != "all":
            del counts["test"]
        own = (counts_by_split(counts, CLASSES, f"{self.reference}: its label list"), table_1(123, 0, OCCLUDED))
        return (*own, masked_twin("Masked-RAFDB", 12271, 3008, MASKED)) if "test" in counts else own


@dataclass
class _Rows:
    """What the label files say, with what is wrong in them."""

    images: ImageListing
    folder: str
    bad: BadRows
    rows: list[dict[str, Any]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def add(self, where: str, line: str, split: str | None) -> None:
        """One line: ``train_00001.jpg 5`` or ``train_00001_aligned.jpg 5``."""
        try:
            name, of_name, label = parse_line(line)
            if split not in (None, of_name):
                message = f"{name} stands in the list of the {split} images"
                raise ValueError(message)
            if name in self.seen:
                message = f"{name} stands there a second time"
                raise ValueError(message)
            path = self._image(name)
        except ValueError as error:
            self.bad.add(where, str(error))
            return
        self.seen.add(name)
        self.rows.append({"id": f"rafdb-{name}", "path": path, "label": label, "split": of_name})

    def _image(self, name: str) -> str:
        there = (form.format(name) for form in FORMS)
        return self.images.find(next(filter(self._is_there, there), FORMS[0].format(name)), self.folder)

    def _is_there(self, name: str) -> bool:
        return self.images.holds(name, self.folder)


def parse_line(line: str) -> tuple[str, str, int]:
    """Name (``train_00001``), split and label 0 to 6 of a line.

    Raises:
        ValueError: saying what stands there instead.
    """
    words = line.split()
    if len(words) != 2:
        message = f"{line[:60]!r} is not 'NAME.jpg LABEL'"
        raise ValueError(message)
    name = NAME.fullmatch(words[0])
    if name is None:
        message = f"{words[0][:60]!r} is not the name of a train or test image, as train_00001.jpg"
        raise ValueError(message)
    if not (words[1].isdecimal() and 1 <= int(words[1]) <= len(CLASSES)):
        message = f"label {words[1][:20]!r} is not one of 1 to {len(CLASSES)}"
        raise ValueError(message)
    return name[1].lower(), name[2].lower(), int(words[1]) - 1


def _labelled(root: Path, *, skip: bool) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    files = _label_files(root)
    if not files and has_class_folders(set_folder(root, has_class_folders)):
        bad = BadRows(str(root))
        tree = ImageTree(root, bad)
        of_folders = labelled_by_folders(tree)
        return of_folders, bad.settle(len(of_folders), skip=skip) + tree.notes()
    if not files:
        message = (
            f"--root {root}: no {WHOLE[0]} and no {' or '.join(HALVES)} there or in its EmoLabel. "
            f"It must be {RafDb.root_hint}."
        )
        raise InputError(message)
    folder = _image_folder(root)
    images, seen = ImageListing(root), set[str]()
    rows: list[dict[str, Any]] = []
    notes: tuple[str, ...] = ()
    for file, split in files:
        found = _Rows(images, folder, BadRows(str(file)), seen=seen)
        for number, line in read_lines(file):
            found.add(f"line {number}", line, split)
        notes += found.bad.settle(len(found.rows), skip=skip)
        rows += found.rows
    return rows, notes


def _is_basic(folder: Path) -> bool:
    """Whether the label files are there; those of the compound expressions beside them are another set's."""
    return folder.name.lower() != "compound" and bool(_label_files(folder))


def _label_files(root: Path) -> list[tuple[Path, str | None]]:
    """The label files, each with the only split that it may name; empty where there are none."""
    for folder in (one_of(root, ("EmoLabel",)), root):
        if folder is None:
            continue
        whole = one_of(folder, WHOLE)
        if whole is not None:
            return [(whole, None)]
        halves = [(one_of(folder, (name,)), split) for name, split in HALVES.items()]
        there: list[tuple[Path, str | None]] = [(file, split) for file, split in halves if file is not None]
        if there:
            return there
    return []


def _image_folder(root: Path) -> str:
    above = one_of(root, ("Image",))
    for folder in (above and one_of(above, ("aligned",)), one_of(root, ("aligned",)), above):
        if folder is not None and folder.is_dir():
            inner = one_of(folder, ("aligned",))  # an archive unpacked into a folder of its own name
            return (inner or folder).relative_to(root).as_posix()
    message = f"--root {root}: no folder Image/aligned there. It must be {RafDb.root_hint}."
    raise InputError(message)
