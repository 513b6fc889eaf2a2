"""ROAD: whether what a map marks matters to the answer (Rong et al. 2022), with the grad-cam package's imputation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch.nn import functional as F

from msde_gradcam.explain import Explained, classes_of, inputs_of
from msde_toolkit import statistics
from msde_toolkit.interfaces import AnalysisContext, RunView
from msde_toolkit.randomness import generator

REMOVED = (20, 40, 60, 80)
"""Percent of the pixels that are removed."""
CONTROL = "random order"


def road(run: RunView, explained: Explained, ids: list[str], context: AnalysisContext) -> pd.DataFrame:
    """A row an image and method: ``id, condition, method, morf, lerf, road``, and the control, pixels in random order.

    ``morf`` is the change of the explained class' probability when the most relevant pixels are removed (imputed from
    their neighbours), ``lerf`` when the least relevant are, both averaged over 20, 40, 60 and 80 % of the pixels;
    ``road = (lerf - morf) / 2``: above 0 if the map orders pixels by what they matter.

    Args:
        run: whose models.
        explained: maps.
        ids: samples of it.
        context: seed; shows progress.
    """
    table = explained.table[explained.table["id"].isin(ids)]
    rows = []
    batches = list(table.groupby("fold", sort=False))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(context.seed)
        for fold, part in context.progress(batches, f"Removing pixels, {run.name}"):
            model = run.model(str(fold), 0)
            for place, sample in zip(part.index, part["id"], strict=True):
                image, one = inputs_of(run, model, part.loc[[place]]), int(classes_of(part.loc[[place]])[0])
                for method, cam in _maps(explained, place):
                    order = _ranks(cam, image.shape[-1], context.seed, str(sample))
                    found = _changes(model, image, order, one)
                    told = {"id": sample, "condition": part.loc[place, "condition"], "method": method}
                    rows.append({**told, **found, "road": (found["lerf"] - found["morf"]) / 2})
    return pd.DataFrame(rows)


def road_table(images: pd.DataFrame, run: RunView, seed: int) -> pd.DataFrame:
    """Mean of each condition and method, with 95 % intervals over subjects: ``faithfulness.csv``."""
    rows: list[dict[str, Any]] = []
    for keys, part in images.groupby(["method", "condition"], sort=False):
        groups = run.manifest.groups()[run.manifest.rows_of(part["id"])]
        low, high = statistics.cluster_mean_interval(part["road"], groups, seed=seed) or (None, None)
        row: dict[str, Any] = {"run": run.name, **dict(zip(("method", "condition"), map(str, keys), strict=True))}
        row |= {name: float(part[name].mean()) for name in ("morf", "lerf", "road")}
        subjects = len(set(groups))
        few = statistics.few_groups(subjects)
        rows.append(
            {**row, "road_low": low, "road_high": high, "n": len(part), "subjects": subjects, "reliable": not few}
        )
    return pd.DataFrame(rows)


def _maps(explained: Explained, place: int) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    for method, maps in explained.maps.items():
        yield method, maps[place]
    yield CONTROL, np.zeros((1, 1), dtype=np.float32)


def _ranks(cam: npt.NDArray[np.float32], side: int, seed: int, sample: str) -> npt.NDArray[np.float32]:
    """``[side, side]`` ranks in [0, 1), the most relevant highest; what is equal (all that the ReLU cut) at random."""
    fine = F.interpolate(torch.from_numpy(cam)[None, None], size=(side, side), mode="bilinear", align_corners=False)
    turn = generator(seed, "road", sample).random(side * side)
    order = np.lexsort((turn, fine.numpy().ravel()))
    ranks = np.empty(side * side, dtype=np.float32)
    ranks[order] = np.arange(side * side, dtype=np.float32) / (side * side)
    return ranks.reshape(side, side)


def _changes(model: Any, image: torch.Tensor, order: npt.NDArray[np.float32], one: int) -> dict[str, float]:
    from pytorch_grad_cam.metrics.road import ROADLeastRelevantFirst, ROADMostRelevantFirst
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    def probabilities(images: torch.Tensor) -> torch.Tensor:
        shares: torch.Tensor = model(images).logits.softmax(dim=1)
        return shares

    target = [ClassifierOutputTarget(one)]
    kinds = {"morf": ROADMostRelevantFirst, "lerf": ROADLeastRelevantFirst}
    return {
        name: float(np.mean([kind(100 - share)(image, order[None], target, probabilities)[0] for share in REMOVED]))
        for name, kind in kinds.items()
    }
