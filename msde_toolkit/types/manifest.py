"""The manifest: a checked table with a row a sample, and what must be known of the set as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from msde_toolkit.errors import DataError
from msde_toolkit.types.labels import CLASSES

SCHEMA = 1

# Every column a manifest can carry from the start: (kind, default). A kind "list" holds lists of floats or null.
COLUMNS: dict[str, tuple[str, Any]] = {
    "id": ("text", None),
    "path": ("text", ""),
    "subject": ("text", None),
    "label": ("int", None),
    "condition": ("text", "nm"),
    "pair": ("text", None),
    "split": ("text", None),
    "dataset": ("text", None),
    "requested_label": ("int", None),
    "votes": ("list", None),
    "target": ("list", None),
    "weight": ("float", 1.0),
    "box": ("list", None),
    "landmarks": ("list", None),
    "mask_path": ("text", None),
    "camera": ("text", None),
    "session": ("text", None),
    "consent": ("text", None),
    "source": ("text", None),
    "prep": ("text", None),
    "pairing": ("text", None),
}
_DTYPE = {"text": "object", "int": "Int64", "float": "float64", "list": "object"}


@dataclass(frozen=True)
class Manifest:
    """A dataset's samples.

    Columns: ``id, path, subject, label, condition, pair, split, dataset`` and, null where unknown,
    ``requested_label, votes, target`` (soft label, C numbers), ``weight, box`` (left, top, width, height in pixels),
    ``landmarks`` (x0, y0, x1, y1, ... in pixels), ``mask_path, camera, session, consent`` ("publish" allows showing the
    face), ``source, prep`` (the face recipe), ``pairing`` ("overlay" or "reshot"). Further columns stay as they are.

    Attributes:
        frame: the checked table, index 0..n-1. Treat it as read-only.
        name: the dataset's name.
        root: folder (or file) that ``path`` is relative to; None for data that needs no files.
        classes: ordered class names; ``label`` is an index into them.
        licence: of the images.
        synthetic: True for data that shows no real person.
    """

    frame: pd.DataFrame
    name: str
    root: Path | None = None
    classes: tuple[str, ...] = CLASSES
    licence: str = "unknown"
    synthetic: bool = False
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        name: str,
        *,
        root: Path | None = None,
        classes: Sequence[str] = CLASSES,
        licence: str = "unknown",
        synthetic: bool = False,
        notes: Sequence[str] = (),
    ) -> Manifest:
        """Check a table and fill in what it leaves out.

        Raises:
            DataError: naming the first offending row: missing or repeated id, label out of range, path that leaves
                the root, pair with other than one sample a condition.
        """
        table = _typed(frame, name)
        _check(table, name, tuple(classes))
        return cls(table, name, root, tuple(classes), licence, synthetic, tuple(notes))

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.frame)

    @property
    def ids(self) -> tuple[str, ...]:
        """Sample ids in row order."""
        return tuple(self.frame["id"])

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """``[n]`` labels."""
        return self.frame["label"].to_numpy(dtype=np.int64)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions present, unmasked first."""
        present = set(self.frame["condition"])
        return tuple(sorted(present, key=lambda word: (word != "nm", word != "m", word)))

    @property
    def has_subjects(self) -> bool:
        """Whether every sample's subject is known."""
        return bool(self.frame["subject"].notna().all()) and len(self) > 0

    @property
    def split_names(self) -> tuple[str, ...]:
        """The dataset's own splits, sorted; empty if it has none."""
        return tuple(sorted(set(self.frame["split"].dropna())))

    def targets(self) -> npt.NDArray[np.float32]:
        """``[n, C]`` rows that sum to one: the soft target where given, else one-hot."""
        out = np.eye(len(self.classes), dtype=np.float32)[self.labels]
        for row in np.flatnonzero(self.frame["target"].notna().to_numpy()).tolist():
            soft = np.asarray(self.frame["target"].iat[row], dtype=np.float32)
            out[row] = soft / soft.sum()
        return out

    def groups(self) -> npt.NDArray[np.object_]:
        """``[n]`` what must never be divided between folds: subject, else pair, else the sample itself."""
        frame = self.frame
        return (
            frame["subject"]
            .fillna(frame["pair"].map("pair:{}".format, na_action="ignore"))
            .fillna("id:" + frame["id"])
            .to_numpy(dtype=object)
        )

    def pairs(self) -> pd.DataFrame:
        """Row numbers of complete pairs: columns ``pair, nm, m``, in order of first appearance of the pair."""
        paired = self.frame.reset_index()[self.frame["pair"].notna().to_numpy()]
        wide = paired.pivot_table(index="pair", columns="condition", values="index", aggfunc="first", sort=False)
        wide = wide.reindex(columns=["nm", "m"]).dropna().astype(int)
        wide.columns.name = None
        return wide.reset_index()

    def take(self, rows: npt.ArrayLike) -> Manifest:
        """The samples at these row numbers (or where this boolean mask is true), in that order."""
        index = np.asarray(rows)
        if index.dtype == bool:
            index = np.flatnonzero(index)
        return replace(self, frame=self.frame.iloc[index].reset_index(drop=True))

    def rows_of(self, ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """Row numbers of these sample ids.

        Raises:
            DataError: if an id is not in the manifest.
        """
        rows = pd.Index(self.frame["id"]).get_indexer(pd.Index(list(ids), dtype=object))
        if (rows < 0).any():
            missing = [sample for sample, row in zip(ids, rows, strict=True) if row < 0]
            message = f"{self.name}: no sample {missing[0]!r} in the manifest ({len(missing)} unknown ids)."
            raise DataError(message)
        return np.asarray(rows, dtype=np.int64)

    def content_hash(self) -> str:
        """sha256 over name, classes and every cell, independent of the machine and of column order."""
        sha = hashlib.sha256(json.dumps([SCHEMA, self.name, self.classes]).encode())
        for column in sorted(self.frame.columns):
            values = [_plain(value) for value in self.frame[column]]
            sha.update(json.dumps([column, values], separators=(",", ":"), default=str).encode())
        return sha.hexdigest()

    def save(self, path: Path) -> None:
        """Write as Parquet, the whole-set facts in the file's metadata (the root, a machine path, is left out)."""
        table = pa.Table.from_pandas(self.frame, preserve_index=False)
        facts = {
            "schema": SCHEMA,
            "name": self.name,
            "classes": self.classes,
            "licence": self.licence,
            "synthetic": self.synthetic,
            "notes": self.notes,
        }
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"msde": json.dumps(facts).encode()})
        pq.write_table(table, path)


