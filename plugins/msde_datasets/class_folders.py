"""Images in a folder a class, below folders for the split or the mask if there are such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msde_datasets.expression_words import MASK_WORDS, SPLIT_WORDS, plain
from msde_datasets.image_tree import ImageTree
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
    condition (``nm``, ``masked``), or both, one in the other; or in the only folder there is. Images in folders below a
    class folder belong to it.

    Args:
        tree: the folder.
        meaning: class of a folder's name, ``LEFT_OUT`` or None for one that is none.
        folder: where to begin, from the tree's root, ending in ``/``; empty for the root.
        remedy: what to do about a folder that is no class, for the message.

    Raises:
        DataError: naming the folders that are neither; or there is no class folder.
    """
    return sorted(_Finder(tree, meaning, remedy).found(folder, None, None), key=lambda image: image.path)


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
            yield from self._only_folder(folder, names, split, condition)
            return
        self._refuse(folder, [name for name in names if name not in of_split | of_mask], "class, split or condition")
        for name in names:
            yield from self.found(f"{folder}{name}/", of_split.get(name, split), of_mask.get(name, condition))

    def _of_class(self, folder: str, name: str, split: str | None, condition: str | None) -> Iterator[ClassImage]:
        word = self.meaning(name)
        if word is None or word == LEFT_OUT:
            return
        for path in self.tree.images(folder):
            inside = path.relative_to(folder).as_posix()
            yield ClassImage(path.as_posix(), inside, word, split, condition)

    def _only_folder(
        self, folder: str, names: list[str], split: str | None, condition: str | None
    ) -> Iterator[ClassImage]:
        """What archives unpack to: a folder with everything in it."""
        if len(names) == 1 and self.tree.folders(f"{folder}{names[0]}"):
            yield from self.found(f"{folder}{names[0]}/", split, condition)
            return
        if names:
            self._refuse(folder, names, "class")
        message = f"{self.tree.root / folder}: there is no class folder in it (as angry, happy, ...)."
        raise DataError(message)

    def _refuse(self, folder: str, unknown: list[str], what: str) -> None:
        if unknown:
            named = ", ".join(repr(name) for name in unknown[:8]) + (", ..." if len(unknown) > 8 else "")
            plural = "folder is" if len(unknown) == 1 else "folders are"
            message = f"{self.tree.root / folder}: {plural} of no known {what}: {named}. {self.remedy}"
            raise DataError(message)
