"""The table inside a manifest: its columns, the type of each, and what makes a row unusable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from msde_toolkit.errors import DataError

# Every column a manifest can carry from the start: (kind, default). A kind "list" holds lists of floats or null.
COLUMNS: dict[str, tuple[str, Any]] = {
    "id": ("text", None),
    "path": ("text", ""),
    "subject": ("text", None),
    "label": ("int", None),
    "condition": ("text", "nm"),
    "pair": ("text", None),
    "split": ("text", None),
    "dataset": ("text", None),
    "requested_label": ("int", None),
    "votes": ("list", None),
    "target": ("list", None),
    "weight": ("float", 1.0),
    "box": ("list", None),
    "landmarks": ("list", None),
    "mask_path": ("text", None),
    "camera": ("text", None),
    "session": ("text", None),
    "consent": ("text", None),
    "source": ("text", None),
    "prep": ("text", None),
    "pairing": ("text", None),
}
_DTYPE: Mapping[str, Any] = {"text": "object", "int": "Int64", "float": "float64", "list": "object"}
_EXPECTED = {"text": "Unicode text", "int": "an integer", "float": "a number", "list": "a list of numbers"}
_CONTROL = r"[\x00-\x1f\x7f]"
_MAY_LEAVE = r"(?s)\.\.|^[/\\]|^.:"
"""What a path that leaves the root holds; few others do, so that only these are looked at one by one."""

_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Fault:
    """Rows that one reason makes unusable; ``cells`` are what a message shows."""

    column: str
    rows: _Mask
    cells: pd.Series
    why: str
    """``{}`` is the cell."""

    def says(self, row: int) -> str:
        return f"{self.column} {self.why.format(_shown(self.cells.iat[row]))}."


def checked(frame: pd.DataFrame, name: str, classes: int) -> pd.DataFrame:
    """A table with every column of ``COLUMNS``, in its type and checked; further columns follow as they are.

    Raises:
        DataError: as ``Manifest.from_frame``.
    """
    table, faults = _looked_at(frame, name, classes)
    for fault in faults:
        row = int(np.flatnonzero(fault.rows)[0])
        message = f"{name}, row {row + 1}: {fault.says(row)}"
        raise DataError(message)
    return table


def row_faults(frame: pd.DataFrame, name: str, classes: int) -> list[tuple[int, str]]:
    """What ``Manifest.from_frame`` would refuse of each row: its number from 0 with the first reason, ascending.

    A table without these rows is accepted (unless a further column cannot be stored).

    Args:
        frame: as for ``Manifest.from_frame``.
        name: of the set, for messages.
        classes: how many there are.

    Raises:
        DataError: if a column is missing, there twice, or cannot be stored.
    """
    first: dict[int, str] = {}
    for fault in _looked_at(frame, name, classes)[1]:
        for row in np.flatnonzero(fault.rows).tolist():
            if row not in first:
                first[row] = fault.says(row)
    return sorted(first.items())


def is_null(cell: Any) -> bool:
    """Whether a cell says that something is unknown."""
    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def _looked_at(frame: pd.DataFrame, name: str, classes: int) -> tuple[pd.DataFrame, Iterator[_Fault]]:
    """The table in its types and what is wrong with it, the reasons in the order in which they are told."""
    if frame.empty and frame.columns.empty:  # what a table of no rows looks like when rows name its columns
        frame = pd.DataFrame({"id": [], "label": []})
    _check_columns(frame, name)
    source = frame.reset_index(drop=True)
    columns, wrong_types = {}, []
    for column, (kind, usual) in COLUMNS.items():
        default = name if column == "dataset" else usual
        if column in frame:
            columns[column], bad = _convert(source[column], kind, default)
            wrong_types.append(_Fault(column, bad, source[column], f"is {{}}, expected {_EXPECTED[kind]}"))
        else:
            columns[column] = pd.Series([default] * len(frame), dtype=_DTYPE[kind])
    table = pd.DataFrame(columns)

    def faults() -> Iterator[_Fault]:
        yield from (fault for fault in wrong_types if fault.rows.any())
        yield from (fault for fault in _row_checks(table, classes) if fault.rows.any())

    if any(fault.rows.any() for fault in wrong_types):
        return table, faults()
    extra = _extra_columns(source, name)
    return (table if extra.empty and extra.columns.empty else pd.concat([table, extra], axis=1)), faults()


def _extra_columns(source: pd.DataFrame, name: str) -> pd.DataFrame:
    extra = source[[column for column in source.columns if column not in COLUMNS]]
    for column in extra:
        try:
            pa.Table.from_pandas(extra[[column]], preserve_index=False)
        except (pa.ArrowException, UnicodeError) as error:
            message = f"{name}: column {column!r} cannot be stored; its cells must be of one type."
            raise DataError(message) from error
    return extra


def _check_columns(frame: pd.DataFrame, name: str) -> None:
    there = ", ".join(map(str, frame.columns))
    for column in ("id", "label"):
        if column not in frame:
            message = f"{name}: the manifest has no column {column!r} (it has {there})."
            raise DataError(message)
    if not frame.columns.is_unique or not all(isinstance(column, str) for column in frame.columns):
        message = f"{name}: the manifest's columns must have names, each its own (it has {there})."
        raise DataError(message)


def _convert(values: pd.Series, kind: str, default: Any) -> tuple[pd.Series, _Mask]:
    """A column in its type, and where it cannot be; what is null or wrong becomes the default.

    Text and lists stay Python objects, null is None. Whole columns of text or of numbers, the usual case, are
    converted at once, others cell by cell.
    """
    number = getattr(values.dtype, "kind", "O") in "biuf"
    if kind in ("int", "float") and number:
        return _numbers(values, kind, default)
    if kind == "text" and not number and pd.api.types.infer_dtype(values, skipna=True) == "string":
        text = _arrow_text(values)
        if text is not None:
            cells = pc.if_else(pc.equal(text, pa.scalar("", text.type)), None, text)
            cells = cells if default is None else pc.fill_null(cells, default)
            return pd.Series(_objects(cells), dtype="object"), np.zeros(len(values), dtype=bool)
    return _cell_by_cell(values, kind, default)


def _numbers(values: pd.Series, kind: str, default: Any) -> tuple[pd.Series, _Mask]:
    known = values.notna().to_numpy(dtype=bool)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    if kind == "float":
        return pd.Series(np.where(known, numbers, default), dtype="float64"), np.zeros(len(values), dtype=bool)
    whole = (np.trunc(numbers) == numbers) & (np.abs(numbers) < 2**53)
    good = known & whole
    cells = pd.arrays.IntegerArray(np.where(good, numbers, 0).astype(np.int64), ~good)
    return pd.Series(cells), known & ~whole


def _arrow_text(values: pd.Series) -> Any:
    """The column as Arrow text; None if some of it is no Unicode (what is left of a broken file name)."""
    try:
        text = pa.array(values.to_numpy(dtype=object), type=pa.large_string(), from_pandas=True)
    except (pa.ArrowException, UnicodeError):
        return None
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def _objects(text: Any) -> npt.NDArray[np.object_]:
    cells: npt.NDArray[np.object_] = text.to_numpy(zero_copy_only=False)
    return cells


def _cell_by_cell(values: pd.Series, kind: str, default: Any) -> tuple[pd.Series, _Mask]:
    known = values.notna().to_numpy(dtype=bool)
    bad = np.zeros(len(values), dtype=bool)
    cells = [default] * len(values)
    objects = values.to_numpy(dtype=object)
    convert = _CELL[kind]
    for row in np.flatnonzero(known).tolist():
        try:
            value = convert(objects[row])
        except (TypeError, ValueError, OverflowError):
            bad[row] = True
            continue
        if value is not None:
            cells[row] = value
    return pd.Series(cells, dtype=_DTYPE[kind]), bad


def _shown(cell: Any) -> str:
    return repr(cell.item() if isinstance(cell, np.generic) else cell)


def _text(cell: Any) -> str | None:
    # Beside a missing value, pandas turns the integers of a column into floats.
    text = str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)
    text.encode()  # a ValueError for what is left of a file name that is not UTF-8
    return text or None


def _integer(cell: Any) -> int:
    number = float(cell)
    if not number.is_integer() or abs(number) >= 2**53:
        raise ValueError
    return int(number)


def _list(cell: Any) -> list[float]:
    if isinstance(cell, str):
        raise TypeError
    if isinstance(cell, np.ndarray) and cell.ndim == 1 and cell.dtype.kind in "iuf":
        return list(cell.astype(np.float64).tolist())
    return [float(item) for item in cell]


_CELL: Mapping[str, Callable[[Any], Any]] = {"text": _text, "int": _integer, "float": float, "list": _list}


def _row_checks(table: pd.DataFrame, classes: int) -> Iterator[_Fault]:
    def fault(column: str, bad: Any, why: str) -> _Fault:
        return _Fault(column, np.asarray(bad, dtype=bool), table[column], f"{{}} {why}")

    yield fault("id", table["id"].isna(), "is empty")
    yield fault("id", table["id"].duplicated() & table["id"].notna(), "occurs a second time")
    outside = table["label"].isna() | (table["label"] < 0) | (table["label"] >= classes)
    yield fault("label", outside.fillna(True), f"is not one of 0 to {classes - 1}")
    for column in ("id", "path", "subject", "condition", "pair", "split", "mask_path"):
        yield fault(column, _matches(table[column], _CONTROL), "holds control characters")
    for column in ("path", "mask_path"):
        leaves = _matches(table[column], _MAY_LEAVE)
        leaves[leaves] = [not _stays_inside(path) for path in table[column][leaves]]
        yield fault(column, leaves, "leaves the dataset's root; use a relative path without '..'")
    weight = table["weight"].to_numpy(dtype=np.float64)
    yield fault("weight", ~np.isfinite(weight) | (weight < 0), "is not a number of 0 or more")
    no_target = table["target"].notna().to_numpy(dtype=bool, copy=True)
    no_target[no_target] = [not _is_target(shares, classes) for shares in table["target"][no_target]]
    yield fault("target", no_target, f"is not {classes} shares")
    twice = table["pair"].notna() & table.duplicated(["pair", "condition"])
    yield fault("pair", twice, "has two samples of the same condition")


def _matches(column: pd.Series, pattern: str) -> _Mask:
    """Where the text of a checked column has this (an expression of RE2)."""
    text = _arrow_text(column)
    found = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    return np.array(found.to_numpy(zero_copy_only=False), dtype=bool)


def _stays_inside(path: str) -> bool:
    if path.startswith(("/", "\\")) or PureWindowsPath(path).drive:
        return False
    return ".." not in PurePosixPath(path.replace("\\", "/")).parts


def _is_target(cell: list[float], classes: int) -> bool:
    return len(cell) == classes and min(cell) >= 0 and 0 < sum(cell) < float("inf")
