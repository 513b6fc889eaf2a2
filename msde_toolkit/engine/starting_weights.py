"""``--weights none | imagenet | FILE | run:DIR``: what the models of a run start from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msde_toolkit.data.folds import Fold
from msde_toolkit.engine.fold_of_run import PREFIX, folds_of, opened, repeat_of
from msde_toolkit.errors import InputError
from msde_toolkit.files import sha256_of
from msde_toolkit.interfaces import Model
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.types import Manifest

NONE, IMAGENET = "none", "imagenet"


@dataclass(frozen=True)
class StartingWeights:
    """Checked before a run starts.

    Attributes:
        label: for the column ``pretraining``: "none", "imagenet", a file's name, or "run NAME (DATA)".
        sha256: of the file, or of all files that the folds take from a run; None for "none".
        notes: what was matched and left out, and what the layout's user must know.
        files: the file that each fold of each repeat starts from; empty for "none", one entry ("", 0) for a file.
        trimmed: whether a head of another size may be left out (weights of a run).
    """

    label: str
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    files: dict[tuple[str, int], Path] = field(default_factory=dict)
    trimmed: bool = False

    def load(self, model: Model, fold: str, repeat: int) -> None:
        """Fill a fresh model."""
        if self.files:
            _load(model, self.files.get((fold, repeat)) or self.files["", 0], self.trimmed)


def starting_weights(
    spec: str, model: Model, manifest: Manifest, folds: Sequence[Fold], repeats: int
) -> StartingWeights:
    """Look at the weights and load each once into ``model``.

    Raises:
        InputError: missing, damaged or of another network; a run whose models have seen the test subjects.
    """
    if spec == NONE:
        return StartingWeights(NONE)
    if spec.startswith(PREFIX):
        return _of_run(spec, model, manifest, folds, repeats)
    from msde_toolkit.weights import imagenet_file

    file = imagenet_file(model) if spec == IMAGENET else Path(spec)
    notes = _load(model, file, trimmed=False)
    label = IMAGENET if spec == IMAGENET else file.name
    return StartingWeights(label, sha256_of(file), notes, {("", 0): file})


def _of_run(spec: str, model: Model, manifest: Manifest, folds: Sequence[Fold], repeats: int) -> StartingWeights:
    run, option = opened(spec, "--weights"), f"--weights {spec}"
    theirs = folds_of(run, manifest, folds, option)
    files = {
        (fold, repeat): _file_of(run, name, repeat_of(run, repeat), option)
        for repeat in range(repeats)
        for fold, name in theirs.items()
    }
    distinct = sorted(set(files.values()))
    notes = [_load(model, file, trimmed=True) for file in distinct]  # all of them, so that none fails half-way
    drawn = run.synthetic and "synthetic" not in run.manifest.name
    data = f"{run.manifest.name}, synthetic" if drawn else run.manifest.name
    told = (*notes[0], *_told_of(run, model))
    return StartingWeights(f"run {run.name} ({data})", _sha256_of_all(distinct), told, files, trimmed=True)


def _file_of(run: OpenRun, fold: str, repeat: int, option: str) -> Path:
    file = run.model_file(fold, repeat)
    if not file.is_file():
        whose = f"fold {fold} of repeat {repeat}" if repeat else f"fold {fold}"
        message = f"{option}: it lacks the weights of {whose}. Train that again: msde run --resume {run.directory}"
        raise InputError(message)
    return file


def _told_of(run: OpenRun, model: Model) -> list[str]:
    """What the keys of a run's weights do not show: other options under which they meant something else, a mistake."""
    notes = []
    now = model.options.model_dump(mode="json")
    changed = {key: value for key, value in run.model_options.items() if key in now and now[key] != value}
    if changed:
        told = ", ".join(f"{key} {value}, here {now[key]}" for key, value in changed.items())
        notes.append(f"the weights of run {run.name} were trained with {told}")
    if run.summary.get("unsound"):
        notes.append(f"the weights of run {run.name} come from a run that is marked unsound")
    return [*notes, *(f"TAINTED, the weights of run {run.name}: {who}" for who in run.tainted)]


def _load(model: Model, file: Path, trimmed: bool) -> tuple[str, ...]:
    from msde_toolkit.weights import load_from_run, load_into

    report = load_from_run(model, file) if trimmed else load_into(model, file)
    return (f"weights, {report.summary()}", *report.notes)


def _sha256_of_all(files: Sequence[Path]) -> str:
    """Of one file, or of the digests of several in order."""
    digests = [sha256_of(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
