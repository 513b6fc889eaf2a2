"""``msde evaluate`` as its user types it: a finished run on other data, and the answers of another program."""

import json

import pandas as pd
import pytest

from msde_toolkit import open_run

TWIN = ["--data", "synthetic", "--set", "data.subjects=6", "--set", "data.size=64"]


def test_a_run_on_other_masks(msde, finished, tmp_path):
    run, _ = finished
    done = msde("evaluate", run, *TWIN, "--set", "data.pairing=overlay", "--out", "tested", "--json")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert summary["directory"] == "tested"
    assert summary["evaluates"]["run"] == "run"
    before = json.loads((run / "summary.json").read_text())
    assert summary["metrics"]["m"]["n"] == before["metrics"]["m"]["n"]
    # Nobody is predicted by a model that was trained on them.
    folds = (open_run(path).predictions.groupby("subject")["fold"].unique().map(list) for path in (run, "tested"))
    assert next(folds).to_dict() == next(folds).to_dict()
    assert "tested" in msde("runs", tmp_path, "--json").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*TWIN, "--split", "test"], "--split test: synthetic has no such split; it has no split of its own"),
        ([*TWIN, "--faces", "aligned"], "says nothing of how its faces were cut, so there is nothing to apply"),
        ([*TWIN, "--set", "faces.x=1"], "no face is looked for; name a landmarker with --faces NAME"),
        ([*TWIN, "--set", "model.x=1"], "unknown role 'model'"),
        ([], "On which data?"),
        ([*TWIN, "--predictions", "x.csv"], "one of the two"),
        ([*TWIN, "--name", "x"], "--name belongs to --predictions"),
    ],
)
def test_wrong_words_end_with_two(msde, finished, tmp_path, words, message):
    done = msde("evaluate", finished[0], *words, "--out", "tested")
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "tested").exists()


def test_answers_of_another_program(msde, finished, tmp_path):
    """Half are right, five are missing, one is of a stranger."""
    manifest = open_run(finished[0]).manifest
    names = [manifest.classes[(label + row % 2) % 7] for row, label in enumerate(manifest.labels)]
    answers = pd.DataFrame({"id": manifest.ids, "predicted": names}).iloc[5:]
    answers.loc[len(names)] = ["stranger", "happy"]
    answers.to_csv("answers.csv", index=False)
    words = ["evaluate", "--predictions", "answers.csv", *TWIN, "--name", "some API"]
    done = msde(*words, "--out", "scored", "--json")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert summary["model"] == "some API"
    assert summary["metrics"]["nm"]["n"] + summary["metrics"]["m"]["n"] == len(names) - 5
    assert summary["metrics"]["average"]["accuracy"]["pooled"] == pytest.approx(0.5, abs=0.05)
    unmatched = pd.read_csv("scored/unmatched.csv")
    assert list(unmatched.query("reason == 'not of this dataset'")["id"]) == ["stranger"]
    assert list(unmatched.query("reason == 'no prediction'")["id"]) == list(manifest.ids[:5])
    assert any("5 ids: no prediction (unmatched.csv)" in note for note in summary["notes"])
    shown = msde(*words, "--out", "again")
    assert "1 ids: not of this dataset (unmatched.csv)" in shown.out
    refused = msde(*words, "--faces", "aligned", "--out", "third")
    assert refused.code == 2
    assert "--faces belongs to a run" in refused.err
