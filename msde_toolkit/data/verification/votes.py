"""Votes: what each rater took each image for."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.errors import DataError
from msde_toolkit.types import Manifest

UNNAMED = -1
"""The vote of a rater who found that an image does not show what it should, and named nothing else."""
COLUMNS = ("id", "rater", "label")


@dataclass(frozen=True)
class Vote:
    """One rater's word on one image.

    Attributes:
        sample: id of the image.
        rater: who said it; empty where votes are only counted.
        label: class index, or ``UNNAMED``.
        where: place in the file, for messages: "line 7".
    """

    sample: str
    rater: str
    label: int
    where: str = ""


@dataclass(frozen=True)
class Votes:
    """All votes on a set of images.

    Attributes:
        ids: ``n`` images, in the manifest's order.
        classes: names of the C classes.
        counts: ``[n, C + 1]`` how many raters took each image for each class; the last column counts ``UNNAMED``.
        single: columns ``id, rater, label``, a row a vote; None where only counts are known.
        words: labels were given as words, not as numbers.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    single: pd.DataFrame | None = None
    words: bool = False

    @classmethod
    def of(cls, votes: Sequence[Vote], manifest: Manifest, source: str, *, words: bool = False) -> Votes:
        """Votes on the samples of a manifest.

        Raises:
            DataError: naming ``source`` and the place: a vote on an image that the manifest has not, or a second vote
                of one rater on one image.
        """
        rows = {sample: row for row, sample in enumerate(manifest.ids)}
        counts = np.zeros((len(manifest), len(manifest.classes) + 1), dtype=np.int64)
        seen: dict[tuple[str, str], str] = {}
        for vote in votes:
            if vote.sample not in rows:
                message = f"{source}, {vote.where}: the manifest has no sample {vote.sample!r}."
                raise DataError(message)
            key = (vote.sample, vote.rater)
            if key in seen:
                message = f"{source}, {vote.where}: rater {vote.rater!r} voted on {vote.sample!r} before ({seen[key]})."
                raise DataError(message)
            seen[key] = vote.where
            counts[rows[vote.sample], vote.label] += 1
        single = pd.DataFrame([(vote.sample, vote.rater, vote.label) for vote in votes], columns=list(COLUMNS))
        return cls(manifest.ids, manifest.classes, counts, single, words)

    @classmethod
    def counted(cls, manifest: Manifest) -> Votes | None:
        """Votes of the manifest's own column ``votes``, counts in the order of classes; None where it has none.

        Counts beyond the classes (FERPlus' "unknown" and "no face") name no class: they count as ``UNNAMED``.

        Raises:
            DataError: naming the first sample whose counts are not whole numbers of 0 or more for every class.
        """
        if manifest.frame["votes"].isna().all():
            return None
        classes = len(manifest.classes)
        counts = np.zeros((len(manifest), classes + 1), dtype=np.int64)
        for row, (sample, votes) in enumerate(zip(manifest.ids, manifest.frame["votes"], strict=True)):
            if votes is None:
                continue
            numbers = np.asarray(votes, dtype=np.float64)
            if len(numbers) < classes or (numbers < 0).any() or (numbers % 1 != 0).any():
                message = f"{manifest.name}: votes of {sample!r} are not counts for {classes} classes."
                raise DataError(message)
            counts[row, :classes] = numbers[:classes]
            counts[row, classes] = numbers[classes:].sum()
        return cls(manifest.ids, manifest.classes, counts)

    @cached_property
    def raters(self) -> npt.NDArray[np.int64]:
        """``[n]`` how many raters voted on each image."""
        total: npt.NDArray[np.int64] = self.counts.sum(axis=1)
        return total

    def written(self, label: int | None) -> str | int | None:
        """A label in the form in which votes were given."""
        return self.classes[label] if self.words and label is not None else label


def read_votes(file: Path, manifest: Manifest) -> Votes:
    """Votes from a CSV ``id,rater,label``, or from an export of Label Studio (JSON, JSON-MIN, CSV).

    A label is a class index or a class name; it is the rater's new label, equal to the requested one where the rater
    found nothing wrong, and empty where they found it wrong without naming another class.

    Raises:
        DataError: naming file and line: a column is missing, a cell is empty, a label is no class, and as ``Votes.of``.
    """
    if file.suffix.lower() == ".json":
        from msde_toolkit.data.verification.label_studio import read_export

        return Votes.of(read_export(file, manifest), manifest, str(file), words=True)
    votes, words = _rows(file, manifest)
    return Votes.of(votes, manifest, str(file), words=words)


def parse_label(cell: str, classes: Sequence[str]) -> int:
    """Index of a class from its index or name; ``UNNAMED`` where nothing stands.

    Raises:
        ValueError: if it is no class.
    """
    word = cell.strip().lower()
    if not word:
        return UNNAMED
    if word in classes:
        return list(classes).index(word)
    if word.isdecimal() and int(word) < len(classes):
        return int(word)
    message = f"label {cell.strip()!r} is none of {', '.join(classes)} (or 0 to {len(classes) - 1})"
    raise ValueError(message)


def _rows(file: Path, manifest: Manifest) -> tuple[list[Vote], bool]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        message = f"{file}: cannot be read as a CSV of votes ({type(error).__name__})."
        raise DataError(message) from error
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = {str(name).strip().lower(): name for name in reader.fieldnames or ()}
    if {"annotation_id", "annotator"} <= set(names):
        from msde_toolkit.data.verification.label_studio import flat_votes

        return flat_votes([(f"line {reader.line_num}", row) for row in reader], manifest, str(file)), True
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        message = f"{file}: no column {missing[0]!r}; votes are a CSV with the columns {', '.join(COLUMNS)}."
        raise DataError(message)
    votes, words = [], False
    for cells in reader:
        where = f"line {reader.line_num}"
        vote = _vote({name: cells[column] for name, column in names.items()}, where, file, manifest.classes)
        words = words or not str(cells[names["label"]] or "0").strip().isdecimal()
        votes.append(vote)
    if not votes:
        message = f"{file}: holds no votes."
        raise DataError(message)
    return votes, words


def _vote(cells: Mapping[str, str | None], where: str, file: Path, classes: Sequence[str]) -> Vote:
    sample, rater = ((cells[name] or "").strip() for name in ("id", "rater"))
    if not sample or not rater:
        message = f"{file}, {where}: {'id' if not sample else 'rater'} is empty."
        raise DataError(message)
    try:
        return Vote(sample, rater, parse_label(cells["label"] or "", classes), where)
    except ValueError as error:
        message = f"{file}, {where}: {error}."
        raise DataError(message) from error
