"""The manifest of a masked twin: both halves of each pair, with all that is known of the face and of the mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from msde_toolkit.data.masks.outcome import Drawn, Unmasked
from msde_toolkit.data.masks.paint import ALPHA, FACES, MASKED, picture
from msde_toolkit.data.subject_rows import MASKED as MASKED_SET
from msde_toolkit.errors import DataError
from msde_toolkit.types import LeftOut, M, Manifest


def suffix(mask: str) -> str:
    """What a masked sample's id has after that of its source."""
    return f"-{mask}"


def check_ids(sources: Manifest, mask: str) -> None:
    """Whether masked samples can have ids of their own.

    Raises:
        DataError: naming an id that is taken.
    """
    ids = set(sources.ids)
    taken = next((sample for sample in sources.ids if sample + suffix(mask) in ids), None)
    if taken is not None:
        message = f"{sources.name}: the masked copy of sample {taken} would be {taken}{suffix(mask)}, which is there."
        raise DataError(message)


def twin_manifest(
    sources: Manifest, drawn: Mapping[str, Drawn], names: Mapping[str, str], mask: str, *, root: Path
) -> Manifest:
    """Each unmasked sample that was masked, followed by its masked copy; ``pairing`` is "overlay".

    Args:
        sources: unmasked samples that a mask was looked for.
        drawn: those that have one, by id.
        names: of their pictures, by id.
        mask: the masker's name.
        root: the twin's folder.

    Raises:
        DataError: the masker gives one parameter in values of several types.
    """
    frame = sources.frame[sources.frame["id"].isin(list(drawn))]
    ids = list(frame["id"])
    first = frame.assign(
        path=[picture(FACES, names[sample]) for sample in ids],
        source=frame["source"].where(frame["source"].notna(), frame["path"].where(frame["path"] != "", None)),
        pair=frame["pair"].where(frame["pair"].notna(), frame["id"]),
        pairing="overlay",
        mask_path=None,
    )
    parameters = _columns([drawn[sample].parameters for sample in ids], frame.index)
    second = first.assign(
        id=[sample + suffix(mask) for sample in ids],
        condition=M,
        path=[picture(MASKED, names[sample]) for sample in ids],
        mask_path=[picture(ALPHA, names[sample]) for sample in ids],
        **parameters,
    )
    twin = replace(sources, name=MASKED_SET + sources.name, root=root)
    return twin.with_frame(pd.concat([first, second]).sort_index(kind="stable"))


def records_of(sources: Manifest, lost: Mapping[str, Unmasked]) -> list[LeftOut]:
    """What the manifest keeps of samples that could not be masked, in the set's order."""
    return sources.records(
        {sample: f"not masked: {one.reason}" for sample, one in lost.items()},
        lambda sample: "unreadable" if lost[sample].why == "unreadable" else "crop_failures",
    )


def _columns(parameters: Sequence[Mapping[str, Any]], index: Any) -> dict[str, pd.Series]:
    """A column ``mask_KEY`` for each parameter, null where a mask has none of the name."""
    keys = dict.fromkeys(key for one in parameters for key in one)
    columns = {}
    for key in keys:
        cells = [one.get(key) for one in parameters]
        numbers = all(cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in cells)
        columns[f"mask_{key}"] = pd.Series(cells, index=index, dtype="float64" if numbers else "object")
    return columns