def load_manifest(path: Path | str, root: Path | None = None) -> Manifest:
    """Read a manifest that ``Manifest.save`` wrote.

    Args:
        path: a Parquet file.
        root: what ``path`` columns are relative to; by default the file's folder.

    Raises:
        DataError: if the file is missing, damaged, not a manifest, or fails the checks.
    """
    path = Path(path)
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        message = f"{path}: cannot be read as a manifest ({type(error).__name__})."
        raise DataError(message) from error
    facts = json.loads((table.schema.metadata or {}).get(b"msde", b"{}"))
    if facts.get("schema") != SCHEMA:
        message = f"{path}: not a manifest of this toolkit (schema {facts.get('schema')}, expected {SCHEMA})."
        raise DataError(message)
    return Manifest.from_frame(
        table.to_pandas(),
        facts["name"],
        root=root if root is not None else path.parent,
        classes=facts["classes"],
        licence=facts["licence"],
        synthetic=facts["synthetic"],
        notes=facts["notes"],
    )


def _plain(value: Any) -> Any:
    """A cell as JSON can hold it."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [float(item) for item in value]
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _typed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    for column in ("id", "label"):
        if column not in frame:
            message = f"{name}: the manifest has no column {column!r} (it has {', '.join(map(str, frame.columns))})."
            raise DataError(message)
    table = pd.DataFrame(index=pd.RangeIndex(len(frame)))
    source = frame.reset_index(drop=True)
    for column, (kind, default) in COLUMNS.items():
        values = source[column] if column in source else pd.Series([default] * len(source), dtype=_DTYPE[kind])
        table[column] = _convert(values, column, kind, default, name)
    table["dataset"] = table["dataset"].fillna(name)
    extra = [column for column in source.columns if column not in COLUMNS]
    return pd.concat([table, source[extra]], axis=1) if extra else table


def _convert(values: pd.Series, column: str, kind: str, default: Any, name: str) -> pd.Series:
    if kind == "text":
        text = values.astype("object").where(values.notna(), None)
        text = text.map(lambda cell: None if cell is None else str(cell))
        return text if default is None else text.fillna(default)
    if kind == "list":
        return values.astype("object").map(lambda cell: None if _is_null(cell) else [float(x) for x in cell])
    try:
        numbers = pd.to_numeric(values).astype("Int64" if kind == "int" else "float64")
    except (TypeError, ValueError) as error:
        numeric = pd.to_numeric(values, errors="coerce")
        row = int(np.flatnonzero((numeric.isna() | (numeric % 1 != 0)).to_numpy() & values.notna().to_numpy())[0])
        expected = "an integer" if kind == "int" else "a number"
        message = f"{name}, row {row + 1}: {column} is {values.iat[row]!r}, expected {expected}."
        raise DataError(message) from error
    filled: pd.Series = numbers if default is None else numbers.fillna(default)
    return filled


def _is_null(cell: Any) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def _check(table: pd.DataFrame, name: str, classes: tuple[str, ...]) -> None:
    def fail(bad: pd.Series, column: str, why: str) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad.to_numpy())[0])
            message = f"{name}, row {row + 1}: {column} {table[column].iat[row]!r} {why}."
            raise DataError(message)

    fail(table["id"].isna() | (table["id"] == ""), "id", "is empty")
    fail(table["id"].duplicated(), "id", "occurs a second time")
    outside = table["label"].isna() | (table["label"] < 0) | (table["label"] >= len(classes))
    fail(outside, "label", f"is not one of 0 to {len(classes) - 1}")
    fail(~table["path"].map(_stays_inside), "path", "leaves the dataset's root; use a relative path without '..'")
    masks = table["mask_path"].map(lambda cell: cell is None or _stays_inside(cell))
    fail(~masks, "mask_path", "leaves the dataset's root; use a relative path without '..'")
    fail(~np.isfinite(table["weight"]) | (table["weight"] < 0), "weight", "is not a number of 0 or more")
    fail(~table["target"].map(lambda cell: _is_target(cell, len(classes))), "target", f"is not {len(classes)} shares")
    paired = table[table["pair"].notna()]
    fail(
        table["pair"].notna() & paired.duplicated(["pair", "condition"]).reindex(table.index, fill_value=False),
        "pair",
        "has two samples of the same condition",
    )


def _stays_inside(path: str) -> bool:
    if path.startswith(("/", "\\")) or PureWindowsPath(path).drive or "\x00" in path:
        return False
    return ".." not in PurePosixPath(path.replace("\\", "/")).parts


def _is_target(cell: list[float] | None, classes: int) -> bool:
    if cell is None:
        return True
    return len(cell) == classes and all(np.isfinite(x) and x >= 0 for x in cell) and sum(cell) > 0
