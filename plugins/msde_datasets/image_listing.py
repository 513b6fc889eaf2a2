"""Which images a set's folders really hold: each folder is listed once, and names are looked up in the listing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from msde_datasets.image_tree import LEADS_OUT


@dataclass
class _Folder:
    prefix: str
    sizes: dict[str, int] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)

    @cached_property
    def by_lower(self) -> dict[str, str]:
        """Names by their lower case; the first wins."""
        return {name.lower(): name for name in sorted(self.sizes, reverse=True)}

    def subfolder(self, name: str) -> str | None:
        """A folder in it as the disk spells it."""
        if name in self.folders:
            return name
        return next((there for there in sorted(self.folders) if there.lower() == name.lower()), None)


class ImageListing:
    """Looks up images below a folder, whatever the case of their names, without asking the disk about each.

    Args:
        root: the folder that paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, _Folder | str] = {}

    def find(self, path: str, below: str = "") -> str:
        r"""The path from the root as the disk spells it, with ``/`` between folders.

        Args:
            path: as a label file spells it, with ``/`` or ``\``.
            below: the folder that it is relative to, from the root.

        Raises:
            ValueError: saying why it cannot be used: absolute, out of the root by ``..`` or by a link, no such image,
                no bytes.
        """
        named = path.replace("\\", "/")
        if named.startswith("/") or named[1:2] == ":":
            message = f"path {path!r} is absolute: it must lie within the set's folder"
            raise ValueError(message)
        if ".." in named and ".." in named.split("/"):
            message = f"path {path!r} has '..' in it: it must lie within the set's folder"
            raise ValueError(message)
        parent, _, name = (f"{below}/{named}" if below else named).rpartition("/")
        folder = self._folder(parent)
        if isinstance(folder, str):
            raise ValueError(folder)
        real = name if name in folder.sizes else folder.by_lower.get(name.lower())
        if real is None:
            message = f"no image {path!r}" + (f" in {below}" if below else "")
            raise ValueError(message)
        if real in folder.outside:
            message = f"image {path!r} {LEADS_OUT}"
            raise ValueError(message)
        if not folder.sizes[real]:
            message = f"image {path!r} holds no bytes"
            raise ValueError(message)
        return folder.prefix + real

    def holds(self, name: str, folder: str) -> bool:
        """Whether a file of this name is in a folder, usable or not."""
        found = self._folder(folder)
        return not isinstance(found, str) and (name in found.sizes or name.lower() in found.by_lower)

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; empty if there is no such folder."""
        found = self._folder(folder)
        return [] if isinstance(found, str) else sorted(found.sizes)

    def _folder(self, path: str) -> _Folder | str:
        """What is in a folder, or why it cannot be used."""
        if path not in self._known:
            self._known[path] = self._looked_up(path)
        return self._known[path]

    def _looked_up(self, path: str) -> _Folder | str:
        if path in ("", "."):
            return self._listed("")
        parent, _, name = path.rpartition("/")
        above = self._folder(parent)
        if isinstance(above, str) or name in ("", "."):
            return above
        real = above.subfolder(name)
        if real is None:
            return f"no folder {path!r}"
        return f"folder {path!r} {LEADS_OUT}" if real in above.outside else self._listed(f"{above.prefix}{real}/")

    def _listed(self, prefix: str) -> _Folder | str:
        folder = _Folder(prefix)
        try:
            with os.scandir(self._root / prefix) as entries:
                for entry in entries:
                    if entry.is_dir():
                        folder.folders.append(entry.name)
                    elif entry.is_file():  # no dangling link
                        folder.sizes[entry.name] = entry.stat().st_size
                    if entry.is_symlink() and not self._holds(entry.path):
                        folder.outside.add(entry.name)
        except OSError as error:
            return f"folder {prefix or '.'!r} cannot be listed ({error.strerror})"
        return folder

    def _holds(self, path: str) -> bool:
        """Whether a link's end lies within the root."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root))
