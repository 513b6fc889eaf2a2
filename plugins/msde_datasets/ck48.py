"""CK+48: the last three frames of CK+'s labelled sequences, cropped, in a folder a class."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from msde_datasets.class_folders import class_images
from msde_datasets.expression_words import expression
from msde_datasets.image_tree import ImageTree
from msde_toolkit.types import EIGHT

_NAME = re.compile(r"(S\d+)_(\d+)_(\d+)", re.IGNORECASE)


def cropped_rows(tree: ImageTree) -> list[dict[str, str]]:
    """Rows of ``anger/S010_004_00000017.png`` and the others, sorted by path.

    Raises:
        DataError: naming a folder that is no class of CK+.
    """
    rows = []
    for image in class_images(tree, _of_the_eight):
        match = _NAME.match(PurePosixPath(image.path).stem)
        if match is None:
            tree.bad.add(image.path, "its name is not SUBJECT_SEQUENCE_FRAME, as S010_004_00000017.png")
            continue
        subject = match[1].upper()
        sequence = f"{subject}_{match[2]}"
        rows.append(
            {
                "id": image.path,
                "path": image.path,
                "subject": subject,
                "expression": image.word,
                "sequence": sequence,
                "frame": "peak",
            }
        )
    return rows


def _of_the_eight(name: str) -> str | None:
    word = expression(name)
    return word if word in EIGHT else None
