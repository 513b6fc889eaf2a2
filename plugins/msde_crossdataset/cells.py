"""What was tested on what: confusion counts of each way to train on each kind of face, by person and repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    import pandas as pd

SOURCE, TARGET = "source", "target"
UNMASKED, MASKED = "unmasked", "masked"
NM, WORN, DRAWN = "nm", "m", "drawn"

FACES = {NM: "NM", WORN: "M", DRAWN: "drawn masks"}
"""How the kinds of face are called in tables and figures."""

Key = tuple[str, str, str]
"""Where it was tested (source or target), how it was trained (unmasked or masked), and on which faces."""


@dataclass(frozen=True)
class Cell:
    """One way to train, tested on one kind of face.

    Attributes:
        counts: ``[G, R, C, C]`` rows are the truth; by person (or sample) of the set, and by repeat.
        corrected: the same, with the logits moved to the target's class priors; None where it was not asked for.
        images: different images.
        groups: persons (or samples) that these images show.
    """

    counts: npt.NDArray[np.int64]
    corrected: npt.NDArray[np.int64] | None
    images: int
    groups: int

    @property
    def total(self) -> npt.NDArray[np.int64]:
        """``[C, C]`` over everybody and all repeats."""
        total: npt.NDArray[np.int64] = self.counts.sum(axis=(0, 1))
        return total


@dataclass(frozen=True)
class Cells:
    """Everything that was tested.

    Attributes:
        cells: by key.
        classes: class names, C of them.
        repeats: how often each way to train was trained.
        source_priors: ``[C]`` class shares of what the source's models were trained on, by the way to train.
        target_priors: ``[C]`` class shares of the target's images.
    """

    cells: Mapping[Key, Cell]
    classes: tuple[str, ...]
    repeats: Mapping[str, int]
    source_priors: Mapping[str, npt.NDArray[np.float64]]
    target_priors: npt.NDArray[np.float64]

    @property
    def masked_faces(self) -> str:
        """The target's masked faces that Fig. 7(b) shows: worn masks, else drawn ones."""
        return WORN if any(faces == WORN for where, _, faces in self.cells if where == TARGET) else DRAWN


def gather(sources: Mapping[str, RunView], targets: Mapping[str, Sequence[RunView]]) -> Cells:
    """Cells of runs by how they were trained (unmasked, masked), and of their evaluations on the target."""
    everyone = {SOURCE: _people(sources.values()), TARGET: _people(run for runs in targets.values() for run in runs)}
    first = next(run for runs in targets.values() for run in runs)
    condition = {UNMASKED: "nm", MASKED: "m"}
    from_source = {trained: _priors(run, condition[trained]) for trained, run in sources.items()}
    to_target = _priors(first)
    cells: dict[Key, Cell] = {}
    for trained, run in sources.items():
        for faces, rows in _kinds(run).items():
            cells[SOURCE, trained, faces] = _cell(run, rows, everyone[SOURCE], None)
    for trained, runs in targets.items():
        shift = _shift(from_source[trained], to_target)
        for run in runs:
            for faces, rows in _kinds(run).items():
                cells.setdefault((TARGET, trained, faces), _cell(run, rows, everyone[TARGET], shift))
    repeats = {trained: int(runs[0].predictions["repeat"].nunique()) for trained, runs in targets.items()}
    return Cells(cells, first.classes, repeats, from_source, to_target)


def _people(runs: Any) -> dict[str, int]:
    names = sorted({str(group) for run in runs for group in run.manifest.groups()})
    return {name: number for number, name in enumerate(names)}


def _priors(run: RunView, condition: str | None = None) -> npt.NDArray[np.float64]:
    labels = run.manifest.labels
    chosen = labels if condition is None else labels[(run.manifest.frame["condition"] == condition).to_numpy()]
    counts = np.bincount(chosen, minlength=len(run.classes)).astype(np.float64)
    # Without a face of the condition nothing is known of its classes.
    return counts / counts.sum() if counts.any() else np.full(len(counts), np.nan)


def _shift(source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``[C]`` log target prior minus log source prior; 0 for a class that one of the two lacks."""
    both = (source > 0) & (target > 0)
    return np.where(both, np.log(np.where(both, target, 1.0)) - np.log(np.where(both, source, 1.0)), 0.0)


def _kinds(run: RunView) -> dict[str, pd.DataFrame]:
    """Held-out rows by what the face wears: nothing, a mask, a mask that was drawn on."""
    rows = run.predictions
    frame = run.manifest.frame
    drawn = set(frame.loc[frame["pairing"].eq("overlay").fillna(False), "id"])
    masked = rows["condition"] == "m"
    overlay = masked & rows["id"].isin(drawn)
    parts = {NM: rows[rows["condition"] == "nm"], WORN: rows[masked & ~overlay], DRAWN: rows[overlay]}
    return {faces: part for faces, part in parts.items() if len(part)}


def _cell(run: RunView, rows: pd.DataFrame, people: Mapping[str, int], shift: npt.NDArray[np.float64] | None) -> Cell:
    groups = run.manifest.groups()[run.manifest.rows_of(rows["id"])]
    who = np.array([people[str(group)] for group in groups])
    repeat = rows["repeat"].to_numpy(dtype=np.int64)
    shape = (len(people), int(run.predictions["repeat"].max()) + 1, len(run.classes), len(run.classes))
    labels = rows["label"].to_numpy(dtype=np.int64)

    def counted(predicted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        counts = np.zeros(shape, dtype=np.int64)
        np.add.at(counts, (who, repeat, labels, predicted), 1)
        return counts

    corrected = None if shift is None else counted((np.stack(list(rows["logits"])) + shift).argmax(axis=1))
    plain = counted(rows["predicted"].to_numpy(dtype=np.int64))
    return Cell(plain, corrected, int(rows["id"].nunique()), len(set(who.tolist())))
