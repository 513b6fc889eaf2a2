"""Features across the mask: measures against arrangements of known answer, and the analysis on small runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from in_memory_run import paired_manifest, tiny_run
from matplotlib.text import Text

from msde_embedding.across_mask import cka, cosines, pair_cka, probe, retrieval
from msde_embedding.alignment import Alignment
from msde_embedding.sides import Side, Sides
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import InputError

RANDOM = np.random.default_rng(0)


def align(*runs, **options):
    return Alignment(Alignment.Options(**options)).run(AnalysisContext(runs, Path()))


def sides(nm, m, groups=None, labels=None, paired=True):
    groups = np.array(range(len(nm)) if groups is None else groups).astype(str).astype(object)
    labels = np.zeros(len(nm), dtype=np.int64) if labels is None else np.array(labels)
    return Sides("00", 0, Side(nm, labels, groups), Side(m, labels, groups), paired, len(nm))


def mean(measure):
    return np.nanmean(measure.values)


def rotation(size):
    return np.linalg.qr(RANDOM.normal(size=(size, size)))[0]


def test_cka_is_one_for_rotated_and_scaled_features_and_about_zero_for_strangers():
    features = RANDOM.normal(size=(80, 6)) * [5, 4, 3, 2, 1, 1]
    assert cka(features, 3.0 * features @ rotation(6) + 7.0) == pytest.approx(1.0)
    # The biased estimator would give about 0.5 here: dimensions are not few beside samples.
    strangers = [cka(RANDOM.normal(size=(40, 40)), RANDOM.normal(size=(40, 40))) for _ in range(40)]
    assert abs(np.mean(strangers)) < 0.02
    assert np.isnan(cka(features[:3], features[:3]))


def test_cka_without_bias_is_the_published_formula():
    first, second = RANDOM.normal(size=(9, 3)), RANDOM.normal(size=(9, 5))

    def hsic(one, other):  # Song et al. 2012, eq. 5, term by term
        n, ones = len(one), np.ones(len(one))
        one, other = one - np.diag(np.diag(one)), other - np.diag(np.diag(other))
        whole = np.trace(one @ other) + ones @ one @ ones * (ones @ other @ ones) / ((n - 1) * (n - 2))
        return (whole - 2 / (n - 2) * ones @ one @ other @ ones) / (n * (n - 3))

    kernels = first @ first.T, second @ second.T
    expected = hsic(*kernels) / np.sqrt(hsic(kernels[0], kernels[0]) * hsic(kernels[1], kernels[1]))
    assert cka(first, second) == pytest.approx(expected)
    pairs = sides(first, second, groups=[0, 0, 1, 1, 2, 2, 3, 3, 4])
    assert mean(pair_cka(pairs)) == pytest.approx(expected)
    assert pair_cka(pairs).values.std() > 0


def test_the_partner_is_found_in_identical_features_and_by_chance_in_collapsed_ones():
    features = RANDOM.normal(size=(12, 6))
    found = retrieval(sides(features, features.copy()))
    assert [mean(found[name]) for name in ("top1", "top5", "reciprocal_rank")] == pytest.approx([1, 1, 1])
    assert found["top1"].chance == pytest.approx(1 / 12)
    collapsed = retrieval(sides(np.ones((12, 6)), np.ones((12, 6))))
    for one in collapsed.values():
        assert mean(one) == pytest.approx(one.chance)


def test_chance_is_what_random_features_get():
    draws = [retrieval(sides(RANDOM.normal(size=(20, 5)), RANDOM.normal(size=(20, 5)))) for _ in range(200)]
    for name in ("top1", "top5", "reciprocal_rank"):
        assert np.mean([mean(one[name]) for one in draws]) == pytest.approx(draws[0][name].chance, abs=0.02)


def test_cosines_are_compared_with_faces_of_others_only():
    nm = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    m = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 0.0]])
    found = cosines(sides(nm, m, groups=list("ppqr"), labels=[0, 1, 0, 0]))
    assert found["cosine_pair"].values == pytest.approx([1, 0.5**0.5, 1, 0])
    # Of the first face: the others' faces of class 0 are the last two, and p's own other face is left out.
    assert found["cosine_same_class"].values[0] == pytest.approx((0 - 1) / 2)
    assert np.isnan(found["cosine_other_class"].values[0])
    assert found["cosine_other_class"].values[2] == pytest.approx(0.5**0.5)
    assert found["cosine_excess"].values[0] == pytest.approx(1.5)


def test_the_probe_sees_a_shift_and_nothing_in_noise():
    groups = np.repeat(np.arange(10), 8)
    nm, m = RANDOM.normal(size=(80, 3)), RANDOM.normal(size=(80, 3))
    blind, seeing = probe(sides(nm, m, groups), 0), probe(sides(nm, m + np.array([9, 0, 0]), groups), 0)
    assert mean(seeing["probe_accuracy"]) == mean(seeing["probe_auc"]) == 1.0
    assert mean(blind["probe_auc"]) == pytest.approx(0.5, abs=0.12)
    assert mean(blind["probe_accuracy"]) == pytest.approx(0.5, abs=0.12)


def test_the_probe_is_tested_on_people_it_has_not_seen():
    # Each person's mask moves the features another way: known people could be told apart, new ones cannot.
    groups = np.repeat(np.arange(8), 10)
    nm = np.repeat(np.eye(8), 10, axis=0) + 0.01 * RANDOM.normal(size=(80, 8))
    m = nm + 0.5 * np.where(groups % 2 == 0, 1, -1)[:, None] * np.repeat(np.eye(8), 10, axis=0)
    assert mean(probe(sides(nm, m, groups), 0)["probe_accuracy"]) < 0.75
    assert np.isnan(probe(sides(nm, m, np.zeros(80)), 0)["probe_auc"].values).all()


def test_the_spread_of_the_area_is_delongs():
    scores = [RANDOM.normal(size=(60, 1)), RANDOM.normal(size=(60, 1)) + 1.0]
    found = probe(sides(*scores), 0)["probe_auc"]
    auc, count = mean(found), 60
    # For independent images and two sides of equal size: var = (var of one side's placements + the other's) / n.
    placements = [auc + (part - auc) / 2 for part in (found.values[:60], found.values[60:])]
    delong = sum(part.var(ddof=1) for part in placements) / count
    assert found.values.var(ddof=1) / len(found.values) == pytest.approx(delong, rel=0.1)
    assert auc == pytest.approx(0.76, abs=0.1)


def words(figure):
    return " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())


def test_the_analysis_measures_within_folds_and_says_on_what():
    result = align(tiny_run())
    (found,) = json.loads(json.dumps(result.summary))["runs"]
    assert (found["n"], found["folds"], found["groups"], found["paired"]) == (21, 2, 7, True)
    assert "7 subjects" in found["interval_note"]
    by_fold = result.tables["alignment_folds"]
    top = found["measures"]["top1"]
    assert top["value"] == pytest.approx(np.average(by_fold["top1"], weights=by_fold["n"]))
    assert top["chance"] == pytest.approx(np.average(1 / by_fold["n"], weights=by_fold["n"]))
    assert top["ci95"][0] <= top["value"] <= top["ci95"][1]
    assert "synthetic" in words(result.figures["alignment"])
    assert "21 pairs" in result.sections[0].text


def test_a_subset_is_said_and_several_runs_stand_side_by_side():
    one, two = tiny_run(paired_manifest(42)), tiny_run(name="other")
    result = align(one, two, pairs=10)
    first, second = result.summary["runs"]
    assert (first["n"], first["left_out_by_subset"]) == (20, 22)
    assert set(result.tables["alignment"]["run"]) == {one.name, "other"}
    assert "(other)" in words(result.figures["alignment"])
    assert second["measures"]["cka"]["ci95"] is not None


def test_without_pairs_what_can_be_measured_is():
    manifest = paired_manifest()
    result = align(tiny_run(replace(manifest, frame=manifest.frame.assign(pair=None))))
    (found,) = result.summary["runs"]
    assert not found["paired"]
    assert set(found["measures"]) == {
        "cosine_same_class", "cosine_other_class", "probe_accuracy", "probe_auc"
    }  # fmt: skip
    assert "no cosine of a pair" in result.sections[0].text


def test_one_condition_is_refused_or_left_out():
    single = tiny_run(paired_manifest(conditions=("nm",)), name="single")
    with pytest.raises(InputError, match="single: no held-out faces both with and without a mask"):
        align(single)
    result = align(tiny_run(), single)
    assert result.summary["left_out"] == {"single": "held-out faces of one condition only"}
    assert "single is left out" in result.sections[0].text
