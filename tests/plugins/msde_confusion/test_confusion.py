"""Matrices, recalls and intervals, recomputed from the same predictions another way."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_memory_run import paired_manifest, tiny_run
from matplotlib.text import Text
from sklearn import metrics as reference

from msde_confusion.analysis import Confusion
from msde_toolkit import figures
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import CLASSES, InputError


def analyse(*runs, seed=0):
    return Confusion(Confusion.Options()).run(AnalysisContext(runs, Path(), seed=seed))


def words(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_each_condition_has_its_own_matrix():
    run = tiny_run()
    result = analyse(run)
    for condition in ("nm", "m"):
        held_out = run.predictions[run.predictions["condition"] == condition]
        table = result.tables[f"confusion_{condition}"]
        got = table.pivot(index="truth", columns="predicted", values="count").loc[list(CLASSES), list(CLASSES)]
        expected = reference.confusion_matrix(held_out["label"], held_out["predicted"], labels=range(7))
        assert np.array_equal(got, expected)
        assert table.groupby("truth")["share"].sum().to_numpy() == pytest.approx(np.ones(7))
    assert (
        not result.tables["confusion_nm"]
        .drop(columns="condition")
        .equals(result.tables["confusion_m"].drop(columns="condition"))
    )


def test_summary_equals_the_numbers_recomputed_and_is_json():
    run = tiny_run()
    summary = json.loads(json.dumps(analyse(run).summary))
    held_out = run.predictions[run.predictions["condition"] == "m"]
    found = summary["runs"][0]["conditions"]["m"]
    right = held_out["label"] == held_out["predicted"]
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["ci95"][0] <= right.mean() <= found["ci95"][1]
    assert (found["n"], found["groups"], found["interval_unit"], found["folds"]) == (21, 7, "subject", 2)
    assert "7 subjects" in found["interval_note"]
    by_fold = held_out.assign(right=right).groupby(["fold", "label"])["right"].mean().unstack()
    for label, name in enumerate(CLASSES):
        assert found["recall"][name] == pytest.approx(right[held_out["label"] == label].mean())
        assert found["mean_fold_recall"][name] == pytest.approx(by_fold[label].mean())


def test_mean_of_fold_recalls_is_not_the_pooled_recall():
    # Fold 00: one of one right; fold 01: none of three right. Pooled 1/4, mean of folds 1/2.
    manifest = paired_manifest(pairs=4, subjects=4, conditions=("nm",), labels=[3])
    run = tiny_run(manifest)
    frame = run.predictions.assign(fold=["00", "01", "01", "01"], predicted=[3, 0, 0, 0])
    recall = analyse(Predicted(run, frame)).tables["recall"].set_index("class")
    assert recall.loc["happy", "recall"] == pytest.approx(0.25)
    assert recall.loc["happy", "mean_of_folds"] == pytest.approx(0.5)


def test_precision_and_f1_are_scikit_learns_within_their_intervals():
    run = tiny_run()
    result = analyse(run)
    table = result.tables["by_class"].set_index(["condition", "measure", "class"])
    held_out = run.predictions[run.predictions["condition"] == "m"]
    names = ("precision", "recall", "f1")
    found = reference.precision_recall_fscore_support(
        held_out["label"], held_out["predicted"], labels=range(7), zero_division=np.nan
    )
    answered = set(held_out["predicted"])
    for label, name in enumerate(CLASSES):
        for measure, expected in zip(names, found, strict=False):
            row = table.loc[("m", measure, name)]
            if measure == "precision" and label not in answered:
                assert row["value"] is None or np.isnan(row["value"])
            else:
                assert row["value"] == pytest.approx(expected[label])
                assert row["ci95_low"] <= row["value"] <= row["ci95_high"]
    shares = result.tables["confusion_m"].groupby("predicted")["share_of_predicted"].sum(min_count=1).dropna()
    assert shares.to_numpy() == pytest.approx(np.ones(len(answered)))
    assert result.summary["runs"][0]["conditions"]["m"]["f1_ci95"].keys() == set(CLASSES)


def test_table_6_has_a_row_a_method_and_condition_and_a_column_a_class():
    one, two = tiny_run(), tiny_run(paired_manifest(14), name="another")
    result = analyse(one, two)
    table = result.tables["table6"]
    assert len(table) == 2 * 2 * 2
    pooled = table[(table["run"] == one.name) & (table["condition"] == "nm") & (table["recall"] == "pooled")].iloc[0]
    held_out = one.predictions[one.predictions["condition"] == "nm"]
    assert pooled["mean"] == pytest.approx(reference.balanced_accuracy_score(held_out["label"], held_out["predicted"]))
    folds = table[(table["run"] == one.name) & (table["condition"] == "nm") & (table["recall"] == "mean of folds")]
    assert folds["mean"].iloc[0] == pytest.approx(np.mean([folds[name].iloc[0] for name in CLASSES]))
    shown = words(result.figures["by_class"])
    assert {"recall (%)", "precision (%)", "F1 (%)", "class"} <= set(shown)
    assert any("(another)" in text for text in shown)


class Predicted:
    """A run whose predictions were made elsewhere."""

    def __init__(self, run, predictions):
        self._run, self.predictions = run, predictions

    def __getattr__(self, name):
        return getattr(self._run, name)


def test_absent_class_stays_in_table_and_figure():
    run = tiny_run(paired_manifest(labels=[0, 1, 2, 3, 4, 5]))  # nobody is neutral
    result = analyse(run)
    table = result.tables["confusion_nm"]
    assert len(table) == 49
    assert table[table["truth"] == "neutral"]["share"].isna().all()
    found = result.summary["runs"][0]["conditions"]["nm"]
    assert found["recall"]["neutral"] is None
    assert found["mean_fold_recall"]["neutral"] is None
    assert found["recall_ci95"]["neutral"] is None
    assert words(result.figures["confusion"]).count("no image of this class (n=0)") == 2
    assert "neutral\nn=0" in words(result.figures["confusion"])


def test_figure_prints_percent_and_count_and_says_synthetic(tmp_path):
    run = tiny_run()
    figure = analyse(run).figures["confusion"]
    png, svg = figures.save_figure(figure, tmp_path / "confusion")
    assert png.stat().st_size > 10_000
    assert "synthetic faces" in svg.read_text()
    shown = words(figure)
    table = analyse(run).tables["confusion_nm"]
    cell = table.loc[table["count"].idxmax()]
    assert f"{100 * cell['share']:.0f}%\n({cell['count']})" in shown
    assert {"NM (no mask)", "M (mask)"} == {text.split(":")[0] for text in shown if "accuracy" in text}
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 7


def test_real_faces_are_not_called_synthetic():
    figure = analyse(tiny_run(paired_manifest(synthetic=False), title="TinyNet")).figures["confusion"]
    assert not any("synthetic" in text for text in words(figure))


def test_two_runs_make_two_rows_and_share_the_tables():
    one, two = tiny_run(), tiny_run(paired_manifest(14), name="another")
    result = analyse(one, two)
    assert set(result.tables["confusion_m"]["run"]) == {one.name, "another"}
    assert len(result.summary["runs"]) == 2
    assert len([text for text in words(result.figures["confusion"]) if "accuracy" in text]) == 4


def test_single_condition_and_unknown_subjects():
    manifest = paired_manifest(conditions=("nm",))
    manifest = replace(manifest, frame=manifest.frame.assign(subject=None))
    result = analyse(tiny_run(manifest))
    assert sorted(result.tables) == ["by_class", "confusion_nm", "recall", "table6"]
    found = result.summary["runs"][0]["conditions"]["nm"]
    assert (found["interval_unit"], found["groups"]) == ("sample", 21)
    assert "too narrow" in found["interval_note"]


def test_repeats_are_pooled_and_images_counted_once():
    run = tiny_run()
    twice = Predicted(run, pd.concat([run.predictions, run.predictions.assign(repeat=1)], ignore_index=True))
    once, both = analyse(run).summary, analyse(twice).summary
    found = both["runs"][0]["conditions"]["nm"]
    assert (found["n"], found["repeats"]) == (21, 2)
    assert found["accuracy"] == once["runs"][0]["conditions"]["nm"]["accuracy"]
    assert found["ci95"] == once["runs"][0]["conditions"]["nm"]["ci95"]


def test_run_without_predictions_is_refused():
    run = tiny_run()
    with pytest.raises(InputError, match="no held-out predictions"):
        analyse(Predicted(run, run.predictions.iloc[:0]))
