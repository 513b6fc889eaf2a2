"""A finished run's models on other data: labels told in the run's classes, and nobody tested whom a model has seen.

What comes out is a run folder like any other, with the source's models, so that analyses and reports take it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from msde_toolkit.data.batches import BatchSource, Rows
from msde_toolkit.data.faces import Cutting, Finder
from msde_toolkit.data.faces.prepared import recipe_notes, recipes_in
from msde_toolkit.data.image_cache import CachedImages, Progress, load_images
from msde_toolkit.data.source import Source, open_source
from msde_toolkit.data.subject_rows import same_people
from msde_toolkit.engine.config import RunConfig, load_config
from msde_toolkit.engine.face_recipe import check_recipe, recipe_of
from msde_toolkit.engine.fold_of_run import held_out_by, people
from msde_toolkit.engine.provenance import without_folders
from msde_toolkit.engine.run import RunResult
from msde_toolkit.engine.run_directory import check_out, new_directory
from msde_toolkit.engine.trainer import EVALUATION_BATCH
from msde_toolkit.errors import InputError
from msde_toolkit.registry import Registry, shown_name
from msde_toolkit.results import ledger
from msde_toolkit.results.open_run import OpenRun, open_run
from msde_toolkit.results.run_store import RunStore, prediction_table, read_json, write_json, write_text
from msde_toolkit.results.summary import summarise
from msde_toolkit.types import Manifest, relabelled


@dataclass(frozen=True)
class Target:
    """The data to evaluate on, as ``msde run`` names it.

    Attributes:
        data: name of the dataset.
        root: where it is.
        mask: drawn on every face.
        set_data: options of the dataset.
        set_mask: options of the mask.
        split: only this one of the dataset's own splits.
        faces: the landmarker that finds the faces, where the images are not yet cut like the run's.
        set_faces: options of the landmarker.
        mask_bare: the mask is drawn on the unmasked faces of a set that has masked ones too; those are left aside.
    """

    data: str
    root: Path | None = None
    mask: str | None = None
    set_data: Mapping[str, Any] | None = None
    set_mask: Mapping[str, Any] | None = None
    split: str | None = None
    faces: str | None = None
    set_faces: Mapping[str, Any] | None = None
    mask_bare: bool = False

    def open(self, seed: int = 0, cutting: Cutting | None = None) -> Source:
        """The dataset and its samples; ``seed`` is of the masks."""
        return open_source(
            self.data,
            self.root,
            self.set_data or {},
            mask=self.mask,
            mask_options=self.set_mask,
            seed=seed,
            cutting=cutting,
            split=self.split,
            mask_bare=self.mask_bare,
        )

    def cutting(self, run: OpenRun, progress: Progress | None) -> Cutting | None:
        """How the run cuts faces, and what finds them; None where the images are taken as they are.

        Raises:
            InputError: unknown landmarker or option; options without a landmarker; or the run has no recipe.
        """
        if self.faces is None:
            if self.set_faces:
                message = "--set faces.*: no face is looked for; name a landmarker with --faces NAME."
                raise InputError(message)
            return None
        return Cutting(recipe_of(run), Finder.create(self.faces, self.set_faces), progress)

    def notes(self) -> list[str]:
        """What a summary must say of the choice of samples."""
        return [] if self.split is None else [f"only the dataset's own split {self.split!r}"]


def evaluate(
    run: Path | str,
    target: Target,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    searching: Progress | None = None,
    command: Sequence[str] | None = None,
) -> RunResult:
    """Let every model of a run predict the target's samples, except those of people whom it was trained on.

    On another dataset each model predicts all samples, so a sample stands in every fold; on the run's own (with masks
    drawn on it, say) each fold's models predict only whom they held out.

    Args:
        run: the folder of a finished run.
        target: the data.
        out: the folder of the run that is made.
        progress: told how many images have been decoded.
        searching: told in how many photos faces have been looked for.
        command: recorded in ``provenance.json``.

    Raises:
        InputError: not a finished run; labels that do not mean the same; faces prepared by another recipe; nobody is
            left to be tested.
        DataError: as opening the data does.
    """
    check_out(out)
    source = open_run(run)
    cutting = target.cutting(source, searching)
    found = target.open(source.seed, cutting)
    manifest = relabelled(found.manifest, source.classes)
    notes = [*target.notes(), *check_recipe(source, manifest), *recipe_notes(manifest)]
    rows = _rows_of_folds(source, manifest)
    images = load_images(found.dataset, manifest, source.image_size, progress)
    config = _config(source, target)
    with new_run(config, out) as store:
        write_json(store.provenance, _provenance(source, found, manifest, images, target, cutting, command))
        write_json(store.folds, {"schema": 1, "source": "evaluation", "unit": "sample", "folds": _listed(rows)})
        store.write_manifest(manifest)
        for name, tested in rows.items():
            for repeat in range(source.repeats):
                files = store.fold(name, repeat)
                logits = _logits(source, manifest, images, name, repeat, tested)
                _link(source.model_file(name, repeat), files.model)
                files.write_predictions(prediction_table(manifest, tested, logits, name, repeat, source.seed))
        facts = _facts(source, manifest, target, store.directory.resolve().name, list(rows))
        summary = summarise(store, {**facts, "notes": [*manifest.notes, *notes, *facts["notes"]]})
        write_json(store.summary, summary)
    ledger.record(store)
    return RunResult(store.directory, summary)


@contextmanager
def new_run(config: RunConfig, out: Path | None) -> Iterator[RunStore]:
    """The folder of a run that is made at one go: it goes again if the block fails, for there is nothing to resume."""
    store = RunStore(new_directory(config, out))
    try:
        write_text(store.config, config.to_toml())
        yield store
    except BaseException:
        shutil.rmtree(store.directory, ignore_errors=True)
        raise


def _rows_of_folds(source: OpenRun, manifest: Manifest) -> dict[str, Rows]:
    """Rows that each fold's models may be tested on."""
    everyone = np.arange(len(manifest))
    names = [str(name) for name in source.summary["folds"]]
    if not same_people(source.manifest.name, manifest.name):
        return dict.fromkeys(names, everyone)
    who, known, held_out = people(manifest), set(people(source.manifest)), held_out_by(source)
    rows = {name: np.flatnonzero([person not in known or person in held_out[name] for person in who]) for name in names}
    rows = {name: tested for name, tested in rows.items() if len(tested)}
    if not rows:
        message = f"Every sample of {manifest.name} shows someone whom all models of run {source.name} were trained on."
        raise InputError(message)
    return rows


