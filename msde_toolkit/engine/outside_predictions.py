"""Predictions of any outside script or API, as a run that everything else accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.faces.prepared import recipes_in
from msde_toolkit.data.source import Source
from msde_toolkit.engine.config import RunConfig
from msde_toolkit.engine.evaluate import Target, new_run
from msde_toolkit.engine.provenance import without_folders
from msde_toolkit.engine.run import RunResult
from msde_toolkit.engine.run_directory import check_out
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.files import whole
from msde_toolkit.registry import Registry, shown_name
from msde_toolkit.results import ledger
from msde_toolkit.results.run_store import prediction_table, write_json
from msde_toolkit.results.summary import summarise
from msde_toolkit.types import Manifest

IMAGE_SIZE = 224
"""Side at which analyses show the images; how large the outside model saw them is unknown."""

SURE = 20.0
"""Logit of a class that was named without probabilities."""


@dataclass(frozen=True)
class Outside:
    """A file of predictions, matched with a manifest.

    Attributes:
        table: ``row`` of the manifest, ``fold``, ``repeat``, ``logits``.
        unmatched: ids with the reason, "not of this dataset" or "no prediction".
        probabilities: whether the file has them, or only names classes.
    """

    table: pd.DataFrame
    unmatched: pd.DataFrame
    probabilities: bool


def evaluate_predictions(
    file: Path,
    target: Target,
    *,
    name: str = "",
    out: Path | None = None,
    command: Sequence[str] | None = None,
) -> RunResult:
    """Score a file of predictions and write it as a run.

    Args:
        file: CSV or Parquet with ``id`` (or ``path``) and, of each class, a column of probabilities by its name, or one
            column ``predicted`` with class names or numbers; ``fold`` and ``seed`` where there are several models.
        target: the data they are of.
        name: what tables call the method; by default the file's name.
        out: the run's folder.
        command: recorded in ``provenance.json``.

    Raises:
        InputError: not such a file, or no id in it is of this dataset.
        DataError: naming the row: a sample twice, no number, negative or all zero.
    """
    check_out(out)
    found = target.open()
    manifest = found.manifest
    outside = match(_read(file), manifest, file.name)
    config = RunConfig.create(
        model=name or file.stem,
        loss="outside",
        data=target.data,
        root=target.root,
        mask=target.mask,
        set_data=dict(target.set_data or {}),
        set_mask=dict(target.set_mask or {}),
    )
    with new_run(config, out) as store:
        write_json(store.provenance, _provenance(file, found, target, command))
        folds = sorted(set(outside.table["fold"]))
        listed = [{"fold": fold, "samples": int((outside.table["fold"] == fold).sum())} for fold in folds]
        write_json(store.folds, {"schema": 1, "source": "outside", "unit": "sample", "folds": listed})
        store.write_manifest(manifest)
        with whole(store.directory / "unmatched.csv") as partial:
            outside.unmatched.to_csv(partial, index=False)
        for _, part in outside.table.groupby(["fold", "repeat"]):
            rows, logits = part["row"].to_numpy(dtype=np.int64), np.stack(list(part["logits"]))
            fold, repeat = str(part["fold"].iat[0]), int(part["repeat"].to_numpy()[0])
            store.fold(fold, repeat).write_predictions(prediction_table(manifest, rows, logits, fold, repeat, 0))
        facts = _facts(config, manifest, outside, file, target)
        summary = summarise(store, {"run": store.directory.resolve().name, **facts, "folds": folds})
        write_json(store.summary, summary)
    ledger.record(store)
    return RunResult(store.directory, summary)


def match(table: pd.DataFrame, manifest: Manifest, source: str) -> Outside:
    """The file's rows at the manifest's samples.

    Raises:
        InputError: a column is missing; not a single id is known; a model that predicts nothing.
        DataError: naming the row.
    """
    key = next((word for word in ("id", "path") if word in table.columns), None)
    if key is None:
        message = f"{source}: has no column id (it has {', '.join(map(str, table.columns[:8]))})."
        raise InputError(message)
    logits, probabilities = _logits(table, manifest.classes, source)
    row_of = {text: row for row, text in enumerate(manifest.frame[key])}
    ids = table[key].astype(str)
    rows = ids.map(row_of)
    if not rows.notna().any():
        message = f"{source}: not one of its {len(table)} {key}s is of {manifest.name} (the first is {ids.iloc[0]!r})."
        raise InputError(message)
    fold = table["fold"].astype(str) if "fold" in table.columns else pd.Series("00", index=table.index)
    seeds = table["seed"] if "seed" in table.columns else pd.Series(0, index=table.index)
    repeat = seeds.map({seed: number for number, seed in enumerate(sorted(seeds.unique()))})
    matched = pd.DataFrame({"row": rows, "fold": fold, "repeat": repeat, "logits": list(logits)})
    matched = matched[rows.notna()].astype({"row": "int64", "repeat": "int64"})
    _check(matched, ids, source)
    strangers = pd.DataFrame({"id": ids[rows.isna()], "reason": "not of this dataset"})
    predicted = set(matched["row"])
    silent = [sample for row, sample in enumerate(manifest.ids) if row not in predicted]
    unmatched = pd.concat([strangers, pd.DataFrame({"id": silent, "reason": "no prediction"})], ignore_index=True)
    return Outside(matched.reset_index(drop=True), unmatched, probabilities)


def _check(matched: pd.DataFrame, ids: pd.Series, source: str) -> None:
    twice = matched.duplicated(["row", "fold", "repeat"])
    if twice.any():
        row = int(twice[twice].index[0])
        message = f"{source}, row {row + 1}: {ids[row]!r} is predicted a second time; several models need fold or seed."
        raise DataError(message)
    odd = [fold for fold in matched["fold"].unique() if not fold.replace("-", "").replace("_", "").isalnum()]
    if odd:
        message = f"{source}: fold {odd[0]!r} is not letters and digits."
        raise DataError(message)
    models = matched.groupby(["fold", "repeat"]).ngroups
    if models < matched["fold"].nunique() * matched["repeat"].nunique():
        message = f"{source}: not every fold has every seed; score the seeds one by one."
        raise DataError(message)


def _logits(table: pd.DataFrame, classes: Sequence[str], source: str) -> tuple[npt.NDArray[np.float32], bool]:
    """``[n, C]`` log-probabilities, and whether the file has probabilities."""
    columns = {str(column).strip().lower(): column for column in table.columns}
    if all(name in columns for name in classes):
        values = table[[columns[name] for name in classes]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        bad = ~np.isfinite(values).all(axis=1) | (values < 0).any(axis=1) | (values.sum(axis=1) <= 0)
        _refuse(bad, source, "has no probabilities of 0 or more")
        shares = values / values.sum(axis=1, keepdims=True)
        return np.log(np.maximum(shares, 1e-30)).astype(np.float32), True
    named = next((columns[word] for word in ("predicted", "prediction", "label") if word in columns), None)
    if named is None:
        message = f"{source}: needs a column of probabilities for each of {', '.join(classes)}, or a column predicted."
        raise InputError(message)
    words = table[named].astype(str).str.strip().str.lower()
    numbers = {str(index): index for index in range(len(classes))} | {name: row for row, name in enumerate(classes)}
    found = words.map(numbers)
    _refuse(found.isna().to_numpy(), source, f"names no class; expected one of {', '.join(classes)} or their number")
    return (SURE * np.eye(len(classes))[found.to_numpy(dtype=np.int64)]).astype(np.float32), False


def _refuse(bad: npt.NDArray[np.bool_], source: str, why: str) -> None:
    if bad.any():
        message = f"{source}, row {int(np.flatnonzero(bad)[0]) + 1} of {len(bad)} {why} ({int(bad.sum())} such rows)."
        raise DataError(message)


def _read(file: Path) -> pd.DataFrame:
    try:
        table = (
            pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file, dtype={"id": str, "fold": str})
        )
    except OSError as error:
        message = f"--predictions {file}: cannot be read ({error.strerror or error})."
        raise InputError(message) from error
    except Exception as error:  # the readers raise whatever their parsers do
        message = f"--predictions {file}: no CSV or Parquet table ({type(error).__name__})."
        raise InputError(message) from error
    if table.empty:
        message = f"--predictions {file}: holds no rows."
        raise InputError(message)
    return table.reset_index(drop=True)


def _provenance(file: Path, found: Source, target: Target, command: Sequence[str] | None) -> dict[str, Any]:
    outside = {"name": file.stem, "distribution": "outside", "version": "unknown", "target": file.name}
    plugins = {"model": outside, "loss": outside, "data": Registry("datasets").info(target.data).as_dict()}
    return {
        "schema": 1,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "evaluates": {"file": file.name},
        "plugins": plugins,
        "data": {
            "manifest_sha256": found.manifest.content_hash(),
            "samples": len(found.manifest),
            "prep": recipes_in(found.manifest),
            "split": target.split,
        },
        "options": {
            "model": {},
            "loss": {},
            "data": dict(found.options),
            "mask": dict(found.mask_options),
            "train": {"image_size": IMAGE_SIZE},
        },
        "command": without_folders(command),
    }


def _facts(config: RunConfig, manifest: Manifest, outside: Outside, file: Path, target: Target) -> dict[str, Any]:
    reasons = outside.unmatched["reason"].value_counts()
    notes = [f"predictions of an outside script ({file.name}); how they were made is not known to the toolkit"]
    notes += [f"{count} ids: {reason} (unmatched.csv)" for reason, count in reasons.items()]
    if not outside.probabilities:
        notes.append("the file names classes without probabilities: nothing can be said of calibration")
    return {
        "model": config.model,
        "loss": config.loss,
        "dataset": manifest.name,
        "mask": target.mask and shown_name(target.mask),
        "synthetic": manifest.synthetic,
        "preset": None,
        "profile": None,
        "unsound": [],
        "train_on": None,
        "select": None,
        "pretraining": "unknown",
        "weights_sha256": None,
        "teacher": None,
        "evaluates": {"file": file.name},
        "repeats": int(outside.table["repeat"].nunique()),
        "identity": "unknown",
        "parameters": {"trainable": None, "total": None},
        "seconds": 0.0,
        "notes": [*manifest.notes, *target.notes(), *notes],
    }
