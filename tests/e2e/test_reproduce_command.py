"""``msde reproduce`` as its user types it: real trainings of all five methods, as small as they can be."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command import call

TINY = [
    *("--set", "data.subjects=3", "--set", "data.size=64", "--set", "train.image_size=64"),
    *("--set", "train.epochs=1", "--set", "train.meter_steps=0", "--precision", "fp32", "--out", "small"),
]
KEYS = {"table", "method", "condition", "ours", "ci95", "paper", "difference", "verdict", "data", "synthetic"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder in which Table 5 and Fig. 5 have been made, and what was printed."""
    folder = tmp_path_factory.mktemp("reproduced")
    done = call(folder, "reproduce", "table2", "table5", "fig5", *TINY, "--json")
    assert done.code == 0, done.err
    return folder, json.loads(done.out)


@pytest.fixture
def there(made, monkeypatch):
    """Working where they have been made."""
    monkeypatch.chdir(made[0])
    return made[0] / "small"


def test_table_5_has_a_row_for_each_method_and_condition(made):
    rows = [row for row in made[1]["rows"] if row["table"] == "table5"]
    assert {key for row in rows for key in row} >= KEYS
    methods = ("baseline", "cl", "kd", "ran", "scan")
    assert [(row["method"], row["condition"]) for row in rows] == [
        (method, condition) for method in methods for condition in ("nm", "m", "average")
    ]
    for row in rows:
        assert row["synthetic"] is True
        assert row["data"] == "synthetic"
        assert row["difference"] is None
        assert row["verdict"] == "not_comparable"
        assert row["trained_on"] == "pairs"
        assert row["unreliable"] == "only 3 subjects"
        low, high = row["ci95"]
        assert 0 <= low <= row["ours"] <= high <= 1
    assert [row["paper"] for row in rows[:3]] == pytest.approx([0.5625, 0.4371, 0.4998])


def test_ours_are_of_complete_pairs_alone(made, there):
    import pandas as pd

    from msde_toolkit.results.study import open_study

    run = open_study(there / "study").runs["cl"]
    held_out = run.predictions.set_index("id")
    pairs = held_out["pair"].value_counts()
    paired = held_out[held_out["pair"].map(pairs) == 2]
    right = (paired["label"] == paired["predicted"]).groupby(paired["condition"]).mean()
    rows = {(row["method"], row["condition"]): row for row in made[1]["rows"] if row["table"] == "table5"}
    assert rows["cl", "nm"]["ours"] == pytest.approx(right["nm"])
    assert rows["cl", "m"]["ours"] == pytest.approx(right["m"])
    assert rows["cl", "average"]["ours"] == pytest.approx(right.mean())
    assert rows["cl", "nm"]["n"] == int((paired["condition"] == "nm").sum())
    folds = (
        paired[paired["condition"] == "nm"]
        .groupby("fold")
        .apply(lambda part: (part["label"] == part["predicted"]).mean(), include_groups=False)
    )
    assert isinstance(folds, pd.Series)
    assert rows["cl", "nm"]["mean_of_folds"] == pytest.approx(folds.mean())


def test_counts_and_notes(made):
    document = made[1]
    counts = {(row["class"], row["condition"]): row for row in document["rows"] if row["table"] == "table2"}
    assert len(counts) == 28
    assert counts["sad", "total"]["paper"] == 256
    assert counts["sad", "total"]["ours"] == counts["sad", "nm"]["ours"] + counts["sad", "m"]["ours"]
    notes = "\n".join(document["notes"])
    for slip in ("123 + 142 = 265", "51.215", "3.09", "not to be had", "857 images"):
        assert slip in notes


def test_the_figure_is_drawn_and_its_files_are_named(made, there):
    (figure,) = made[1]["figures"]
    assert figure["name"] == "fig5"
    assert all((made[0] / file).is_file() for file in figure["files"])
    assert any(file.endswith(".png") for file in figure["files"])
    assert json.loads((there / "figures/fig5/result.json").read_text())["runs"] == ["baseline", "cl", "kd"]


def test_a_second_call_trains_and_draws_nothing(made, there, msde, monkeypatch):
    monkeypatch.chdir(made[0])
    drawn = (there / "figures/fig5/result.json").stat().st_mtime_ns
    done = msde("reproduce", "table2", "table5", "fig5", *TINY, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out) == made[1]
    assert "Fold" not in done.err
    assert (there / "figures/fig5/result.json").stat().st_mtime_ns == drawn


def test_every_form_says_the_same(made, there, msde, monkeypatch):
    monkeypatch.chdir(made[0])
    shown = {form: msde("reproduce", "table5", *TINY, "--quiet", "--format", form) for form in ("markdown", "latex")}
    assert all(done.code == 0 for done in shown.values())
    assert shown["latex"].out == (there / "tables/table5.tex").read_text()
    assert r"\toprule" in shown["latex"].out
    assert r"\%" in shown["latex"].out
    assert shown["latex"].out.count(r"\\") == 16
    assert shown["markdown"].out == (there / "tables/table5.md").read_text()
    for text in (done.out for done in shown.values()):
        assert "synthetic faces" in text
        assert "57.29" in text
        assert "only 3 subjects" in text
    rows = list(csv.DictReader(io.StringIO((there / "tables/table5.csv").read_text())))
    ours = [row["ours"] for row in made[1]["rows"] if row["table"] == "table5"]
    assert [float(row["ours"]) for row in rows] == pytest.approx(ours)
    plain = msde("reproduce", "table5", *TINY, "--quiet")
    assert "are not comparable" in " ".join(plain.out.split())
    assert "preset quick" in plain.out


def test_other_options_are_another_study(made, there, msde, monkeypatch):
    monkeypatch.chdir(made[0])
    done = msde("reproduce", "table5", *TINY, "--seed", "1", "--quiet")
    assert done.code == 2
    assert "seed: was 0, is 1" in done.err
    assert "another --out" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table7"], "no such table or figure"),
        (["table5", "--data", "nowhere"], "nowhere"),
        (["table5", "--json", "--format", "csv"], "leave one of the two out"),
        (["fig7", "--data", "folder", "--root", "."], "folder"),
        (["table5", "--weights", "vgg=none"], "no method of the paper has that model"),
        (["table5", "--sets", "rafdb=x"], "only table1"),
        (["table1", "--sets", "rafdb"], "expected NAME=FOLDER"),
        (["table1", "--sets", "cifar=x"], "Table 1 has affectnet"),
        (["table5", "--source", "rafdb=x"], "only fig7"),
        (["table5", "--set", "model.x=1"], "model"),
        (["table2", "--out", __file__], "is a file"),
    ],
)
def test_wrong_words_end_with_two_and_leave_nothing(msde, words, message):
    done = msde("reproduce", *words)
    assert done.code == 2, done.out
    assert message in done.err
    assert not list(Path().iterdir())


def test_sets_of_the_field_are_counted_where_they_are(msde, tmp_path):
    done = msde("reproduce", "table1", "--sets", f"rafdb={tmp_path / 'none'}", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert {row["verdict"] for row in document["rows"]} == {"not_measured"}
    assert "rafdb was not counted" in "\n".join(document["notes"])
    assert [row["paper"] for row in document["rows"] if row["method"] == "fedro"] == [234, 10]
