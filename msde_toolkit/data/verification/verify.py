"""Votes and a manifest to a verified manifest, and what happened on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.verification.agreement import alpha, human_agreement, rater_agreement
from msde_toolkit.data.verification.rule import KEEP, RELABEL, REMOVE, Rule, decide
from msde_toolkit.data.verification.votes import Votes
from msde_toolkit.errors import DataError
from msde_toolkit.statistics import Interval
from msde_toolkit.types import Manifest

MOVED = ((0.4, 0.25), (0.5, 0.1), (0.5, 0.15), (0.5, 0.25), (0.5, 0.35), (0.6, 0.25), (0.7, 0.25), (0.8, 0.25))
"""Shares (for, against) at which the outcome is looked at again."""


@dataclass(frozen=True)
class Verification:
    """The outcome.

    Attributes:
        rule: that decided.
        decisions: a row an image, as of ``decide``.
        manifest: the images that stay, under their new labels; ``pair`` is kept only where both images stay under one
            label (MSD-PE).
        counts: images before and after, pairs before and after, never flagged, nobody voted on.
        inventory: columns ``condition, class, requested, kept, relabelled_away, removed, verified, pairs``.
        alpha: Krippendorff's, None where there is nothing to compare.
        alpha_interval: 95 %, resampling subjects (images where subjects are unknown).
        humans: agreement with the other raters by condition and class.
        raters: each rater against the others; None where raters are unknown.
        thresholds: columns ``approve, against, reading, kept, relabelled, removed, changed``: the outcome at other
            shares, and how many images get another decision or label than under ``rule``.
    """

    rule: Rule
    decisions: pd.DataFrame
    manifest: Manifest
    counts: dict[str, int]
    inventory: pd.DataFrame
    alpha: float | None
    alpha_interval: Interval
    humans: pd.DataFrame
    raters: pd.DataFrame | None
    thresholds: pd.DataFrame


def verify(votes: Votes, manifest: Manifest, rule: Rule | None = None) -> Verification:
    """Decide on every image by the rule, then on every pair.

    Args:
        votes: on the manifest's images.
        manifest: what was asked for: ``requested_label``, or ``label`` where it has none.
        rule: the paper's by default.

    Raises:
        DataError: if no image is left.
    """
    rule = rule or Rule()
    requested = requested_labels(manifest)
    decisions = decide(votes, requested, rule)
    stays = (decisions["decision"] != REMOVE).to_numpy()
    if not stays.any():
        message = f"{manifest.name}: the rule ({rule}) removes every one of its {len(manifest)} images."
        raise DataError(message)
    verified = _verified(manifest, decisions, requested, stays, rule)
    groups = manifest.groups()
    value, interval = alpha(votes, groups)
    conditions = manifest.frame["condition"].to_numpy(dtype=object)
    return Verification(
        rule=rule,
        decisions=decisions,
        manifest=verified,
        counts=_counts(manifest, verified, decisions),
        inventory=_inventory(manifest, verified, decisions),
        alpha=value,
        alpha_interval=interval,
        humans=human_agreement(votes, conditions, groups, order=manifest.conditions),
        raters=rater_agreement(votes, groups),
        thresholds=_moved(votes, requested, decisions, rule),
    )


def requested_labels(manifest: Manifest) -> npt.NDArray[np.int64]:
    """``[n]`` the class that each image was to show."""
    labels: npt.NDArray[np.int64] = manifest.frame["requested_label"].fillna(manifest.frame["label"]).to_numpy(np.int64)
    return labels


def _verified(
    manifest: Manifest,
    decisions: pd.DataFrame,
    requested: npt.NDArray[np.int64],
    stays: npt.NDArray[np.bool_],
    rule: Rule,
) -> Manifest:
    frame = manifest.frame.assign(requested_label=pd.array(requested, dtype="Int64"))[stays].reset_index(drop=True)
    frame["label"] = decisions["label"][stays].to_numpy()
    of_pair = frame.groupby("pair")["label"]
    agree = (of_pair.transform("nunique") == 1) & (of_pair.transform("size") == 2)
    frame["pair"] = frame["pair"].where(agree.fillna(False), None)
    note = f"labels verified by votes: {rule}; {int((~stays).sum())} of {len(manifest)} images removed"
    return manifest.with_frame(frame, [note])


def _counts(manifest: Manifest, verified: Manifest, decisions: pd.DataFrame) -> dict[str, int]:
    decided = decisions["decision"]
    return {
        "images": len(manifest),
        "never_flagged": int((~decisions["flagged"] & (decisions["raters"] > 0)).sum()),
        "flagged": int(decisions["flagged"].sum()),
        "without_votes": int((decisions["raters"] == 0).sum()),
        "kept": int((decided == KEEP).sum()),
        "relabelled": int((decided == RELABEL).sum()),
        "removed": int((decided == REMOVE).sum()),
        "verified": len(verified),
        "pairs": len(manifest.pairs()),
        "verified_pairs": len(verified.pairs()),
    }


def _inventory(manifest: Manifest, verified: Manifest, decisions: pd.DataFrame) -> pd.DataFrame:
    conditions = manifest.frame["condition"]
    pairs = verified.frame["label"].iloc[verified.pairs()["nm"].to_numpy(dtype=int)]
    rows = []
    for condition in manifest.conditions:
        here = (conditions == condition).to_numpy()
        after = verified.frame["label"][verified.frame["condition"] == condition]
        for label, name in enumerate(manifest.classes):
            asked = decisions[here & (decisions["requested"] == label).to_numpy()]
            decided = asked["decision"].value_counts()
            rows.append(
                {
                    "condition": condition,
                    "class": name,
                    "requested": len(asked),
                    "kept": int(decided.get(KEEP, 0)),
                    "relabelled_away": int(decided.get(RELABEL, 0)),
                    "removed": int(decided.get(REMOVE, 0)),
                    "verified": int((after == label).sum()),
                    "pairs": int((pairs == label).sum()),
                }
            )
    return pd.DataFrame(rows)


def _moved(votes: Votes, requested: npt.NDArray[np.int64], decisions: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    return pd.DataFrame(
        [_outcome(votes, requested, decisions, other) for other in dict.fromkeys([rule, *_other_rules(rule)])]
    )


def _other_rules(rule: Rule) -> Iterator[Rule]:
    for approve, against in MOVED:
        yield Rule(approve, against, rule.together)
    yield Rule(rule.approve, rule.against, not rule.together)


def _outcome(votes: Votes, requested: npt.NDArray[np.int64], decisions: pd.DataFrame, rule: Rule) -> dict[str, Any]:
    other = decide(votes, requested, rule)
    changed = (other["decision"] != decisions["decision"]) | (
        other["label"].fillna(-1) != decisions["label"].fillna(-1)
    )
    decided = other["decision"].value_counts()
    return {
        "approve": rule.approve,
        "against": rule.against,
        "reading": "together" if rule.together else "each",
        "kept": int(decided.get(KEEP, 0)),
        "relabelled": int(decided.get(RELABEL, 0)),
        "removed": int(decided.get(REMOVE, 0)),
        "changed": int(changed.sum()),
    }
