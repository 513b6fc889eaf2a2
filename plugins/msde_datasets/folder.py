"""One's own images in a folder a class."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator

from msde_datasets.bad_rows import BadRows
from msde_datasets.class_folders import LEFT_OUT, ClassImage, class_images
from msde_datasets.expression_words import MASK_WORDS, expression, label_set, plain
from msde_datasets.image_tree import ImageTree
from msde_datasets.usable_rows import usable_manifest
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset, DatasetOptions
from msde_toolkit.types import LABEL_SETS, Manifest

GROUPS = ("subject", "condition", "pair")
REMEDY = "Say what it means with --set data.names=FOLDER=CLASS,... (FOLDER=- leaves it out), or move it away."


class Folder(Dataset):
    """Images in class folders: ``ROOT/CLASS/*``, ``ROOT/SPLIT/CLASS/*`` or ``ROOT/CONDITION/CLASS/*``.

    Class folders may have any case and the usual synonyms (``anger``, ``Happiness``, ``3_sad``); the order of the
    classes is always the toolkit's. Folders below a class folder belong to it. The id of a sample is its path. Images
    are taken to be face crops.
    """

    summary = "Your own images in class folders, with patterns for subject, condition and pair"
    reference = "class folders as of torchvision's ImageFolder, in the toolkit's class order"
    licence = "your own images: say it to whom you pass results on"
    version: ClassVar[str] = "1"
    root_hint: ClassVar[str] = (
        "the folder with a folder for each class (angry, happy, ...), or train and test with them"
    )
    aligned: ClassVar[bool] = True

    class Options(DatasetOptions):
        """Options of class folders."""

        classes: Literal["auto", "seven", "eight", "three"] = Field(
            "auto", description="Set of classes; auto is the first of these that has every folder's class."
        )
        names: str = Field(
            "", description="What folders mean whose names do not say it: 1=surprise,2=fear,contempt=- (left out)."
        )
        pattern: str = Field(
            "",
            description="Expression with the named groups subject, condition or pair, searched in the path below the "
            "class folder: (?P<subject>s[0-9]+)_(?P<condition>nm|m).",
        )
        condition: str = Field("nm", min_length=1, description="Condition of images of which nothing else is said.")

        @field_validator("pattern")
        @classmethod
        def _compiles(cls, text: str) -> str:
            try:
                groups = set(re.compile(text).groupindex)
            except re.error as error:
                raise ValueError(f"{text!r} is no regular expression ({error})") from error
            if text and (not groups or groups - set(GROUPS)):
                raise ValueError(f"{text!r} must have named groups (?P<NAME>...) of {', '.join(GROUPS)} and no others")
            return text

        @field_validator("names")
        @classmethod
        def _parses(cls, text: str) -> str:
            parse_names(text)
            return text

    def load(self, root: Path | None, options: Options) -> Manifest:
        """All images below class folders, sorted by path.

        Raises:
            InputError: if the root is missing or no folder.
            DataError: naming folders that are no class; or an image that is empty, leads out of the root by a link,
                does not match the pattern, or is the second of its condition in a pair (unless ``on_bad=skip``).
        """
        root = self.require_root(root)
        bad = BadRows(str(root))
        tree = ImageTree.of(root, bad, self.root_hint)
        images = class_images(tree, _meaning(options), remedy=REMEDY)
        classes = _classes(options.classes, {image.word for image in images})
        rows = _Rows(options, classes, bad).of(images)
        return usable_manifest(
            rows,
            "folder",
            bad=bad,
            where=lambda row: str(rows["id"].iat[row]),
            skip=options.on_bad == "skip",
            root=root,
            classes=classes,
            licence=self.licence,
            notes=tree.notes(),
        )


def parse_names(text: str) -> dict[str, str]:
    """Folder (as ``plain``) to class or ``-`` of ``1=surprise,2=fear,other=-``.

    Raises:
        ValueError: saying which part is none.
    """
    found = {}
    for part in filter(str.strip, text.split(",")):
        folder, equals, word = part.rpartition("=")
        meaning = LEFT_OUT if word.strip() == LEFT_OUT else expression(word)
        if not equals or not folder.strip() or meaning is None:
            message = f"{part.strip()!r} is not FOLDER=CLASS with a class as happy, or FOLDER=- to leave it out"
            raise ValueError(message)
        found[plain(folder)] = meaning
    return found


def _meaning(options: Folder.Options) -> Callable[[str], str | None]:
    names = parse_names(options.names)
    wanted = {word for key, words in LABEL_SETS.items() if options.classes in ("auto", key) for word in words}

    def meaning(folder: str) -> str | None:
        word = names.get(plain(folder)) or expression(folder)
        return word if word == LEFT_OUT or word in wanted else None

    return meaning


def _classes(choice: str, present: set[str]) -> tuple[str, ...]:
    classes = label_set(present) if choice == "auto" else LABEL_SETS[choice]
    if classes is None:
        message = f"Folders of {', '.join(sorted(present))} together are no set of classes ({', '.join(LABEL_SETS)})."
        raise DataError(message)
    return classes


class _Rows:
    def __init__(self, options: Folder.Options, classes: tuple[str, ...], bad: BadRows) -> None:
        self._pattern = re.compile(options.pattern) if options.pattern else None
        self._condition = options.condition
        self._classes = classes
        self._bad = bad

    def of(self, images: list[ClassImage]) -> pd.DataFrame:
        rows = [row for row in map(self._row, images) if row is not None]
        return pd.DataFrame(rows, columns=["id", "path", "label", "split", *GROUPS]).astype(
            dict.fromkeys(("split", *GROUPS), object)
        )

    def _row(self, image: ClassImage) -> dict[str, object] | None:
        said: dict[str, str | None] = {}
        if self._pattern is not None:
            match = self._pattern.search(image.inside)
            if match is None:
                self._bad.add(image.path, "its name does not match the pattern")
                return None
            said = match.groupdict()
        condition = said.get("condition") or image.condition or self._condition
        return {
            "id": image.path,
            "path": image.path,
            "label": self._classes.index(image.word),
            "split": image.split,
            "subject": said.get("subject"),
            "condition": MASK_WORDS.get(plain(condition), condition),
            "pair": said.get("pair"),
        }
