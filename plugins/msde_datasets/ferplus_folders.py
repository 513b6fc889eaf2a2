"""FERPlus as PNG folders: FER2013Train, FER2013Valid and FER2013Test, each with a label.csv."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from msde_datasets.bad_rows import BadRows
from msde_datasets.ferplus_votes import parse_votes
from msde_datasets.image_listing import ImageListing
from msde_datasets.published_counts import total
from msde_datasets.text_files import one_of, read_rows
from msde_toolkit.errors import InputError

FOLDERS = {"FER2013Train": "train", "FER2013Valid": "validation", "FER2013Test": "test"}
LABELS = "label.csv"
PUBLISHED = {"FER2013Train": 28_558, "FER2013Valid": 3_579, "FER2013Test": 3_573}
SIDE = 48
CELLS = 12
_BOX = re.compile(r"\(\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*\)")


@dataclass
class VotedRows:
    """Faces with their votes, before any rule is applied.

    Attributes:
        images: name of each face's image without its ending, as ``fer0032220``.
        votes: ten counts each, in the files' order.
        boxes: left, top, width, height; None for the whole image.
        before: FER2013's own label of each face, in the toolkit's order, where its CSV tells it.
        notes: what the manifest must tell of the reading.
    """

    ids: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    votes: list[list[int]] = field(default_factory=list)
    boxes: list[list[float] | None] = field(default_factory=list)
    before: list[int | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        path: str,
        image: str,
        split: str,
        votes: list[int],
        box: list[float] | None = None,
        before: int | None = None,
    ) -> None:
        """One face."""
        self.ids.append(name)
        self.paths.append(path)
        self.images.append(PurePosixPath(image.lower()).stem)
        self.splits.append(split)
        self.votes.append(votes)
        self.boxes.append(box)
        self.before.append(before)


def has_folders(root: Path) -> bool:
    """Whether a folder (or its ``Labels``) has FERPlus' folders, with images."""
    return _labels_folder(root) is not None


def read_folders(root: Path, *, skip: bool) -> VotedRows:
    """All faces in the files' order; rows without an image name are left out, and told.

    The images stand beside ``label.csv``, or, with the label files in ``Labels``, in ``Images``.

    Raises:
        InputError: if there are no such folders.
        DataError: naming file and line: a bad row (unless it is to be skipped), or none left.
    """
    above = _labels_folder(root)
    if above is None:
        message = f"--root {root}: none of {', '.join(FOLDERS)} with a {LABELS} there."
        raise InputError(message)
    out, listing = VotedRows(), ImageListing(root)
    for name, split in FOLDERS.items():
        folder, pictures = one_of(above, (name,)), one_of(_images_of(above), (name,))
        labels = one_of(folder, (LABELS,)) if folder is not None else None
        found = 0
        if labels is not None:
            place = (pictures or labels.parent).relative_to(root).as_posix()
            found = _Folder(labels, place, split, listing).into(out, skip=skip)
        if found != PUBLISHED[name]:
            out.notes.append(total(name, PUBLISHED[name], found, "rows"))
    return out


@dataclass
class _Folder:
    labels: Path
    place: str
    split: str
    listing: ImageListing
    rows: dict[str, tuple[str, list[int], list[float] | None]] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    repeated: int = 0
    nameless: int = 0

    def into(self, out: VotedRows, *, skip: bool) -> int:
        """Append the usable rows; returns how many rows with a name the file has."""
        bad = BadRows(str(self.labels))
        for line, cells in read_rows(self.labels):
            try:
                self._row(cells)
            except ValueError as error:
                bad.add(f"line {line}", str(error))
        usable = {name: row for name, row in self.rows.items() if name not in self.unclear}
        out.notes.extend(bad.settle(len(usable), skip=skip))
        for name, (path, votes, box) in usable.items():
            out.add(f"ferplus-{self.split}-{name}", path, name, self.split, votes, box)
        where = f"{self.labels.parent.name}/{self.labels.name}"
        for count, what in (
            (self.nameless, "without an image name left out"),
            (self.repeated, "left out that repeat another one"),
            (len(self.unclear), "left out whose image has a second row with other votes"),
        ):
            if count:
                out.notes.append(f"{where}: {count:,} rows {what}")
        return len(self.rows) + self.repeated

    def _row(self, cells: list[str]) -> None:
        if len(cells) != CELLS:
            message = f"{len(cells)} cells, expected {CELLS}: name, box and ten counts of votes"
            raise ValueError(message)
        box, votes = parse_box(cells[1]), parse_votes(cells[2:])
        if not cells[0]:
            self.nameless += 1
            return
        path = self.listing.find(cells[0], self.place)
        name = PurePosixPath(path).stem
        first = self.rows.setdefault(name, (path, votes, box))
        if first[1] is not votes:  # a name that was there before
            self.repeated += 1
            if first[1] != votes:
                self.unclear.add(name)


def parse_box(cell: str) -> list[float] | None:
    """Left, top, width and height of "(0, 0, 48, 48)" (left, top, right, bottom); None for the whole image.

    Raises:
        ValueError: saying what stands there instead.
    """
    found = _BOX.fullmatch(cell)
    if found is None:
        message = f"box {cell[:30]!r} is not '(left, top, right, bottom)'"
        raise ValueError(message)
    left, top, right, bottom = (int(number) for number in found.groups())
    if right <= left or bottom <= top:
        message = f"box {cell[:30]!r} is empty"
        raise ValueError(message)
    whole = (left, top, right, bottom) == (0, 0, SIDE, SIDE)
    return None if whole else [float(value) for value in (left, top, right - left, bottom - top)]


def _labels_folder(root: Path) -> Path | None:
    """The root or its ``Labels``; None where no images stand with them, as in the authors' repository."""
    for folder in (root, one_of(root, ("Labels",))):
        if folder is not None and any(_labelled_images(folder, name) for name in FOLDERS):
            return folder
    return None


def _labelled_images(above: Path, name: str) -> bool:
    labels, images = one_of(above, (name,)), one_of(_images_of(above), (name,))
    return (
        labels is not None
        and one_of(labels, (LABELS,)) is not None
        and any(file.name.lower() != LABELS for file in (images or labels).iterdir())
    )


def _images_of(labels: Path) -> Path:
    """The folder with the folders of images: the same, or ``Images`` beside ``Labels``."""
    beside = one_of(labels.parent, ("Images",)) if labels.name.lower() == "labels" else None
    return beside or labels
