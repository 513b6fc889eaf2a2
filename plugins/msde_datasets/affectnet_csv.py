"""AffectNet in its first form: training.csv and validation.csv beside folders of images.

The files have hundreds of thousands of rows with a kilobyte each, so that columns are handled as a whole and only
what is wrong is looked at row by row.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from msde_datasets.affectnet_labels import EXPRESSIONS, NAMES, TO_OURS, left_out, parse_expression
from msde_datasets.bad_rows import BadRows
from msde_datasets.image_listing import ImageListing
from msde_toolkit.errors import DataError

PATH, EXPRESSION, LANDMARKS = "subdirectory_filepath", "expression", "facial_landmarks"
BOX = ("face_x", "face_y", "face_width", "face_height")
AFFECT = ("valence", "arousal")
COLUMNS = (PATH, *BOX, LANDMARKS, EXPRESSION, *AFFECT)
"""Their order; a file without a header has exactly these."""
FOLDERS = ("", "Manually_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images", "Manually_Annotated")
"""Where the images' folders may stand, from the root."""
POINTS = 68
TRIED = 200


def read_split(
    file: Path, split: str, listing: ImageListing, *, landmarks: bool, skip: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The samples of one file and notes on it.

    Args:
        file: ``training.csv`` or ``validation.csv``; a header may be missing.
        split: the name of its split.
        listing: of the set's root.
        landmarks: fill in the 68 points.
        skip: leave out bad rows.

    Returns:
        columns ``id, path, label`` (of eight), ``split, box, valence, arousal`` (-1 to 1, NaN where it is unknown) and,
        if asked for, ``landmarks``.

    Raises:
        DataError: naming file and line: no such CSV, a missing column, a bad row (unless ``skip``), or none left.
    """
    table = _Table.read(file, landmarks=landmarks)
    bad = dict(table.bad)
    codes = {str(number): number for number in range(EXPRESSIONS)}
    words = table.text(EXPRESSION)
    known = pd.Series(words).map(codes).fillna(-1)
    expressions: npt.NDArray[np.int64] = np.asarray(known, dtype=np.int64)
    for row in np.flatnonzero(expressions < 0).tolist():
        try:
            parse_expression(words[row])
        except ValueError as error:
            bad[int(table.lines[row])] = str(error)
    rows = np.flatnonzero((expressions >= 0) & (expressions < len(NAMES)))
    base = _base(table.text(PATH, rows[:TRIED]).tolist(), listing)
    columns: dict[str, Any] = {"path": _images(table, rows, base, listing, bad), "box": _boxes(table, rows, bad)}
    if landmarks:
        columns["landmarks"] = _landmarks(table, rows, bad)
    for name in AFFECT:
        columns[name] = _affect(table, rows, name)
    usable = np.array([line not in bad for line in table.lines[rows].tolist()], dtype=bool)
    kinds = dict.fromkeys(columns, "object") | dict.fromkeys(AFFECT, "float64")
    frame = pd.DataFrame({name: pd.Series(cells, dtype=kinds[name]) for name, cells in columns.items()})[usable]
    frame["label"] = TO_OURS[expressions[rows[usable]]]
    frame["split"] = split
    frame["id"] = [f"affectnet-{split}-{path[len(base) :].lstrip('/').replace('/', '-')}" for path in frame["path"]]
    wrong = BadRows(str(file))
    for line in sorted(bad):
        wrong.add(f"line {line}", bad[line])
    notes = wrong.settle(len(frame), skip=skip)
    return frame.reset_index(drop=True), (*notes, *left_out(expressions, file.name))


@dataclass(frozen=True)
class _Table:
    """The columns that are needed, of rows with the right number of cells.

    Attributes:
        cells: text.
        lines: ``[n]`` line of each row.
        bad: line to what is wrong with a row of another number of cells.
    """

    cells: pa.Table
    lines: npt.NDArray[np.int64]
    bad: dict[int, str]

    def text(self, name: str, rows: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.object_]:
        """Cells of a column without spaces and quotes around them."""
        column = self.cells.column(name)
        trimmed = pc.utf8_trim(column if rows is None else column.take(rows), ' "\t\r')
        words: npt.NDArray[np.object_] = trimmed.to_numpy(zero_copy_only=False)
        return words

    def numbers(self, name: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Cells of a column as numbers; NaN where one is none."""
        try:
            return np.asarray(pc.cast(self.cells.column(name).take(rows), pa.float64()), dtype=np.float64)
        except pa.ArrowInvalid:  # some cell is no number, or has something around it: one by one
            return np.asarray(pd.to_numeric(pd.Series(self.text(name, rows)), errors="coerce"), dtype=np.float64)

    @classmethod
    def read(cls, file: Path, *, landmarks: bool) -> _Table:
        names, header = _header(file)
        wanted = [PATH, EXPRESSION, *(BOX if any(name in names for name in BOX) else ())]
        wanted += [LANDMARKS] if landmarks else []
        wanted += [name for name in AFFECT if name in names]
        missing = [name for name in wanted if name not in names]
        if missing:
            message = f"{file}, line 1: no column {' and no '.join(missing)} (it has {', '.join(names)[:200]})."
            raise DataError(message)
        table, bad = _parsed(file, names, wanted, skip_rows=int(header))
        lines = np.setdiff1d(np.arange(table.num_rows + len(bad)) + 1 + header, np.array(list(bad), dtype=np.int64))
        paths = pc.utf8_trim(table.column(PATH), ' "\t\r').to_numpy(zero_copy_only=False)
        there: npt.NDArray[np.bool_] = np.asarray(paths != "", dtype=np.bool_)
        words = table.column(EXPRESSION).to_numpy(zero_copy_only=False)
        empty = {int(lines[row]): "no image named" for row in np.flatnonzero(~there) if words[row]}  # no empty lines
        return cls(table.filter(pa.array(there)), lines[there], bad | empty)


def _header(file: Path) -> tuple[list[str], bool]:
    """The columns' names in lower case, and whether the file's first line says them."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            cells = [cell.strip() for cell in next(csv.reader([stream.readline(1 << 20)]), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{file}: cannot be read as a CSV ({error})."
        raise DataError(message) from error
    if not any(cells):
        message = f"{file}: empty; expected columns {', '.join(COLUMNS)}."
        raise DataError(message)
    names = [cell.lower() for cell in cells]
    if set(names) & set(COLUMNS):
        return names, True
    if len(cells) == len(COLUMNS) and cells[COLUMNS.index(EXPRESSION)].isdigit():
        return list(COLUMNS), False
    message = f"{file}, line 1: neither a header nor a row of the columns {', '.join(COLUMNS)}."
    raise DataError(message)


def _parsed(file: Path, names: list[str], wanted: list[str], *, skip_rows: int) -> tuple[pa.Table, dict[int, str]]:
    bad: dict[int, str] = {}

    def note(row: pacsv.InvalidRow) -> Literal["skip"]:
        bad[row.number or 0] = f"{row.actual_columns} cells, expected {row.expected_columns}"
        return "skip"

    try:
        table = pacsv.read_csv(
            file,
            read_options=pacsv.ReadOptions(
                use_threads=False,  # only then are line numbers known
                skip_rows=skip_rows,
                column_names=[name if names.index(name) == k else f"{name} {k}" for k, name in enumerate(names)],
            ),
            parse_options=pacsv.ParseOptions(
                quote_char=False,  # no cell needs one; one that is never closed would swallow the rows below
                ignore_empty_lines=False,
                invalid_row_handler=note,
            ),
            convert_options=pacsv.ConvertOptions(
                include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return pa.table({name: pa.array([], pa.string()) for name in wanted}), bad
        message = f"{file}: cannot be read as a CSV ({str(error).splitlines()[0]})."
        raise DataError(message) from error
    return table, bad


def _images(
    table: _Table, rows: npt.NDArray[np.int64], base: str, listing: ImageListing, bad: dict[int, str]
) -> list[str | None]:
    """The path of each row's image from the set's root."""
    paths, lines = table.text(PATH, rows).tolist(), table.lines[rows].tolist()
    seen: set[str] = set()
    found: list[str | None] = []
    for path, line in zip(paths, lines, strict=True):
        real = None
        try:
            real = listing.find(path, base)
            if real in seen:
                message = f"image {path!r} stands there a second time"
                raise ValueError(message)
            seen.add(real)
        except ValueError as error:
            bad.setdefault(line, str(error))
        found.append(real)
    return found


def _base(paths: list[str], listing: ImageListing) -> str:
    """The folder below which most of these images are found."""

    def hits(base: str) -> int:
        count = 0
        for path in paths:
            try:
                count += bool(listing.find(path, base))
            except ValueError:
                continue
        return count

    return max(FOLDERS, key=hits)


def _boxes(table: _Table, rows: npt.NDArray[np.int64], bad: dict[int, str]) -> list[Any]:
    """Left, top, width, height of each row; None where the file has no such columns."""
    if BOX[0] not in table.cells.column_names:
        return [None] * len(rows)
    boxes = np.stack([table.numbers(name, rows) for name in BOX], axis=1)
    fine = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    for row in np.flatnonzero(~fine).tolist():
        cells = ", ".join(table.text(name, rows[[row]])[0][:20] for name in BOX)
        bad.setdefault(int(table.lines[rows[row]]), f"box '{cells}' is not x, y, width and height of a face")
    rectangles: list[Any] = boxes.tolist()
    return rectangles


def _affect(table: _Table, rows: npt.NDArray[np.int64], name: str) -> npt.NDArray[np.float64]:
    """Valence or arousal; NaN beyond -1 and 1 (the set writes -2 for unknown) and where the file has no such column."""
    if name not in table.cells.column_names:
        return np.full(len(rows), np.nan)
    values = table.numbers(name, rows)
    return np.where(np.abs(values) <= 1, values, np.nan)


def _landmarks(table: _Table, rows: npt.NDArray[np.int64], bad: dict[int, str]) -> list[list[float] | None]:
    out: list[list[float] | None] = []
    for cell, line in zip(table.text(LANDMARKS, rows), table.lines[rows].tolist(), strict=True):
        try:
            out.append(parse_landmarks(cell))
        except ValueError as error:
            bad.setdefault(line, str(error))
            out.append(None)
    return out


def parse_landmarks(cell: str) -> list[float]:
    """136 numbers x0, y0, x1, y1, ... of "134.5;530.9;...".

    Raises:
        ValueError: saying what stands there instead.
    """
    words = cell.split(";")
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != 2 * POINTS or not np.isfinite(numbers).all():
        message = f"landmarks are {cell[:30]!r} with {len(words)} numbers, expected {2 * POINTS} separated by ';'"
        raise ValueError(message)
    return numbers
