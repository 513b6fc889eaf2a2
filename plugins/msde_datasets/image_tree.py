"""All images below a folder, and what else lies there: each outcome is clear before an image is decoded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from msde_datasets.bad_rows import BadRows
from msde_toolkit.errors import DataError, InputError

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".pgm", ".ppm", ".jp2")
)
LEADS_OUT = "leads out of the set's folder by a link"
SHOWN = 4
"""So many unknown files are named."""

_OF_THE_SYSTEM = frozenset(("thumbs.db", "desktop.ini", ".ds_store", "__macosx", ".git", ".ipynb_checkpoints"))


@dataclass
class ImageTree:
    """Images below ``root``, as paths from it with ``/``, sorted.

    What file managers leave (``Thumbs.db``, ``.DS_Store``, ``__MACOSX``) is passed over. An image of no bytes and a
    link that leads nowhere or out of the root are bad rows, and so is a name that no table can hold; a file that is no
    image is left alone and told in a note.

    Args:
        root: where paths begin.
        bad: takes the bad ones.
    """

    root: Path
    bad: BadRows
    unknown: list[str] = field(default_factory=list, init=False)

    @classmethod
    def of(cls, root: Path, bad: BadRows, hint: str) -> ImageTree:
        """The tree of a folder.

        Raises:
            InputError: if the root is no folder; ``hint`` says what it must be.
        """
        if not root.is_dir():
            message = f"--root {root}: is no folder. It must be {hint}."
            raise InputError(message)
        return cls(root, bad)

    def images(self, folder: str = "") -> Iterator[PurePosixPath]:
        """Images in a folder and those below it, each folder's own first."""
        if not self._inside(self.root / folder):
            self.bad.add(folder, LEADS_OUT)
            return
        yield from self._images(PurePosixPath(folder), frozenset())

    def leave_alone(self, folder: str) -> None:
        """Note the files that lie in a folder itself, where none is expected."""
        self.unknown += [
            (PurePosixPath(folder) / entry.name).as_posix()
            for entry in _entries(self.root / folder)
            if not entry.is_dir()
        ]

    def folders(self, folder: str = "") -> list[str]:
        """Names of the folders in a folder, sorted."""
        path = self.root / folder
        return sorted(entry.name for entry in _entries(path) if entry.is_dir())

    def notes(self) -> tuple[str, ...]:
        """What a manifest says of files that are no images."""
        if not self.unknown:
            return ()
        names = ", ".join(self.unknown[:SHOWN]) + (", ..." if len(self.unknown) > SHOWN else "")
        what = "1 other file" if len(self.unknown) == 1 else f"{len(self.unknown)} other files"
        return (f"{what} left alone ({names})",)

    def _images(self, folder: PurePosixPath, above: frozenset[str]) -> Iterator[PurePosixPath]:
        real = os.path.realpath(self.root / folder)
        if real in above:  # a link to a folder that holds it
            return
        below = []
        for entry in _entries(self.root / folder):
            path = folder / entry.name
            wrong = self._wrong_link(entry) or _wrong_name(entry.name)
            if wrong:
                self.bad.add(ascii(path.as_posix())[1:-1], wrong)
            elif entry.is_dir():
                below.append(path)
            elif path.suffix.lower() not in SUFFIXES:
                self.unknown.append(path.as_posix())
            elif entry.stat().st_size == 0:
                self.bad.add(path.as_posix(), "holds no bytes")
            else:
                yield path
        for path in below:
            yield from self._images(path, above | {real})

    def _wrong_link(self, entry: os.DirEntry[str]) -> str | None:
        if not entry.is_symlink():
            return None
        if not self._inside(Path(entry.path)):
            return LEADS_OUT
        return None if Path(entry.path).exists() else "is a link to nothing"

    def _inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))


def _wrong_name(name: str) -> str | None:
    try:
        name.encode()
    except UnicodeError:
        return "its name is no Unicode text"
    return "its name holds control characters" if re.search(r"[\x00-\x1f\x7f]", name) else None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            kept = [entry for entry in entries if not of_the_system(entry.name)]
    except OSError as error:
        message = f"{folder}: cannot be listed ({error.strerror})."
        raise DataError(message) from error
    return sorted(kept, key=lambda entry: entry.name)


def of_the_system(name: str) -> bool:
    """Whether a file or folder is what file managers and archives leave behind."""
    return name.lower() in _OF_THE_SYSTEM or name.startswith("._")
