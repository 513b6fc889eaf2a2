"""Calibration of constructed answers whose numbers are known, and the analysis on small runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from given_answers import GivenAnswers, manifest_of, saying, sure_of
from in_memory_run import paired_manifest, tiny_run
from matplotlib.text import Text

from msde_robustness.answers import Answers, answers_of
from msde_robustness.calibration import Calibration
from msde_robustness.reliability import bins_of, calibration, ece
from msde_toolkit.held_out import Units
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import InputError


def calibrate(*runs, **options):
    return Calibration(Calibration.Options(**options)).run(AnalysisContext(runs, Path()))


def half_sure(right):
    """50 answers of confidence 0.6 and 50 of 0.8, of which the given numbers are right."""
    labels = np.zeros(100, dtype=int)
    answers = np.ones(100, dtype=int)
    answers[: right[0]], answers[50 : 50 + right[1]] = 0, 0
    confidence = np.repeat([0.6, 0.8], 50)
    probabilities = np.zeros((100, 7))
    probabilities[np.arange(100), answers] = confidence
    probabilities[np.arange(100), 2] += 1 - confidence
    return saying(manifest_of(labels), probabilities)


def numbers(run, **options):
    table = calibrate(run, **options).tables["calibration"]
    return table[table["condition"] == "nm"].set_index("measure")


def test_perfectly_calibrated_answers_have_an_ece_of_zero():
    found = numbers(half_sure((30, 40)), bins=2)
    assert found.loc["ece", "value"] == pytest.approx(0, abs=1e-9)
    assert found.loc["overconfidence", "value"] == pytest.approx(0, abs=1e-9)


def test_a_known_miscalibration_is_told_with_its_sign():
    found = numbers(half_sure((20, 45)), bins=2)  # 40 % right at 60 % sure, 90 % right at 80 % sure
    assert found.loc["ece", "value"] == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)
    assert found.loc["overconfidence", "value"] == pytest.approx(0.70 - 0.65)
    assert found.loc["ece", "ci95_low"] <= found.loc["ece", "value"] <= found.loc["ece", "ci95_high"]


def test_bins_hold_equal_mass_and_equal_confidences_stay_together():
    confidence = np.random.default_rng(0).random(200)
    assert np.bincount(bins_of(confidence, 8)).tolist() == [25] * 8
    assert len(set(bins_of(confidence[:60], 15))) == 2, "never fewer than 25 answers a bin"
    tied = np.repeat([0.2, 0.9], 100)
    found = bins_of(tied, 8)
    assert len(set(found[:100])) == len(set(found[100:])) == 1
    assert ece(tied, np.ones(200), found) == pytest.approx(0.5 * 0.8 + 0.5 * 0.1)


def test_calibrated_answers_get_what_the_reference_says():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 0.95, 300)
    labels = np.where(rng.random(300) < confidence, 0, 1)
    probabilities = np.zeros((300, 7))
    probabilities[:, 0], probabilities[:, 2] = confidence, 0
    probabilities[:, 3:] = ((1 - confidence) / 4)[:, None]
    found = numbers(saying(manifest_of(labels, 60), probabilities))
    assert found.loc["ece", "value"] == pytest.approx(found.loc["ece", "reference"], abs=0.035)
    assert found.loc["ece", "ci95_low"] < 0.03


def test_proper_scores_of_the_class_shares_are_their_own_reference():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    shares = np.tile([0.5, 0.3, 0.2, 0, 0, 0, 0], (100, 1))
    found = numbers(saying(manifest_of(labels), shares))
    for name in ("brier", "nll"):
        assert found.loc[name, "value"] == pytest.approx(found.loc[name, "reference"])
    assert found.loc["brier", "value"] == pytest.approx(1 - (0.25 + 0.09 + 0.04))


def test_the_confident_answers_are_kept_first():
    # The surer half is right, the other wrong: accuracy 1 up to half of the answers, then falling to 1/2.
    labels = np.zeros(100, dtype=int)
    answers = np.repeat([0, 1], 50)
    probabilities = np.concatenate([sure_of(answers[:50], 0.9), sure_of(answers[50:], 0.6)])
    table = calibrate(saying(manifest_of(labels), probabilities)).tables["selective"].set_index("coverage")
    assert table["accuracy"].loc[:0.501].eq(1.0).all()
    assert table["accuracy"].iloc[-1] == pytest.approx(0.5)
    found = numbers(saying(manifest_of(labels), probabilities))
    assert found.loc["accuracy_at_50", "value"] == 1.0
    assert found.loc["aurc", "value"] < found.loc["aurc", "reference"] == pytest.approx(0.5)


def words(figure):
    return " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())


def test_repeats_are_pooled_and_said():
    run = tiny_run()
    twice = GivenAnswers(run, pd.concat([run.predictions, run.predictions.assign(repeat=1)], ignore_index=True))
    result = calibrate(twice)
    found = json.loads(json.dumps(result.summary))["runs"][0]["conditions"]["m"]
    assert (found["n"], found["answers"], found["groups"]) == (21, 42, 7)
    assert "7 subjects" in found["interval_note"]
    assert "pooled over the fold models" in result.sections[0].text
    assert "no single model is shown" in words(result.figures["calibration"])
    assert "synthetic" in words(result.figures["selective"])


def test_one_condition_several_runs_and_unknown_subjects():
    manifest = paired_manifest(conditions=("nm",))
    single = tiny_run(replace(manifest, frame=manifest.frame.assign(subject=None)), name="single")
    result = calibrate(tiny_run(), single)
    assert set(result.summary["runs"][1]["conditions"]) == {"nm"}
    assert set(result.tables["reliability"]["run"]) == {single.name, tiny_run().name}
    assert "too narrow" in words(result.figures["calibration"])


def test_answers_without_confidence_are_said():
    run = saying(manifest_of([0, 1, 2] * 10), sure_of([0, 1, 1] * 10, 1.0))
    assert not answers_of(run)[0].graded
    assert "same confidence" in calibrate(run).sections[0].text


def test_a_run_without_predictions_is_refused():
    run = tiny_run()
    with pytest.raises(InputError, match="no held-out predictions"):
        calibrate(GivenAnswers(run, run.predictions.iloc[:0]))


def test_the_interval_of_an_ece_holds_the_truth():
    rng = np.random.default_rng(5)
    held = {0.0: 0, 0.1: 0}
    for gap in held:
        for _ in range(25):
            confidence, who = rng.uniform(0.3, 0.98, 210), np.repeat(np.arange(30), 7)
            chance = np.clip(confidence - gap + rng.normal(0, 0.1, 30)[who], 0, 1)
            probabilities = np.zeros((210, 7))
            probabilities[:, 0], probabilities[:, 1:] = confidence, ((1 - confidence) / 6)[:, None]
            labels = np.where(rng.random(210) < chance, 0, 1).astype(np.int64)
            answers = Answers("nm", who.astype(object), labels, probabilities, Units(who.astype(object), "subject"))
            low, high = calibration(answers, 15, 0)["ece"].ci95
            held[gap] += low <= gap <= high
    assert min(held.values()) >= 21
