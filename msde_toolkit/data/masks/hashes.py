"""Hashes of a twin: with them anyone who has the set can prove that their twin is the same, and no face is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from msde_toolkit.data.masks.outcome import SKETCH, Drawn
from msde_toolkit.errors import DataError
from msde_toolkit.files import whole

HASHES = "hashes.csv"
COLUMNS = (
    *("id", "width", "height", "source_sha256", "masked_sha256", "alpha_sha256"),
    *("source_sketch", "masked_sketch", "made_by"),
)


@dataclass(frozen=True)
class Expected:
    """What a line of ``hashes.csv`` says of a sample; sketches are None where they are not given."""

    width: int
    height: int
    source: str
    masked: str
    alpha: str
    source_sketch: tuple[int, ...] | None
    masked_sketch: tuple[int, ...] | None


@dataclass(frozen=True)
class Hashes:
    """A file of hashes.

    Attributes:
        file: where it is.
        samples: by id of the unmasked sample.
        made_by: in words, how these masks were made; empty where the file does not say.
    """

    file: Path
    samples: Mapping[str, Expected]
    made_by: str


def how(facts: Mapping[str, Any]) -> str:
    """In words what a mask is made by: masker, options, seed, landmarks."""
    options = "".join(f", {key}={value}" for key, value in facts["options"].items())
    return f"{facts['mask']} {facts['masker']}{options}; seed {facts['seed']}; {facts['landmarker'] or 'no landmarker'}"


def write_hashes(file: Path, drawn: Mapping[str, Drawn], made_by: str) -> None:
    """Write a line for each masked sample, by the id of its source."""
    rows = [
        (sample, one.width, one.height, one.source, one.masked, one.alpha, *_sketches(one), made_by)
        for sample, one in drawn.items()
    ]
    with whole(file) as unfinished:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(unfinished, index=False)


def read_hashes(file: Path) -> Hashes:
    """Read what ``write_hashes`` wrote.

    Raises:
        DataError: naming the file and the line that is damaged.
    """
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeError, ValueError) as error:
        message = f"--check {file}: cannot be read as a CSV of hashes ({type(error).__name__})."
        raise DataError(message) from error
    missing = [column for column in COLUMNS[:6] if column not in table]
    if missing or table.empty:
        message = f"--check {file}: {'has no column ' + missing[0] if missing else 'holds no sample'}."
        raise DataError(message)
    samples = {}
    for line, row in enumerate(table.to_dict("records"), start=2):
        try:
            samples[str(row["id"])] = _expected(row)
        except ValueError as error:
            message = f"--check {file}, line {line}: is damaged ({error})."
            raise DataError(message) from error
    if len(samples) != len(table):
        message = f"--check {file}: names a sample twice."
        raise DataError(message)
    return Hashes(file, samples, "" if "made_by" not in table else str(table["made_by"].iloc[0]))


def _sketches(one: Drawn) -> tuple[str, str]:
    source, masked = (" ".join(map(str, numbers)) for numbers in (one.source_sketch, one.masked_sketch))
    return source, masked


def _expected(row: Mapping[Any, Any]) -> Expected:
    hashes = [str(row[column]).strip().lower() for column in COLUMNS[3:6]]
    for value in hashes:
        if len(value) != 64 or int(value, 16) < 0:
            message = f"{value!r} is no SHA-256"
            raise ValueError(message)
    sketches = [_numbers(str(row.get(column, ""))) for column in ("source_sketch", "masked_sketch")]
    return Expected(int(row["width"]), int(row["height"]), hashes[0], hashes[1], hashes[2], sketches[0], sketches[1])


def _numbers(cell: str) -> tuple[int, ...] | None:
    numbers = tuple(int(word) for word in cell.split())
    if numbers and len(numbers) != SKETCH:
        message = f"a sketch has {SKETCH} numbers, not {len(numbers)}"
        raise ValueError(message)
    return numbers or None
