"""FERPlus: FER2013's faces with the votes of ten people each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from msde_datasets.face_boxes import read_boxes
from msde_datasets.fer2013 import Fer2013, pixel_file
from msde_datasets.ferplus_folders import FOLDERS, VotedRows, has_folders, read_folders
from msde_datasets.ferplus_join import read_joined
from msde_datasets.ferplus_votes import COLUMNS, EMOTIONS, TO_OURS, UNDECIDED, distribution, in_our_order, majority
from msde_datasets.published_counts import masked_twin, table_1
from msde_datasets.ran_lists import FERPLUS, SubsetOptions, restricted
from msde_datasets.set_folder import set_folder
from msde_datasets.text_files import one_of
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Dataset, Image
from msde_toolkit.types import EIGHT, LABEL_SETS, Manifest, PublishedTable

VOTES = "fer2013new.csv"
OCCLUDED = "RAN's list of occluded test images (data.subset=occlusion) has 605"
MASKED = (
    "the counts of FER2013, all rows; FERPlus drops those without a face or without a class that its votes agree on"
)


class FerPlus(Dataset):
    """FERPlus: 48x48 grey faces with contempt as an eighth class; who is shown is unknown.

    Two layouts: folders ``FER2013Train``, ``FER2013Valid`` and ``FER2013Test`` of PNG files, each with ``label.csv``;
    or FER2013's CSV of pixels with the votes in ``fer2013new.csv``. The middle split is ``validation``, or ``test``
    where there is no last one. Column ``votes`` has ten counts: the eight classes in the toolkit's order, then
    "unknown" and "no face"; ``requested_label`` is FER2013's own label, where its CSV is read. Column ``target`` has
    the soft label of the authors' probability mode where they give one; ``train.soft_targets`` trains on it.
    """

    summary = "FERPlus: FER2013's faces, each with ten votes on eight expressions"
    reference = "Barsoum et al., Training Deep Networks for FER with Crowd-Sourced Label Distribution, arXiv:1608.01041"
    licence = "votes: MIT; no licence for FER2013's photographs (collected by web search), for research only"
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, ...]] = EIGHT
    root_hint: ClassVar[str] = (
        f"the folder with {', '.join(FOLDERS)} (label.csv and images), or fer2013.csv (or .csv.gz) with {VOTES} beside "
        "it or in data.votes"
    )
    aligned: ClassVar[bool] = True

    class Options(SubsetOptions):
        """Options of FERPlus."""

        votes: Path | None = Field(None, description=f"Votes on FER2013's CSV; by default {VOTES} beside it.")
        classes: Literal["eight", "seven"] = Field("eight", description="With or without contempt.")
        rule: Literal["majority", "soft"] = Field(
            "majority",
            description="Faces that stay: over half of the votes agree; or (soft) up to three expressions hold them.",
        )

    def load(self, root: Path | None, options: Options) -> Manifest:
        """Faces that the rule keeps, in the files' order.

        Raises:
            InputError: if the root is missing or of no such layout, or there are no votes.
            DataError: naming file and line: a bad row (unless ``on_bad=skip``), files that do not belong together,
                or no face is left.
        """
        root = self.require_root(root)
        skip = options.on_bad == "skip"
        folders = set_folder(root, has_folders)
        if has_folders(folders):
            if options.votes is not None:
                message = f"--set data.votes: {folders} has votes in the label.csv of its folders; leave it out."
                raise InputError(message)
            base, rows = folders, read_folders(folders, skip=skip)
        else:
            base = pixel_file(root, self.root_hint)
            rows = read_joined(base, _votes_beside(base, root, options.votes), skip=skip)
        frame, notes = _decided(rows, options.rule, options.classes)
        if frame.empty:
            message = f"{base}: the votes decide no face's expression ({notes[-1]})."
            raise DataError(message)
        classes = LABEL_SETS[options.classes]
        frame, more = restricted(frame.drop(columns="image"), frame["image"], FERPLUS, options, root, classes)
        notes += more
        return Manifest.from_frame(frame, "ferplus", root=base, classes=classes, licence=self.licence, notes=notes)

    def read(self, rows: Manifest) -> list[Image]:
        """uint8 ``[48, 48, 3]``, the grey value in all three channels.

        Raises:
            DataError: if a file is gone or holds no usable face.
        """
        root = self.require_root(rows.root)
        of_pixels = rows.frame["path"].str.fullmatch(r".*\.csv(\.gz)?#\d+").any()
        return Fer2013().read(rows) if of_pixels else read_boxes(root, rows)

    def published(self, options: Options) -> tuple[PublishedTable, ...]:
        """The paper's counts on occlusion and on its masked copy."""
        del options
        return table_1(111, 0, OCCLUDED), masked_twin("Masked-FERPlus", 28709, 3589, MASKED)


