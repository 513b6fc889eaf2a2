"""``summary.json``: every number again, from the predictions alone and by other means."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

import msde_toolkit as msde
from msde_toolkit.results.run_store import RunStore
from msde_toolkit.results.summary import metrics, summarise
from msde_toolkit.types import CLASSES, Manifest, load_manifest

METRICS = {"accuracy", "balanced_accuracy", "macro_f1", "recall", "majority_baseline", "n"}


def predictions(conditions=("nm", "m"), subjects=12, repeats=1, classes=7, seed=0):
    """Held-out predictions, right about half the time; two folds by subject."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "id": f"s{subject}-{label}-{condition}",
            "subject": f"s{subject}",
            "condition": condition,
            "label": label,
            "fold": f"{subject % 2:02d}",
            "repeat": repeat,
        }
        for repeat in range(repeats)
        for subject in range(subjects)
        for label in range(classes)
        for condition in conditions
        if rng.random() < 0.8 or repeat
    ]
    table = pd.DataFrame(rows)
    guess = rng.integers(0, classes, len(table))
    table["predicted"] = np.where(rng.random(len(table)) < 0.5, table["label"], guess)
    return table


def groups(table):
    return dict(zip(table["id"], table["subject"], strict=True))


def of(table, classes=CLASSES):
    return metrics(table, groups(table), classes, seed=0)


@pytest.mark.parametrize("repeats", [1, 3])
def test_every_number_again(repeats):
    table = predictions(repeats=repeats)
    summary = of(table)
    assert set(summary) == {"nm", "m", "average", "gap"}
    measures = {
        "accuracy": accuracy_score,
        "balanced_accuracy": lambda y, p: recall_score(y, p, average="macro", labels=sorted(set(y)), zero_division=0),
        "macro_f1": lambda y, p: f1_score(y, p, average="macro", labels=sorted(set(y)), zero_division=0),
    }
    for condition in ("nm", "m"):
        rows, told = table[table["condition"] == condition], summary[condition]
        assert set(told) == METRICS
        for name, measure in measures.items():
            folds = [measure(part["label"], part["predicted"]) for _, part in rows.groupby(["repeat", "fold"])]
            assert len(folds) == 2 * repeats
            assert told[name]["mean_of_folds"] == pytest.approx(np.mean(folds))
            assert told[name]["pooled"] == pytest.approx(measure(rows["label"], rows["predicted"]))
            low, high = told[name]["ci95"]
            assert 0 <= low <= told[name]["pooled"] <= high <= 1
        recall = recall_score(rows["label"], rows["predicted"], average=None, labels=range(7), zero_division=0)
        assert list(told["recall"]) == list(CLASSES)
        assert list(told["recall"].values()) == pytest.approx(recall)
        assert told["majority_baseline"] == pytest.approx(rows["label"].value_counts(normalize=True).max())
        assert told["n"] == rows["id"].nunique()
    for key in ("pooled", "mean_of_folds"):
        nm, m = (summary[condition]["accuracy"][key] for condition in ("nm", "m"))
        assert summary["gap"]["accuracy"][key] == pytest.approx(nm - m)
        assert summary["average"]["accuracy"][key] == pytest.approx((nm + m) / 2)
    for name in ("gap", "average"):
        low, high = summary[name]["accuracy"]["ci95"]
        assert low <= summary[name]["accuracy"]["pooled"] <= high


def test_intervals_resample_subjects():
    """All images of a subject alike: as many groups as subjects, so the interval is that of twelve coins."""
    table = predictions(("nm",))
    table["predicted"] = np.where(table["subject"].isin(["s0", "s1", "s2"]), (table["label"] + 1) % 7, table["label"])
    low, high = of(table)["nm"]["accuracy"]["ci95"]
    by_image = metrics(table, {sample: sample for sample in table["id"]}, CLASSES, seed=0)["nm"]["accuracy"]["ci95"]
    assert high - low > 2 * (by_image[1] - by_image[0])
    draws = np.random.default_rng(1).binomial(12, 0.75, 20_000) / 12
    assert (low, high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.06)


def test_row_order_does_not_matter():
    table = predictions()
    assert of(table.sample(frac=1, random_state=3)) == of(table)


@pytest.mark.parametrize("only", ["nm", "m"])
def test_a_condition_that_is_missing_is_null(only):
    summary = of(predictions((only,)))
    other = {"nm": "m", "m": "nm"}[only]
    assert set(summary) == {"nm", "m", "average", "gap"}
    assert (summary[other], summary["average"], summary["gap"]) == (None, None, None)
    assert set(summary[only]) == METRICS


