"""Held-out samples of a run, and what the models that held them out say of them: what most analyses start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from msde_toolkit import statistics
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import RunView
from msde_toolkit.randomness import uniform

if TYPE_CHECKING:
    import pandas as pd

BATCH = 128


@dataclass(frozen=True)
class Outputs:
    """Outputs for n images, in the order of the rows that were asked for.

    Attributes:
        logits: float32 ``[n, C]``.
        features: float32 ``[n, F]``, what the models' heads see.
    """

    logits: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]


def predictions_of(run: RunView) -> pd.DataFrame:
    """``run.predictions``, all repeats.

    Raises:
        InputError: if there are none.
    """
    if run.predictions.empty:
        message = f"Run {run.name} has no held-out predictions. Finish it first: msde run --resume DIR."
        raise InputError(message)
    return run.predictions


def held_out(run: RunView, repeat: int = 0) -> pd.DataFrame:
    """Rows of ``run.predictions`` of one repeat, each sample once.

    In an evaluation on other data every fold's model predicts every sample; the first fold's is taken.

    Raises:
        InputError: if there are none.
    """
    predictions = predictions_of(run)
    rows = predictions[predictions["repeat"] == repeat].drop_duplicates("id").reset_index(drop=True)
    if rows.empty:
        message = (
            f"Run {run.name} has no held-out predictions in repeat {repeat}. Finish it first: msde run --resume DIR."
        )
        raise InputError(message)
    return rows


def balanced(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """At most ``count`` of the rows, from classes and conditions in turn, by seed; in the order they had.

    A sample's turn depends on the seed and its id alone, so runs over the same samples choose nearly the same ones.

    Args:
        rows: columns ``id, label, condition``.
        count: rows wanted.
        seed: of the draw.
    """
    if len(rows) <= count:
        return rows
    turn = rows.assign(turn=uniform(1, list(rows["id"]), seed, "balanced subset")[:, 0])
    turn["round"] = turn.groupby(["label", "condition"])["turn"].rank(method="first")
    return rows[rows.index.isin(turn.sort_values(["round", "turn"]).index[:count])]


def pairs_among(run: RunView, rows: pd.DataFrame) -> pd.DataFrame:
    """Complete pairs of which both images are among ``rows``: columns ``pair, nm, m``, the latter positions in rows.

    Args:
        run: whose manifest says what a pair is.
        rows: column ``id``, each once.
    """
    places = rows["id"].reset_index(drop=True)
    where = {sample: place for place, sample in places.items()}
    found, ids = run.manifest.pairs(), run.manifest.frame["id"]
    for side in ("nm", "m"):
        found[side] = found[side].map(ids).map(where)
    return found.dropna().astype({"nm": "int64", "m": "int64"}).reset_index(drop=True)


@dataclass(frozen=True)
class Units:
    """What an interval over some rows resamples.

    Attributes:
        groups: ``[n]`` of each row: its subject, or where that is unknown its pair or itself.
        unit: "subject", or "sample" where subjects are unknown.
    """

    groups: npt.NDArray[np.object_]
    unit: str

    @property
    def count(self) -> int:
        """Different groups."""
        return len(set(self.groups))

    @property
    def doubt(self) -> str | None:
        """What a reader must know before trusting the interval; None if nothing."""
        if self.unit == "sample":
            return "subjects are unknown, the interval is over images and likely too narrow"
        if statistics.few_groups(self.count):
            return f"only {self.count} subjects, the interval is unreliable"
        return None


def units(run: RunView, rows: pd.DataFrame) -> Units:
    """The units of ``rows`` (column ``id``) of this run."""
    groups = run.manifest.groups()[run.manifest.rows_of(rows["id"])]
    return Units(groups, "subject" if run.manifest.has_subjects else "sample")


def outputs(
    run: RunView, rows: pd.DataFrame, images: npt.NDArray[np.uint8] | None = None, *, batch_size: int = BATCH
) -> Outputs:
    """What each sample's own fold's model, which has not been trained on it, says of it.

    Args:
        run: whose models.
        rows: of ``run.predictions``: columns ``id, fold, repeat``.
        images: ``[n, S, S, 3]`` shown instead of the samples' own (occluded ones, say), one a row.
        batch_size: images shown at a time.

    Raises:
        InputError: if a fold's model is missing; or the images are not one a row.
    """
    if images is not None and len(images) != len(rows):
        message = f"{len(rows)} rows but {len(images)} images."
        raise InputError(message)
    logits: npt.NDArray[np.float32] | None = None
    features: npt.NDArray[np.float32] | None = None
    for places, found in _batches(run, rows, images, batch_size):
        if logits is None or features is None:
            logits = np.empty((len(rows), found.logits.shape[1]), dtype=np.float32)
            features = np.empty((len(rows), found.features.shape[1]), dtype=np.float32)
        logits[places], features[places] = found.logits, found.features
    if logits is None or features is None:
        message = f"Run {run.name}: no sample to look at."
        raise InputError(message)
    return Outputs(logits, features)


def _batches(
    run: RunView, rows: pd.DataFrame, images: npt.NDArray[np.uint8] | None, batch_size: int
) -> Iterator[tuple[npt.NDArray[np.int64], Outputs]]:
    import torch

    numbered = rows[["id", "fold", "repeat"]].assign(place=np.arange(len(rows)))
    for key, part in numbered.groupby(["fold", "repeat"], sort=True):
        fold, repeat = str(key[0]), int(str(key[1]))
        model = run.model(fold, repeat)
        for start in range(0, len(part), batch_size):
            batch = part.iloc[start : start + batch_size]
            places = batch["place"].to_numpy(dtype=np.int64)
            shown = run.images(list(batch["id"])) if images is None else images[places]
            pixels = torch.tensor(shown, device=run.device).permute(0, 3, 1, 2).float().div(255.0)
            with torch.inference_mode():
                output = model(model.input_spec.normalise(pixels))
            yield places, Outputs(output.logits.float().cpu().numpy(), output.features.float().cpu().numpy())
