"""Where a set stands below the folder that was given: archives unpack into one folder more, or into three."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from msde_datasets.image_tree import of_the_system
from msde_toolkit.errors import DataError, InputError

DEEPEST = 3
MOST_FOLDERS = 200
"""Of a level that has more, the folders are those of images and not of a set."""


def set_folder(root: Path, holds_it: Callable[[Path], bool]) -> Path:
    """The root if it holds the set, else the nearest folder below that does; the root again if none does.

    Links are not followed, and what lies beside the set does not matter; nor do folders there that may not be read.

    Raises:
        InputError: if several folders hold one, as near as each other.
        DataError: if the root is a folder that may not be read.
    """
    if root.is_dir() and not _may_be_read(root):
        message = f"{root}: cannot be listed (Permission denied)."
        raise DataError(message)
    level = [root]
    for _ in range(DEEPEST + 1):
        found = [folder for folder in level if holds_it(folder)]
        if len(found) > 1:
            names = " and ".join(folder.relative_to(root).as_posix() for folder in found[:3])
            message = f"--root {root}: there is a set in each of {names}. Give the one that you mean."
            raise InputError(message)
        if found:
            return found[0]
        level = [below for folder in level for below in folders_in(folder)]
        if len(level) > MOST_FOLDERS:
            break
    return root


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder that may be read, sorted; none of a file."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                Path(entry.path)
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not of_the_system(entry.name) and _may_be_read(entry.path)
            )
    except NotADirectoryError:
        return []


def _may_be_read(folder: str | Path) -> bool:
    try:
        os.scandir(folder).close()
    except OSError:
        return False
    return True
