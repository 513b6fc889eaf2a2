"""How much of a map lies on the mask: each image's share, and their means with intervals over subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_gradcam.explain import Explained, Maps
from msde_gradcam.regions import BORDERS, KNOWN, Region, bordered, guessed, on_grid, overlap
from msde_toolkit import statistics
from msde_toolkit.interfaces import RunView
from msde_toolkit.types import NM, M

TRAINED, RANDOM, UNIFORM = "trained", "random", "none: a uniform map"
DIFFERENCE = "m - nm"
ALL = "all"


def shares(maps: Maps, alphas: list[npt.NDArray[np.float64] | None]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Mask energy and area share of each map, ``[n]`` each; nan where there is no region, or no evidence.

    Mask energy is the share of the raw map's sum that lies on the region; the area share is the region's part of the
    map's grid, which is what a uniform map gets. Their ratio is the *lift*: 1 for a uniform map.
    """
    energy, area = np.full(len(maps), np.nan), np.full(len(maps), np.nan)
    for row, (cam, alpha) in enumerate(zip(maps, alphas, strict=True)):
        if alpha is None:
            continue
        cells, found = cam.astype(np.float64), on_grid(alpha, cam.shape[0], cam.shape[1])
        area[row] = found.mean()
        if cells.sum() > 0:
            energy[row] = (cells * found).sum() / cells.sum()
    return energy, area


def measure(explained: Explained, regions: Mapping[str, Region]) -> pd.DataFrame:
    """A row a map, border and set of weights; other borders and controls are of the first method.

    Columns ``id, pair, condition, label, right, region, method, weights, border, energy, area, lift``.
    """
    table = explained.table
    facts = table[["id", "pair", "condition", "label"]].assign(
        right=np.where(table["label"] == table["predicted"], "right", "wrong"),
        region=[regions[sample].source if sample in regions else "" for sample in table["id"]],
    )
    first = next(iter(explained.maps))
    parts = []
    for border in BORDERS:
        alphas = [
            bordered(regions[sample].alpha, border, explained.cell) if sample in regions else None
            for sample in table["id"]
        ]
        for method, weights, maps in _measured_maps(explained, border, first):
            energy, area = shares(maps, alphas)
            with np.errstate(invalid="ignore", divide="ignore"):
                lift = np.where(area > 0, energy / area, np.nan)
            told = {"method": method, "weights": weights, "border": border}
            parts.append(facts.assign(**told, energy=energy, area=area, lift=lift))
    return pd.concat(parts, ignore_index=True)


def _measured_maps(explained: Explained, border: str, first: str) -> Iterator[tuple[str, str, Maps]]:
    for method, maps in explained.maps.items():
        if border == "exact" or method == first:
            yield method, TRAINED, maps
    if explained.random is not None:
        yield first, RANDOM, explained.random
    if border == "exact":
        yield first, UNIFORM, np.ones_like(explained.maps[first])


def energy_table(measures: pd.DataFrame, run: RunView, seed: int) -> pd.DataFrame:
    """Means with 95 % intervals over subjects: ``mask_energy.csv``.

    Conditions stand for themselves and, on complete pairs, as the difference masked minus unmasked on the same region.
    Classes, and right and wrong answers, are told apart for trained models at the exact border.
    """
    known = measures[measures["lift"].notna()]
    rows = []
    for keys, part in known.groupby(["method", "weights", "border", "region"], sort=False):
        told = {"run": run.name, **dict(zip(("method", "weights", "border", "region"), keys, strict=True))}
        split = told["weights"] == TRAINED and told["border"] == "exact"
        for condition, group in [*part.groupby("condition", sort=True), (DIFFERENCE, _differences(part))]:
            for subset in _subsets(group, run.classes, split):
                rows += [{**told, "condition": str(condition), **subset[0], **_means(subset[1], run, seed)}]
    return pd.DataFrame([row for row in rows if row["n"]])


def _subsets(
    group: pd.DataFrame, classes: tuple[str, ...], split: bool
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    yield {"class": ALL, "right": ALL}, group
    if split:
        for index, name in enumerate(classes):
            yield {"class": name, "right": ALL}, group[group["label"] == index]
        for right in ("right", "wrong"):
            yield {"class": ALL, "right": right}, group[group["right"] == right]


def _differences(part: pd.DataFrame) -> pd.DataFrame:
    """A row a complete pair, masked minus unmasked; right: both answers are, wrong: neither, else ``one of two``."""
    paired = part[part["pair"].notna()].drop_duplicates(["pair", "condition"]).set_index("pair")
    nm, m = paired[paired["condition"] == NM], paired[paired["condition"] == M]
    both = nm.index.intersection(m.index, sort=False)
    nm, m = nm.loc[both], m.loc[both]
    return pd.DataFrame(
        {
            "id": m["id"],
            "label": m["label"],
            "right": np.where(nm["right"] == m["right"], m["right"], "one of two"),
            "energy": m["energy"] - nm["energy"],
            "area": m["area"],
            "lift": m["lift"] - nm["lift"],
        }
    ).reset_index()


def _means(part: pd.DataFrame, run: RunView, seed: int) -> dict[str, Any]:
    if part.empty:
        return {"n": 0}
    groups = run.manifest.groups()[run.manifest.rows_of(part["id"])]
    values = np.column_stack([part["energy"], part["lift"], np.ones(len(part))])
    sums = statistics.resampled_sums(values, groups, seed=seed)
    drawn = None if sums is None else sums[:, :2] / sums[:, 2:]
    energy, lift = statistics.percentile_intervals(drawn, 2)
    subjects = len(set(groups))
    return {
        "energy": float(part["energy"].mean()),
        "energy_low": None if energy is None else energy[0],
        "energy_high": None if energy is None else energy[1],
        "area": float(part["area"].mean()),
        "lift": float(part["lift"].mean()),
        "lift_low": None if lift is None else lift[0],
        "lift_high": None if lift is None else lift[1],
        "n": len(part),
        "subjects": subjects,
        "interval_unit": "subject" if run.manifest.has_subjects else "sample",
        "reliable": not statistics.few_groups(subjects),
    }


def guess_error(explained: Explained, regions: Mapping[str, Region]) -> dict[str, Any] | None:
    """What the average face's lower half would have said where the mask is known; None where none is known.

    Over masked images: intersection over union of guess and mask, their ratio of areas, and how much energy and lift
    of the first method would have changed.
    """
    rows = [
        row
        for row, (sample, condition) in enumerate(zip(explained.table["id"], explained.table["condition"], strict=True))
        if condition == M and sample in regions and regions[sample].source == KNOWN
    ]
    if not rows:
        return None
    truth = [regions[str(explained.table["id"].iat[row])].alpha for row in rows]
    guess = guessed(explained.side)
    maps = next(iter(explained.maps.values()))[rows]
    (energy, area), (other, other_area) = shares(maps, [*truth]), shares(maps, [guess] * len(rows))
    fit = np.array([overlap(guess, alpha) for alpha in truth])
    return {
        "n": len(rows),
        "iou": float(np.nanmean(fit[:, 0])),
        "area_ratio": float(fit[:, 1].mean()),
        "energy_change": _mean_or_none(other - energy),
        "lift_change": _mean_or_none(other / other_area - energy / area),
    }


def _mean_or_none(values: npt.NDArray[Any]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
