"""The review list: what a human has to look at, with a small picture of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from msde_toolkit.data.faces.crop_files import mark_of, remove_ours, save_png
from msde_toolkit.data.faces.decide import Decided
from msde_toolkit.data.faces.outcome import Outcome
from msde_toolkit.data.faces.overrides import Choice
from msde_toolkit.data.faces.thumbnails import thumbnail
from msde_toolkit.data.image_cache import Progress, read_each
from msde_toolkit.errors import DataError
from msde_toolkit.files import whole
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import Manifest

REVIEW, THUMBNAILS = "review.csv", "review"


def write_review(
    folder: Path,
    dataset: Dataset,
    decided: Decided,
    outcomes: Mapping[str, Outcome],
    choices: Mapping[str, Choice],
    names: Mapping[str, str],
    progress: Progress,
) -> None:
    """Write ``review.csv`` and the thumbnails of its photos.

    A sample with a choice stays in the list with it, so that the list can be given back again and again.
    """
    photos = decided.manifest
    listed = photos.take(photos.frame["id"].isin(list(decided.reasons)).to_numpy(dtype=bool))
    pictures: dict[str, str] = {}
    for row, sample in enumerate(listed.ids):
        outcome = outcomes.get(sample, Outcome())
        if outcome.size != (0, 0):
            path = f"{THUMBNAILS}/{names[sample]}.png"
            if _draw(folder / path, dataset, listed.take([row]), outcome, decided.reasons[sample]):
                pictures[sample] = path
        progress(row + 1, len(listed))
    frame = listed.frame
    table = pd.DataFrame(
        {
            "id": frame["id"],
            "path": frame["path"],
            "condition": frame["condition"],
            "class": [photos.classes[label] for label in listed.labels],
            "subject": frame["subject"],
            "reason": [decided.reasons[sample] for sample in listed.ids],
            "faces": [len(outcomes.get(sample, Outcome()).faces) for sample in listed.ids],
            "thumbnail": [pictures.get(sample, "") for sample in listed.ids],
            "choice": [choices[sample].text if sample in choices else "" for sample in listed.ids],
        }
    )
    with whole(folder / REVIEW) as partial:
        table.to_csv(partial, index=False)
    for file in sorted((folder / THUMBNAILS).glob("*.png")):
        if f"{THUMBNAILS}/{file.name}" not in pictures.values():
            remove_ours(file)


def _draw(file: Path, dataset: Dataset, row: Manifest, outcome: Outcome, reason: str) -> bool:
    """Whether the thumbnail is there; one of the same photo with the same faces is not drawn again."""
    caption = f"{row.ids[0]}: {reason}. Numbers at the edges: pixels of the photo."
    shown = [outcome.photo, [face.eyes.tolist() for face in outcome.faces], caption]
    mark = hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]
    if mark_of(file) == mark:
        return True
    (photo,) = read_each(dataset, row)
    if isinstance(photo, DataError):
        return False
    save_png(np.asarray(thumbnail(photo, outcome.faces, caption)), file, mark)
    return True
