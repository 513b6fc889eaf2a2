"""Maps of a run's held-out samples, each by the model of the fold that held it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from msde_gradcam.controls import with_random_weights
from msde_toolkit.cams import cam_target, maps_by_method
from msde_toolkit.interfaces import AnalysisContext, Model, RunView

Maps = npt.NDArray[np.float32]
"""``[n, h, w]``, raw."""

RECALIBRATED = 64
"""Images that a network with random weights gets its normalisation from."""


@dataclass(frozen=True)
class Wanted:
    """What is explained, and how.

    Attributes:
        target: ``predicted`` or ``label``: the class explained.
        layer: name of a CAM layer; empty: the first.
        methods: names of ``cams.METHODS``.
        batch_size: images at a time.
        random_weights: whether networks with random weights are asked, too.
    """

    target: str
    layer: str
    methods: Sequence[str]
    batch_size: int
    random_weights: bool


@dataclass(frozen=True)
class Explained:
    """Maps of one run.

    Attributes:
        table: a row a map: ``id, pair, condition, subject, label, predicted, fold, target, recomputed``. ``target`` is
            the class explained, ``recomputed`` the argmax of the explaining pass.
        maps: of each method.
        random: maps of the first method by networks with random weights; None where none were asked.
        layer: name of the layer explained.
        cell: pixels of the image that one cell of the layer covers.
        side: of the images, pixels.
    """

    table: pd.DataFrame
    maps: dict[str, Maps]
    random: Maps | None
    layer: str
    cell: int
    side: int


def explain(run: RunView, samples: pd.DataFrame, wanted: Wanted, context: AnalysisContext) -> Explained:
    """Explain these samples, fold by fold.

    Args:
        run: whose models explain.
        samples: rows of ``held_out``.
        wanted: what and how.
        context: seed; shows progress.

    Raises:
        InputError: if the model has no such layer.
        PluginError: if the layer cannot be explained.
    """
    columns = ["id", "pair", "condition", "subject", "label", "predicted", "fold"]
    table = samples[columns].sort_values("fold", kind="stable").reset_index(drop=True)
    table["target"] = table["label" if wanted.target == "label" else "predicted"]
    batches = list(_batches(table, wanted.batch_size))
    maps: dict[str, list[Maps]] = {method: [] for method in wanted.methods}
    recomputed, drawn, layer, cell, side = [], [], "", 1, 1
    model = untrained = None
    fold = ""
    for batch in context.progress(batches, f"Explaining {run.name}"):
        if model is None or str(batch["fold"].iat[0]) != fold:
            fold = str(batch["fold"].iat[0])
            model = run.model(fold, 0)
            untrained = _untrained(run, model, table, fold, context.seed) if wanted.random_weights else None
        target, inputs, classes = cam_target(model, wanted.layer), inputs_of(run, model, batch), classes_of(batch)
        found = maps_by_method(model, target, inputs, classes, wanted.methods)
        for method in wanted.methods:
            maps[method].append(found[method].maps)
        one = found[wanted.methods[0]]
        recomputed.append(one.predicted)
        layer, side = target.name, inputs.shape[-1]
        cell = max(1, round(side / min(one.cells, *one.maps.shape[1:])))
        if untrained is not None:
            layer_of_it = cam_target(untrained, wanted.layer)
            others = maps_by_method(untrained, layer_of_it, inputs, classes, wanted.methods[:1])
            drawn.append(others[wanted.methods[0]].maps)
    table["recomputed"] = np.concatenate(recomputed)
    stacked = {method: np.concatenate(parts) for method, parts in maps.items()}
    return Explained(table, stacked, np.concatenate(drawn) if drawn else None, layer, cell, side)


def _batches(table: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    for _, part in table.groupby("fold", sort=False):
        for start in range(0, len(part), size):
            yield part.iloc[start : start + size]


def _untrained(run: RunView, model: Model, table: pd.DataFrame, fold: str, seed: int) -> Model:
    seen = table[table["fold"] == fold].iloc[:RECALIBRATED]
    return with_random_weights(model, inputs_of(run, model, seen), seed)


def inputs_of(run: RunView, model: Model, batch: pd.DataFrame) -> torch.Tensor:
    """``[B, 3, S, S]`` normalised, on the run's device."""
    pixels = torch.tensor(run.images(list(batch["id"])), device=run.device)
    return model.input_spec.normalise(pixels.permute(0, 3, 1, 2).float().div(255.0))


def classes_of(batch: pd.DataFrame) -> torch.Tensor:
    """``[B]`` classes explained."""
    return torch.tensor(batch["target"].to_numpy(dtype=np.int64))
