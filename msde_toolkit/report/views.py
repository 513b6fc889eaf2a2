"""Galleries and maps of points of an analysis, as the page's script draws them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.errors import InputError
from msde_toolkit.figures import MARKERS
from msde_toolkit.randomness import generator
from msde_toolkit.report.analysis_files import AnalysisFolder, GalleryEntry, ScatterEntry
from msde_toolkit.report.faces import WITHHELD, Faces
from msde_toolkit.results.open_run import OpenRun

LARGEST_MAP = 28
"""Side of a map in the page at most; finer ones are averaged down."""
MOST_ENTRIES = 60
MOST_POINTS = 3000
MOST_WORDS = 24
"""So many different words get a colour (or marker) of their own; more are too many to tell apart."""


def gallery(view: GalleryEntry, folder: AnalysisFolder, run: OpenRun, faces: Faces) -> dict[str, Any]:
    """A gallery: rows of cells, each with its face (or why it is not shown), caption and map.

    A row without any face that may be shown is counted, not drawn.

    Raises:
        InputError: if its maps cannot be read.
        DataError: if it names a sample that the run lacks.
    """
    rows = [row for row in view.entries if row][:MOST_ENTRIES]
    ids = [sample for row in rows for sample in row]
    placed = dict(zip(ids, faces.places(run, ids), strict=True))
    seen = [row for row in rows if any(placed[sample] != WITHHELD for sample in row)]
    maps = folder.maps(view.maps) if view.maps else {}
    cells = [
        [
            {"id": sample, "face": placed[sample], "caption": view.captions.get(sample, ""), **_map(maps.get(sample))}
            for sample in row
        ]
        for row in seen
    ]
    cut = "" if len(rows) == len(view.entries) else f" The first {len(rows)} of {len(view.entries)} are shown."
    cut += "" if len(seen) == len(rows) else f" Without consent to publish them, so not shown: {len(rows) - len(seen)}."
    return {
        "kind": "gallery",
        "title": view.title,
        "note": f"{view.note}{cut}",
        "maps": bool(maps and seen),
        "rows": cells,
        "synthetic": run.synthetic,
    }


def _map(raw: npt.NDArray[np.float32] | None) -> dict[str, Any]:
    """A map in 256 steps of its own maximum, as base64; nothing for a sample without one."""
    if raw is None or not raw.size:
        return {}
    values = np.nan_to_num(np.maximum(raw, 0), posinf=0.0)
    fy, fx = (-(-side // LARGEST_MAP) for side in values.shape)
    height, width = values.shape[0] // fy, values.shape[1] // fx
    values = values[: height * fy, : width * fx].reshape(height, fy, width, fx).mean(axis=(1, 3))
    most = float(values.max())
    steps = np.rint(255 * values / most) if most > 0 else np.zeros_like(values)
    return {"map": base64.b64encode(steps.astype(np.uint8).tobytes()).decode(), "w": width, "h": height}


def scatter(view: ScatterEntry, folder: AnalysisFolder, run: OpenRun, faces: Faces) -> dict[str, Any]:
    """A map of points with what is told of each, and its face.

    Raises:
        InputError: if its table lacks a column, or no row is of the run.
        DataError: if it names a sample that the run lacks.
    """
    table = folder.table(f"{view.table}.csv")
    wanted = ["id", view.x, view.y, view.colour, *([view.marker] if view.marker else []), *view.hover]
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        message = f"{folder.folder}: {view.table}.csv has no column {missing[0]!r}."
        raise InputError(message)
    if "run" in table.columns:
        table = table[table["run"] == run.name]
    for axis in (view.x, view.y):
        table = table.assign(**{axis: pd.to_numeric(table[axis], errors="coerce")})
    table = table[np.isfinite(table[view.x]) & np.isfinite(table[view.y])]
    if table.empty:
        message = f"{folder.folder}: {view.table}.csv holds no point of run {run.name}."
        raise InputError(message)
    whole = len(table)
    if whole > MOST_POINTS:
        kept = generator(0, "report", view.title).permutation(whole)[:MOST_POINTS]
        table = table.iloc[np.sort(kept)]
    colours, colour = _words(table[view.colour])
    markers, marker = _words(table[view.marker] if view.marker else pd.Series([""] * len(table)))
    cut = "" if whole == len(table) else f" {len(table):,} of {whole:,} points, drawn at random, are shown."
    hover = [column for column in dict.fromkeys(view.hover) if column not in {"id", view.colour, view.marker}]
    return {
        "kind": "scatter",
        "title": view.title,
        "note": f"{view.note}{cut}",
        "synthetic": run.synthetic,
        "x": _scaled(table[view.x]),
        "y": _scaled(table[view.y]),
        "ids": [str(sample) for sample in table["id"]],
        "faces": faces.places(run, [str(sample) for sample in table["id"]]),
        "colour": {"name": view.colour, "words": colours, "of": colour},
        "marker": {"name": view.marker, "words": markers[: len(MARKERS)], "of": [m % len(MARKERS) for m in marker]},
        "hover": [{"name": column, "values": [_told(value) for value in table[column]]} for column in hover],
    }


def _words(column: pd.Series) -> tuple[list[str], list[int]]:
    """Words in order of their frequency's place (alphabetical), the rarest beyond ``MOST_WORDS`` as "other"."""
    texts = [_told(value) for value in column]
    counts = pd.Series(texts).value_counts()
    kept = sorted(counts.index[:MOST_WORDS])
    words = [*kept, "other"] if len(counts) > MOST_WORDS else kept
    place: Mapping[str, int] = {word: index for index, word in enumerate(kept)}
    return words, [place.get(text, len(kept)) for text in texts]


def _scaled(values: pd.Series) -> list[float]:
    """In thousandths of the range: a screen shows no more."""
    numbers = values.to_numpy(dtype=float)
    low, high = float(numbers.min()), float(numbers.max())
    return [round(v, 3) for v in ((numbers - low) / ((high - low) or 1)).tolist()]


def _told(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.4g}"
    return str(value)[:120]
