"""Lists and tables as people leave them: with byte-order marks, Windows line ends, trailing spaces and blank lines."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msde_toolkit.errors import DataError

MOST_BYTES = 1 << 30


def read_lines(file: Path) -> list[tuple[int, str]]:
    """Lines that are not blank, stripped, with their numbers (the first is 1).

    Raises:
        DataError: if the file is missing, no text, or too large to be a list.
    """
    return [(number, line.strip()) for number, line in enumerate(_text(file).splitlines(), 1) if line.strip()]


def read_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV that are not blank, cells stripped, each with the number of its line.

    Raises:
        DataError: as ``read_lines``; or a quoted cell goes on over the next line.
    """
    text = _text(file)
    check_rows_are_lines(text, file, skipinitialspace=True)
    reader = csv.reader(text.splitlines(keepends=True), skipinitialspace=True)
    for number, row in enumerate(reader, 1):
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield number, cells


def check_rows_are_lines(text: str, file: Path, **form: Any) -> None:
    """That no quoted cell of a CSV goes on over the next line: a quote that is never closed swallows all rows below.

    Args:
        text: of the file.
        file: for the message.
        form: of the CSV, as ``csv.reader`` takes it.

    Raises:
        DataError: naming the line of the quote.
    """
    reader, number = csv.reader(text.splitlines(keepends=True), **form), 0
    try:
        while next(reader, None) is not None and reader.line_num == number + 1:
            number += 1
        if reader.line_num == number:
            return
    except csv.Error:  # a cell of 128 kB and more
        pass
    message = f"{file}, line {number + 1}: a quoted cell goes on over the next line. Close it, or join the lines."
    raise DataError(message)


def _text(file: Path) -> str:
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            message = f"{file}: {size} bytes are too many for a list."
            raise DataError(message)
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"{file}: cannot be read ({error.strerror})."
        raise DataError(message) from error
    except UnicodeDecodeError as error:
        message = f"{file}: is no UTF-8 text (byte {error.start})."
        raise DataError(message) from error
    if "\x00" in text:
        message = f"{file}: is no text (it holds zero bytes)."
        raise DataError(message)
    return text


def one_of(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The file (or folder) of one of these names, whatever the case of its letters; the first name wins.

    Raises:
        DataError: if the folder may not be read.
    """
    try:
        there = {name.lower(): folder / name for name in sorted(os.listdir(folder), reverse=True)}  # noqa: PTH208 (fast)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        message = f"{folder}: cannot be listed ({error.strerror})."
        raise DataError(message) from error
    return next((there[name.lower()] for name in names if name.lower() in there), None)
