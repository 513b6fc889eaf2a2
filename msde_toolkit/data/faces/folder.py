"""The folder that ``msde data faces`` writes: crops, their manifest, and what has to be looked at by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from msde_toolkit.data.faces.crop_files import CropFiles
from msde_toolkit.data.faces.crops import EYES, FILE, Cutting, FaceCrops, at_their_places, faces_manifest
from msde_toolkit.data.faces.decide import Decided, check_readable, check_some_are_left, decide
from msde_toolkit.data.faces.file_names import file_names
from msde_toolkit.data.faces.outcome import Outcome
from msde_toolkit.data.faces.overrides import Choice, check_none_is_lost, read_choices
from msde_toolkit.data.faces.recipe import Recipe, scale_of, share_inside
from msde_toolkit.data.faces.review import REVIEW, write_review
from msde_toolkit.data.faces.search import Finder, Search
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.errors import InputError
from msde_toolkit.files import whole
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import Manifest

SCHEMA = 1
FACTS, FAILURES = "faces.json", "failures.csv"
ENLARGED = 1.01
"""Pixels of the crop for one of the photo, above which a crop is counted as enlarged."""
MOSTLY_THERE = 0.95
"""A crop of which less shows the photo is counted: the rest is a smear of the photo's edge."""


@dataclass(frozen=True)
class CutFaces:
    """What was cut.

    Attributes:
        manifest: of the crops, its root the folder.
        decided: of every sample what became of it.
        folder: where everything is.
        eye_distances: ``[n]`` pixels between the eyes in the photo, of each crop.
        upscaled: crops that have more pixels than the photo has of the face.
        beyond_edge: crops of which more than a twentieth lies beyond the photo's edge.
    """

    manifest: Manifest
    decided: Decided
    folder: Path
    eye_distances: tuple[float, ...]
    upscaled: int
    beyond_edge: int


def cut_faces(
    dataset: Dataset,
    photos: Manifest,
    finder: Finder,
    out: Path,
    *,
    recipe: Recipe | None = None,
    overrides: Path | None = None,
    skip_unreadable: bool = True,
    progress: Callable[[str], Progress] | None = None,
) -> CutFaces:
    """Find the face in every photo, cut it by the recipe, and write crops, manifest, review list and failure table.

    Photos with no face or with several are not guessed at: they stand in ``review.csv`` with a thumbnail, and their
    samples, with the other images of their pairs, are left out until ``overrides`` says which face is meant.

    Args:
        dataset: reads the photos.
        photos: the samples.
        finder: finds the faces.
        out: a folder that is empty, or was written by this function for the same dataset; what has not changed since
            is not done again.
        recipe: how a face is cut.
        overrides: a review list whose column ``choice`` was filled in.
        skip_unreadable: photos that cannot be decoded are left out; else they are an error.
        progress: gives, for the name of a stage, what is told of its progress.

    Raises:
        InputError: the folder holds something else; an override that does not fit, by its line; choices in the
            folder's review list that were not given back.
        DataError: a photo that cannot be decoded, if that is an error; or there is not a single face. The review
            list is written all the same.
    """
    recipe = recipe or Recipe()
    stage = progress or (lambda _name: lambda _done, _all: None)
    _check_folder(out, photos)
    known = frozenset(photos.ids)
    choices = {} if overrides is None else read_choices(overrides, known)
    check_none_is_lost(out / REVIEW, choices, known)
    outcomes = _searched(dataset, photos, finder, choices, stage("Looking for faces"))
    if not skip_unreadable:
        check_readable(outcomes)
    decided = decide(photos, outcomes, choices)
    _write_facts(out, photos, finder, recipe)
    names = file_names(photos.ids)
    write_review(out, dataset, decided, outcomes, choices, names, stage("Drawing thumbnails"))
    with whole(out / FAILURES) as partial_file:
        decided.failures().to_csv(partial_file, index=False)
    check_some_are_left(decided, f"\nSee {out / REVIEW}; another --landmarker, or one of its options, may find more.")
    faces = faces_manifest(decided, recipe, str(finder))
    photo_of = {sample: outcomes[sample].photo for sample in faces.ids}
    files = CropFiles(out, FaceCrops(dataset, Cutting(recipe)), photo_of)
    manifest = _cut(files, faces, names, stage("Cutting faces"))
    return CutFaces(manifest, decided, out, **_measured(faces, outcomes, recipe))


