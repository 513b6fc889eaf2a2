"""What a manifest and its folder hold of a subject: rows, and files that the toolkit made of the subject's photos."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.faces.crop_files import mark_of
from msde_toolkit.data.subject_rows import rows_of_subject
from msde_toolkit.files import whole
from msde_toolkit.types import Manifest

TABLES = ("review.csv", "failures.csv", "report.csv", "hashes.csv")
"""What ``msde data faces`` and ``mask`` write beside a manifest: rows with an ``id`` or a ``subject``."""

THUMBNAIL, PHOTO = "thumbnail", "path"
"""Their columns of files: a picture in the manifest's folder, and the photo that it shows."""


@dataclass(frozen=True)
class Holdings:
    """What there is of a subject.

    Attributes:
        manifest: a set of samples.
        subject: of whom.
        file: where the manifest is stored; None for a set that is read directly, of which every file is the user's.
        photos: the folder (or file) that the photos' paths start from; None where that is not known.
    """

    manifest: Manifest
    subject: str
    file: Path | None = None
    photos: Path | None = None

    @cached_property
    def rows(self) -> npt.NDArray[np.bool_]:
        """``[n]`` whether the sample goes."""
        return rows_of_subject(self.manifest, self.subject)

    @property
    def pairs(self) -> int:
        """Complete pairs that go."""
        return len(self.manifest.take(self.rows).pairs())

    @property
    def lost(self) -> int:
        """Samples of theirs that could not be used, and of which the manifest keeps a record."""
        return sum(sample.subject == self.subject for sample in self.manifest.left_out)

    @property
    def any(self) -> bool:
        """Whether the manifest knows the subject."""
        return bool(self.rows.any()) or self.lost > 0

    @cached_property
    def ids(self) -> frozenset[str]:
        """Samples of theirs, usable or not."""
        lost = (sample.sample for sample in self.manifest.left_out if sample.subject == self.subject)
        return frozenset([*self.manifest.take(self.rows).ids, *lost])

    def remaining(self) -> Manifest:
        """The manifest without them. Notes that name one of their samples lose all names."""
        kept = tuple(sample for sample in self.manifest.left_out if sample.subject != self.subject)
        notes = tuple(self._without_names(note) for note in self.manifest.notes)
        return replace(self.manifest.take(~self.rows), left_out=kept, notes=notes)

    def _without_names(self, note: str) -> str:
        named = any(f"({sample}: " in note or f"; {sample}: " in note for sample in self.ids)
        return note.partition(" (")[0] if named else note

    @cached_property
    def made(self) -> tuple[Path, ...]:
        """Files inside the manifest's folder that the toolkit made of this subject: faces, masks, thumbnails."""
        if self.file is None:
            return ()
        thumbnails = [name for table in self.tables.values() for name in table.thumbnails]
        found = (_inside(self.file.parent, name) for name in dict.fromkeys([*self._named, *thumbnails]) if name)
        return tuple(file for file in found if file is not None and mark_of(file) is not None)

    @cached_property
    def _named(self) -> tuple[str, ...]:
        """Images and masks that the rows name and no other row does."""
        theirs, others = self.manifest.frame[self.rows], self.manifest.frame[~self.rows]
        shared = {*others["path"], *others["mask_path"].dropna()}
        names = [*theirs["path"], *theirs["mask_path"].dropna()]
        return tuple(name for name in dict.fromkeys(names) if name not in shared)

    @cached_property
    def tables(self) -> dict[Path, _Table]:
        """Tables beside the manifest that have rows of theirs."""
        if self.file is None:
            return {}
        files = (self.file.parent / name for name in TABLES)
        read = {file: _Table.read(file, self.ids, self.subject) for file in files if file.is_file()}
        return {file: table for file, table in read.items() if table.gone}

    @cached_property
    def originals(self) -> tuple[str, ...]:
        """Their photos as the user has them, and whatever else is not the toolkit's to delete."""
        return tuple(dict.fromkeys(self._originals()))

    def _originals(self) -> Iterator[str]:
        if self.manifest.synthetic:  # what is drawn has a path, and no file
            return
        theirs = self.manifest.frame[self.rows]
        photos = theirs["source"].where(theirs["source"].notna() | theirs["prep"].notna(), theirs["path"])
        of_review = (name for table in self.tables.values() for name in table.photos)
        for name in filter(None, (*photos, *of_review)):
            yield self._place(name, self.photos)
        for name in filter(None, self._named):
            if self.file is None:
                yield self._place(name, self.photos)
            elif (file := self.file.parent / name) not in self.made and file.exists():
                yield str(file)
        listed = {sample for table in self.tables.values() for sample in table.samples}
        lost = (sample.sample for sample in self.manifest.left_out if sample.subject == self.subject)
        yield from (f"photo of sample {sample}" for sample in lost if sample not in listed)

    def _place(self, name: str, root: Path | None) -> str:
        """A file's place, as far as it is known."""
        beside = None if self.file is None else self.file.parent
        bases = [base.parent if base.is_file() else base for base in (root, beside) if base is not None]
        places = [base / name for base in bases]
        # A manifest of photos that lie elsewhere, opened without their root: the name is all there is.
        there = next((place for place in places if place.exists()), places[0] if root is not None else None)
        return name if there is None else str(there)

    def remove(self) -> None:
        """Remove what was made, then the rows of tables, then those of the manifest: a kill in between is repaired.

        Raises:
            OSError: if a file cannot be removed or written.
        """
        if self.file is None:
            return
        made, tables = self.made, self.tables
        for file in made:
            file.unlink(missing_ok=True)
        for file, table in tables.items():
            table.write(file)
        if self.any:
            with whole(self.file) as partial:
                self.remaining().save(partial)


def _inside(folder: Path, name: str) -> Path | None:
    """The file, if it lies in the folder itself and not behind a link or ``..`` that leads out of it."""
    file = folder / name
    inside = file.parent.resolve().is_relative_to(folder.resolve())
    return file if inside and (file.is_symlink() or file.is_file()) else None


@dataclass(frozen=True)
class _Table:
    """A CSV with the rows of a subject set apart; ``kept`` starts with the header."""

    kept: list[list[str]]
    gone: list[list[str]]
    samples: list[str]
    thumbnails: list[str]
    photos: list[str]

    @classmethod
    def read(cls, file: Path, ids: frozenset[str], subject: str) -> _Table:
        with file.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            header, *rows = list(csv.reader(stream)) or [[]]
        names = [name.strip().lower() for name in header]
        kept, theirs = [header], []
        for row in rows:
            cells = dict(zip(names, row, strict=False))
            if cells.get("id") in ids or cells.get("subject") == subject:
                theirs.append((row, cells))
            else:
                kept.append(row)
        gone = [row for row, _ in theirs]
        columns = ([cells.get(name, "") for _, cells in theirs] for name in ("id", THUMBNAIL, PHOTO))
        return cls(kept, gone, *columns)

    def write(self, file: Path) -> None:
        with whole(file) as partial, partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as out:
            csv.writer(out, lineterminator="\n").writerows(self.kept)
