"""Accuracy of held-out faces under boxes, and under masks of growing opacity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from msde_robustness.answers import Values, softmax
from msde_robustness.occluders import Images, margin_of, occlude
from msde_toolkit import statistics
from msde_toolkit.held_out import Units, balanced, held_out, outputs, pairs_among, units
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    import pandas as pd

SAME = 8
"""Grey levels by which pixels beside a drawn mask may differ (a mask's edge is blurred by resizing)."""


@dataclass(frozen=True)
class Subset:
    """The held-out images of a run that are covered.

    Attributes:
        run: whose.
        rows: of its predictions, index 0..n-1.
        units: what intervals resample.
        of: images there are.
        pairs: ``[p, 2]`` rows of the complete pairs, unmasked and masked.
    """

    run: RunView
    rows: pd.DataFrame
    units: Units
    of: int
    pairs: npt.NDArray[np.int64]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """``[n]``."""
        return self.rows["label"].to_numpy(dtype=np.int64)

    @property
    def margins(self) -> list[float]:
        """``[n]`` of each image's recipe."""
        prep: Any = self.run.manifest.frame["prep"].iloc[self.run.manifest.rows_of(list(self.rows["id"]))]
        return [margin_of(text) for text in prep]

    def images(self) -> Images:
        """``[n, S, S, 3]``."""
        return self.run.images(list(self.rows["id"]))


def subset(run: RunView, count: int, seed: int) -> Subset:
    """``count`` images, from classes (and without pairs from conditions) in turn; complete pairs where there are any.

    Raises:
        InputError: if the run has no held-out predictions.
    """
    rows = held_out(run)
    pairs = pairs_among(run, rows)
    if len(pairs):
        unmasked = rows.iloc[pairs["nm"]].assign(partner=pairs["m"].to_numpy()).reset_index(drop=True)
        kept = balanced(unmasked, max(1, count // 2), seed)
        places = np.sort(np.concatenate([pairs["nm"][kept.index], kept["partner"]]))
        chosen = rows.iloc[places].reset_index(drop=True)
    else:
        chosen = balanced(rows, count, seed).reset_index(drop=True)
    found = pairs_among(run, chosen)[["nm", "m"]].to_numpy(dtype=np.int64)
    return Subset(run, chosen, units(run, chosen), len(rows), found)


def under_boxes(
    data: Subset, places: Sequence[str], shares: Sequence[float], fill: str, seed: int
) -> Iterator[dict[str, Any]]:
    """A row a condition, place and size: accuracy, the loss against nothing covered, and probability of the label."""
    import pandas as pd

    images, margins, ids = data.images(), data.margins, list(data.rows["id"])
    bare = _answers(data, data.rows, images)
    for place in places:
        covered = [occlude(images, ids, margins, place, share, fill, seed) for share in shares]
        rows = pd.concat([data.rows] * len(shares), ignore_index=True)
        found = _answers(data, rows, np.concatenate([pixels for pixels, _ in covered]))
        sizes = [(0.0, 0.0, bare)] + [
            (share, covered[number][1], found[number * len(ids) : (number + 1) * len(ids)])
            for number, share in enumerate(shares)
        ]
        for word in data.run.manifest.conditions:
            mine = (data.rows["condition"] == word).to_numpy()
            for share, real, answers in sizes if mine.any() else []:
                place_of = {"run": data.run.name, "condition": word, "place": place, "size": share, "covered": real}
                yield {**place_of, **_numbers(answers[mine], bare[mine], data.units.groups[mine], seed)}


def under_opacity(data: Subset, steps: Sequence[float], seed: int) -> tuple[list[dict[str, Any]], str | None]:
    """A row an opacity, on the pairs that are one photograph; and what must be known, or why there are none.

    The image at opacity a is (1 - a) times the unmasked plus a times the masked one, in pixel values: the mask's own
    alpha times a. At 0 and 1 these are the run's images.
    """
    import pandas as pd

    drawn, why = overlay_pairs(data)
    if not len(drawn):
        return [], why
    images = data.images()
    bare, masked = images[drawn[:, 0]], images[drawn[:, 1]]
    rows = data.rows.iloc[drawn[:, 0]].reset_index(drop=True)
    shown = np.concatenate([blend(bare, masked, step) for step in steps])
    found = _answers(data, pd.concat([rows] * len(steps), ignore_index=True), shown)
    parts = np.split(found, len(steps))
    first = parts[int(np.argmin(steps))]
    groups = data.units.groups[drawn[:, 0]]
    return [
        {"run": data.run.name, "opacity": step, **_numbers(part, first, groups, seed)}
        for step, part in zip(steps, parts, strict=True)
    ], why


def blend(bare: Images, masked: Images, opacity: float) -> Images:
    """``[n, S, S, 3]``: the mask at this opacity."""
    mixed = (1.0 - opacity) * bare.astype(np.float64) + opacity * masked.astype(np.float64)
    return np.asarray(np.rint(mixed), dtype=np.uint8)


def overlay_pairs(data: Subset) -> tuple[npt.NDArray[np.int64], str | None]:
    """The pairs that are one photograph with a mask drawn on, checked pixel by pixel; and a note on the others."""
    if not len(data.pairs):
        return data.pairs, "mask opacity: the run holds no complete pairs"
    manifest = data.run.manifest
    kind = manifest.frame["pairing"].to_numpy(dtype=object)[manifest.rows_of(list(data.rows["id"]))]
    drawn = data.pairs[kind[data.pairs[:, 1]] == "overlay"]
    if not len(drawn):
        return drawn, "mask opacity: pairs are two photographs, whose blend would be a double exposure"
    images, ids = data.images(), list(data.rows["id"])
    regions = data.run.mask_regions([ids[row] for row in drawn[:, 1]])
    same = np.ones(len(drawn), dtype=np.bool_)
    for number, ((nm, m), alpha) in enumerate(zip(drawn, regions, strict=True)):
        if alpha is not None:
            apart = np.abs(images[nm].astype(np.int64) - images[m].astype(np.int64)).max(axis=2)
            same[number] = np.quantile(apart[alpha == 0], 0.99) <= SAME if (alpha == 0).any() else True
    told = []
    if (~same).any():
        told.append(f"{int((~same).sum())} of {len(same)} overlay pairs differ beside the mask and are left out")
    if len(drawn) < len(data.pairs):
        told.append(f"{len(data.pairs) - len(drawn)} pairs are two photographs and are left out")
    if any(alpha is None for alpha in regions):
        told.append("the mask's region is unknown, so that pixels beside it could not be checked")
    return drawn[same], f"mask opacity: {'; '.join(told)}" if told else None


def _answers(data: Subset, rows: pd.DataFrame, images: Images) -> Values:
    """``[n, 2]`` whether each answer is right, and the probability of its label."""
    probabilities = softmax(outputs(data.run, rows, images).logits)
    labels = rows["label"].to_numpy(dtype=np.int64)
    return np.column_stack([probabilities.argmax(axis=1) == labels, probabilities[np.arange(len(labels)), labels]])


def _numbers(answers: Values, bare: Values, groups: npt.NDArray[np.object_], seed: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    losses = (bare - answers)[:, 0]
    for name, values in (("accuracy", answers[:, 0]), ("loss", losses), ("probability_of_label", answers[:, 1])):
        low, high = statistics.cluster_mean_interval(values, groups, seed=seed) or (None, None)
        found |= {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}
    return {**found, "n": len(answers), "groups": len(set(groups))}


def majority(data: Subset, condition: str) -> float:
    """Share of the most frequent class among the images of a condition: what always answering it would get."""
    labels = data.labels[(data.rows["condition"] == condition).to_numpy()]
    return float(np.bincount(labels).max() / len(labels))
