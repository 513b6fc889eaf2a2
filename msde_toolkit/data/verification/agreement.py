"""How far raters agree: chance-corrected over all of them, each against the others, and by class and condition.

What people agree on among themselves is the ceiling to show beside a model's accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.verification.votes import UNNAMED, Votes
from msde_toolkit.statistics import Interval, Values, percentile_intervals, resampled_sums


def alpha(votes: Votes, groups: npt.ArrayLike) -> tuple[float | None, Interval]:
    """Krippendorff's alpha for nominal labels, and its 95 % interval from resampling groups.

    One is full agreement, zero that of chance. Images with fewer than two votes say nothing; a vote that names no
    class is a category of its own. Krippendorff, *Content Analysis*, 4th ed., ch. 12.

    Args:
        votes: on n images.
        groups: ``[n]`` subject of each image, or the image itself.

    Returns:
        None where there is nothing to compare, or all votes are of one category.
    """
    paired = votes.raters >= 2
    counts, raters = votes.counts[paired].astype(np.float64), votes.raters[paired].astype(np.float64)
    if not len(counts):
        return None, None
    disagreeing = (raters**2 - (counts**2).sum(axis=1)) / (raters - 1)
    sums = np.column_stack([disagreeing, counts])
    value = float(_alpha(sums.sum(axis=0)))
    drawn = resampled_sums(sums, np.asarray(groups)[paired])
    if not np.isfinite(value):
        return None, None
    return value, percentile_intervals(None if drawn is None else _alpha(drawn)[:, None], 1)[0]


def _alpha(sums: Values) -> Values:
    """``[..., 1 + K]`` (disagreement within images, then votes of each category) to alpha."""
    observed, categories = sums[..., 0], sums[..., 1:]
    total = categories.sum(axis=-1)
    expected = (total**2 - (categories**2).sum(axis=-1)) / (total - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value: Values = np.asarray(1 - observed / expected)
    return value


def _against_the_others(counts: npt.NDArray[np.int64], label: int) -> tuple[npt.NDArray[np.int64], Values]:
    """Of a vote for ``label`` on each image: what most of the others say (-1 where several tie), and if it agrees."""
    others = counts[:, :-1].copy()
    if label != UNNAMED:
        others[:, label] -= 1
    top = others.max(axis=1)
    clear = (top > 0) & ((others == top[:, None]).sum(axis=1) == 1)
    most = np.where(clear, others.argmax(axis=1), -1)
    return most, (most == label).astype(np.float64)


def human_agreement(
    votes: Votes, by: npt.ArrayLike, groups: npt.ArrayLike, order: Sequence[str] | None = None
) -> pd.DataFrame:
    """How often a rater says what most of the other raters say, by their word and by ``by``.

    Args:
        votes: on n images.
        by: ``[n]`` condition of each image.
        groups: ``[n]`` subject of each image, or the image itself.
        order: of conditions; by default that of their first appearance.

    Returns:
        Columns ``condition, class`` (or "all"), ``agreement`` (0 to 1), ``low, high`` (95 % interval over groups),
        ``votes``. Votes on images where the others tie say nothing.
    """
    conditions, people = np.asarray(by, dtype=object), np.asarray(groups, dtype=object)
    classes = len(votes.classes)
    hits, total = np.zeros((2, len(votes.ids), classes))
    for label in (*range(classes), UNNAMED):
        most, agrees = _against_the_others(votes.counts, label)
        rows = np.flatnonzero((most >= 0) & (votes.counts[:, label] > 0))
        total[rows, most[rows]] += votes.counts[rows, label]
        hits[rows, most[rows]] += votes.counts[rows, label] * agrees[rows]
    rows_out = []
    for condition in order or dict.fromkeys(conditions):
        chosen = conditions == condition
        for name, columns in [("all", slice(None)), *((word, slice(k, k + 1)) for k, word in enumerate(votes.classes))]:
            pairs = np.column_stack([hits[chosen, columns].sum(axis=1), total[chosen, columns].sum(axis=1)])
            rows_out.append({"condition": condition, "class": name, **_share(pairs, people[chosen])})
    return pd.DataFrame(rows_out)


def rater_agreement(votes: Votes, groups: npt.ArrayLike) -> pd.DataFrame | None:
    """Each rater against the others: columns ``rater, agreement, low, high, votes``; None where raters are unknown."""
    if votes.single is None:
        return None
    row_of = {sample: row for row, sample in enumerate(votes.ids)}
    people = np.asarray(groups, dtype=object)
    rows_out = []
    for rater, said in votes.single.groupby("rater", sort=True):
        rows = np.array([row_of[sample] for sample in said["id"]])
        labels = said["label"].to_numpy()
        pairs = np.zeros((len(rows), 2))
        for label in np.unique(labels):
            chosen = labels == label
            most, agrees = _against_the_others(votes.counts[rows[chosen]], int(label))
            pairs[chosen] = np.column_stack([agrees * (most >= 0), most >= 0])
        rows_out.append({"rater": rater, **_share(pairs, people[rows])})
    return pd.DataFrame(rows_out)


def _share(pairs: Values, groups: npt.NDArray[np.object_]) -> Mapping[str, float | int | None]:
    """Of ``[n, 2]`` hits and totals: their ratio with its interval over groups."""
    hits, total = pairs.sum(axis=0)
    if not total:
        return {"agreement": None, "low": None, "high": None, "votes": 0}
    known = pairs[:, 1] > 0
    drawn = resampled_sums(pairs[known], groups[known])
    interval = percentile_intervals(None if drawn is None else (drawn[:, 0] / drawn[:, 1])[:, None], 1)[0]
    low, high = interval or (None, None)
    return {"agreement": float(hits / total), "low": low, "high": high, "votes": int(total)}
