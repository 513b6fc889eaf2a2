"""What features keep across the mask, within one fold: cosines, the partner's rank, CKA, and a probe for the mask.

Each measure is a set of values whose mean is the number, each with the group that it belongs to: an interval then
resamples groups, whatever the measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_embedding.sides import Side, Sides, Values

Groups = npt.NDArray[np.object_]
MOST_BLOCKS = 60
PROBE_SPLITS = 5


@dataclass(frozen=True)
class Measure:
    """A number as a mean.

    Attributes:
        values: ``[q]`` whose mean is the number; nan where it says nothing.
        groups: ``[q]`` whose each is.
        chance: what features that know nothing would get; nan if that is not one number.
    """

    values: Values
    groups: Groups
    chance: float = float("nan")


def cosines(sides: Sides) -> dict[str, Measure]:
    """Cosine of each unmasked face with its masked partner, and with masked faces of *others*.

    ``pair``; ``same_class`` and ``other_class``: the mean over faces of other groups; ``excess``: pair minus same
    class, what the features keep of this face beyond its expression.
    """
    table = _similarities(sides.nm, sides.m)
    strangers = sides.nm.groups[:, None] != sides.m.groups[None, :]
    alike = sides.nm.labels[:, None] == sides.m.labels[None, :]
    found = {
        "same_class": _mean_where(table, strangers & alike),
        "other_class": _mean_where(table, strangers & ~alike),
    }
    if sides.paired:
        found = {"pair": np.diagonal(table).copy(), **found}
        found["excess"] = found["pair"] - found["same_class"]
    return {f"cosine_{name}": Measure(values, sides.nm.groups) for name, values in found.items()}


def retrieval(sides: Sides) -> dict[str, Measure]:
    """Whether the nearest face across the mask is the partner, among all pairs of the fold; both directions together.

    Ties count by what a random order of the tied would give, so that features which are all the same get chance.
    """
    table = _similarities(sides.nm, sides.m)
    count = len(table)
    own = np.diagonal(table)
    # Cosines that are equal on paper may differ in the last digits.
    slack = 1e-9
    before = np.concatenate([(side > own[:, None] + slack).sum(axis=1) for side in (table, table.T)])
    tied = np.concatenate([(np.abs(side - own[:, None]) <= slack).sum(axis=1) for side in (table, table.T)])
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, count + 1))])
    groups = np.concatenate([sides.nm.groups, sides.m.groups])
    found = {f"top{k}": Measure(np.clip((k - before) / tied, 0.0, 1.0), groups, min(k, count) / count) for k in (1, 5)}
    ranks = (harmonic[before + tied] - harmonic[before]) / tied
    return {**found, "reciprocal_rank": Measure(ranks, groups, float(harmonic[-1] / count))}


def cka(first: Values, second: Values) -> float:
    """Debiased linear centred kernel alignment of features ``[n, F]`` and ``[n, G]`` of the same n; nan for n < 4.

    1 where one is the other rotated and scaled, about 0 where they have nothing to do with each other (Kornblith et al.
    2019; HSIC without bias: Song et al. 2012, eq. 5).
    """
    return _cka(first @ first.T, second @ second.T)


def pair_cka(sides: Sides) -> Measure:
    """CKA of a pair's two images, its spread by leaving out one group at a time (jackknife, Efron and Tibshirani 1993).

    The values are pseudo-values, moved so that their mean is the CKA of all.
    """
    kernels = [side.features @ side.features.T for side in (sides.nm, sides.m)]
    names, codes = np.unique(sides.nm.groups.astype(str), return_inverse=True)
    # Of many groups several are left out together: the work grows with the cube of the pairs otherwise.
    blocks = codes % min(len(names), MOST_BLOCKS)
    count = int(blocks.max()) + 1
    whole = _cka(*kernels)
    without = np.full(count, np.nan)
    for block in range(count if count > 1 else 0):
        kept = np.flatnonzero(blocks != block)
        without[block] = _cka(*(kernel[np.ix_(kept, kept)] for kernel in kernels))
    groups = np.array(
        [names[block] if count == len(names) else f"block {block}" for block in range(count)], dtype=object
    )
    moved = (
        whole - (count - 1) * (without - np.nanmean(without)) if np.isfinite(without).any() else np.full(count, whole)
    )
    return Measure(moved, groups, 0.0)


def probe(sides: Sides, seed: int) -> dict[str, Measure]:
    """How well a logistic regression on the features tells masked from unmasked faces of people it has not seen.

    ``probe_accuracy`` is balanced over the conditions, ``probe_auc`` the area under the ROC curve; its values are
    placements, spread so that the mean's variance is that of DeLong et al. (1988) for whole groups (Obuchowski 1997).
    """
    features = np.concatenate([sides.nm.features, sides.m.features])
    masked = np.repeat([0, 1], [len(sides.nm.labels), len(sides.m.labels)])
    groups = np.concatenate([sides.nm.groups, sides.m.groups])
    right, placements = np.full(len(masked), np.nan), np.full(len(masked), np.nan)
    for train, test in _splits(masked, groups, seed):
        scores = _scores(features[train], masked[train], features[test])
        right[test] = (scores > 0) == masked[test]
        placements[test] = _placements(scores, masked[test])
    accuracy = Measure(_evened(right, masked, 1.0), groups, 0.5)
    return {"probe_accuracy": accuracy, "probe_auc": Measure(_evened(placements, masked, 2.0), groups, 0.5)}


def _similarities(first: Side, second: Side) -> Values:
    sides = [
        side.features / np.maximum(np.linalg.norm(side.features, axis=1, keepdims=True), 1e-12)
        for side in (first, second)
    ]
    table: Values = sides[0] @ sides[1].T
    return table


def _mean_where(table: Values, chosen: npt.NDArray[np.bool_]) -> Values:
    counts = chosen.sum(axis=1)
    means: Values = np.where(counts > 0, (table * chosen).sum(axis=1) / np.maximum(counts, 1), np.nan)
    return means


def _cka(first: Values, second: Values) -> float:
    if len(first) < 4:
        return float("nan")
    own = [_hsic(kernel, kernel) for kernel in (first, second)]
    return float(_hsic(first, second) / np.sqrt(own[0] * own[1])) if min(own) > 0 else float("nan")


def _hsic(first: Values, second: Values) -> float:
    """Unbiased, up to the factor that cancels."""
    count = len(first)
    sides = [kernel - np.diag(np.diagonal(kernel)) for kernel in (first, second)]
    sums = [side.sum(axis=0) for side in sides]
    return float(
        (sides[0] * sides[1]).sum()
        + sums[0].sum() * sums[1].sum() / ((count - 1) * (count - 2))
        - 2.0 * (sums[0] @ sums[1]) / (count - 2)
    )


def _splits(
    masked: npt.NDArray[np.int64], groups: Groups, seed: int
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Train and test rows with no group on both sides; none where people or conditions are too few."""
    from sklearn.model_selection import StratifiedGroupKFold

    splits = min(PROBE_SPLITS, len(set(groups)), int(np.bincount(masked).min()))
    if splits < 2:
        return []
    made = StratifiedGroupKFold(splits, shuffle=True, random_state=seed % 2**32)
    found = list(made.split(masked, masked, groups.astype(str)))
    return [(train, test) for train, test in found if len(set(masked[train])) == 2 and len(test)]


