"""FED-RO, faces in the wild with real occlusions."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pandas as pd

from msde_datasets.bad_rows import BadRows
from msde_datasets.class_folders import class_images
from msde_datasets.expression_words import expression
from msde_datasets.image_tree import ImageTree
from msde_datasets.published_counts import table_1, total
from msde_toolkit.interfaces import Dataset, DatasetOptions
from msde_toolkit.types import CLASSES, Manifest, PublishedTable

PUBLISHED = 400
WEAR_MASKS = "the paper's Table 1 counts 234 occluded and 10 masked faces in FED-RO; which are masked is not marked"


class FedRo(Dataset):
    """FED-RO: 400 faces with sunglasses, hands, hair or (ten of them) masks, in a folder a class.

    The folder of neutral faces is named ``neural`` as distributed. Every row's condition is ``nm``: which faces wear
    masks is not marked. Who is shown is unknown.
    """

    summary = "FED-RO: 400 occluded faces in the wild, seven classes in folders"
    reference = "Li, Zeng, Shan and Chen, Occlusion Aware FER Using CNN With Attention, IEEE TIP 2019"
    licence = "FED-RO's own terms: for research, images collected by web search"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = "the folder with neural, disgust, fear, anger, happy, surprise, sad"
    aligned: ClassVar[bool] = False

    class Options(DatasetOptions):
        """Options of FED-RO."""

    def load(self, root: Path | None, options: Options) -> Manifest:
        """All images, sorted by path.

        Raises:
            InputError: if the root is missing or no folder.
            DataError: naming a folder that is no class of the seven, or a bad image (unless ``on_bad=skip``).
        """
        root = self.require_root(root)
        bad = BadRows(str(root))
        tree = ImageTree.of(root, bad, self.root_hint)
        images = class_images(tree, _of_the_seven)
        rows = [
            {"id": image.path, "path": image.path, "label": CLASSES.index(image.word), "split": image.split}
            for image in images
        ]
        notes = bad.settle(len(rows), skip=options.on_bad == "skip") + tree.notes()
        if len(rows) != PUBLISHED:
            notes += (total("FED-RO", PUBLISHED, len(rows)),)
        notes += (WEAR_MASKS,)
        return Manifest.from_frame(pd.DataFrame(rows), "fedro", root=root, licence=self.licence, notes=notes)

    def published(self, options: Options) -> tuple[PublishedTable, ...]:
        """The paper's row on occlusion."""
        del options
        return (table_1(234, 10, f"the set has {PUBLISHED} images; which of them are masked is not marked"),)


def _of_the_seven(name: str) -> str | None:
    word = expression(name)
    return word if word in CLASSES else None
