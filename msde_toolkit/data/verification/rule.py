"""The paper's rule (Sec. 2.2): which label an image keeps, gets, or whether it goes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.verification.votes import Votes
from msde_toolkit.errors import InputError

KEEP, RELABEL, REMOVE = "keep", "relabel", "remove"


@dataclass(frozen=True)
class Rule:
    """At least ``approve`` of the raters for the class, and no more than ``against`` for another.

    Shares are of the raters who voted on the image. "No more than 25 percent endorsed another class" can be read of
    each other class by itself, or of all others taken together; a rater who names no class endorses none.

    Attributes:
        approve: least share for the class with the most votes.
        against: largest share for another class.
        together: the second share is of all other classes together.
    """

    approve: float = 0.5
    against: float = 0.25
    together: bool = False

    def __post_init__(self) -> None:
        """Check the shares.

        Raises:
            InputError: if one is no share.
        """
        for name in ("approve", "against"):
            if not 0 <= getattr(self, name) <= 1:
                message = f"{name} = {getattr(self, name)} is not a share from 0 to 1."
                raise InputError(message)

    def __str__(self) -> str:
        """In words."""
        others = "all other classes together" if self.together else "any other class"
        return f"at least {100 * self.approve:g} % for the class, no more than {100 * self.against:g} % for {others}"


def decide(votes: Votes, requested: npt.NDArray[np.int64], rule: Rule | None = None) -> pd.DataFrame:
    """What becomes of each image.

    The class with the most votes is looked at; where several have as many, the requested one if it is among them, else
    none of them wins. An image on which nobody voted is removed: nothing speaks for its label.

    Args:
        votes: on n images.
        requested: ``[n]`` class that was asked for.
        rule: the paper's by default.

    Returns:
        Columns ``id, requested, decision, label`` (class index; null where removed), ``approvals`` (votes for the
        class with the most), ``raters``, ``flagged`` (some rater took it for something else).
    """
    rule = rule or Rule()
    named = votes.counts[:, :-1]
    top, ties = named.max(axis=1), (named == named.max(axis=1, keepdims=True)).sum(axis=1)
    own = named[np.arange(len(named)), requested]
    winner = np.where(own == top, requested, named.argmax(axis=1))
    others = named.copy()
    others[np.arange(len(named)), winner] = 0
    opposed = others.sum(axis=1) if rule.together else others.max(axis=1)
    enough = _at_least(top, rule.approve, votes.raters) & ~_more_than(opposed, rule.against, votes.raters)
    holds = enough & (votes.raters > 0) & ((ties == 1) | (own == top))
    decision = np.where(~holds, REMOVE, np.where(winner == requested, KEEP, RELABEL))
    label = pd.array(winner, dtype="Int64")
    label[~holds] = pd.NA
    return pd.DataFrame(
        {
            "id": votes.ids,
            "requested": requested,
            "decision": decision,
            "label": label,
            "approvals": top,
            "raters": votes.raters,
            "flagged": own < votes.raters,
        }
    )


def _at_least(part: npt.NDArray[np.int64], share: float, whole: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Exactly: four of seven is more than half, and two of eight is a quarter, whatever floats make of them."""
    exact = Fraction(str(share))
    return part * exact.denominator >= whole * exact.numerator


def _more_than(part: npt.NDArray[np.int64], share: float, whole: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return ~_at_least(whole - part, float(1 - Fraction(str(share))), whole)
