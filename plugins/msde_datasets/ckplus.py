"""CK+, the extended Cohn-Kanade set: sequences from a neutral face to the peak of an expression."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from msde_datasets.bad_rows import BadRows
from msde_datasets.ck48 import cropped_rows
from msde_datasets.ck_sequences import find_sequences, sequence_rows
from msde_datasets.image_tree import ImageTree
from msde_datasets.published_counts import Published, compared
from msde_datasets.set_folder import set_folder
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset, DatasetOptions
from msde_toolkit.types import EIGHT, SEVEN, Manifest

PUBLISHED: Published = {"CK+": (249, 75, 177, 207, 84, 135, 0, 54)}
"""Images in the last three frames, in the order of the eight classes."""


class CkPlus(Dataset):
    """CK+: 327 labelled sequences of 118 subjects; as is usual, the last three frames of each (981 images).

    Two forms are read: the sequences (``cohn-kanade-images/S005/001/*.png`` with ``Emotion/S005/001/*_emotion.txt``,
    which holds a number) and CK+48 (those 981 frames cropped to 48x48, in class folders). The subject is the name's
    beginning, ``S005``; folds that ignore it test on people that were trained on. Contempt is left out unless
    ``classes=eight``. Neutral faces are there only with ``neutral_first`` (and where a sequence is labelled 0).
    """

    summary = "CK+: posed expressions, last three frames of 327 sequences, or its cropped form CK+48"
    reference = "Lucey et al., The Extended Cohn-Kanade Dataset (CK+), CVPR Workshops 2010"
    licence = "CK+'s own terms: for non-commercial research, images must not be passed on"
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, ...]] = SEVEN
    root_hint: ClassVar[str] = "the folder with cohn-kanade-images and Emotion, or CK+48 with its class folders"
    aligned: ClassVar[bool] = False

    class Options(DatasetOptions):
        """Options of CK+."""

        classes: Literal["seven", "eight"] = Field("seven", description="Without contempt, or with it.")
        neutral_first: bool = Field(
            False, description="Take each labelled sequence's first frame as neutral (not in CK+48)."
        )

    def load(self, root: Path | None, options: Options) -> Manifest:
        """Images sorted by path.

        Raises:
            InputError: if the root is missing or of no form of CK+; ``neutral_first`` for CK+48.
            DataError: naming file and line: an emotion that is none, a sequence without images or with too few, a
                name that says no subject (unless ``on_bad=skip``); or a folder of CK+48 that is no class.
        """
        root = set_folder(self.require_root(root), lambda folder: find_sequences(folder) is not None)
        bad = BadRows(str(root))
        tree = ImageTree.of(root, bad, self.root_hint)
        sequences = find_sequences(tree.root)
        if sequences is not None:
            rows, notes = sequence_rows(tree, sequences, neutral_first=options.neutral_first)
        elif options.neutral_first:
            message = (
                f"--root {root}: no sequences there (cohn-kanade-images and Emotion), so that no frame is a first."
            )
            raise InputError(message)
        else:
            rows, notes = cropped_rows(tree), ()
        peaks = np.array([EIGHT.index(row["expression"]) for row in rows if row["frame"] == "peak"], dtype=np.int64)
        notes += compared(peaks, ["CK+"] * len(peaks), EIGHT, PUBLISHED)
        classes = EIGHT if options.classes == "eight" else SEVEN
        kept = [row for row in rows if row["expression"] in classes]
        if len(kept) < len(rows):
            notes += (f"{len(rows) - len(kept)} images of contempt left out; --set data.classes=eight keeps them",)
        frame = pd.DataFrame(kept, columns=["id", "path", "subject", "expression", "sequence", "frame"])
        frame["label"] = frame.pop("expression").map(classes.index)
        notes = bad.settle(len(frame), skip=options.on_bad == "skip") + tree.notes() + notes
        return Manifest.from_frame(frame, "ckplus", root=root, classes=classes, licence=self.licence, notes=notes)
