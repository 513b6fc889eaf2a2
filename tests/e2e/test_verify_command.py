"""``msde data verify`` as its user types it."""

import csv
import json
from pathlib import Path

from msde_toolkit.types import load_manifest

REQUESTS = """id,requested_label,condition,pair,subject
a,3,nm,p1,s1
a-m,3,m,p1,s1
b,happy,nm,p2,s2
b-m,3,m,p2,s2
"""
VOTES = {"a": "3333333", "a-m": "3333444", "b": "4444443", "b-m": "444444-"}


def files(votes="votes.csv"):
    Path("requests.csv").write_text(REQUESTS)
    lines = [f"{i},r{k},{label.strip('-')}" for i, said in VOTES.items() for k, label in enumerate(said)]
    Path(votes).write_text("\n".join(["id,rater,label", *lines]) + "\n")
    return votes


def test_votes_and_a_csv_of_requests(msde):
    done = msde("data", "verify", files(), "--manifest", "requests.csv", "--out", "verified", "--json")
    assert done.code == 0, done.err
    counts = json.loads(done.out)["counts"]
    assert counts | {"images": 4, "kept": 1, "relabelled": 2, "removed": 1, "pairs": 2, "verified_pairs": 1} == counts
    rows = list(csv.reader(Path("verified/decisions.csv").read_text().splitlines()))
    assert rows == [
        ["id", "requested", "decision", "label", "approvals", "raters"],
        ["a", "3", "keep", "3", "7", "7"],
        ["a-m", "3", "remove", "", "4", "7"],
        ["b", "3", "relabel", "4", "6", "7"],
        ["b-m", "3", "relabel", "4", "6", "7"],
    ]
    verified = load_manifest("verified/manifest.parquet")
    assert verified.frame["label"].tolist() == [3, 4, 4]
    assert verified.frame["requested_label"].tolist() == [3, 3, 3]


def test_another_reading_and_other_thresholds(msde):
    done = msde(
        *("data", "verify", files(), "--manifest", "requests.csv", "--out", "v", "--json"),
        *("--approve", "0.55", "--against", "0.5", "--together"),
    )
    assert json.loads(done.out)["rule"] == {"approve": 0.55, "against": 0.5, "together": True}
    assert json.loads(done.out)["counts"]["kept"] == 2


def test_what_is_missing_is_said(msde):
    votes = files()
    Path("twice.csv").write_text("id,requested_label\na,3\na,3\n")
    for words, says in (
        (["data", "verify", votes, "--out", "v"], "--manifest NAME or FILE"),
        (["data", "verify", votes, "--manifest", "requests.csv"], "--out DIR"),
        (["data", "verify", "--manifest", "requests.csv", "--out", "v"], "brings no votes"),
        (["data", "verify", votes, "--manifest", "none.csv", "--out", "v"], "no dataset of that name"),
        (["data", "verify", "none.csv", "--manifest", "requests.csv", "--out", "v"], "none.csv: cannot be read"),
        (
            ["data", "verify", votes, "--manifest", "twice.csv", "--out", "v"],
            "twice, row 2: id 'a' occurs a second time",
        ),
    ):
        done = msde(*words)
        assert done.code == 2, words
        assert says in done.err
    assert not Path("v").exists()
    Path("requests.csv").write_text("id,requested_label\na,\n")
    done = msde("data", "verify", votes, "--manifest", "requests.csv", "--out", "v")
    assert (done.code, "line 2: requested_label is empty" in done.err) == (2, True)


def test_the_outcome_on_screen(msde):
    done = msde("data", "verify", files(), "--manifest", "requests.csv", "--out", "verified")
    assert done.code == 0, done.err
    assert done.out.startswith("requests: at least 50 % for the class, no more than 25 % for any other class\n")
    for text in ("4 images to 3: 1 kept, 2 relabelled, 1 removed", "2 pairs to 1", "Krippendorff", "Decided otherwise"):
        assert text in done.out


def test_requests_of_eight_classes(msde):
    Path("eight.csv").write_text("id,requested_label\na,contempt\nb,happy\n")
    Path("votes.csv").write_text("id,rater,label\na,r1,contempt\na,r2,contempt\nb,r1,contempt\nb,r2,contempt\n")
    done = msde("data", "verify", "votes.csv", "--manifest", "eight.csv", "--out", "v")
    assert done.code == 0, done.err
    assert load_manifest("v/manifest.parquet").classes[-1] == "contempt"
    assert "b,happy,relabel,contempt,2,2" in Path("v/decisions.csv").read_text()
