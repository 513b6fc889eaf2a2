"""The manifest: a checked table with a row a sample, and what must be known of the set as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from msde_toolkit.errors import DataError
from msde_toolkit.types.labels import CLASSES
from msde_toolkit.types.left_out import LeftOut, Reason
from msde_toolkit.types.manifest_table import checked, is_null

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Manifest:
    """A dataset's samples.

    Columns: ``id, path, subject, label, condition, pair, split, dataset`` and, null where unknown,
    ``requested_label, votes, target`` (soft label, C numbers), ``weight, box`` (left, top, width, height in pixels),
    ``landmarks`` (x0, y0, x1, y1, ... in pixels), ``mask_path, camera, session, consent`` ("publish" allows showing the
    face), ``source, prep`` (the face recipe), ``pairing`` ("overlay" or "reshot"). Empty text counts as unknown.
    Further columns stay as they are.

    Attributes:
        frame: the checked table, index 0..n-1. Treat it as read-only.
        name: the dataset's name.
        root: folder (or file) that ``path`` is relative to; None for data that needs no files.
        classes: ordered class names; ``label`` is an index into them.
        licence: of the images.
        synthetic: True for data that shows no real person.
        notes: what the reader of a result must know of the set.
        left_out: samples that the set has but that cannot be used; they are not in ``frame``.
    """

    frame: pd.DataFrame
    name: str
    root: Path | None = None
    classes: tuple[str, ...] = CLASSES
    licence: str = "unknown"
    synthetic: bool = False
    notes: tuple[str, ...] = field(default=())
    left_out: tuple[LeftOut, ...] = field(default=())

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
        left_out: Sequence[LeftOut] = (),
    ) -> Manifest:
        """Check a table and fill in what it leaves out.

        Raises:
            DataError: naming the first offending row: missing or repeated id, label out of range, path that leaves
                the root, pair with two samples of one condition, a cell of another type than its column. Or naming
                a column that is missing, there twice, or cannot be stored.
        """
        table = checked(frame, name, len(tuple(classes)))
        return cls(table, name, root, tuple(classes), licence, synthetic, tuple(notes), tuple(left_out))

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
            soft = np.asarray(self.frame["target"].iat[row], dtype=np.float64)
            out[row] = soft / soft.sum()
        return out

    def groups(self) -> npt.NDArray[np.object_]:
        """``[n]`` what must never be divided between folds: subject (or the partner's), else pair, else the sample."""
        frame = self.frame
        return (
            frame["subject"]
            .fillna(frame.groupby("pair")["subject"].transform("first"))
            .fillna(frame["pair"].map("pair:{}".format, na_action="ignore"))
            .fillna("id:" + frame["id"])
            .to_numpy(dtype=object)
        )

    def publishable(self) -> npt.NDArray[np.bool_]:
        """``[n]`` whether the face may be shown to others: it is drawn, or ``consent`` says "publish"."""
        if self.synthetic:
            return np.ones(len(self), dtype=np.bool_)
        agreed: npt.NDArray[np.bool_] = self.frame["consent"].eq("publish").fillna(False).to_numpy(dtype=np.bool_)
        return agreed

    def pairs(self) -> pd.DataFrame:
        """Row numbers of complete pairs: columns ``pair, nm, m``, in order of first appearance of the pair."""
        found: dict[str, dict[str, int]] = {}
        for row, (pair, condition) in enumerate(zip(self.frame["pair"], self.frame["condition"], strict=True)):
            if pair is not None:
                found.setdefault(pair, {})[condition] = row
        complete = [(pair, rows["nm"], rows["m"]) for pair, rows in found.items() if "nm" in rows and "m" in rows]
        return pd.DataFrame(complete, columns=["pair", "nm", "m"]).astype({"nm": "int64", "m": "int64"})

    def with_frame(self, frame: pd.DataFrame, notes: Sequence[str] = ()) -> Manifest:
        """The same set with another table, and further notes.

        Raises:
            DataError: as ``from_frame``.
        """
        table = checked(frame, self.name, len(self.classes))
        return replace(self, frame=table, notes=(*self.notes, *notes))

    def records(
        self, reasons: Mapping[str, str], check: Callable[[str], Reason], partners: Collection[str] = ()
    ) -> list[LeftOut]:
        """A record of samples that cannot be used, in the manifest's order.

        Args:
            reasons: why, by sample id.
            check: the check of the audit that reports a sample, by its id.
            partners: ids of those with which nothing is wrong but that the other image of their pair is lost.
        """
        frame = self.frame[self.frame["id"].isin(list(reasons))]
        columns = (frame["id"], frame["condition"], frame["label"], frame["subject"])
        return [
            LeftOut(sample, reasons[sample], check(sample), condition, int(label), subject, sample in partners)
            for sample, condition, label, subject in zip(*columns, strict=True)
        ]

    def without(self, lost: Sequence[LeftOut], notes: Sequence[str] = ()) -> Manifest:
        """The set without these samples; they are added to ``left_out`` and ``notes`` to the notes."""
        kept = self.take(~self.frame["id"].isin([sample.sample for sample in lost]).to_numpy(dtype=bool))
        return replace(kept, left_out=(*self.left_out, *lost), notes=(*self.notes, *notes))

    def take(self, rows: npt.ArrayLike) -> Manifest:
        """The samples at these row numbers (or where this boolean mask is true), in that order."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        return replace(self, frame=self.frame.iloc[index].reset_index(drop=True))

    def rows_of(self, ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """Row numbers of these sample ids.

        Raises:
            DataError: if an id is not in the manifest.
        """
        ids = list(ids)
        rows = pd.Index(self.frame["id"]).get_indexer(pd.Index(ids, dtype=object))
        if (rows < 0).any():
            missing = [sample for sample, row in zip(ids, rows, strict=True) if row < 0]
            message = f"{self.name}: no sample {missing[0]!r} in the manifest ({len(missing)} unknown ids)."
            raise DataError(message)
        return np.asarray(rows, dtype=np.int64)

    def content_hash(self) -> str:
        """sha256 over name, classes and every cell, independent of the machine, column order and number types."""
        return self._content_hash

    @cached_property
    def _content_hash(self) -> str:
        # Kept: cache keys, provenance and resume all ask for it, and every cell of 450,000 rows takes seconds.
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
            "left_out": [asdict(sample) for sample in self.left_out],
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
    facts = _facts(table)
    if facts.get("schema") != SCHEMA:
        message = f"{path}: not a manifest of this toolkit (schema {facts.get('schema')}, expected {SCHEMA})."
        raise DataError(message)
    missing = [key for key in ("name", "classes", "licence", "synthetic", "notes") if key not in facts]
    if missing:
        message = f"{path}: damaged manifest: it does not say its {missing[0]}."
        raise DataError(message)
    return Manifest.from_frame(
        table.to_pandas(),
        facts["name"],
        root=root if root is not None else path.parent,
        classes=facts["classes"],
        licence=facts["licence"],
        synthetic=facts["synthetic"],
        notes=facts["notes"],
        left_out=LeftOut.all_of(facts.get("left_out", ()), str(path)),
    )


def _facts(table: pa.Table) -> Mapping[str, Any]:
    """What ``Manifest.save`` wrote beside the table; empty for a file of another kind."""
    try:
        facts = json.loads((table.schema.metadata or {}).get(b"msde", b"{}"))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _plain(value: Any) -> Any:
    """A cell as JSON can hold it; a whole number is the same with and without a decimal point."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if is_null(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
