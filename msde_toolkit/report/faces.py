"""The faces in a report: small pictures, each once, and only those that may be shown to others."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from msde_toolkit.errors import MsdeError
from msde_toolkit.results.open_run import OpenRun

SIDE = 96
"""Longer side of a thumbnail at most, pixels."""
BUDGET = 5_000_000
"""Characters of all faces of a report together; those that come later are left out, and the report says so."""

WITHHELD = "face not shown: no consent to publish it"
ABSENT = "face not shown: it could not be read"
LEFT_OUT = "face not shown: left out to keep the report small"


class Faces:
    """One dictionary of thumbnails for all galleries and points of a report.

    Runs on the same pixels share theirs.

    Attributes:
        shown: how many faces are in the file.
        withheld: how many were asked for that nobody agreed to publish.
        left_out: how many the budget left out.
        problems: why images could not be read, in words.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._uris: list[str] = []
        self._places: dict[tuple[str, str], int | str] = {}
        self.problems: list[str] = []

    @property
    def uris(self) -> list[str]:
        """Data URI of each face, in the order of the numbers that ``places`` gives."""
        return list(self._uris)

    @property
    def shown(self) -> int:
        """Number of faces in the file."""
        return len(self._uris)

    @property
    def withheld(self) -> int:
        """Number of faces that were asked for and may not be shown."""
        return sum(place == WITHHELD for place in self._places.values())

    @property
    def left_out(self) -> int:
        """Number of faces that the budget left out."""
        return sum(place == LEFT_OUT for place in self._places.values())

    def places(self, run: OpenRun, ids: Sequence[str]) -> list[int | str]:
        """Where each sample's face stands in ``uris``, or why it is not shown.

        Raises:
            DataError: if an id is not in the run's manifest.
        """
        allowed = run.manifest.publishable()[run.manifest.rows_of(ids)]
        key = run.pixels_sha256 or run.name
        wanted = [sample for sample, may in zip(ids, allowed, strict=True) if may and (key, sample) not in self._places]
        for sample, may in zip(ids, allowed, strict=True):
            if not may:
                self._places.setdefault((key, sample), WITHHELD)
        if wanted:
            self._add(run, key, list(dict.fromkeys(wanted)))
        return [self._places[key, sample] for sample in ids]

    def _add(self, run: OpenRun, key: str, ids: Sequence[str]) -> None:
        try:
            images: Any = run.images(ids)
        except (MsdeError, OSError) as error:
            self.problems.append(f"{run.name}: its faces cannot be read: {error}")
            self._places.update({(key, sample): ABSENT for sample in ids})
            return
        for sample, pixels in zip(ids, images, strict=True):
            uri = thumbnail(Image.fromarray(pixels))
            if len(uri) > self._left:
                self._places[key, sample] = LEFT_OUT
                continue
            self._left -= len(uri)
            self._places[key, sample] = len(self._uris)
            self._uris.append(uri)


def thumbnail(image: Image.Image, side: int = SIDE, quality: int = 72) -> str:
    """The image as a WebP data URI, at most ``side`` pixels wide and high."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
