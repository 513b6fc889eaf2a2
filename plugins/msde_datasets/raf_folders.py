"""RAF-DB as public mirrors hand it on: no list, but a folder a class for each split."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from msde_datasets.class_folders import class_images, holds_classes
from msde_datasets.expression_words import expression
from msde_datasets.image_tree import ImageTree
from msde_toolkit.types import CLASSES

NAME = re.compile(r"((train|test)_\d+)(_aligned)?\.(jpg|jpeg|png)", re.IGNORECASE)
"""Of an image: its name without the ending, and its split."""


def has_class_folders(root: Path) -> bool:
    """Whether ``train/1`` to ``train/7`` or such are there (``test``, ``valid``; ``surprise``, ``Anger``)."""
    return holds_classes(root, _meaning)


def labelled_by_folders(tree: ImageTree) -> list[dict[str, object]]:
    """Rows of ``DATASET/train/1/train_00001_aligned.jpg`` and the others, sorted by name.

    The split is that of the image's name: RAF-DB has no validation images, so that ``valid`` holds the test images.

    Raises:
        DataError: naming a folder that is no class of RAF-DB.
    """
    rows: dict[str, dict[str, object]] = {}
    for image in class_images(tree, _meaning):
        match = NAME.fullmatch(PurePosixPath(image.path).name)
        name, split = (match[1].lower(), match[2].lower()) if match else ("", "")
        if not match:
            tree.bad.add(image.path, "its name is not that of a train or test image, as train_00001_aligned.jpg")
        elif image.split is not None and (image.split == "train") != (split == "train"):
            tree.bad.add(image.path, f"stands in a folder of {image.split} images")
        elif name in rows:
            tree.bad.add(image.path, f"is a second {name}, beside {rows[name]['path']}")
        else:
            label = CLASSES.index(image.word)
            rows[name] = {"id": f"rafdb-{name}", "path": image.path, "label": label, "split": split}
    return sorted(rows.values(), key=lambda row: (row["split"] != "train", str(row["id"])))


def _meaning(folder: str) -> str | None:
    """Folders are numbered 1 to 7 as in RAF-DB's list, or have words."""
    if folder.isdecimal():
        return CLASSES[int(folder) - 1] if folder in map(str, range(1, len(CLASSES) + 1)) else None
    word = expression(folder)
    return word if word in CLASSES else None
