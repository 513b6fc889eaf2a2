"""M-LFW-FER, faces of LFW with masks drawn on, labelled positive, negative or neutral."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import ClassVar

import pandas as pd

from msde_datasets.bad_rows import BadRows
from msde_datasets.class_folders import ClassImage, class_images, holds_classes
from msde_datasets.expression_words import expression, plain
from msde_datasets.image_tree import ImageTree
from msde_datasets.set_folder import folders_in, set_folder
from msde_toolkit.interfaces import Dataset, DatasetOptions
from msde_toolkit.types import NM, THREE, M, Manifest

SETS = {"lfw fer": NM, "m lfw fer": M}
_PERSON = re.compile(r"(.+)_\d{4}")


class MaskedLfw(Dataset):
    """M-LFW-FER: LFW's faces with drawn masks and three classes; with LFW-FER beside it, their unmasked originals.

    As distributed: ``M-LFW-FER/{train,eval}/{positive,negative,neutral}/Aaron_Guiel_0001.jpg``, of which ``eval`` is
    the test split. The authors' page does not describe the folders; so copies with other words (``test``, ``val``,
    ``neural``), without split folders, or unpacked into one more folder are read too. The root may also be the folder
    that holds both ``LFW-FER`` (condition ``nm``) and ``M-LFW-FER`` (``m``): equal names are then pairs.

    The subject is LFW's name without its number. The masks are drawn, not worn.
    """

    summary = "M-LFW-FER: LFW faces with drawn masks, positive, negative or neutral"
    reference = "Yang, Wu and Hattori, Facial Expression Recognition with the Advent of Face Masks, MUM 2020"
    licence = "academic and non-commercial use only (LFW-FER and M-LFW-FER); photographs as LFW"
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, ...]] = THREE
    root_hint: ClassVar[str] = "the folder M-LFW-FER, or the one with LFW-FER and M-LFW-FER"
    aligned: ClassVar[bool] = False

    class Options(DatasetOptions):
        """Options of M-LFW-FER."""

    def load(self, root: Path | None, options: Options) -> Manifest:
        """All images, LFW-FER's first where both are there, each sorted by path.

        Raises:
            InputError: if the root is missing or no folder.
            DataError: naming a folder that is none of the three classes, or a bad image (unless ``on_bad=skip``).
        """
        root = self.require_root(root)
        bad = BadRows(str(root))
        tree = ImageTree.of(root, bad, self.root_hint)
        found = [
            (image, image.condition or condition)
            for folder, condition in _sets(tree)
            for image in class_images(tree, _valence, folder)
        ]
        notes = bad.settle(len(found), skip=options.on_bad == "skip") + tree.notes()
        frame, more = _table(found)
        notes += ("the masks of M-LFW-FER are drawn on the photographs", *more)
        return Manifest.from_frame(frame, "mlfw", root=root, classes=THREE, licence=self.licence, notes=notes)


def _sets(tree: ImageTree) -> list[tuple[str, str]]:
    """Folders of the two sets with their conditions, unmasked first."""
    top = set_folder(tree.root, lambda folder: bool(_of_sets(folder)) or holds_classes(folder, _valence))
    found = [(f"{path.relative_to(tree.root).as_posix()}/", SETS[plain(path.name)]) for path in _of_sets(top)]
    if found:
        tree.leave_alone("" if top == tree.root else f"{top.relative_to(tree.root).as_posix()}/")
        return sorted(found, key=lambda pair: pair[1] == M)
    return [("", SETS.get(plain(top.resolve().name), M))]


def _of_sets(folder: Path) -> list[Path]:
    return [path for path in folders_in(folder) if plain(path.name) in SETS]


def _valence(name: str) -> str | None:
    word = expression(name)
    return word if word in THREE else None


def _table(found: list[tuple[ClassImage, str]]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    names = [PurePosixPath(image.path).stem for image, _ in found]
    persons = [_PERSON.fullmatch(name) for name in names]
    times = Counter((name, condition) for name, (_, condition) in zip(names, found, strict=True))
    frame = pd.DataFrame(
        {
            "id": [image.path for image, _ in found],
            "path": [image.path for image, _ in found],
            "label": [THREE.index(image.word) for image, _ in found],
            "subject": pd.Series([person and person[1] for person in persons], dtype=object),
            "condition": [condition for _, condition in found],
            "split": pd.Series([image.split for image, _ in found], dtype=object),
            "pair": pd.Series(
                [name if times[name, NM] == times[name, M] == 1 else None for name in names], dtype=object
            ),
        }
    )
    frame["pairing"] = frame["pair"].map(lambda pair: None if pair is None else "overlay").astype(object)
    unnamed = sum(person is None for person in persons)
    note = f"{unnamed} names are not of LFW's form NAME_0001: who is shown there is unknown"
    return frame, (note,) if unnamed else ()
