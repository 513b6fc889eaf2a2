"""The paper's rule on each image: at least half for the class, no more than a quarter for another."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_toolkit.data.verification import Rule, Votes, decide
from msde_toolkit.errors import InputError
from msde_toolkit.types import CLASSES

HAPPY, SAD, ANGRY = 3, 4, 5
few = settings(max_examples=200, deadline=None)


def decided(requested, rule=None, **votes):
    """The row of one image; votes by class name, ``unnamed`` for raters who named none."""
    counts = np.zeros((1, 8), dtype=np.int64)
    for name, number in votes.items():
        counts[0, 7 if name == "unnamed" else CLASSES.index(name)] = number
    return decide(Votes(("a",), CLASSES, counts), np.array([requested]), rule).iloc[0]


@pytest.mark.parametrize(
    ("votes", "decision", "label"),
    [
        ({"happy": 7}, "keep", HAPPY),
        ({"happy": 4, "unnamed": 3}, "keep", HAPPY),
        ({"happy": 4, "sad": 1, "angry": 1, "fear": 1}, "keep", HAPPY),
        ({"happy": 5, "sad": 2}, "remove", None),  # two of seven are more than a quarter
        ({"happy": 3, "unnamed": 4}, "remove", None),  # less than half
        ({"sad": 6, "happy": 1}, "relabel", SAD),
        ({"sad": 4, "happy": 1, "unnamed": 2}, "relabel", SAD),
        ({"sad": 5, "happy": 2}, "remove", None),
        ({"unnamed": 7}, "remove", None),
        ({"happy": 2, "sad": 2, "angry": 2, "fear": 1}, "remove", None),
        ({}, "remove", None),  # nobody voted
    ],
)
def test_seven_raters(votes, decision, label):
    row = decided(HAPPY, **votes)
    assert row["decision"] == decision
    assert (None if pd.isna(row["label"]) else row["label"]) == label
    assert row["raters"] == sum(votes.values())


def test_exactly_half_and_exactly_a_quarter_are_enough():
    assert decided(HAPPY, happy=4, sad=2, angry=2)["decision"] == "keep"
    assert decided(HAPPY, happy=4, sad=3, angry=1)["decision"] == "remove"
    assert decided(HAPPY, Rule(approve=0.6), happy=3, unnamed=2)["decision"] == "keep"


def test_the_other_reading_counts_all_other_classes_together():
    votes = {"happy": 5, "sad": 1, "angry": 1}
    assert decided(HAPPY, **votes)["decision"] == "keep"
    assert decided(HAPPY, Rule(together=True), **votes)["decision"] == "remove"
    assert decided(HAPPY, Rule(together=True), happy=6, angry=1)["decision"] == "keep"


def test_where_classes_tie_only_the_requested_one_can_win():
    loose = Rule(against=0.5)
    assert decided(HAPPY, loose, happy=2, sad=2)["decision"] == "keep"
    assert decided(ANGRY, loose, happy=2, sad=2)["decision"] == "remove"


@pytest.mark.parametrize("wrong", [{"approve": 1.5}, {"against": -0.1}])
def test_shares_are_shares(wrong):
    with pytest.raises(InputError, match="is not a share from 0 to 1"):
        Rule(**wrong)


@few
@given(
    st.lists(st.integers(0, 12), min_size=8, max_size=8),
    st.integers(0, 6),
    st.sampled_from([0.0, 0.25, 0.5, 0.6, 1.0]),
    st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    st.booleans(),
)
def test_the_rule_as_it_is_written(counts, requested, approve, against, together):
    row = decide(
        Votes(("a",), CLASSES, np.array([counts])), np.array([requested]), Rule(approve, against, together)
    ).iloc[0]
    raters, named = sum(counts), counts[:7]
    winners = []
    for label, approvals in enumerate(named):
        others = [number for other, number in enumerate(named) if other != label]
        opposed = sum(others) if together else max(others)
        enough = raters and approvals >= Fraction(str(approve)) * raters and opposed <= Fraction(str(against)) * raters
        if approvals == max(named) and enough:
            winners.append(label)
    expected = requested if requested in winners else winners[0] if len(winners) == 1 else None
    if named.count(max(named)) > 1 and named[requested] != max(named):
        expected = None
    assert (None if pd.isna(row["label"]) else row["label"]) == expected
    assert row["decision"] == ("remove" if expected is None else "keep" if expected == requested else "relabel")
    assert row["flagged"] == (named[requested] < raters)
