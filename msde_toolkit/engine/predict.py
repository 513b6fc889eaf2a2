"""What a finished run's models say of a photo or two, cut like the run's faces; nothing of the photos is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from msde_toolkit import figures
from msde_toolkit.cams import cam_target, raw_maps
from msde_toolkit.data.faces import Cutting, Finder
from msde_toolkit.data.faces.cut import cut
from msde_toolkit.data.faces.file_names import file_names
from msde_toolkit.data.faces.outcome import rounded
from msde_toolkit.data.faces.prepared import recipes_in
from msde_toolkit.data.image_cache import squash
from msde_toolkit.engine.face_recipe import check_recipe, recipe_of
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.files import whole, written_to
from msde_toolkit.interfaces import Hint, Image, Model
from msde_toolkit.interfaces.dataset import decode
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import check_writable
from msde_toolkit.types import Manifest

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
TABLE = "predictions.csv"
DRAWINGS = "trained on drawings"
SMALLEST = 16
"""Pixels along a side, below which an image cannot show a face's expression."""
BATCH = 32


@dataclass(frozen=True)
class Prediction:
    """What is said of one image.

    Attributes:
        image: the file, as it was given.
        problem: why nothing can be said; empty otherwise.
        probabilities: ``[C]``: each model's softmax, then the mean over the models.
        spread: ``[C]`` standard deviation over the models.
        low: ``[C]`` the least that a model gives.
        high: ``[C]`` the most.
        predicted: class of the highest mean probability.
        agreeing: how many models' own answer that is.
        overlay: the picture with the map, where one was written.
    """

    image: str
    problem: str = ""
    probabilities: npt.NDArray[np.float64] | None = None
    spread: npt.NDArray[np.float64] | None = None
    low: npt.NDArray[np.float64] | None = None
    high: npt.NDArray[np.float64] | None = None
    predicted: int = -1
    agreeing: int = 0
    overlay: Path | None = None


@dataclass(frozen=True)
class Predictions:
    """What a run says of images.

    Attributes:
        run: which.
        images: one a file, in the order given.
        models: how many models were asked (folds x repeats).
        notes: what a reader must know.
        table: the CSV, where one was written.
    """

    run: OpenRun
    images: tuple[Prediction, ...]
    models: int
    notes: tuple[str, ...]
    table: Path | None = None


def predict(
    run: OpenRun,
    files: Sequence[Path],
    *,
    faces: str | None = None,
    set_faces: Mapping[str, Any] | None = None,
    cam: bool = False,
    out: Path | None = None,
    allow_synthetic: bool = False,
) -> Predictions:
    """Ask all models of a run, of every fold and repeat.

    Args:
        run: finished.
        files: images, or folders of images.
        faces: the landmarker that finds the face, which is then cut by the run's recipe; without one, each image is
            taken as a face that is cut already.
        set_faces: options of the landmarker.
        cam: also draw where the models look.
        out: folder for the table and the pictures.
        allow_synthetic: let a run trained on drawings speak of photos.

    Raises:
        InputError: the run was trained on drawings; its faces were cut by a recipe and no landmarker is named; a
            folder without images; ``out`` cannot be written, or holds predictions already.
    """
    _check(run, cam, out, allow_synthetic)
    cutting = _cutting(run, faces, set_faces)
    listed = list(_listed(files))
    seen = [_seen(file, cutting) for file in listed]
    pictures = [picture for picture in seen if not isinstance(picture, str)]
    answers = iter(_asked(run, [squash(picture, run.image_size, "image") for picture in pictures]))
    names = [str(file) for file in listed]
    found = [
        Prediction(name, problem=picture) if isinstance(picture, str) else replace(next(answers), image=name)
        for name, picture in zip(names, seen, strict=True)
    ]
    if cam and pictures:
        assert out is not None
        with written_to(out):
            found = _with_overlays(run, found, pictures, out)
    done = Predictions(run, tuple(found), len(_models(run)), _notes(run, cutting))
    if out is None:
        return done
    with written_to(out), whole(out / TABLE) as partial:
        table_of(done).to_csv(partial, index=False)
    return replace(done, table=out / TABLE)


