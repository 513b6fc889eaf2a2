"""A dataset as one file: a manifest that the reader of tables, the audit and ``load_manifest`` take."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from msde_toolkit.create import create_dataset
from msde_toolkit.data.image_cache import Progress, read_each
from msde_toolkit.data.source import Source, open_source, with_on_bad
from msde_toolkit.data.usable import leave_out_unreadable, stop_at_unreadable
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.files import whole
from msde_toolkit.interfaces import Dataset
from msde_toolkit.registry import split_name
from msde_toolkit.types import Manifest, load_manifest

SUFFIX = ".parquet"
READER = "table"
"""The dataset plugin that reads manifests."""
COMPARED = 32
"""So many images are read both ways before a reader is trusted to be replaced by one of tables."""


@dataclass(frozen=True)
class Change:
    """What became of the samples since the file was written before.

    Attributes:
        added: samples that are new.
        removed: samples that are gone.
        relabelled: samples with another class.
        changed: samples of which something else differs.
    """

    added: int = 0
    removed: int = 0
    relabelled: int = 0
    changed: int = 0


@dataclass(frozen=True)
class Imported:
    """What ``import_dataset`` did.

    Attributes:
        manifest: what the file holds; its root is that of the dataset.
        file: the manifest.
        status: "written", "updated" or, where the file was left as it is, "unchanged".
        change: against what the file held before.
        decoded: images that were looked at; 0 where no file changed since the last time.
        cutting: the command that cuts faces out first, where the images are photos; None for face crops.
    """

    manifest: Manifest
    file: Path
    status: str
    change: Change
    decoded: int
    cutting: str | None = None

    @property
    def images(self) -> Path:
        """The folder that the manifest's paths are relative to."""
        return folder_of(self.manifest)

    @property
    def training(self) -> str:
        """The command that trains on it."""
        loss = "cl" if len(self.manifest.pairs()) else "ce"
        words = ["msde", "run", "--model", "scan", "--loss", loss, "--data", READER, "--root", str(self.file)]
        if self.images.resolve() != self.file.parent.resolve():
            words += ["--set", f"data.images={self.images}"]
        return shlex.join(words)

    @property
    def auditing(self) -> str:
        """The command that looks for what is wrong with it."""
        return shlex.join(["msde", "data", "audit", str(self.file), "--root", str(self.manifest.root)])


