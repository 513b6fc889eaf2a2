"""Maps of held-out features, and the numbers beside them, against small arrangements of known answer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_memory_run import paired_manifest, tiny_run
from matplotlib.text import Text
from sklearn.metrics import silhouette_samples

from msde_embedding.features import HeldOut, held_out_features
from msde_embedding.maps import shown_folds
from msde_embedding.quality import feature_quality, neighbour_votes, silhouettes
from msde_embedding.tsne import TSne
from msde_toolkit.held_out import Units
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import CLASSES, InputError


def maps(*runs, seed=0, **options):
    return TSne(TSne.Options(**options)).run(AnalysisContext(runs, Path(), seed=seed))


@pytest.fixture(scope="module")
def result():
    return maps(tiny_run(), library="sklearn")


def words(figure):
    return " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())


def test_the_map_shows_the_largest_fold_jointly_and_by_condition(result):
    run = tiny_run()
    sizes = run.predictions["fold"].value_counts()
    for name, share in (("joint", 1.0), ("nm", 0.5), ("m", 0.5)):
        table = result.tables[f"map_{name}"]
        assert set(table["fold"]) == {sizes.idxmax()}
        assert len(table) == sizes.max() * share
        assert np.isfinite(table[["x", "y"]].to_numpy()).all()
        assert set(table["label"]) <= set(CLASSES)
    assert "fold 00 of 2" in words(result.figures["tsne"])
    assert "synthetic" in words(result.figures["tsne"])
    assert result.views[0].table == "map_joint"
    assert "subject" in result.views[0].hover


def test_the_same_seed_gives_the_same_map(result):
    again = maps(tiny_run(), library="sklearn")
    assert again.tables["map_joint"].equals(result.tables["map_joint"])
    assert json.loads(json.dumps(again.summary)) == json.loads(json.dumps(result.summary))


def test_real_people_are_not_named():
    result = maps(tiny_run(paired_manifest(synthetic=False), title="TinyNet"), library="sklearn")
    assert "subject" not in result.tables["map_joint"]
    assert "subject" not in result.views[0].hover
    assert "synthetic" not in words(result.figures["tsne"])


def test_neighbours_of_the_same_subject_do_not_vote():
    # Each subject's two samples lie together with one label; the nearest other subject has the other label.
    features = np.array([[0.0], [0.1], [1.0], [1.1]], dtype=np.float32)
    data = HeldOut(None, pd.DataFrame({"id": list("abcd")}), features, Units(np.array(list("ppqq")), "subject"), 4)
    assert neighbour_votes(data, np.array([0, 0, 1, 1]), 1).tolist() == [1, 1, 0, 0]
    alone = replace(data, units=Units(np.array(list("pppp")), "subject"))
    assert np.isnan(neighbour_votes(alone, np.array([0, 0, 1, 1]), 1)).all()


def test_a_tie_of_votes_goes_to_the_nearer():
    features = np.array([[0.0], [1.0], [-1.5]], dtype=np.float32)
    data = HeldOut(None, pd.DataFrame({"id": list("abc")}), features, Units(np.array(list("pqr")), "subject"), 3)
    assert neighbour_votes(data, np.array([0, 2, 1]), 2)[0] == 2


def test_numbers_are_taken_within_folds_and_averaged_by_size():
    run = tiny_run()
    data = held_out_features(run, 0, 2000, 0)
    found = feature_quality(data, 3, 0)
    expected = []
    for _, mine in data.folds():
        expected += list(silhouette_samples(data.features[mine], data.rows["label"][mine]))
    assert found["silhouette"] == pytest.approx(np.mean(expected))
    assert found["silhouette_ci95"][0] <= found["silhouette"] <= found["silhouette_ci95"][1]
    assert (found["n"], found["groups"], found["folds"]) == (42, 7, 2)
    assert "7 subjects" in found["interval_note"]
    assert np.isnan(silhouettes(data.features, np.zeros(42, dtype=np.int64))).all()


def test_bringing_folds_together_keeps_distances_within_each():
    data = held_out_features(tiny_run(), 0, 2000, 0)
    together, told = shown_folds(data, "all")
    assert "made, not found" in told
    for _, mine in data.folds():
        before, after = (
            np.linalg.norm(one[mine][:, None] - one[mine][None], axis=2) for one in (data.features, together.features)
        )
        ratio = after[before > 0] / before[before > 0]
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-2)


def test_a_subset_is_said():
    result = maps(tiny_run(paired_manifest(pairs=42)), library="sklearn", samples=28)
    (found,) = result.summary["runs"]
    assert (found["samples"], found["samples_left_out"]) == (56, 28)


def test_single_condition_and_unknown_subjects_are_said():
    manifest = paired_manifest(conditions=("nm",))
    run = tiny_run(replace(manifest, frame=manifest.frame.assign(subject=None)))
    result = maps(run, library="sklearn")
    assert sorted(result.tables) == ["map_nm", "quality"]
    assert "too narrow" in words(result.figures["tsne"])
    assert result.summary["runs"][0]["maps"]["nm"]["silhouette_of_conditions"] is None


def test_what_is_not_there_is_refused():
    with pytest.raises(InputError, match="no fold '7'; give largest, all, or one of 00, 01"):
        maps(tiny_run(), fold="7")
    with pytest.raises(InputError, match="no held-out predictions in repeat 3"):
        maps(tiny_run(), repeat=3)
    with pytest.raises(InputError, match="too few for a map"):
        maps(tiny_run(paired_manifest(pairs=4, subjects=4)))