def table_of(done: Predictions) -> pd.DataFrame:
    """A row an image: class, probability and spread of each class, agreement, and what the models were trained on."""
    rows = []
    for one in done.images:
        row: dict[str, Any] = {"image": one.image, "problem": one.problem}
        if one.probabilities is not None and one.spread is not None:
            row |= {"predicted": done.run.classes[one.predicted], "probability": one.probabilities[one.predicted]}
            row |= {"agreeing_models": one.agreeing, "models": done.models}
            for index, name in enumerate(done.run.classes):
                row |= {f"p_{name}": one.probabilities[index], f"sd_{name}": one.spread[index]}
        rows.append({**row, "trained_on": "drawings" if done.run.synthetic else done.run.manifest.name})
    return pd.DataFrame(rows)


def _check(run: OpenRun, cam: bool, out: Path | None, allow_synthetic: bool) -> None:
    if run.synthetic and not allow_synthetic:
        message = (
            f"Run {run.name} was trained on drawings: what it says of a photo of a person means nothing.\n"
            "To see it all the same: --allow-synthetic."
        )
        raise InputError(message)
    if cam and out is None:
        message = "--cam writes pictures: say where to, by --out DIR."
        raise InputError(message)
    if out is not None:
        check_writable(out)
        if (out / TABLE).exists():
            message = f"--out {out}: holds predictions already. Choose another folder."
            raise InputError(message)


def _cutting(run: OpenRun, faces: str | None, options: Mapping[str, Any] | None) -> Cutting | None:
    if faces is not None:
        return Cutting(recipe_of(run), Finder.create(faces, options))
    if options:
        message = "--set faces.*: no face is looked for; name a landmarker with --faces NAME."
        raise InputError(message)
    # An image alone says nothing of how it was cut: the same question as for a dataset that does not.
    check_recipe(run, Manifest.from_frame(pd.DataFrame([{"id": "image", "label": 0}]), "these images"))
    return None