def _listed(rows: Mapping[str, Rows]) -> list[dict[str, Any]]:
    return [{"fold": name, "samples": len(tested)} for name, tested in rows.items()]


def _logits(
    source: OpenRun, manifest: Manifest, images: CachedImages, fold: str, repeat: int, rows: Rows
) -> npt.NDArray[np.float32]:
    model = source.model(fold, repeat)
    batches = BatchSource(manifest, images.pixels, source.device).plain(rows, EVALUATION_BATCH)
    with torch.no_grad():
        parts = [model(model.input_spec.normalise(batch.images)).logits.float().cpu() for batch in batches]
    return torch.cat(parts).numpy()


def _link(model: Path, place: Path) -> None:
    """The model's file under another name; a copy where the file system cannot."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.link(model, place)
        return
    shutil.copyfile(model, place)


def _config(source: OpenRun, target: Target) -> RunConfig:
    values = load_config(RunStore(source.directory).config)
    values |= {"data": target.data, "root": target.root, "mask": target.mask, "folds": None}
    values |= {"set_data": dict(target.set_data or {}), "set_mask": dict(target.set_mask or {})}
    return RunConfig.create(**values)


def _provenance(
    source: OpenRun,
    found: Source,
    manifest: Manifest,
    images: CachedImages,
    target: Target,
    cutting: Cutting | None,
    command: Sequence[str] | None,
) -> dict[str, Any]:
    """The source's, with other data and a word that nothing was trained."""
    recorded = read_json(RunStore(source.directory).provenance)
    plugins = {role: told for role, told in recorded["plugins"].items() if role != "mask"}
    plugins["data"] = Registry("datasets").info(target.data).as_dict()
    if target.mask is not None:
        plugins["mask"] = Registry("maskers").info(target.mask).as_dict()
    faces = None
    if cutting is not None and cutting.finder is not None:
        faces = {"recipe": str(cutting.recipe), "landmarker": cutting.finder.as_dict()}
    return {
        **recorded,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "evaluates": {"run": source.name, "dataset": source.manifest.name},
        "plugins": plugins,
        "data": {
            "manifest_sha256": manifest.content_hash(),
            "pixels_sha256": images.sha256,
            "samples": len(manifest),
            "version": found.dataset.version,
            "prep": recipes_in(manifest),
            "split": target.split,
        },
        "faces": faces,
        "options": {**recorded["options"], "data": dict(found.options), "mask": dict(found.mask_options)},
        "command": without_folders(command),
    }


def _facts(source: OpenRun, manifest: Manifest, target: Target, name: str, folds: list[str]) -> dict[str, Any]:
    kept = ("model", "loss", "preset", "profile", "unsound", "train_on", "select", "pretraining", "weights_sha256")
    told = {key: source.summary.get(key) for key in (*kept, "teacher", "repeats", "parameters")}
    other = not same_people(source.manifest.name, manifest.name)
    drawn = " (synthetic faces)" if source.synthetic else ""
    notes = [f"models of run {source.name}, trained on {source.manifest.name}{drawn}; nothing was trained for this one"]
    if other and len(folds) * source.repeats > 1:
        notes.append(f"each sample is predicted by {len(folds) * source.repeats} models and counts once for each")
    known = manifest.has_subjects and (other or source.identity == "independent")
    return {
        "run": name,
        **told,
        "dataset": manifest.name,
        "mask": target.mask and shown_name(target.mask),
        "synthetic": manifest.synthetic,
        "evaluates": {"run": source.name, "dataset": source.manifest.name, "synthetic": source.synthetic},
        "identity": "independent" if known else "unknown",
        "folds": folds,
        "seconds": 0.0,
        "notes": [*notes, *_cautions(source)],
    }


def _cautions(source: OpenRun) -> list[str]:
    """What the source's own notes warn of, and who has withdrawn from it since."""
    notes = [note for note in source.summary["notes"] if note.startswith(("UNSOUND", "TAINTED", "preset "))]
    return [*notes, *(f"TAINTED, the models of run {source.name}: {who}" for who in source.tainted)]
