"""Maps of a run's held-out samples, each by the model of the fold that held it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from msde_gradcam.energy import mask_energy
from msde_toolkit.cams import cam_target, raw_maps
from msde_toolkit.interfaces import AnalysisContext, Model, RunView


class MapOptions(Protocol):
    """What of the analysis' options matters to the maps."""

    target: Any
    layer: str
    method: Any
    batch_size: int


@dataclass(frozen=True)
class Explained:
    """Maps of one run.

    Attributes:
        table: a row a map: ``id, pair, condition, subject, label, predicted, fold, target, recomputed, mask_energy,
            mask_area``. ``target`` is the class explained, ``recomputed`` the argmax of the explaining pass.
        maps: float32 ``[n, h, w]``, raw.
        layer: name of the layer explained.
    """

    table: pd.DataFrame
    maps: npt.NDArray[np.float32]
    layer: str


def explain(run: RunView, samples: pd.DataFrame, options: MapOptions, context: AnalysisContext) -> Explained:
    """Explain these samples, fold by fold.

    Args:
        run: whose models explain.
        samples: rows of ``held_out``.
        options: target, layer, method, batch size.
        context: shows progress.

    Raises:
        InputError: if the model has no such layer.
        PluginError: if the layer cannot be explained.
    """
    columns = ["id", "pair", "condition", "subject", "label", "predicted", "fold"]
    table = samples[columns].sort_values("fold", kind="stable").reset_index(drop=True)
    table["target"] = table["label" if options.target == "label" else "predicted"]
    batches = [
        part.iloc[start : start + options.batch_size]
        for _, part in table.groupby("fold", sort=False)
        for start in range(0, len(part), options.batch_size)
    ]
    maps, recomputed, layer = [], [], ""
    model, fold = None, ""
    for batch in context.progress(batches, f"Explaining {run.name}"):
        if model is None or str(batch["fold"].iat[0]) != fold:
            fold = str(batch["fold"].iat[0])
            model = run.model(fold, 0)
        target = cam_target(model, options.layer)
        found = raw_maps(model, target, _inputs(run, model, batch), _classes(batch), options.method)
        maps.append(found.maps)
        recomputed.append(found.predicted)
        layer = target.name
    table["recomputed"] = np.concatenate(recomputed)
    stacked = np.concatenate(maps)
    return Explained(table.join(mask_energy(table, stacked, run)), stacked, layer)


def _inputs(run: RunView, model: Model, batch: pd.DataFrame) -> torch.Tensor:
    pixels = torch.tensor(run.images(list(batch["id"])), device=run.device)
    return model.input_spec.normalise(pixels.permute(0, 3, 1, 2).float().div(255.0))


def _classes(batch: pd.DataFrame) -> torch.Tensor:
    return torch.tensor(batch["target"].to_numpy(dtype=np.int64))
