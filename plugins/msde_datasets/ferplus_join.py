"""FERPlus as votes beside FER2013's CSV of pixels: the files are joined by row position."""

from __future__ import annotations

from pathlib import Path

from msde_datasets.bad_rows import BadRows
from msde_datasets.fer2013 import EMOTIONS
from msde_datasets.ferplus_folders import VotedRows
from msde_datasets.ferplus_votes import COLUMNS, parse_votes
from msde_datasets.pixel_table import PUBLISHED, USAGES, PixelTable, read_pixel_table
from msde_datasets.text_files import read_rows
from msde_toolkit.errors import DataError
from msde_toolkit.types import CLASSES

HEADER = ("Usage", "Image name", *COLUMNS)
SPLITS = dict(zip(USAGES, ("train", "validation", "test"), strict=True))
_WORDS = dict(zip(USAGES, PUBLISHED, strict=True))

_Row = tuple[int, list[str]]


def read_joined(pixels: Path, votes: Path, *, skip: bool) -> VotedRows:
    """All faces in the files' order; rows without an image name (no face to be seen) are left out, and told.

    The numbers in the image names are not rows of the CSV, whatever is said of them: only the position joins.

    Raises:
        DataError: naming file and line: the files do not belong together (another number of rows, another usage in a
            row); a missing column; a bad row (unless it is to be skipped), or none left.
    """
    table = read_pixel_table(pixels)
    rows, places = _votes(votes)
    _check_rows(table, rows, pixels, votes)
    bad, out, nameless = BadRows(str(votes)), VotedRows(), 0
    columns = (table.lines.tolist(), table.usages.tolist(), table.emotions.tolist())
    for line, number, emotion in zip(*columns, strict=True):
        at, cells = rows[line - 2]
        usage = USAGES[number]
        try:
            used, name, *counts = _cells(cells, places)
            parsed = parse_votes(counts)
        except ValueError as error:
            bad.add(f"line {at}", str(error))
            continue
        if used.lower() != usage:
            message = (
                f"{votes}, line {at}: Usage is {used[:20]!r}, in the same row of {pixels.name} {_WORDS[usage]!r}: "
                "the files do not belong together."
            )
            raise DataError(message)
        if name:
            before = CLASSES.index(EMOTIONS[emotion])
            out.add(f"ferplus-{line:06d}", f"{pixels.name}#{line}", name, SPLITS[usage], parsed, before=before)
        nameless += not name
    if nameless == len(rows):
        message = f"{votes}: none of its {nameless} rows names an image."
        raise DataError(message)
    out.notes += _notes(table, pixels, len(out.ids), skip=skip)
    out.notes += bad.settle(len(out.ids), skip=skip)
    if nameless:
        out.notes.append(f"{nameless:,} rows of {votes.name} without an image name left out")
    return out


def _votes(file: Path) -> tuple[list[_Row], list[int]]:
    rows = list(read_rows(file))
    if not rows:
        message = f"{file}: empty; expected a header {','.join(HEADER)} and a face a line."
        raise DataError(message)
    names = [cell.lower() for cell in rows[0][1]]
    missing = [name for name in HEADER if name.lower() not in names]
    if missing:
        message = f"{file}, line 1: no column {' and no '.join(missing)}; expected {','.join(HEADER)}."
        raise DataError(message)
    return rows[1:], [names.index(name.lower()) for name in HEADER]


def _cells(cells: list[str], places: list[int]) -> list[str]:
    if len(cells) <= max(places):
        message = f"{len(cells)} cells, expected {max(places) + 1}"
        raise ValueError(message)
    return [cells[place] for place in places]


def _check_rows(table: PixelTable, rows: list[_Row], pixels: Path, votes: Path) -> None:
    """Both have the same number of rows, with no empty line between them that would shift the position."""
    count = len(table.lines) + table.bad
    if count != len(rows):
        message = (
            f"{votes}: has {len(rows):,} rows, {pixels.name} {count:,}; they are joined by position and must belong "
            "together row by row."
        )
        raise DataError(message)
    for file, last in ((pixels, max(table.lines.tolist(), default=0)), (votes, rows[-1][0] if rows else 0)):
        if last - 1 > count:
            message = f"{file}: has empty lines between its rows, which are joined by position; remove them."
            raise DataError(message)


def _notes(table: PixelTable, pixels: Path, usable: int, *, skip: bool) -> list[str]:
    bad = BadRows(str(pixels))
    bad.count, bad.reasons = table.bad, list(table.reasons)
    return [*(bad.settle(usable, skip=skip) if table.bad else ()), *table.differences()]
