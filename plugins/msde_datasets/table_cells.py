"""The cells of a table as a manifest wants them, whatever program wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_datasets.expression_words import MASK_WORDS, SPLIT_WORDS, plain


def tidied(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with an ``id`` (the path where there is none).

    Text loses the spaces around it, paths have ``/``, known words for conditions and splits (``masked``,
    ``Training``) are the toolkit's, and lists written as text are lists of numbers.
    """
    frame = frame.assign(**{name: _text_alone(frame[name]) for name in frame.columns})
    for name in ("path", "mask_path"):
        if name in frame and pd.api.types.is_string_dtype(frame[name]):
            frame[name] = frame[name].str.replace("\\", "/", regex=False)
    if "id" not in frame:
        frame.insert(0, "id", frame["path"])
    for name, words in (("condition", MASK_WORDS), ("split", SPLIT_WORDS)):
        if name in frame:
            frame[name] = _in_our_words(frame[name], words)
    for name in ("box", "landmarks", "target", "votes"):
        if name in frame:
            frame[name] = pd.Series(map(listed, frame[name]), dtype=object)
    return frame


def of_codes(codes: npt.NDArray[np.int64], values: Sequence[Any]) -> pd.Series:
    """The value of each code (as of ``pandas.factorize``); None for -1, unknown."""
    cells = np.empty(len(values) + 1, dtype=object)
    cells[:-1] = values
    return pd.Series(cells[codes], dtype=object)


def listed(cell: Any) -> Any:
    """Numbers of a text (``[0.1, 0.9]``, ``3 4;5``); a text that is none stays, to be refused as what it is."""
    if not isinstance(cell, str):
        return cell
    try:
        return [float(number) for number in re.split(r"[\s,;]+", cell.strip("[]() ")) if number]
    except ValueError:
        return cell


def _text_alone(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.infer_dtype(column, skipna=True) != "string":
        return column
    text = column.astype("str").str.strip()
    return text.where(text.notna() & (text != ""), None)


def _in_our_words(column: pd.Series, words: Mapping[str, str]) -> pd.Series:
    codes, distinct = pd.factorize(column)
    return of_codes(codes, [words.get(plain(str(cell)), cell) for cell in distinct])