def test_further_conditions_stand_beside():
    summary = of(predictions(("nm", "scarf", "m")))
    assert list(summary) == ["nm", "m", "scarf", "average", "gap"]
    assert set(summary["scarf"]) == METRICS
    alone = of(predictions(("scarf",)))
    assert (alone["nm"], alone["m"]) == (None, None)
    assert alone["scarf"]["n"] > 0


def test_a_class_that_was_never_tested_has_no_recall():
    summary = of(predictions(classes=6))
    assert summary["nm"]["recall"]["neutral"] is None
    assert summary["nm"]["balanced_accuracy"]["pooled"] == pytest.approx(
        np.mean([value for value in summary["nm"]["recall"].values() if value is not None])
    )


def test_one_subject_has_no_interval():
    summary = of(predictions(subjects=1))
    assert summary["nm"]["accuracy"]["ci95"] is None
    assert summary["gap"]["accuracy"]["ci95"] is None
    json.dumps(summary, allow_nan=False)


# Of a run


def stored(folder, table, manifest, repeats=1):
    store = RunStore(folder)
    table = table.assign(logits=[np.eye(7, dtype=np.float32)[row] for row in table["predicted"]])
    for (repeat, fold), part in table.drop(columns="predicted").groupby(["repeat", "fold"]):
        store.fold(fold, repeat).write_predictions(part)
    manifest.save(store.manifest)
    return summarise(store, {"folds": ["00", "01"], "repeats": repeats, "notes": ["first"], "run": "x"})


def test_a_summary_is_made_from_the_files_alone(tmp_path):
    table = predictions(repeats=2)
    frame = table.drop_duplicates("id")[["id", "subject", "condition", "label"]]
    manifest = Manifest.from_frame(frame, "some")
    document = stored(tmp_path, table, manifest, repeats=2)
    assert document["metrics"] == of(table)
    assert (document["schema"], document["status"], document["run"]) == (1, "complete", "x")
    assert (document["interval_unit"], document["interval_units"]) == ("subject", 12)
    assert document["notes"] == ["first", "only 12 subjects: intervals are unreliable"]


def test_many_subjects_need_no_warning_and_unknown_ones_another(tmp_path):
    table = predictions(subjects=30)
    frame = table.drop_duplicates("id")[["id", "subject", "condition", "label"]]
    assert stored(tmp_path / "a", table, Manifest.from_frame(frame, "some"))["notes"] == ["first"]
    unknown = Manifest.from_frame(frame.drop(columns="subject"), "some")
    document = stored(tmp_path / "b", table, unknown)
    assert document["notes"] == ["first", "intervals are over samples and likely too narrow"]
    assert (document["interval_unit"], document["interval_units"]) == ("sample", len(frame))


def test_numbers_from_overlay_pairs_say_so_once(tmp_path):
    table = predictions(subjects=30)
    frame = table.drop_duplicates("id")[["id", "subject", "condition", "label"]]
    frame = frame.assign(pair=frame.groupby("condition").cumcount().astype(str), pairing="overlay")
    notes = stored(tmp_path, table, Manifest.from_frame(frame, "some"))["notes"]
    assert [note.partition(":")[0] for note in notes] == ["first", "overlay"]


def test_the_summary_of_a_real_run(tiny, tmp_path):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "device": "cpu", "precision": "fp32", "repeats": 2}
    done = msde.run(msde.RunConfig.create(**values, set_train={"image_size": 20, "epochs": 1}), out=tmp_path / "run")
    document = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert document == done.summary
    assert set(document) >= {
        "schema", "run", "model", "loss", "dataset", "synthetic", "preset", "status", "identity", "interval_unit",
        "metrics", "parameters", "folds", "seconds", "notes",
    }  # fmt: skip
    tables = [pd.read_parquet(file) for file in sorted((tmp_path / "run").rglob("predictions.parquet"))]
    table = pd.concat(tables, ignore_index=True)
    table["predicted"] = table["logits"].map(np.argmax)
    assert document["metrics"] == of(table)
    assert sorted(table[table["repeat"] == 0]["id"]) == sorted(load_manifest(tmp_path / "run/manifest.parquet").ids)
    assert document["parameters"] == {"trainable": 3 * 8 * 9 + 8 + 16 + 63, "total": 3 * 8 * 9 + 8 + 16 + 63}
