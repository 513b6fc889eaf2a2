"""A study declared in its folder: checked and written whole before the first training, and kept to from then on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msde_toolkit.data.folds import Folds, load_folds, make_folds
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.data.source import Source
from msde_toolkit.engine.evaluate import Target
from msde_toolkit.engine.prepare import open_data, training_rows, trains_on
from msde_toolkit.engine.settings import resolve
from msde_toolkit.engine.study.definition import Study, TargetSpec
from msde_toolkit.engine.study.differences import added_names, check_only_added
from msde_toolkit.engine.study.parts import errors_of
from msde_toolkit.engine.train_options import PRESETS
from msde_toolkit.errors import InputError
from msde_toolkit.files import written_to
from msde_toolkit.registry import Registry
from msde_toolkit.results.run_store import check_writable, write_json, write_text
from msde_toolkit.results.study_files import SCHEMA, Primary, StudyFacts, StudyFolder
from msde_toolkit.types import Manifest
from msde_toolkit.types.label_maps import label_map


def declare(
    study: Study,
    folder: StudyFolder,
    before: tuple[Study, StudyFacts] | None,
    progress: Progress | None,
) -> None:
    """Check the whole study and write it down; nothing is written if something is wrong.

    Args:
        study: as it shall be.
        folder: its folder.
        before: as it stands in the folder; None for a new one, or where nothing has been trained yet.
        progress: told how many images have been looked at, where unreadable ones are left out.

    Raises:
        InputError: other data than declared; something that no method, or no target, can be done with; another study.
    """
    if before is not None:
        check_only_added(before[0], study, folder.directory)
    check_writable(folder.directory)
    source = open_study_data(study, progress)
    folds = _folds(study, source)
    for name in study.methods:
        with errors_of(f"method {name}"):
            _check_method(study, name, source, folds)
    facts = _facts(study, source, before)
    with written_to(folder.directory):
        if folds.source != "split" and not (before and folder.folds.is_file()):
            write_json(folder.folds, folds.as_dict())
        write_json(folder.facts, facts.model_dump(mode="json", by_alias=True))
        write_text(folder.definition, study.to_toml())


def open_study_data(study: Study, progress: Progress | None) -> Source:
    """The data that the methods share.

    Raises:
        InputError: as opening it does; or it is not the data that the study names by its hash.
    """
    source = open_data(study.config(study.methods[0], None), progress)
    found = source.manifest.content_hash()
    if study.data.sha256 not in (None, found):
        message = (
            f"study {study.name}: data.sha256 is {study.data.sha256[:12]}..., but this {source.manifest.name} has "
            f"{found}.\nAnother version of the data is another study."
        )
        raise InputError(message)
    return source


def target_of(spec: TargetSpec) -> Target:
    """As ``evaluate`` takes it."""
    return Target(**spec.model_dump(exclude={"name"}))


def _folds(study: Study, source: Source) -> Folds:
    if isinstance(study.folds, Path):
        return load_folds(study.folds, source.manifest)
    return make_folds(source.manifest, study.folds, study.seed, PRESETS[study.preset].folds)


def _check_method(study: Study, name: str, source: Source, folds: Folds) -> None:
    config = study.config(name, None)
    settings = resolve(config)
    Registry("models").info(config.model)
    wanted = trains_on(config, settings.loss, source.manifest)
    for fold in folds.folds:
        training_rows(source.manifest, fold, wanted)


def _facts(study: Study, source: Source, before: tuple[Study, StudyFacts] | None) -> StudyFacts:
    today = datetime.now(UTC).isoformat(timespec="seconds")
    targets = {}
    for spec in study.target:
        with errors_of(f"target {spec.name}"):
            targets[spec.name] = _known_of(spec, study, source)
    told = {
        "schema": SCHEMA,
        "name": study.name,
        "data": _identity(source.manifest),
        "methods": study.methods,
        "targets": targets,
    }
    if before is None:
        return StudyFacts(**told, declared=today, primary=_primary(study))
    old, facts = before
    added = {kind: dict(dates) for kind, dates in facts.added.items()}
    for kind, names in added_names(old, study).items():
        added.setdefault(kind, {}).update(dict.fromkeys(names, today))
    # The family stays: where it names nobody it is everybody who was there then, not who came later.
    return StudyFacts(**told, declared=facts.declared, primary=facts.primary, added=added)


def _known_of(spec: TargetSpec, study: Study, source: Source) -> dict[str, Any]:
    """What a target is, known by opening it; where its faces have to be looked for first, only its name."""
    if spec.faces is not None:
        Registry("landmarkers").info(spec.faces)
        Registry("datasets").info(spec.data)
        return {"dataset": spec.data, "manifest_sha256": None}
    manifest = target_of(spec).open(study.seed).manifest
    label_map(manifest.classes, source.manifest.classes)
    return _identity(manifest)


def _identity(manifest: Manifest) -> dict[str, Any]:
    return {
        "dataset": manifest.name,
        "synthetic": manifest.synthetic,
        "manifest_sha256": manifest.content_hash(),
    }


def _primary(study: Study) -> Primary | None:
    if study.primary is None:
        return None
    return Primary.model_validate({**study.primary.model_dump(), "methods": study.family})