def import_dataset(
    name: str,
    root: Path | None,
    file: Path | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    on_bad: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Write a dataset's manifest. Every image is looked at once; what was found is remembered while no file changes.

    Args:
        name: of the dataset.
        root: where it is.
        file: to write, ``NAME.parquet`` in the current folder by default. A manifest of the same set is replaced,
            any other file never.
        options: of the dataset.
        on_bad: what a row or an image that cannot be used does: "skip" (default), and be listed, or "error".
        progress: told how many images have been looked at.

    Raises:
        InputError: a dataset that is drawn, or whose images are more than files to be opened; a file that is no
            manifest of this set; and as opening the dataset does.
        DataError: naming the row or image that cannot be used (``error``); or none is left.
    """
    file = _checked_file(file or Path(_plain_name(name) + SUFFIX), name, root)
    before = _before(file)
    source = open_source(name, root, with_on_bad(name, options or {}, on_bad))
    if before is None:
        _check_read_as_table(source, name, root)
    elif before.name != source.manifest.name:
        message = (
            f"{file}: is a manifest of {before.name}, not of {source.manifest.name}. Give another file with --out."
        )
        raise InputError(message)
    counter = _Counter(progress)
    manifest = leave_out_unreadable(source, counter).manifest
    if source.options.get("on_bad") == "error":
        stop_at_unreadable({one.sample: one.reason for one in manifest.left_out[len(source.manifest.left_out) :]})
    change = Change() if before is None else compared(before, manifest)
    status = "written" if before is None else "updated"
    if before is not None and change == Change() and _facts(before) == _facts(manifest):
        status = "unchanged"
    else:
        with whole(file) as partial:
            manifest.save(partial)
    cropped = source.dataset.aligned or bool(manifest.frame["landmarks"].notna().all())
    return Imported(manifest, file, status, change, counter.done, None if cropped else _cutting(name, root))


def compared(before: Manifest, now: Manifest) -> Change:
    """What became of the samples of a manifest; a sample is the same if its id is."""
    old, new = before.frame.set_index("id"), now.frame.set_index("id")
    both = new.index[new.index.isin(old.index)]
    old_words = np.array(before.classes, dtype=object)[old.loc[both, "label"].to_numpy(dtype=np.int64)]
    new_words = np.array(now.classes, dtype=object)[new.loc[both, "label"].to_numpy(dtype=np.int64)]
    relabelled = old_words != new_words
    other = np.zeros(len(both), dtype=bool)
    if before.content_hash() != now.content_hash():
        for column in (set(old.columns) | set(new.columns)) - {"label"}:
            other |= _text(old, column, both) != _text(new, column, both)
    return Change(
        added=len(new) - len(both),
        removed=len(old) - len(both),
        relabelled=int(relabelled.sum()),
        changed=int((other & ~relabelled).sum()),
    )


def folder_of(manifest: Manifest) -> Path:
    """The folder that a manifest's paths are relative to: its root, or the folder of the file that is its root.

    Raises:
        InputError: if it has no root.
    """
    if manifest.root is None:
        message = f"{manifest.name}: its images are in no folder."
        raise InputError(message)
    return manifest.root if manifest.root.is_dir() else manifest.root.parent


class _Counter:
    """Counts the images that are looked at, and passes the count on."""

    def __init__(self, progress: Progress | None) -> None:
        self.done = 0
        self._progress = progress

    def __call__(self, done: int, total: int) -> None:
        self.done = done
        if self._progress is not None:
            self._progress(done, total)


def _cutting(name: str, root: Path | None) -> str:
    return shlex.join(["msde", "data", "faces", name, "--root", str(root), "--out", f"{_plain_name(name)}-faces"])


def _plain_name(name: str) -> str:
    return split_name(name)[0].partition("@")[0]


def _checked_file(file: Path, name: str, root: Path | None) -> Path:
    """What can be known to be wrong before any work."""
    if not create_dataset(name).root_hint:
        message = f"{name} is drawn, not read from files, and needs no import. Train on it with msde run --data {name}."
        raise InputError(message)
    if file.suffix.lower() != SUFFIX or file.is_dir():
        message = f"{file}: a manifest's file must end in {SUFFIX}{' and be no folder' if file.is_dir() else ''}."
        raise InputError(message)
    # A reader of tables may be given the folder that its table is in.
    read = (file, file.parent) if _plain_name(name) == READER else (file,)
    if root is not None and root.exists() and file.exists() and any(place.samefile(root) for place in read):
        message = f"{file}: may be the table that is read; give a file elsewhere with --out."
        raise InputError(message)
    return file


def _before(file: Path) -> Manifest | None:
    """The manifest that stands there; None where nothing does."""
    if not file.exists():
        return None
    try:
        return load_manifest(file)
    except DataError as error:
        message = f"{file}: is there already and is no manifest. Give another file with --out."
        raise InputError(message) from error


def _check_read_as_table(source: Source, name: str, root: Path | None) -> None:
    """A reader that makes more of a row than the image that ``path`` names cannot be replaced by a table."""
    if type(source.dataset).read is Dataset.read:
        return
    places = np.linspace(0, len(source.manifest) - 1, min(COMPARED, len(source.manifest))).astype(np.int64)
    rows = source.manifest.take(places)
    as_table = read_each(create_dataset(READER), replace(rows, root=folder_of(rows)))
    for sample, own, other in zip(rows.ids, read_each(source.dataset, rows), as_table, strict=True):
        if not isinstance(own, DataError) and (isinstance(other, DataError) or not np.array_equal(own, other)):
            itself = shlex.join(["msde", "run", "--data", name, "--root", str(root)])
            message = (
                f"{name}: a table cannot say how its images are made of its files (as faces cut out of photos; sample "
                f"{sample}).\nTrain on the set itself ({itself}), or cut them into files ({_cutting(name, root)})."
            )
            raise InputError(message)


def _facts(manifest: Manifest) -> tuple[Any, ...]:
    """All that is stored."""
    whole_set = (manifest.licence, manifest.synthetic, manifest.notes, manifest.left_out)
    return (manifest.content_hash(), *whole_set)


def _text(frame: pd.DataFrame, column: str, rows: pd.Index) -> Any:
    cells = frame.loc[rows, column] if column in frame else pd.Series(None, index=rows, dtype=object)
    return cells.astype(object).where(cells.notna(), None).map(str).to_numpy(dtype=object)
