"""Images in a folder a class, below folders for the split or the mask if there are such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msde_datasets.expression_words import MASK_WORDS, SPLIT_WORDS, plain
from msde_datasets.image_tree import ImageTree
from msde_datasets.set_folder import folders_in, set_folder
from msde_toolkit.errors import DataError

REMEDY = "Rename or move what is no class of this set."
LEFT_OUT = "-"
"""The meaning of a class folder that is not wanted."""


@dataclass(frozen=True)
class ClassImage:
    """An image that its folder labels.

    Attributes:
        path: from the root.
        inside: from its class folder.
        word: the class that the folder means.
        split: train, test or validation; None without such folders.
        condition: None without folders for it.
    """

    path: str
    inside: str
    word: str
    split: str | None = None
    condition: str | None = None


def class_images(
    tree: ImageTree, meaning: Callable[[str], str | None], folder: str = "", remedy: str = REMEDY
) -> list[ClassImage]:
    """Every image below a class folder, sorted by path.

    The class folders stand in the folder itself; or in folders named after a split (``train``, ``test``, ``val``) or a
    condition (``nm``, ``masked``), or both, one in the other; or all this in a folder below, as archives unpack. Images
    in folders below a class folder belong to it. A folder without any image is left alone.

    Args:
        tree: the folder.
        meaning: class of a folder's name, ``LEFT_OUT`` or None for one that is none.
        folder: where to begin, from the tree's root, ending in ``/``; empty for the root.
        remedy: what to do about a folder that is no class, for the message.

    Raises:
        InputError: if several folders hold class folders.
        DataError: naming the folders that are neither; or there is no class folder.
    """
    start = set_folder(tree.root / folder, lambda below: holds_classes(below, meaning)).relative_to(tree.root)
    prefix = "" if start == Path() else f"{start.as_posix()}/"
    return sorted(_Finder(tree, meaning, remedy).found(prefix, None, None), key=lambda image: image.path)


def holds_classes(folder: Path, meaning: Callable[[str], str | None]) -> bool:
    """Whether class folders stand in a folder, or in those for splits and conditions there."""
    below = folders_in(folder)
    return any(meaning(path.name) for path in below) or any(
        holds_classes(path, meaning) for path in below if plain(path.name) in {**SPLIT_WORDS, **MASK_WORDS}
    )


@dataclass(frozen=True)
class _Finder:
    tree: ImageTree
    meaning: Callable[[str], str | None]
    remedy: str

    def found(self, folder: str, split: str | None, condition: str | None) -> Iterator[ClassImage]:
        names = self.tree.folders(folder)
        self.tree.leave_alone(folder)
        if any(self.meaning(name) for name in names):
            self._refuse(folder, [name for name in names if not self.meaning(name)], "class")
            for name in names:
                yield from self._of_class(f"{folder}{name}", name, split, condition)
            return
        of_split = {name: SPLIT_WORDS[plain(name)] for name in names if split is None and plain(name) in SPLIT_WORDS}
        of_mask = {name: MASK_WORDS[plain(name)] for name in names if condition is None and plain(name) in MASK_WORDS}
        if not of_split and not of_mask:
            self._refuse(folder, names, "class")
            message = f"{self.tree.root / folder}: there is no class folder in it (as angry, happy, ...)."
            raise DataError(message)
        self._refuse(folder, [name for name in names if name not in of_split | of_mask], "class, split or condition")
        for name in of_split | of_mask:
            yield from self.found(f"{folder}{name}/", of_split.get(name, split), of_mask.get(name, condition))

    def _of_class(self, folder: str, name: str, split: str | None, condition: str | None) -> Iterator[ClassImage]:
        word = self.meaning(name)
        if word is None or word == LEFT_OUT:
            return
        for path in self.tree.images(folder):
            inside = path.relative_to(folder).as_posix()
            yield ClassImage(path.as_posix(), inside, word, split, condition)

    def _refuse(self, folder: str, others: list[str], what: str) -> None:
        unknown = [name for name in others if self._has_images(f"{folder}{name}")]
        if unknown:
            named = ", ".join(repr(name) for name in unknown[:8]) + (", ..." if len(unknown) > 8 else "")
            plural = "folder is" if len(unknown) == 1 else "folders are"
            message = f"{self.tree.root / folder}: {plural} of no known {what}: {named}. {self.remedy}"
            raise DataError(message)

    def _has_images(self, folder: str) -> bool:
        """Whether an image is in a folder; its other files, if there is none, are left alone."""
        before = len(self.tree.unknown)
        found = any(True for _ in self.tree.images(folder))
        if found:
            del self.tree.unknown[before:]
        return found
