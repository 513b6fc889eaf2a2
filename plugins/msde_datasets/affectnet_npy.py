"""AffectNet as given out since 2021: train_set and val_set, each with images and a few arrays an image."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_datasets.affectnet_csv import POINTS
from msde_datasets.affectnet_labels import NAMES, TO_OURS, left_out, parse_expression
from msde_datasets.bad_rows import BadRows
from msde_datasets.image_listing import ImageListing

IMAGES, ANNOTATIONS = "images", "annotations"
EXPRESSION, LANDMARKS = "_exp.npy", "_lnd.npy"
LONGEST = 1 << 16


def read_split(folder: Path, split: str, *, landmarks: bool, skip: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The samples of one folder, by number, and notes on it.

    Args:
        folder: ``train_set`` or ``val_set``.
        split: the name of its split.
        landmarks: fill in the 68 points of ``N_lnd.npy``.
        skip: leave out images that cannot be used.

    Returns:
        columns ``id, path`` (relative to the folder above), ``label`` (of eight), ``split`` and, if asked for,
        ``landmarks``.

    Raises:
        DataError: naming the file: an image without annotation or the other way round, an array that holds something
            else (unless ``skip``), or no image is left.
    """
    images, arrays = ImageListing(folder), _Arrays.of(folder)
    samples = {Path(name).stem: name for name in images.names(IMAGES)}
    bad, rows, expressions = BadRows(str(folder)), list[dict[str, Any]](), list[int]()
    for number in sorted(samples.keys() | arrays.annotated, key=_by_number):
        try:
            path = images.find(samples.get(number, f"{number}.jpg"), IMAGES)
            expression = arrays.expression(number)
            if expression < len(NAMES):
                row = {"id": f"affectnet-{split}-{number}", "path": f"{folder.name}/{path}", "split": split}
                row["label"] = TO_OURS[expression]
                rows.append(row | ({"landmarks": arrays.landmarks(number)} if landmarks else {}))
        except (ValueError, OSError) as error:
            bad.add(f"sample {number}", str(error))
            continue
        expressions.append(expression)
    notes = bad.settle(len(rows), skip=skip)
    return pd.DataFrame(rows), (*notes, *left_out(np.array(expressions, dtype=np.int64), folder.name))


@dataclass
class _Arrays:
    """The arrays beside the images. Those of one kind begin with the same bytes, which are understood once."""

    folder: Path
    names: dict[str, str]
    headers: dict[bytes, np.dtype[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> _Arrays:
        listing = ImageListing(folder)
        return cls(folder, {name.lower(): name for name in listing.names(ANNOTATIONS)})

    @property
    def annotated(self) -> set[str]:
        """The numbers that have an expression."""
        return {name.removesuffix(EXPRESSION) for name in self.names if name.endswith(EXPRESSION)}

    def expression(self, number: str) -> int:
        """0 to 10; a number or, as given out, text."""
        return parse_expression(_word(self._values(number + EXPRESSION)))

    def landmarks(self, number: str) -> list[float]:
        values = self._values(number + LANDMARKS)
        if values.dtype.kind not in "fiu" or values.size != 2 * POINTS or not np.isfinite(values).all():
            message = f"{ANNOTATIONS}/{number}{LANDMARKS} is no array of {2 * POINTS} numbers"
            raise ValueError(message)
        points: list[float] = values.astype(np.float64).ravel().tolist()
        return points

    def _values(self, name: str) -> npt.NDArray[Any]:
        real = self.names.get(name.lower())
        if real is None:
            message = f"no {ANNOTATIONS}/{name}"
            raise ValueError(message)
        with (self.folder / ANNOTATIONS / real).open("rb") as file:
            raw = file.read(LONGEST)
        try:
            return self._understood(raw)
        except (ValueError, TypeError, SyntaxError, EOFError):
            message = f"{ANNOTATIONS}/{real} is no NumPy array, or not a whole one"
            raise ValueError(message) from None

    def _understood(self, raw: bytes) -> npt.NDArray[Any]:
        header = raw[: 10 + int.from_bytes(raw[8:10], "little")]
        if header not in self.headers:
            self.headers[header] = np.load(io.BytesIO(raw), allow_pickle=False).dtype
        return np.frombuffer(raw, dtype=self.headers[header], offset=len(header))


def _word(values: npt.NDArray[Any]) -> str:
    if values.size != 1:
        return f"array of {values.size}"
    value = values.reshape(-1)[0]
    number = values.dtype.kind == "f" and float(value).is_integer()
    return str(int(value) if number else value).strip()


def _by_number(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name)