def _votes_beside(pixels: Path, root: Path, given: Path | None) -> Path:
    """The file that was given, or that is in the folder given; else the one beside the pixels or below the root."""
    if given is not None and given.is_file():
        return given
    for place in (pixels.parent, root) if given is None else (given,):
        votes = one_of(set_folder(place, lambda folder: one_of(folder, (VOTES,)) is not None), (VOTES,))
        if votes is not None:
            return votes
    there = f"no {VOTES} beside {pixels}" if given is None else f"{given}: no such file"
    message = f"FERPlus needs its votes: {there}. Give the file with --set data.votes=FILE."
    raise InputError(message)


def _decided(rows: VotedRows, rule: str, classes: str) -> tuple[pd.DataFrame, list[str]]:
    votes = np.array(rows.votes, dtype=np.int64).reshape(-1, len(COLUMNS))
    soft = [distribution(row) for row in rows.votes]
    columns = majority(votes) if rule == "majority" else _tops(soft)
    known = len(LABEL_SETS[classes])
    labels = np.full(len(columns), UNDECIDED)
    is_emotion = (columns >= 0) & (columns < EMOTIONS)
    labels[is_emotion] = TO_OURS[columns[is_emotion]]
    kept = (labels >= 0) & (labels < known)
    frame = pd.DataFrame(
        {
            "id": rows.ids,
            "path": rows.paths,
            "image": rows.images,
            "label": labels,
            "split": _splits(rows.splits),
            "votes": in_our_order(votes).tolist(),
            "target": pd.Series([_shares(counts, known) for counts in soft], dtype=object),
            "box": pd.Series(rows.boxes, dtype=object),
            "requested_label": pd.array(rows.before, dtype="Int64"),
        }
    )
    return frame[kept].reset_index(drop=True), [*rows.notes, *_left_out(columns, kept, rule)]


def _tops(soft: list[list[int] | None]) -> npt.NDArray[np.int64]:
    """The column with the most votes of each soft label; the first in the files' order where some tie."""
    return np.array([UNDECIDED if counts is None else int(np.argmax(counts)) for counts in soft], dtype=np.int64)


def _shares(counts: list[int] | None, classes: int) -> list[float] | None:
    """A soft label in the toolkit's order; contempt's share goes to the others where it is no class."""
    if counts is None:
        return None
    ours = np.zeros(EMOTIONS)
    ours[TO_OURS] = counts
    shares: Any = ours[:classes]
    return (shares / shares.sum()).tolist() if shares.sum() else None


def _splits(splits: list[str]) -> list[str]:
    middle = "validation" if "test" in splits else "test"
    return [middle if split == "validation" else split for split in splits]


def _left_out(columns: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_], rule: str) -> list[str]:
    lost = columns[~kept]
    if not len(lost):
        return []
    counts = [(name, int((lost == column).sum())) for column, name in enumerate(COLUMNS)]
    why = [("undecided", int((lost == UNDECIDED).sum())), *counts]
    parts = ", ".join(f"{name} {count:,}" for name, count in why if count)
    return [f"{len(lost):,} of {len(columns):,} faces left out by the rule {rule!r}: {parts}"]
