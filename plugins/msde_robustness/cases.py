"""Which errors are worth looking at: the most confident, those that a mask made, and those that all models share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from msde_robustness.answers import Values, softmax
from msde_toolkit import statistics
from msde_toolkit.held_out import pairs_among, predictions_of, units
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    import pandas as pd

CONFIDENT, LOST, AGREED = "confident_wrong", "lost_with_mask", "agreed_on_another"
DISAGREE = -1


@dataclass(frozen=True)
class Opinions:
    """What a run's models say of each held-out image together.

    Attributes:
        run: whose models.
        table: a row an image: ``id, condition, label, fold, answers`` (models that held it out), ``predicted`` (by the
            mean of their probabilities), ``confidence`` (the mean probability of that), ``of_label`` (of the label),
            ``all_say`` (the class that each single model answers, or -1).
    """

    run: RunView
    table: pd.DataFrame

    @property
    def right(self) -> Values:
        """``[n]`` 1 where the label is predicted."""
        return np.asarray(self.table["predicted"] == self.table["label"], dtype=np.float64)


def opinions(run: RunView) -> Opinions:
    """All repeats (and, on other data, all fold models) together.

    Raises:
        InputError: if the run has no held-out predictions.
    """
    import pandas as pd

    rows = predictions_of(run)
    codes, names = pd.factorize(rows["id"])
    probabilities = softmax(np.stack(list(rows["logits"])))
    answers = np.bincount(codes)
    means = np.stack([np.bincount(codes, column) for column in probabilities.T], axis=1) / answers[:, None]
    table = rows.drop_duplicates("id")[["id", "condition", "label", "fold"]].reset_index(drop=True)
    spoken = rows.groupby(codes)["predicted"].agg(["min", "max"])
    everyone = np.arange(len(names))
    table = table.assign(
        answers=answers,
        predicted=means.argmax(axis=1),
        confidence=means.max(axis=1),
        of_label=means[everyone, table["label"].to_numpy(dtype=np.int64)],
        all_say=np.where(spoken["min"] == spoken["max"], spoken["min"], DISAGREE),
    )
    return Opinions(run, table)


def confident_wrong(found: Opinions) -> list[tuple[int]]:
    """Rows of wrong answers, the most confident first."""
    table = found.table
    wrong = table[table["predicted"] != table["label"]]
    return [(int(row),) for row in wrong.sort_values(["confidence", "id"], ascending=[False, True]).index]


def lost_with_mask(found: Opinions) -> list[tuple[int, int]]:
    """Rows of pairs that are right without the mask and wrong with it, the label's largest loss first."""
    table, pairs = found.table, pairs_among(found.run, found.table)
    nm, m = (table.iloc[pairs[side]].reset_index(drop=True) for side in ("nm", "m"))
    lost = (nm["predicted"] == nm["label"]) & (m["predicted"] != m["label"])
    order = np.lexsort((pairs["pair"].astype(str), m["of_label"] - nm["of_label"]))
    return [(int(pairs["nm"][row]), int(pairs["m"][row])) for row in order if lost[row]]


def agreed_on_another(found: Sequence[Opinions]) -> pd.DataFrame:
    """Images that every single model of every run gives the same other class: the label may be what is wrong.

    Only images that all runs hold out under the same label, and that at least two models have answered.

    Returns:
        ``id, label, predicted`` (words), ``answers``, ``confidence`` (mean), the most confident first.
    """
    import pandas as pd

    joined: pd.DataFrame | None = None
    for one in found:
        names = np.array([*one.run.classes, ""], dtype=object)
        words = {"label": names[one.table["label"]], "predicted": names[one.table["all_say"]]}
        part = one.table[["id", "answers", "confidence"]].assign(**words)
        part["confidence"] *= part["answers"]
        if joined is None:
            joined = part
        else:
            both = joined.merge(part, on=["id", "label", "predicted"], suffixes=("", "_more"))
            for column in ("answers", "confidence"):
                both[column] += both.pop(f"{column}_more")
            joined = both
    if joined is None:
        return pd.DataFrame(columns=["id", "label", "predicted", "answers", "confidence"])
    kept = joined[(joined["predicted"] != "") & (joined["predicted"] != joined["label"]) & (joined["answers"] > 1)]
    kept = kept.assign(confidence=kept["confidence"] / kept["answers"])
    return kept.sort_values(["confidence", "id"], ascending=[False, True]).reset_index(drop=True)


def pair_flow(found: Opinions, seed: int) -> dict[str, Any] | None:
    """How many complete pairs are right on both sides, one, or none, with intervals; None without pairs."""
    pairs = pairs_among(found.run, found.table)
    if pairs.empty:
        return None
    nm, m = (found.right[pairs[side]] > 0 for side in ("nm", "m"))
    groups = units(found.run, found.table.iloc[pairs["nm"]]).groups
    flows = {"both_right": nm & m, "lost_with_mask": nm & ~m, "gained_with_mask": ~nm & m, "both_wrong": ~nm & ~m}
    return {
        "n": len(pairs),
        **{
            name: {
                "pairs": int(mine.sum()),
                "share": float(mine.mean()),
                "ci95": statistics.cluster_mean_interval(mine.astype(np.float64), groups, seed=seed),
            }
            for name, mine in flows.items()
        },
    }
