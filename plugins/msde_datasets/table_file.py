"""A table as people hand it over: CSV (comma, semicolon or tab; gzip too) or Parquet, with the place of each row."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from msde_datasets.bad_rows import BadRows
from msde_datasets.text_files import check_rows_are_lines
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import Manifest

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
MANIFEST = "manifest.parquet"
"""What the toolkit calls its own tables; in a folder it wins over other tables."""


@dataclass(frozen=True)
class TableFile:
    """What a file holds.

    Attributes:
        frame: columns in small letters, index 0..n-1; of a CSV, the toolkit's columns are text, empty where unknown.
        numbers: ``[n]`` line of each row (the header is line 1), or its row in Parquet (the first is 1).
        unit: "line" or "row".
        facts: what a manifest of the toolkit says of itself; empty for other files.
    """

    frame: pd.DataFrame
    numbers: npt.NDArray[np.int64]
    unit: str
    facts: Mapping[str, Any]

    def where(self, row: int) -> str:
        """As in "line 17"."""
        return f"{self.unit} {self.numbers[row]}"


def find_table(root: Path) -> Path:
    """The file: the root itself; or, in that folder, the toolkit's manifest or the only table.

    Raises:
        InputError: if it is no table, or the folder does not hold exactly one.
        DataError: if the folder may not be read.
    """
    if root.is_dir():
        try:
            there = sorted(root.iterdir())
        except OSError as error:
            message = f"{root}: cannot be listed ({error.strerror})."
            raise DataError(message) from error
        found = [path for path in there if path.name.lower().endswith(SUFFIXES) and path.is_file()]
        if (root / MANIFEST) in found:
            return root / MANIFEST
        if len(found) != 1:
            has = ", ".join(path.name for path in found[:5]) or "none"
            message = f"--root {root}: must hold one table ({', '.join(SUFFIXES)}); it has {has}. Give the file itself."
            raise InputError(message)
        return found[0]
    if not root.name.lower().endswith(SUFFIXES):
        message = f"--root {root}: is no table; its name must end in one of {', '.join(SUFFIXES)}."
        raise InputError(message)
    return root


def read_table(file: Path, bad: BadRows) -> TableFile:
    """All rows of a file; lines of a CSV with too many or too few cells are noted as bad, blank ones passed over.

    Raises:
        DataError: if the file cannot be read, has no rows, or two columns of one name.
    """
    table = _parquet(file) if file.name.lower().endswith(".parquet") else _csv(file, bad)
    names = [str(name).strip().lower() for name in table.frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        message = f"{file}: two columns are named {twice[0]!r}."
        raise DataError(message)
    frame = table.frame.set_axis(names, axis=1)
    frame = frame[[name for name in names if name]]  # an index that was written without a name says nothing
    return TableFile(frame, table.numbers, table.unit, table.facts)


def _parquet(file: Path) -> TableFile:
    try:
        table = pq.read_table(file)
        frame = table.to_pandas().reset_index(drop=True)
    except (OSError, pa.ArrowException) as error:
        message = f"{file}: cannot be read as Parquet ({type(error).__name__})."
        raise DataError(message) from error
    try:
        facts = json.loads((table.schema.metadata or {}).get(b"msde", b"{}"))
    except ValueError:
        facts = {}
    numbers = np.arange(1, len(frame) + 1)
    return TableFile(frame, numbers, "row", facts if isinstance(facts, dict) else {})


def _csv(file: Path, bad: BadRows) -> TableFile:
    content = _content(file)
    head, _, rest = content.partition(b"\n")
    try:
        header = head.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        message = f"{file}, line 1: is no UTF-8 text (byte {error.start})."
        raise DataError(message) from error
    if not header or not rest.strip():
        message = f"{file}: {'has a header but no rows' if header else 'its first line must name the columns'}."
        raise DataError(message)
    separator = max(",;\t", key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=separator, skipinitialspace=True))]
    wrong: list[int] = []

    def skip(row: Any) -> Literal["skip"]:
        wrong.append(int(row.number))
        bad.add(f"line {row.number}", f"{row.actual_columns} cells, expected {row.expected_columns}")
        return "skip"

    # The toolkit's columns stay text: subject 007 keeps its zeros, and subject NA (JAFFE's) is no missing value.
    ours = set(Manifest.from_frame(pd.DataFrame(), "").frame.columns)
    text = {name: pa.string() for name in names if name.lower() in ours}
    unique = [f"{name}\0{place}" if names.index(name) != place else name for place, name in enumerate(names)]
    try:
        table = pa_csv.read_csv(
            io.BytesIO(content),
            read_options=pa_csv.ReadOptions(use_threads=False, column_names=unique, skip_rows=1),
            parse_options=pa_csv.ParseOptions(
                delimiter=separator, invalid_row_handler=skip, ignore_empty_lines=len(names) == 1
            ),
            convert_options=pa_csv.ConvertOptions(column_types=text),
        )
    except pa.ArrowException as error:
        message = f"{file}: cannot be read as CSV ({str(error).splitlines()[0]})."
        raise DataError(message) from error
    rows = table.num_rows + len(wrong)
    if rows != len(rest.splitlines()):
        check_rows_are_lines(content.decode("utf-8-sig", "replace"), file, delimiter=separator)
    frame = table.to_pandas().set_axis(names, axis=1)
    numbers = np.setdiff1d(np.arange(2, 2 + rows), wrong)
    blank = (frame.isna() | (frame == "")).all(axis=1).to_numpy(dtype=bool)
    return TableFile(frame[~blank].reset_index(drop=True), numbers[~blank], "line", {})


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        message = f"{file}: cannot be read to its end ({error})."
        raise DataError(message) from error
