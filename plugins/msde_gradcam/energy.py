"""How much of a map lies on the mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch.nn import functional as F

from msde_toolkit import statistics
from msde_toolkit.interfaces import RunView
from msde_toolkit.types import NM, M


def mask_energy(table: pd.DataFrame, maps: npt.NDArray[np.float32], run: RunView) -> pd.DataFrame:
    """Columns ``mask_energy`` and ``mask_area`` for each row of ``table`` (nan where no mask is known).

    ``mask_energy`` is the share of the raw map's sum that lies on the mask, ``mask_area`` the mask's share of the
    image: what a map spread evenly would get. An unmasked image of a pair is measured on its masked partner's region:
    what the same place of the face gets when no mask covers it.

    Args:
        table: columns ``id, pair, condition``, a row a map.
        maps: ``[n, h, w]`` raw maps.
        run: knows the masks.
    """
    regions = _regions(table, run)
    shares = [_share(cam, regions.get(key)) for cam, key in zip(maps, _keys(table), strict=True)]
    return pd.DataFrame(shares, columns=["mask_energy", "mask_area"], index=table.index)


def energy_summary(table: pd.DataFrame, run: RunView, seed: int) -> dict[str, Any] | None:
    """Per condition: mean share, 95 % interval over subjects, mean area, n; None if no mask region is known."""
    known = table[table["mask_energy"].notna()]
    found: dict[str, Any] = {}
    for condition, part in known.groupby("condition", sort=False):
        groups = run.manifest.groups()[run.manifest.rows_of(part["id"])]
        found[str(condition)] = {
            "energy_share": float(part["mask_energy"].mean()),
            "ci95": statistics.cluster_mean_interval(part["mask_energy"], groups, seed=seed),
            "area_share": float(part["mask_area"].mean()),
            "n": len(part),
            "groups": len(set(groups)),
            "interval_unit": "subject" if run.manifest.has_subjects else "sample",
            "few_groups": statistics.few_groups(len(set(groups))),
        }
    return found or None


def _keys(table: pd.DataFrame) -> list[str]:
    """What a row shares with the masked image whose region it is measured on: the pair, else the image itself."""
    paired = table["pair"].notna() & table["condition"].isin([NM, M])
    return list(("pair:" + table["pair"].astype(str)).where(paired, "id:" + table["id"]))


def _regions(table: pd.DataFrame, run: RunView) -> dict[str, npt.NDArray[np.uint8]]:
    frame = run.manifest.frame
    wanted = frame["pair"].isin(table["pair"].dropna()) | frame["id"].isin(table["id"])
    masked = frame[(frame["condition"] == M) & wanted]
    alphas = run.mask_regions(list(masked["id"]))
    return {key: alpha for key, alpha in zip(_keys(masked), alphas, strict=True) if alpha is not None and alpha.any()}


def _share(cam: npt.NDArray[np.float32], alpha: npt.NDArray[np.uint8] | None) -> tuple[float, float]:
    total = float(cam.sum(dtype=np.float64))
    if alpha is None:
        return np.nan, np.nan
    region = torch.from_numpy(alpha.astype(np.float64) / 255.0)[None, None]
    # The mask is brought to the map's grid, not the map to the image's: a map says nothing finer than its cells.
    on_grid = F.interpolate(region, size=cam.shape, mode="area")[0, 0].numpy()
    return float((cam * on_grid).sum() / total) if total > 0 else np.nan, float(region.mean())
