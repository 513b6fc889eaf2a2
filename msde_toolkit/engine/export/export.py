"""Which models of a run become files, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from msde_toolkit.engine.export.facts import facts_of
from msde_toolkit.engine.export.network import require_onnx, write_onnx
from msde_toolkit.errors import InputError, MsdeError
from msde_toolkit.files import written_to
from msde_toolkit.randomness import uniform
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import check_writable
from msde_toolkit.weights import write_weights

FORMATS = ("onnx", "safetensors")
CHECKED = 8
"""Held-out images that an ONNX file is checked with."""


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        file: where.
        fold: whose model.
        repeat: of which repeat.
        facts: its metadata.
        difference: largest absolute difference of a logit from torch's; None for weights.
        checked_with: what it was compared on; empty for weights.
    """

    file: Path
    fold: str
    repeat: int
    facts: dict[str, str]
    difference: float | None = None
    checked_with: str = ""


def export(
    run: OpenRun, kind: str, *, fold: str | None = None, repeat: int = 0, out: Path | None = None
) -> list[Exported]:
    """Write models of a run.

    Args:
        run: finished.
        kind: ``onnx`` or ``safetensors``.
        fold: name of one, or ``all``; by default the first.
        repeat: of which repeat.
        out: a file; a folder for all folds, or where no name with this ending is given.

    Raises:
        InputError: unknown format, fold or repeat; a file that is there already; ONNX is not installed.
        MsdeError: a model that cannot be written as ONNX, or comes out different.
    """
    if kind not in FORMATS:
        message = f"--format {kind}: choose {' or '.join(FORMATS)}."
        raise InputError(message)
    if kind == "onnx":
        require_onnx()
    places = dict(_places(run, kind, fold, repeat, out))
    for file in places.values():
        check_writable(file.parent)
        if file.exists():
            message = f"{file}: is there already, and is not overwritten. Choose another --out."
            raise InputError(message)
    with written_to(next(iter(places.values())).parent):
        return [_one(run, kind, name, repeat, file) for name, file in places.items()]


def _places(run: OpenRun, kind: str, fold: str | None, repeat: int, out: Path | None) -> Iterator[tuple[str, Path]]:
    folds = [str(name) for name in run.summary["folds"]]
    if not 0 <= repeat < run.repeats:
        message = f"--repeat {repeat}: run {run.name} has {run.repeats}, from 0."
        raise InputError(message)
    if fold not in (None, "all", *folds):
        message = f"--fold {fold}: run {run.name} has {', '.join(folds)} (or all)."
        raise InputError(message)
    wanted = folds if fold == "all" else [fold or folds[0]]
    is_file = out is not None and out.suffix == f".{kind}" and not out.is_dir()
    if out is not None and is_file and len(wanted) > 1:
        message = f"--out {out}: is one file for {len(wanted)} folds; give a folder."
        raise InputError(message)
    again = f"-repeat{repeat:02d}" if repeat else ""
    for name in wanted:
        own = (out or Path()) / f"{run.name}-fold{name}{again}.{kind}"
        yield name, out if out is not None and is_file else own


def _one(run: OpenRun, kind: str, fold: str, repeat: int, file: Path) -> Exported:
    model = run.model(fold, repeat).cpu().eval()
    facts = facts_of(run, model, fold, repeat)
    if kind == "safetensors":
        write_weights(model.state_dict(), file, facts)
        return Exported(file, fold, repeat, facts)
    images, what = _held_out_images(run, fold, repeat)
    difference = write_onnx(model, images, file, facts)
    return Exported(file, fold, repeat, facts, difference, what)


def _held_out_images(run: OpenRun, fold: str, repeat: int) -> tuple[Tensor, str]:
    """``[n, 3, S, S]`` in [0, 1], and what they are: noise where the run's data is no longer there."""
    rows = run.predictions
    ids = list(rows[(rows["fold"] == fold) & (rows["repeat"] == repeat)]["id"])[:CHECKED]
    try:
        pixels = torch.tensor(run.images(ids)).permute(0, 3, 1, 2).float().div(255.0)
    except (MsdeError, OSError):
        pixels = torch.empty(0)
    if len(pixels) > 1:
        return pixels.contiguous(), f"{len(pixels)} held-out images"
    side = run.image_size
    noise = uniform(3 * side * side, [str(n) for n in range(2)], 0, "export").reshape(2, 3, side, side)
    return torch.from_numpy(noise).float(), "2 images of noise (the run's own cannot be read)"
