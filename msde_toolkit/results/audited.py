"""What ``msde data audit X`` looks at: a dataset by its name, a manifest, or a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msde_toolkit.create import create_dataset
from msde_toolkit.data.audit import Material, RunFacts
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.data.source import open_source, with_on_bad, wrap
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.registry import Registry
from msde_toolkit.types import M, Manifest, load_manifest


def material_of(
    what: str,
    root: Path | None = None,
    *,
    mask: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    on_bad: str | None = None,
    metadata_only: bool = False,
    progress: Progress | None = None,
) -> Material:
    """What to audit.

    Args:
        what: a dataset's name, which wins; a manifest (Parquet); or the folder of a finished run.
        root: where the images are.
        mask: drawn on every face; for a manifest, what its masked samples wear.
        settings: options by role, ``data`` and ``mask``, of a dataset.
        on_bad: what a row of a dataset's files that cannot be used does: "skip" (default) or "error".
        metadata_only: read no image.
        progress: told how many images have been looked at.

    Raises:
        InputError: nothing of that name; an option that does not fit it; or as opening it does.
    """
    given = {role: dict(values) for role, values in (settings or {}).items() if values}
    if what in Registry("datasets"):
        manifest, dataset = _dataset(what, root, mask, given, on_bad)
        return Material(manifest, None if metadata_only else dataset, progress=progress)
    path = Path(what)
    _refuse(given, on_bad, what)
    if path.is_dir():
        return _run(path, root, mask, metadata_only=metadata_only, progress=progress)
    if path.is_file():
        manifest = load_manifest(path, root)
        reader = None if metadata_only else _reader(manifest, mask, what)
        return Material(manifest, reader, progress=progress)
    names = ", ".join(Registry("datasets").names())
    message = f"{what}: no dataset of that name ({names}), and no manifest or run is there."
    raise InputError(message)


def _dataset(
    name: str, root: Path | None, mask: str | None, settings: Mapping[str, Any], on_bad: str | None
) -> tuple[Manifest, Dataset]:
    options = with_on_bad(name, settings.get("data", {}), on_bad)
    source = open_source(name, root, options, mask=mask, mask_options=settings.get("mask"))
    return source.manifest, source.dataset


def _refuse(settings: Mapping[str, Any], on_bad: str | None, what: str) -> None:
    if settings or on_bad is not None:
        option = "--set" if settings else "--on-bad"
        message = f"{option}: {what} is not a dataset's name; a manifest or a run is audited as it is."
        raise InputError(message)


def _reader(manifest: Manifest, mask: str | None, what: str) -> Dataset:
    """Who reads a manifest's images: the dataset of its name, if there is one."""
    frame = manifest.frame
    drawn = frame["pairing"].eq("overlay") & frame["condition"].eq(M)
    name = manifest.name
    known = name in Registry("datasets")
    dataset = create_dataset(name) if known else Dataset()
    if mask is None and not dataset.synthetic and drawn.any() and frame["path"].duplicated(keep=False)[drawn].any():
        message = f"{what}: its masks are drawn on photos when they are read; name them with --mask, or use --metadata."
        raise InputError(message)
    if mask is None:
        return dataset
    if not known:
        message = f"--mask {mask}: {what} is of no dataset that is installed here ({name}); use --metadata."
        raise InputError(message)
    return wrap(name, mask, {}, seed=0)


def _run(
    directory: Path, root: Path | None, mask: str | None, *, metadata_only: bool, progress: Progress | None
) -> Material:
    from msde_toolkit.results.open_run import open_run

    if mask is not None:
        message = f"--mask {mask}: the run {directory} has its own images; leave it out."
        raise InputError(message)
    run = open_run(directory, root)
    facts = RunFacts(run.predictions, run.summary)
    return Material(run.manifest, None if metadata_only else run.dataset, facts, progress)
