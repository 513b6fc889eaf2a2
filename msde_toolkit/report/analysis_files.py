"""The files of an analysis, read as a stranger's: nothing unpickled, no way out of the folder, sizes bounded."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msde_toolkit.errors import InputError
from msde_toolkit.results.run_store import read_json

RESULT = "result.json"
LARGEST_JSON = 20_000_000
LARGEST_CSV = 60_000_000
LARGEST_PNG = 20_000_000
LARGEST_PIXELS = 60_000_000
LARGEST_ARRAYS = 400_000_000
"""Bytes of a .npz once unpacked."""

NAMES = dict.fromkeys(("id", "run", "subject", "fold", "pair"), str)
"""Columns that are words even where they look like numbers."""

FileName = Annotated[str, Field(pattern=r"^[\w][\w .+=,-]*$", max_length=200)]
"""A file directly inside the folder: no separator, nothing hidden."""


class _Entries(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SectionEntry(_Entries):
    """A heading with text."""

    title: str
    text: str


class GalleryEntry(_Entries):
    """``types.Gallery`` as JSON has it."""

    kind: Literal["gallery"]
    title: str
    run: str
    entries: list[list[str]]
    captions: dict[str, str] = {}
    maps: str = ""
    note: str = ""


class ScatterEntry(_Entries):
    """``types.Scatter`` as JSON has it."""

    kind: Literal["scatter"]
    title: str
    run: str
    table: str
    x: str
    y: str
    colour: str
    marker: str = ""
    hover: list[str] = []
    note: str = ""


class ResultEntries(_Entries):
    """Of ``result.json``. ``faces`` is None where an older version did not say which figures show whom."""

    analysis: str
    runs: list[str]
    synthetic: bool = False
    options: dict[str, Any] = {}
    tables: list[FileName] = []
    figures: list[FileName] = []
    sections: list[SectionEntry] = []
    views: list[Annotated[GalleryEntry | ScatterEntry, Field(discriminator="kind")]] = []
    faces: dict[str, list[str]] | None = None


class AnalysisFolder:
    """The folder that an analysis wrote.

    Raises:
        InputError: if its ``result.json`` is missing, too large or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        document = read_json(self._file(RESULT, LARGEST_JSON))
        try:
            self.result = ResultEntries.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            message = f"{folder / RESULT}: entry {where!r}: {first['msg']}."
            raise InputError(message) from error

    def table(self, name: str) -> pd.DataFrame:
        """A CSV by its file's name.

        Raises:
            InputError: missing, too large, or not a table.
        """
        file = self._file(name, LARGEST_CSV)
        try:
            return pd.read_csv(file, low_memory=False, dtype=NAMES)
        except (OSError, ValueError) as error:
            message = f"{file}: cannot be read as a table ({type(error).__name__})."
            raise InputError(message) from error

    def figure(self, name: str) -> Image.Image:
        """A PNG by its file's name, decoded.

        Raises:
            InputError: missing, too large, or not a PNG.
        """
        file = self._file(name, LARGEST_PNG)
        try:
            with Image.open(file, formats=["PNG"]) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    message = f"{file}: {image.width} x {image.height} pixels are too many."
                    raise InputError(message)
                return image.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            message = f"{file}: cannot be read as a PNG ({type(error).__name__})."
            raise InputError(message) from error

    def maps(self, name: str) -> dict[str, npt.NDArray[np.float32]]:
        """Sample id to its map ``[h, w]``, from ``ids`` and ``maps`` of a .npz.

        Raises:
            InputError: missing, too large when unpacked, or of another form.
        """
        file = self._file(f"{name}.npz", LARGEST_ARRAYS)
        try:
            with zipfile.ZipFile(file) as packed:
                if sum(entry.file_size for entry in packed.infolist()) > LARGEST_ARRAYS:
                    message = f"{file}: too large when unpacked."
                    raise InputError(message)
            with np.load(file, allow_pickle=False) as arrays:
                ids, maps = arrays["ids"], np.asarray(arrays["maps"], dtype=np.float32)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            message = f"{file}: holds no ids and maps that can be read ({type(error).__name__})."
            raise InputError(message) from error
        if maps.ndim != 3 or len(ids) != len(maps) or not 0 < maps[0:1].size < 10**7:
            message = f"{file}: maps must be [n, h, w], one for each of {len(ids)} ids, but are {list(maps.shape)}."
            raise InputError(message)
        return {str(sample): one for sample, one in zip(ids, maps, strict=True)}

    def _file(self, name: str, most: int) -> Path:
        file = self.folder / name
        try:
            inside = file.resolve().parent == self.folder.resolve() and file.is_file()
            size = file.stat().st_size if inside else 0
        except (OSError, ValueError) as error:
            message = f"{self.folder}: {name!r} cannot be read."
            raise InputError(message) from error
        if not inside:
            message = f"{self.folder}: there is no file {name!r} in it."
            raise InputError(message)
        if size > most:
            message = f"{file}: {size:,} bytes are too many for a report (at most {most:,})."
            raise InputError(message)
        return file
