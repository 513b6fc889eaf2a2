"""What ``msde data verify`` reads and writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from msde_toolkit.data.source import open_source
from msde_toolkit.data.verification.verify import Verification
from msde_toolkit.data.verification.votes import UNNAMED, Vote, Votes, parse_label, read_votes
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.files import whole, written_to
from msde_toolkit.interfaces import Dataset
from msde_toolkit.registry import Registry
from msde_toolkit.types import CLASSES, LABEL_SETS, Manifest, load_manifest


@dataclass(frozen=True)
class Requests:
    """The images and what they were to show; ``dataset`` is None for a manifest."""

    manifest: Manifest
    dataset: Dataset | None = None


def open_requests(what: str, root: Path | None, options: Mapping[str, Any]) -> Requests:
    """A dataset by its name, which wins, or a manifest: Parquet, or a CSV with ``id`` and ``requested_label``.

    Raises:
        InputError: nothing of that name; options or a root for a manifest.
        DataError: naming file and row.
    """
    if what in Registry("datasets"):
        source = open_source(what, root, options)
        return Requests(source.manifest, source.dataset)
    file = Path(what)
    if options:
        message = f"--set: {what} is not a dataset's name; a manifest is taken as it is."
        raise InputError(message)
    if not file.is_file():
        message = f"--manifest {what}: no dataset of that name, and no file is there."
        raise InputError(message)
    return Requests(_csv_manifest(file) if file.suffix.lower() == ".csv" else load_manifest(file, root))


def open_votes(file: Path | None, requests: Requests) -> Votes:
    """Votes of a file, or those that the set brings.

    Raises:
        InputError: if no file is given and the set brings none.
        DataError: as ``read_votes``.
    """
    manifest = requests.manifest
    if file is not None:
        return read_votes(file, manifest)
    ballots = None if requests.dataset is None else requests.dataset.ballots(manifest)
    if ballots is not None:
        rows = zip(ballots["id"], ballots["rater"], ballots["label"], strict=True)
        return Votes.of(
            [Vote(str(sample), str(rater), int(label)) for sample, rater, label in rows], manifest, manifest.name
        )
    counted = Votes.counted(manifest)
    if counted is None:
        message = (
            f"{manifest.name} brings no votes: give a file, msde data verify VOTES.csv (columns id, rater, label)."
        )
        raise InputError(message)
    return counted


def write(done: Verification, votes: Votes, folder: Path) -> list[Path]:
    """``decisions.csv``, the tables, ``verification.json`` and, last, the verified ``manifest.parquet``.

    Raises:
        InputError: if the folder cannot be written to.
    """
    decisions = done.decisions.drop(columns="flagged")
    for column in ("requested", "label"):
        written = [votes.written(None if pd.isna(label) else int(label)) for label in decisions[column]]
        decisions[column] = pd.Series(written, dtype=object)  # beside a missing one, whole numbers would become 3.0
    tables = {
        "decisions": decisions,
        "inventory": done.inventory,
        "human_agreement": done.humans,
        "raters": done.raters,
        "thresholds": done.thresholds,
    }
    files = []
    with written_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            if table is not None:
                files.append(folder / f"{name}.csv")
                with whole(files[-1]) as partial:
                    table.to_csv(partial, index=False)
        files.append(folder / "verification.json")
        with whole(files[-1]) as partial:
            partial.write_text(json.dumps(document(done), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        files.append(folder / "manifest.parquet")
        with whole(files[-1]) as partial:
            done.manifest.save(partial)
    return files


def document(done: Verification) -> dict[str, Any]:
    """Everything but the single decisions, for JSON."""
    return {
        "schema": 1,
        "dataset": done.manifest.name,
        "synthetic": done.manifest.synthetic,
        "rule": {"approve": done.rule.approve, "against": done.rule.against, "together": done.rule.together},
        "counts": done.counts,
        "alpha": {"value": done.alpha, "ci95": done.alpha_interval},
        "inventory": _records(done.inventory),
        "human_agreement": _records(done.humans),
        "raters": None if done.raters is None else _records(done.raters),
        "thresholds": _records(done.thresholds),
        "notes": list(done.manifest.notes),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()} for row in table.to_dict("records")
    ]


def _csv_manifest(file: Path) -> Manifest:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, UnicodeError, ValueError) as error:
        message = f"{file}: cannot be read as a CSV ({type(error).__name__})."
        raise DataError(message) from error
    table.columns = [str(name).strip().lower() for name in table.columns]
    if "id" not in table or not {"requested_label", "label"} & set(table):
        message = f"{file}: needs the columns id and requested_label (it has {', '.join(table.columns)})."
        raise DataError(message)
    asked = table["requested_label" if "requested_label" in table else "label"]
    classes = next((names for names in LABEL_SETS.values() if _fits(asked, names)), CLASSES)
    labels = [_label(cell, classes, file, line) for line, cell in enumerate(asked, start=2)]
    kept = [name for name in ("id", "path", "subject", "condition", "pair", "split") if name in table]
    frame = table[kept].apply(lambda column: column.str.strip()).replace("", None)
    frame = frame.assign(label=labels, requested_label=labels)
    return Manifest.from_frame(frame, file.stem, root=file.parent, classes=classes)


def _fits(cells: pd.Series, classes: Sequence[str]) -> bool:
    words = set(cells.str.strip().str.lower())
    return words <= {*classes, *map(str, range(len(classes)))}


def _label(cell: str, classes: Sequence[str], file: Path, line: int) -> int:
    try:
        label = parse_label(cell, classes)
    except ValueError as error:
        message = f"{file}, line {line}: {error}."
        raise DataError(message) from error
    if label == UNNAMED:
        message = f"{file}, line {line}: requested_label is empty."
        raise DataError(message)
    return label