def _listed(files: Sequence[Path]) -> Iterator[Path]:
    for file in files:
        if not file.is_dir():
            yield file
            continue
        inside = sorted(path for path in file.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        if not inside:
            message = f"{file}: no image in this folder ({', '.join(SUFFIXES)})."
            raise InputError(message)
        yield from inside


def _seen(file: Path, cutting: Cutting | None) -> Image | str:
    """The face, or why there is none."""
    try:
        real = file.resolve()
        picture = decode(real.parent, real.name)
        if min(picture.shape[:2]) < SMALLEST:
            return f"{picture.shape[1]} x {picture.shape[0]} pixels: too small to show a face"
        return picture if cutting is None else _cut(picture, cutting)
    except DataError as error:
        # The file is named beside it.
        return str(error).removeprefix(f"{file.resolve()}: ")


def _cut(picture: Image, cutting: Cutting) -> Image | str:
    assert cutting.finder is not None
    faces = cutting.finder.landmarker().find(picture, Hint())
    if len(faces) != 1:
        return "no face found" if not faces else f"{len(faces)} faces found: crop the photo to the one that is meant"
    eyes = rounded(faces[0]).eyes
    if not np.isfinite(eyes).all() or np.ptp(eyes, axis=0).max() == 0:
        return "no two eyes found in the face"
    return cut(picture, cutting.recipe.to_crop(eyes), cutting.recipe.size)


def _models(run: OpenRun) -> list[tuple[str, int]]:
    return [(str(fold), repeat) for repeat in range(run.repeats) for fold in run.summary["folds"]]


def _batches(run: OpenRun, model: Model, faces: Sequence[Image]) -> Iterator[tuple[slice, torch.Tensor]]:
    for start in range(0, len(faces), BATCH):
        rows = slice(start, start + BATCH)
        pixels = torch.tensor(np.stack(faces[rows]), device=run.device).permute(0, 3, 1, 2).float().div(255.0)
        yield rows, model.input_spec.normalise(pixels)


def _asked(run: OpenRun, faces: Sequence[Image]) -> list[Prediction]:
    if not faces:
        return []
    of_models = []
    for fold, repeat in _models(run):
        model = run.model(fold, repeat)
        with torch.inference_mode():
            parts = [model(inputs).logits.double().softmax(dim=1).cpu() for _, inputs in _batches(run, model, faces)]
        of_models.append(torch.cat(parts).numpy())
    shares = np.stack(of_models)  # [models, n, C]
    mean, spread, low, high = shares.mean(axis=0), shares.std(axis=0), shares.min(axis=0), shares.max(axis=0)
    answers, own = mean.argmax(axis=1), shares.argmax(axis=2)
    return [
        Prediction("", "", mean[n], spread[n], low[n], high[n], int(answers[n]), int((own[:, n] == answers[n]).sum()))
        for n in range(len(faces))
    ]


def _with_overlays(run: OpenRun, found: Sequence[Prediction], pictures: Sequence[Image], out: Path) -> list[Prediction]:
    """The mean over the models of their Grad-CAM of the predicted class, each divided by its own maximum."""
    faces = [squash(picture, run.image_size, "image") for picture in pictures]
    classes = torch.tensor([one.predicted for one in found if not one.problem])
    total: Any = 0.0
    for fold, repeat in _models(run):
        model = run.model(fold, repeat)
        target = cam_target(model, "")
        parts = [
            raw_maps(model, target, inputs, classes[rows].to(run.device)).maps
            for rows, inputs in _batches(run, model, faces)
        ]
        maps = np.concatenate(parts)
        total = total + maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    drawn = iter(zip(pictures, total, strict=True))
    plain = [Path(one.image).name for one in found]
    named = plain if len({name.casefold() for name in plain}) == len(plain) else [one.image for one in found]
    names = file_names(named)
    done = []
    for one, name in zip(found, named, strict=True):
        if one.problem:
            done.append(one)
            continue
        picture, cam = next(drawn)
        place = out / f"{names[name]}.cam.png"
        _write_overlay(run, one, picture, cam.astype(np.float32), place)
        done.append(replace(one, overlay=place))
    return done


def _write_overlay(run: OpenRun, one: Prediction, picture: Image, cam: npt.NDArray[np.float32], place: Path) -> None:
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    assert one.probabilities is not None
    side, strip = max(256, run.image_size), 40
    face = np.asarray(Pillow.fromarray(picture).resize((side, side), Pillow.Resampling.BICUBIC))
    page = Pillow.new("RGB", (side, side + strip), "white")
    page.paste(Pillow.fromarray((figures.overlay(face, cam) * 255).round().astype(np.uint8)), (0, 0))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=13)
    words = (
        f"{run.classes[one.predicted]} {one.probabilities[one.predicted]:.0%}: where {len(_models(run))} models look"
    )
    draw.text((4, side + 3), words, fill="black", font=font)
    if run.synthetic:
        draw.text((4, side + 20), f"{DRAWINGS}, not on people", fill="#A23B00", font=font)
    with whole(place) as partial:
        page.save(partial, format="PNG")


def _notes(run: OpenRun, cutting: Cutting | None) -> tuple[str, ...]:
    count = len(_models(run))
    models = f"{count} models ({len(run.summary['folds'])} folds x {run.repeats} repeats)"
    several = f"the mean of the softmax of {models}, spread: their standard deviation"
    single = "the softmax of the run's only model, so that nothing is known of their spread"
    notes = [f"probabilities: {several if count > 1 else single}", _calibration(run)]
    if cutting is None:
        how = "the run does not say how its faces were cut" if not recipes_in(run.manifest) else "faces cut already"
        notes.append(f"each image was taken as a whole for a cut face ({how})")
    if run.synthetic:
        notes.insert(0, f"{DRAWINGS}: no result about a person")
    notes += [f"UNSOUND: {reason}" for reason in run.summary.get("unsound") or []]
    return (*notes, *(f"TAINTED: {who}" for who in run.tainted))


def _calibration(run: OpenRun) -> str:
    caution = "a probability is what the models say, not how often they are right"
    try:
        told = json.loads((run.directory / "analyses" / "calibration" / "result.json").read_text(encoding="utf-8"))
        errors = list(_named(told["summary"], "ece"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        errors = []
    if not errors:
        return f"{caution} (msde analyze calibration measures that)"
    ends = f"{min(errors):.1%}" if min(errors) == max(errors) else f"{min(errors):.1%} to {max(errors):.1%}"
    return f"{caution}: expected calibration error of this run's models {ends} (analyses/calibration)"


def _named(document: Any, key: str) -> Iterator[float]:
    """Numbers under this key, anywhere in a JSON document."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key and isinstance(value, int | float):
                yield float(value)
            else:
                yield from _named(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from _named(value, key)
