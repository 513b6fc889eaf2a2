"""Votes and requests to a verified set."""

import pandas as pd
import pytest

from msde_toolkit.data.source import open_source
from msde_toolkit.data.verification import Rule, Vote, Votes, verify
from msde_toolkit.data.verification.files import Requests, open_votes
from msde_toolkit.errors import DataError
from msde_toolkit.types import Manifest

HAPPY, SAD = 3, 4


def pairs(**columns):
    frame = {
        "id": ["a", "a-m", "b", "b-m", "c", "c-m"],
        "label": [HAPPY] * 6,
        "condition": ["nm", "m"] * 3,
        "pair": ["a", "a", "b", "b", "c", "c"],
        "subject": ["s1", "s1", "s2", "s2", "s3", "s3"],
        **columns,
    }
    return Manifest.from_frame(pd.DataFrame(frame), "faces")


def votes(manifest, **labels):
    """Four raters on each image; all say happy unless an image's labels are given (``_`` for the hyphen)."""
    said = {name.replace("_", "-"): given for name, given in labels.items()}
    cast = [Vote(i, f"r{k}", label) for i in manifest.ids for k, label in enumerate(said.get(i, [HAPPY] * 4))]
    return Votes.of(cast, manifest, "votes.csv")


def test_a_pair_stays_only_with_one_label_on_both_images():
    manifest = pairs()
    done = verify(votes(manifest, a_m=[SAD] * 4, b=[HAPPY, HAPPY, SAD, SAD], c=[SAD] * 4, c_m=[SAD] * 4), manifest)
    assert done.decisions["decision"].tolist() == ["keep", "relabel", "remove", "keep", "relabel", "relabel"]
    verified = done.manifest.frame.set_index("id")
    assert verified["label"].to_dict() == {"a": HAPPY, "a-m": SAD, "b-m": HAPPY, "c": SAD, "c-m": SAD}
    assert verified["requested_label"].tolist() == [HAPPY] * 5
    assert verified["pair"].to_dict() == {"a": None, "a-m": None, "b-m": None, "c": "c", "c-m": "c"}
    assert (
        done.counts | {"images": 6, "verified": 5, "pairs": 3, "verified_pairs": 1, "never_flagged": 2} == done.counts
    )
    happy = done.inventory.set_index(["condition", "class"]).loc[("nm", "happy")]
    assert happy.drop("pairs").to_dict() == {
        "requested": 3,
        "kept": 1,
        "relabelled_away": 1,
        "removed": 1,
        "verified": 1,
    }
    assert "1 of 6 images removed" in done.manifest.notes[-1]


def test_what_was_requested_wins_over_the_label():
    manifest = pairs(requested_label=[SAD] * 6)
    assert verify(votes(manifest), manifest).decisions["decision"].tolist() == ["relabel"] * 6


def test_nothing_left():
    manifest = pairs()
    with pytest.raises(DataError, match="removes every one of its 6 images"):
        verify(votes(manifest, **{name: [] for name in ("a", "a_m", "b", "b_m", "c", "c_m")}), manifest)


def test_thresholds_tell_what_would_be_decided_otherwise():
    manifest = pairs()
    done = verify(votes(manifest, a=[HAPPY, HAPPY, HAPPY, SAD]), manifest)
    table = done.thresholds.set_index(["approve", "against", "reading"])
    assert table.loc[(0.5, 0.25, "each")].to_dict() == {"kept": 6, "relabelled": 0, "removed": 0, "changed": 0}
    assert table.loc[(0.8, 0.25, "each")].to_dict() == {"kept": 5, "relabelled": 0, "removed": 1, "changed": 1}
    assert table.loc[(0.5, 0.1, "each"), "changed"] == 1


def test_the_twins_votes_give_the_papers_inventory():
    source = open_source("synthetic", None, {"subset": "requested"})
    done = verify(open_votes(None, Requests(source.manifest, source.dataset)), source.manifest)
    expected = {"images": 2014, "never_flagged": 1719, "flagged": 295, "verified": 1960, "pairs": 1007}
    assert done.counts | expected | {"verified_pairs": 857} == done.counts
    twin = open_source("synthetic", None, {}).manifest.frame.set_index("id")
    verified = done.manifest.frame.set_index("id")
    assert verified["label"].to_dict() == twin["label"].to_dict()
    assert verified["pair"].to_dict() == twin["pair"].to_dict()
    assert 0.85 < done.alpha < 0.95
    assert len(done.raters) == 7


def test_a_set_cut_short_has_its_own_votes_only():
    source = open_source("synthetic", None, {"subset": "requested", "subjects": 2})
    found = open_votes(None, Requests(source.manifest, source.dataset))
    assert found.raters.tolist() == [7] * len(source.manifest)
    assert verify(found, source.manifest, Rule(together=True)).counts["images"] == len(source.manifest)
