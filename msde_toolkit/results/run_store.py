"""The files of a run. Every file appears whole: it is written beside its place, then renamed."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.errors import InputError
from msde_toolkit.files import PARTIAL, whole

if TYPE_CHECKING:
    from msde_toolkit.types import Manifest

SUMMARY = "summary.json"
CONFIG = "config.toml"
NEEDED_COLUMNS = ("id", "condition", "label", "fold", "repeat", "logits")
"""Without these a file of predictions is of no use."""


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, document: Any) -> None:
    """Write strict JSON whole (no NaN), keys in their given order."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises:
        InputError: missing or damaged.
    """
    return _parsed(path, json.loads, "JSON")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of a run.

    Raises:
        InputError: missing or damaged.
    """
    document: dict[str, Any] = _parsed(path, tomllib.loads, "TOML")
    return document


def _parsed(path: Path, parse: Callable[[str], Any], form: str) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})."
        raise InputError(message) from error
    except ValueError as error:
        message = f"{path}: damaged {form} ({error})."
        raise InputError(message) from error


@dataclass(frozen=True)
class FoldFiles:
    """The files of one fold of one repeat."""

    directory: Path

    @property
    def history(self) -> Path:
        """One JSON line an epoch."""
        return self.directory / "history.jsonl"

    @property
    def model(self) -> Path:
        """The trained weights."""
        return self.directory / "model.safetensors"

    @property
    def checkpoint(self) -> Path:
        """Only while unfinished: what training goes on from."""
        return self.directory / "last.ckpt"

    @property
    def predictions(self) -> Path:
        """Held-out predictions; the fold is done when this file is there."""
        return self.directory / "predictions.parquet"

    @property
    def done(self) -> bool:
        """Whether the fold is finished."""
        return self.predictions.exists() and self.model.exists()

    def read_predictions(self) -> pd.DataFrame | None:
        """The fold's predictions; None if it is not finished or the file is damaged."""
        return _read_predictions(self.predictions) if self.done else None

    def read_history(self) -> list[dict[str, Any]]:
        """All epochs so far.

        Raises:
            InputError: if the file is damaged.
        """
        if not self.history.exists():
            return []
        try:
            return [dict(json.loads(line)) for line in self.history.read_text(encoding="utf-8").splitlines()]
        except (TypeError, ValueError) as error:
            message = f"{self.history}: damaged history ({error}); remove the file to train the fold anew."
            raise InputError(message) from error

    def write_history(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Replace the history."""
        write_text(self.history, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))

    def write_predictions(self, frame: pd.DataFrame) -> None:
        """Write the fold's predictions."""
        with whole(self.predictions) as partial:
            frame.to_parquet(partial, index=False)


@dataclass(frozen=True)
class RunStore:
    """A run's folder."""

    directory: Path

    @property
    def config(self) -> Path:
        """What is needed to run it again."""
        return self.directory / CONFIG

    @property
    def provenance(self) -> Path:
        """Versions, plugins, device, hashes, seeds."""
        return self.directory / "provenance.json"

    @property
    def manifest(self) -> Path:
        """The samples."""
        return self.directory / "manifest.parquet"

    @property
    def folds(self) -> Path:
        """Who was held out when."""
        return self.directory / "folds.json"

    @property
    def summary(self) -> Path:
        """The numbers; there when the run is complete."""
        return self.directory / SUMMARY

    def remove_partial_files(self) -> None:
        """What a kill in the middle of a write has left."""
        for partial in self.directory.rglob(f".*{PARTIAL}"):
            partial.unlink(missing_ok=True)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the samples."""
        with whole(self.manifest) as partial:
            manifest.save(partial)

    def fold(self, name: str, repeat: int = 0) -> FoldFiles:
        """The files of a fold; repeat 0 stands at the top, further ones in a folder of their own."""
        base = self.directory if repeat == 0 else self.directory / "repeats" / f"{repeat:02d}"
        return FoldFiles(base / "folds" / name)

    def trained(self) -> list[tuple[str, int]]:
        """Fold and repeat of every model that is there, half-trained ones too."""
        repeats = [(int(path.name), path) for path in self.directory.glob("repeats/*") if path.name.isdecimal()]
        found = [
            (folder.name, repeat)
            for repeat, base in [(0, self.directory), *sorted(repeats)]
            for folder in sorted(base.glob("folds/*"))
        ]
        files = {place: self.fold(*place) for place in found}
        return [place for place in found if files[place].model.exists() or files[place].checkpoint.exists()]

    def read_predictions(self, folds: Sequence[str], repeats: int) -> pd.DataFrame:
        """Held-out predictions of all folds and repeats, with ``predicted`` (argmax of the logits).

        Raises:
            InputError: if a fold is missing or damaged.
        """
        frames = []
        for repeat in range(repeats):
            for name in folds:
                file = self.fold(name, repeat).predictions
                frame = _read_predictions(file)
                if frame is None:
                    message = f"{file}: predictions are missing or damaged; finish the run with --resume."
                    raise InputError(message)
                frames.append(frame)
        table = pd.concat(frames, ignore_index=True)
        table["predicted"] = [int(max(range(len(row)), key=row.__getitem__)) for row in table["logits"]]
        return table


def prediction_table(
    manifest: Manifest, rows: npt.NDArray[np.int64], logits: npt.NDArray[np.float32], fold: str, repeat: int, seed: int
) -> pd.DataFrame:
    """What is stored of a model's predictions of these rows: ``logits`` ``[n, C]`` beside who and what they are of."""
    columns = ["id", "subject", "pair", "condition", "label"]
    frame = manifest.frame.iloc[rows][columns].reset_index(drop=True)
    frame["label"] = frame["label"].astype("int64")
    frame["fold"], frame["repeat"], frame["seed"] = fold, repeat, seed
    frame["logits"] = list(logits)
    return frame


def _read_predictions(file: Path) -> pd.DataFrame | None:
    """A fold's predictions; None if the file is missing or damaged."""
    try:
        frame = pd.read_parquet(file)
    except (OSError, ValueError):
        return None
    return frame if set(NEEDED_COLUMNS) <= set(frame.columns) and len(frame) else None


def check_writable(folder: Path) -> None:
    """Whether ``folder`` can be written to or made, as far as that can be said without doing so.

    Raises:
        InputError: if it certainly cannot.
    """
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:
        message = f"--out {folder}: cannot be used ({error.strerror})."
        raise InputError(message) from error
    if not (there.is_dir() and os.access(there, os.W_OK)):
        message = f"--out {folder}: {there} cannot be written to{'' if there.is_dir() else ' (it is a file)'}."
        raise InputError(message)


def find_runs(folder: Path) -> list[Path]:
    """Run folders (those with a ``config.toml`` and a manifest) directly inside ``folder``, oldest first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if (path / CONFIG).is_file() and (path / "manifest.parquet").is_file()]
    return sorted(found, key=lambda path: ((path / CONFIG).stat().st_mtime_ns, path.name))


def all_runs(folder: Path) -> list[Path]:
    """Run folders anywhere below ``folder``, itself included, behind links too, each once."""
    found: dict[str, Path] = {}
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()  # a link that leads back
        elif CONFIG in files and "manifest.parquet" in files:
            found[real] = Path(place)
        seen.add(real)
    return sorted(found.values())


def latest_finished(folder: Path) -> Path:
    """The latest finished run inside ``folder``.

    Raises:
        InputError: if there is none.
    """
    finished = [path for path in find_runs(folder) if (path / SUMMARY).is_file()]
    if not finished:
        message = f"There is no finished run in {folder}/. Start one: msde run --model scan --loss cl"
        raise InputError(message)
    return max(finished, key=lambda path: (path / SUMMARY).stat().st_mtime_ns)
