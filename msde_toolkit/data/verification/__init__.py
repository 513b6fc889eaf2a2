"""From the votes of several people on each image to labels that were verified, with the evidence beside them."""

from msde_toolkit.data.verification.agreement import alpha, human_agreement, rater_agreement
from msde_toolkit.data.verification.rule import Rule, decide
from msde_toolkit.data.verification.verify import Verification, verify
from msde_toolkit.data.verification.votes import Vote, Votes, read_votes

__all__ = [
    "Rule",
    "Verification",
    "Vote",
    "Votes",
    "alpha",
    "decide",
    "human_agreement",
    "rater_agreement",
    "read_votes",
    "verify",
]