def _scores(train: Values, masked: npt.NDArray[np.int64], test: Values) -> Values:
    """Above 0: masked."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = train.mean(axis=0), train.std(axis=0)
    scaled = [(part - mean) / np.where(spread > 0, spread, 1.0) for part in (train, test)]
    model = LogisticRegression(max_iter=1000).fit(scaled[0], masked)
    return np.asarray(model.decision_function(scaled[1]), dtype=np.float64)


def _placements(scores: Values, masked: npt.NDArray[np.int64]) -> Values:
    """Of each image the share of the other condition's images that it stands on the right side of."""
    other = masked[:, None] != masked[None, :]
    signs = np.where(masked == 1, 1.0, -1.0)[:, None] * (scores[:, None] - scores[None, :])
    return _mean_where(0.5 * (np.sign(signs) + 1.0), other)


def _evened(values: Values, masked: npt.NDArray[np.int64], spread: float) -> Values:
    """Values whose mean weighs both conditions alike, their deviations from it ``spread`` times as wide."""
    known = np.isfinite(values)
    sizes = np.bincount(masked[known], minlength=2)
    if sizes.min() == 0:
        return np.full(len(values), np.nan)
    mean = 0.5 * sum(float(values[known & (masked == side)].mean()) for side in (0, 1))
    weights: Values = known.sum() / (2.0 * sizes[masked])
    evened: Values = mean + spread * weights * (values - mean)
    return evened
