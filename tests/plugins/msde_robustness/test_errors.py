"""Errors of constructed answers: which are found, in which order, and who is shown."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from given_answers import GivenAnswers, manifest_of, saying, sure_of
from in_memory_run import paired_manifest, tiny_run
from matplotlib.text import Text

from msde_robustness.cases import agreed_on_another, confident_wrong, lost_with_mask, opinions, pair_flow
from msde_robustness.errors import Errors
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import InputError


def errors(*runs, **options):
    return Errors(Errors.Options(**options)).run(AnalysisContext(runs, Path()))


def words(figure):
    return " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())


def four_pairs():
    """Of four happy pairs: right on both sides, lost with the mask (twice, the second more), gained with it."""
    manifest = paired_manifest(pairs=4, subjects=4, labels=[3])
    answers = [3, 3, 3, 0, 3, 0, 0, 3]  # nm, m of each pair
    confidence = np.array([0.9, 0.9, 0.5, 0.6, 0.9, 0.8, 0.7, 0.9])
    probabilities = np.concatenate([sure_of([a], c) for a, c in zip(answers, confidence, strict=True)])
    return saying(manifest, probabilities)


def test_confident_errors_come_first():
    found = opinions(four_pairs())
    ids = [found.table["id"][row] for (row,) in confident_wrong(found)]
    assert ids == ["p02-m", "p03-nm", "p01-m"]


def test_pairs_that_the_mask_turned_are_found_by_how_much_was_lost():
    found = opinions(four_pairs())
    ids = [tuple(found.table["id"][row] for row in pair) for pair in lost_with_mask(found)]
    assert ids == [("p02-nm", "p02-m"), ("p01-nm", "p01-m")]
    flow = pair_flow(found, 0)
    assert {name: flow[name]["pairs"] for name in flow if name != "n"} == {
        "both_right": 1, "lost_with_mask": 2, "gained_with_mask": 1, "both_wrong": 0
    }  # fmt: skip


def again(run, answers, **changes):
    """The run with a second repeat that gives these answers."""
    logits = list(np.log(sure_of(answers)))
    more = run.predictions.assign(repeat=1, logits=logits, predicted=answers)
    return GivenAnswers(run, pd.concat([run.predictions, more], ignore_index=True))


def test_only_images_on_which_every_model_agrees_are_doubted():
    manifest = manifest_of([0, 0, 0, 0])
    run = saying(manifest, sure_of([1, 1, 0, 2]))
    assert agreed_on_another([opinions(run)]).empty, "one model agrees with nobody"
    found = agreed_on_another([opinions(again(run, [1, 2, 0, 2]))])
    assert set(found["id"]) == {"p00-nm", "p03-nm"}
    assert found["answers"].tolist() == [2, 2]
    assert set(zip(found["label"], found["predicted"], strict=True)) == {("surprise", "fear"), ("surprise", "disgust")}
    other = saying(manifest, sure_of([1, 1, 1, 1]), name="other")
    assert agreed_on_another([opinions(run), opinions(other)])["id"].tolist() == ["p00-nm", "p01-nm"]


def test_the_answer_of_several_models_is_that_of_their_mean_probability():
    run = saying(manifest_of([0]), sure_of([1], 0.5))
    table = opinions(again(run, [0])).table  # 0.9 for the label, against 0.5 for another class
    assert table["predicted"].tolist() == [0]
    assert table["of_label"].to_numpy() == pytest.approx((0.9 + 0.5 / 6) / 2)
    assert table["all_say"].tolist() == [-1]


def test_the_sheet_shows_them_with_their_words():
    result = errors(four_pairs())
    shown = words(result.figures["errors"])
    assert "happy → surprise M, 80%, wrong" in shown
    assert "happy → happy NM, 90%, right" in shown
    assert "answered by one model only" in shown
    assert "synthetic" in shown
    assert sorted(result.faces["errors"]) == ["p01-m", "p01-nm", "p02-m", "p02-nm", "p03-nm"]
    first, second = result.views
    assert second.entries == [["p02-nm", "p02-m"], ["p01-nm", "p01-m"]]
    assert first.captions["p03-nm"] == "happy → surprise: NM, 70%, wrong"
    table = result.tables["errors"]
    assert table[table["kind"] == "lost_with_mask"]["partner"].tolist() == ["p02-nm", "p01-nm"]
    assert "subject" not in table
    assert json.loads(json.dumps(result.summary))["runs"][0]["conditions"]["m"]["wrong"] == 2


def test_faces_that_may_not_be_published_are_named_to_the_report():
    manifest = replace(paired_manifest(synthetic=False), licence="none")
    result = errors(tiny_run(manifest, title="TinyNet"))
    assert result.summary["runs"][0]["faces_note"] == "contains faces without recorded consent to publish"
    assert result.faces["errors"]
    assert "without recorded consent" in result.sections[0].text


def test_several_runs_have_a_sheet_each_and_one_of_what_they_share():
    manifest = manifest_of([0, 0, 1])
    one, two = saying(manifest, sure_of([1, 0, 1])), saying(manifest, sure_of([1, 1, 1]), name="other")
    result = errors(one, two)
    assert set(result.figures) == {"errors_20261124-0900-tiny-ce", "errors_other", "errors_agreed"}
    assert result.faces["errors_agreed"] == ["p00-nm"]
    assert result.tables["errors_agreed"]["id"].tolist() == ["p00-nm"]
    assert result.summary["agreed_by_all_runs"] == 1


def test_no_error_no_pair_and_one_condition_are_said():
    result = errors(saying(manifest_of([0, 1, 2]), sure_of([0, 1, 2])))
    assert set(result.tables) == {"counts"}
    assert "no complete pairs" in words(result.figures["errors"])
    assert "No complete pairs" in result.sections[0].text
    assert not result.faces["errors"]


def test_predictions_of_an_older_version_without_pairs_are_joined_by_the_manifest():
    run = four_pairs()
    older = GivenAnswers(run.run, run.predictions.drop(columns=["pair", "subject", "seed"]))
    assert errors(older).summary["runs"][0]["pairs"] == errors(run).summary["runs"][0]["pairs"]


def test_a_run_without_predictions_is_refused():
    run = tiny_run()
    with pytest.raises(InputError, match="no held-out predictions"):
        errors(GivenAnswers(run, run.predictions.iloc[:0]))
