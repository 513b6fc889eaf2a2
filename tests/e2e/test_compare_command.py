"""``msde compare`` and ``msde data power`` as their user types them, on runs written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from handmade_run import answers, people, write_run, write_study

GOOD, BAD = {"nm": 0.8, "m": 0.75}, {"nm": 0.8, "m": 0.4}
PRIMARY = {"baseline": "ce", "methods": ["cl", "kd"], "conditions": ["m"], "margin": 0.2}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of which one method is not finished."""
    folder = tmp_path_factory.mktemp("study") / "hand"
    return write_study(folder, {"ce": BAD, "cl": GOOD}, primary=PRIMARY, targets=("street",), unfinished=("kd",))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder, frame = tmp_path_factory.mktemp("runs"), people(8)
    for seed, name in enumerate(("one", "two")):
        write_run(folder / name, frame, answers(frame, GOOD, 2, seed))
    return folder


def test_a_study_is_compared_by_the_family_that_it_declared(msde, study):
    done = msde("compare", "--study", study, "--out", "compared")
    assert done.code == 0, done.err
    assert "synthetic faces" in done.out
    assert "primary family: Holm" in done.out
    assert "cl" in done.out
    assert "not there yet: kd" in " ".join(done.out.split())
    document = json.loads(Path("compared/comparison.json").read_text())
    (primary,) = [row for row in document["differences"] if row["family"] == "primary"]
    assert (primary["method"], primary["condition"], primary["metric"]) == ("cl", "m", "accuracy")
    assert primary["p_adjusted"] == pytest.approx(2 * primary["p"])
    rows = pd.read_csv("compared/differences.csv")
    assert len(rows) == len(document["differences"])
    assert {"ci95_low", "ci95_high"} <= set(rows.columns)
    text = Path("compared/comparison.md").read_text()
    assert "| cl | M | " in text
    assert {path.name for path in Path("compared").iterdir()} == {
        "comparison.json", "comparison.md", *(f"{name}.csv" for name in
        ("scores", "differences", "beside", "maintains", "gaps")),
    }  # fmt: skip


def test_on_a_target_everything_is_exploratory(msde, study):
    done = msde("compare", "--study", study, "--target", "street", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document["data"]["dataset"] == "street"
    assert document["baseline"] == "ce--street"
    assert {row["family"] for row in document["differences"]} == {"exploratory"}


def test_bare_runs_with_a_baseline_named_by_its_folder(msde, runs):
    done = msde("compare", runs / "one", runs / "two", "--baseline", runs / "two", "--margin", "5", "--all")
    assert done.code == 0, done.err
    assert "two (baseline)" in done.out
    assert "recall" in done.out
    assert "nothing was declared before" in " ".join(done.out.split())
    assert "(!) unreliable interval" in done.out


def test_power_with_and_without_a_pilot(msde, runs):
    done = msde("data", "power", "--subjects", "24,142")
    assert done.code == 0, done.err
    assert "no pilot, assumed" in " ".join(done.out.split())
    done = msde("data", "power", runs / "one", runs / "two", "--subjects", "40,160", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert [(row["condition"], row["subjects"]) for row in document["rows"]] == [
        ("nm", 40), ("nm", 160), ("m", 40), ("m", 160),
    ]  # fmt: skip
    assert all("pilot one and two, 8 subjects, 2 repeats" in pilot["about"] for pilot in document["variances"])
    for few, many in zip(document["rows"][::2], document["rows"][1::2], strict=True):
        assert few["models"] > 1.5 * many["models"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare"], "two runs or more"),
        (["compare", "none", "other"], "none: not a run"),
        (["compare", "--study", "."], "not a study"),
        (["compare", "x", "--study", "y"], "leave out the others"),
        (["compare", "x", "y", "--target", "street"], "--target street is of a study"),
        (["data", "power", "--subjects", "few"], "--subjects few: expected whole numbers"),
        (["data", "power", "--subjects", "2"], "--subjects 2: expected 5 to 2000"),
        (["data", "power", "--power", "1"], "--power 1: expected 0.05 to 0.99"),
        (["data", "power", "x", "--images", "7"], "leave the option out"),
    ],
)
def test_wrong_words_end_with_two(msde, words, message):
    done = msde(*words)
    assert done.code == 2
    assert message in done.err


def test_a_target_that_is_not_there_is_named(msde, study):
    done = msde("compare", "--study", study, "--target", "stret")
    assert done.code == 2
    assert "Did you mean street" in done.err
    done = msde("compare", "--study", study, "--margin", "3")
    assert done.code == 2
    assert "the study declared 20 percent" in done.err