def _searched(
    dataset: Dataset, photos: Manifest, finder: Finder, choices: Mapping[str, Choice], progress: Progress
) -> dict[str, Outcome]:
    """Every photo's outcome, but of those that are left out by hand."""
    dropped = [sample for sample, choice in choices.items() if choice.kind == "drop"]
    wanted = photos.take(~photos.frame["id"].isin(dropped).to_numpy(dtype=bool))
    hints = {sample: choice.hint for sample, choice in choices.items() if choice.hint is not None}
    return Search(dataset, finder, hints).run(wanted, progress)


def _cut(files: CropFiles, faces: Manifest, names: Mapping[str, str], progress: Progress) -> Manifest:
    """Crops as files, those first that are missing; the manifest last, and only while all its crops are there."""
    place = files.folder / FILE
    missing = files.missing(faces, names)
    if len(missing):
        # Between the first new crop and the last, an old manifest would speak of crops that are no longer there.
        place.unlink(missing_ok=True)
        files.write(missing, names, partial(_offset, progress, len(faces) - len(missing), len(faces)))
    manifest = at_their_places(faces, files.folder, *files.paths(faces, names))
    with whole(place) as partial_file:
        manifest.save(partial_file)
    files.remove_others(manifest)
    return manifest


def _offset(progress: Progress, before: int, total: int, done: int, _all: int) -> None:
    progress(before + done, total)


def _check_folder(out: Path, photos: Manifest) -> None:
    root = None if photos.root is None else photos.root.resolve()
    if root is not None and root.is_dir() and out.resolve().is_relative_to(root):
        message = f"--out {out}: lies in the photos' folder, where its crops would be taken for photos. Choose another."
        raise InputError(message)
    if not out.exists():
        return
    if not out.is_dir():
        message = f"--out {out}: is no folder."
        raise InputError(message)
    if not any(out.iterdir()):
        return
    try:
        before = json.loads((out / FACTS).read_text(encoding="utf-8"))["dataset"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"--out {out}: is not empty, and not of this command. Choose a new folder."
        raise InputError(message) from error
    if before != photos.name:
        message = f"--out {out}: holds faces of {before}, not of {photos.name}. Choose another folder."
        raise InputError(message)


def _write_facts(out: Path, photos: Manifest, finder: Finder, recipe: Recipe) -> None:
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "dataset": photos.name,
        "recipe": str(recipe),
        "landmarker": finder.as_dict(),
        "msde-toolkit": version("msde-toolkit"),
    }
    out.mkdir(parents=True, exist_ok=True)
    with whole(out / FACTS) as partial_file:
        partial_file.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _measured(faces: Manifest, outcomes: Mapping[str, Outcome], recipe: Recipe) -> dict[str, Any]:
    eyes = [np.asarray(cell).reshape(2, 2) for cell in faces.frame[EYES]]
    matrices = [recipe.to_crop(pair) for pair in eyes]
    sizes = [outcomes[sample].size for sample in faces.ids]
    shares = [share_inside(matrix, recipe.size, size) for matrix, size in zip(matrices, sizes, strict=True)]
    return {
        "eye_distances": tuple(float(np.hypot(*(pair[1] - pair[0]))) for pair in eyes),
        "upscaled": sum(scale_of(matrix) > ENLARGED for matrix in matrices),
        "beyond_edge": sum(share < MOSTLY_THERE for share in shares),
    }
