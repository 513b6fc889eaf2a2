"""Numbers of one cell, and differences between cells: what the domain costs, what the mask costs, and both together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_crossdataset.cells import DRAWN, MASKED, NM, SOURCE, TARGET, UNMASKED, WORN, Cells, Key
from msde_crossdataset.resample import Estimate, Statistic, estimate
from msde_toolkit import statistics

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """A signed sum of accuracies.

    Attributes:
        name: short, for the figure.
        says: what the difference is of.
        terms: cells with their sign; those that have a twin of the other sign are paired by person.
    """

    name: str
    says: str
    terms: tuple[tuple[Key, int], ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        """The cells that it needs."""
        return tuple(dict.fromkeys(key for key, _ in self.terms))

    def of(self, counts: Mapping[Key, Floats]) -> Floats:
        """``[..., 1]`` the difference."""
        total = sum(sign * statistics.accuracy(counts[key]) for key, sign in self.terms)
        return np.asarray(total)[..., None]


def effects(cells: Cells) -> Iterator[Effect]:
    """Those whose cells are all there.

    The source's masks are usually drawn, so that domains are compared under drawn masks where the target has some too:
    else a change of domain would be told together with a change from drawn masks to worn ones.
    """
    worn = cells.masked_faces
    alike = next((f for f in (DRAWN, WORN) if all((w, MASKED, f) in cells.cells for w in (SOURCE, TARGET))), None)
    bare = (SOURCE, UNMASKED, NM), (TARGET, UNMASKED, NM)
    domain = ((bare[0], 1), (bare[1], -1))
    covered = () if alike is None else (((SOURCE, MASKED, alike), 1), ((TARGET, MASKED, alike), -1))
    unequal = "" if alike is not None else " (worn and drawn masks)"
    for effect in (
        Effect("domain, no masks", "source NM minus target NM, trained unmasked", domain),
        Effect("domain, masks", f"source masked minus target masked{unequal}, trained masked", covered),
        Effect(
            "domain x mask",
            "how much more the change of domain costs under masks",
            (*covered, *((key, -sign) for key, sign in domain)) if covered else (),
        ),
        Effect(
            "mask, never seen",
            "target NM minus target masked, trained unmasked",
            ((bare[1], 1), ((TARGET, UNMASKED, worn), -1)),
        ),
        Effect(
            "training on masks",
            "target masked: trained masked minus trained unmasked",
            (((TARGET, MASKED, worn), 1), ((TARGET, UNMASKED, worn), -1)),
        ),
        Effect(
            "Fig. 7(a) minus (b)",
            "target NM trained unmasked minus target masked trained masked",
            ((bare[1], 1), ((TARGET, MASKED, worn), -1)),
        ),
        Effect(
            "drawn minus worn",
            "target with masks drawn on minus target's worn masks, trained masked",
            (((TARGET, MASKED, DRAWN), 1), ((TARGET, MASKED, WORN), -1)),
        ),
    ):
        if effect.terms and all(key in cells.cells for key in effect.keys):
            yield effect


def shares(key: Key) -> Statistic:
    """A statistic: ``[..., C * C]`` share of each true class predicted as each class."""

    def of(counts: Mapping[Key, Floats]) -> Floats:
        table = counts[key]
        sizes = table.sum(axis=-1, keepdims=True)
        out = np.divide(table, sizes, out=np.full(table.shape, np.nan), where=sizes > 0)
        flat: Floats = out.reshape(*table.shape[:-2], -1)
        return flat

    return of


def accuracies(key: Key, priors: Floats) -> Statistic:
    """A statistic: ``[..., 3]`` accuracy; mean recall (equal priors); recalls weighted by ``priors``."""

    def of(counts: Mapping[Key, Floats]) -> Floats:
        recall = statistics.recall_by_class(counts[key])
        known = np.isfinite(recall)
        weight = np.where(known, priors, 0.0)
        whole = weight.sum(axis=-1)
        sums = (np.where(known, recall, 0.0) * weight).sum(axis=-1)
        weighted = np.divide(sums, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
        parts = (statistics.accuracy(counts[key]), statistics.balanced_accuracy(counts[key]), weighted)
        return np.stack([np.asarray(part, dtype=np.float64) for part in parts], axis=-1)

    return of


def share_estimate(cells: Cells, key: Key, *, seed: int = 0) -> Estimate:
    """``[C * C]`` shares of each true class's images in a cell; of none or all, the bound for so many people."""
    found = estimate(cells, (key,), shares(key), seed=seed)
    classes = cells.cells[key].counts.shape[-1]
    people = np.repeat((cells.cells[key].counts.sum(axis=(1, 3)) > 0).sum(axis=0), classes).tolist()
    resampled = list(zip(found.low.tolist(), found.high.tolist(), strict=True))
    ends = statistics.bounded_shares(resampled, people)
    low, high = np.array([one or (np.nan, np.nan) for one in ends]).T
    return Estimate(found.value, low, high)
