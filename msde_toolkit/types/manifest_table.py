"""The table inside a manifest: its columns, the type of each, and what makes a row unusable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

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
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def checked(frame: pd.DataFrame, name: str, classes: int) -> pd.DataFrame:
    """A table with every column of ``COLUMNS``, in its type and checked; further columns follow as they are.

    Raises:
        DataError: as ``Manifest.from_frame``.
    """
    if frame.empty and frame.columns.empty:  # what a table of no rows looks like when rows name its columns
        frame = pd.DataFrame({"id": [], "label": []})
    _check_columns(frame, name)
    table = _typed(frame, name)
    _check_rows(table, name, classes)
    return table


def is_null(cell: Any) -> bool:
    """Whether a cell says that something is unknown."""
    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def _typed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    columns = {}
    for column, (kind, usual) in COLUMNS.items():
        default = name if column == "dataset" else usual
        if column in frame:
            columns[column] = _convert(frame[column], column, kind, default, name)
        else:
            columns[column] = pd.Series([default] * len(frame), dtype=_DTYPE[kind])
    table = pd.DataFrame(columns)
    extra = [column for column in frame.columns if column not in COLUMNS]
    source = frame.reset_index(drop=True)
    for column in extra:
        try:
            pa.Table.from_pandas(source[[column]], preserve_index=False)
        except (pa.ArrowException, UnicodeError) as error:
            message = f"{name}: column {column!r} cannot be stored; its cells must be of one type."
            raise DataError(message) from error
    return pd.concat([table, source[extra]], axis=1) if extra else table


def _check_columns(frame: pd.DataFrame, name: str) -> None:
    there = ", ".join(map(str, frame.columns))
    for column in ("id", "label"):
        if column not in frame:
            message = f"{name}: the manifest has no column {column!r} (it has {there})."
            raise DataError(message)
    if not frame.columns.is_unique or not all(isinstance(column, str) for column in frame.columns):
        message = f"{name}: the manifest's columns must have names, each its own (it has {there})."
        raise DataError(message)


def _convert(values: pd.Series, column: str, kind: str, default: Any, name: str) -> pd.Series:
    """A column in its type; what is null becomes the default. Text and lists stay Python objects, null is None."""
    known = values.notna()
    cells = []
    for row, (cell, there) in enumerate(zip(values, known, strict=True)):
        try:
            value = _CELL[kind](cell) if there else None
        except (TypeError, ValueError, OverflowError) as error:
            message = f"{name}, row {row + 1}: {column} is {_shown(cell)}, expected {_EXPECTED[kind]}."
            raise DataError(message) from error
        cells.append(default if value is None else value)
    column_of_kind: pd.Series = pd.Series(cells, dtype=_DTYPE[kind])
    return column_of_kind


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
    return [float(item) for item in cell]


_CELL: Mapping[str, Callable[[Any], Any]] = {"text": _text, "int": _integer, "float": float, "list": _list}


def _check_rows(table: pd.DataFrame, name: str, classes: int) -> None:
    def fail(bad: pd.Series, column: str, why: str) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad.to_numpy())[0])
            message = f"{name}, row {row + 1}: {column} {_shown(table[column].iat[row])} {why}."
            raise DataError(message)

    fail(table["id"].isna(), "id", "is empty")
    fail(table["id"].duplicated(), "id", "occurs a second time")
    outside = table["label"].isna() | (table["label"] < 0) | (table["label"] >= classes)
    fail(outside, "label", f"is not one of 0 to {classes - 1}")
    for column in ("id", "path", "subject", "condition", "pair", "split", "mask_path"):
        broken = [cell is not None and _CONTROL.search(cell) is not None for cell in table[column]]
        fail(pd.Series(broken, dtype=bool), column, "holds control characters")
    for column in ("path", "mask_path"):
        leaves = [cell is not None and not _stays_inside(cell) for cell in table[column]]
        fail(pd.Series(leaves, dtype=bool), column, "leaves the dataset's root; use a relative path without '..'")
    fail(~np.isfinite(table["weight"]) | (table["weight"] < 0), "weight", "is not a number of 0 or more")
    shares = [_is_target(cell, classes) for cell in table["target"]]
    fail(~pd.Series(shares, dtype=bool), "target", f"is not {classes} shares")
    paired = table[table["pair"].notna()]
    fail(
        table["pair"].notna() & paired.duplicated(["pair", "condition"]).reindex(table.index, fill_value=False),
        "pair",
        "has two samples of the same condition",
    )


def _stays_inside(path: str) -> bool:
    if path.startswith(("/", "\\")) or PureWindowsPath(path).drive:
        return False
    return ".." not in PurePosixPath(path.replace("\\", "/")).parts


def _is_target(cell: list[float] | None, classes: int) -> bool:
    if cell is None:
        return True
    return len(cell) == classes and min(cell) >= 0 and 0 < sum(cell) < float("inf")
