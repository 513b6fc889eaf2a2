"""Runs against a baseline: every number again by other means, and what may be claimed of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from handmade_run import answers, people, write_run
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

import msde_toolkit as msde
from msde_toolkit.results.compare.compare import compare
from msde_toolkit.results.study_files import Primary

GOOD = {"nm": 0.8, "m": 0.75}
BAD = {"nm": 0.8, "m": 0.5}
FAMILY = Primary(baseline="ce", methods=("cl", "kd"), conditions=("nm", "m"), margin=0.1)


def opened(tmp_path, frame=None, repeats=2, **runs):
    """Open runs by name: chances to be right, and changes of the run's files."""
    frame = people(30) if frame is None else frame
    out = []
    for seed, (name, more) in enumerate(runs.items()):
        chances, changes = more if isinstance(more, tuple) else (more, {})
        count = changes.pop("repeats", repeats)
        out.append(msde.open_run(write_run(tmp_path / name, frame, answers(frame, chances, count, seed), **changes)))
    return out


def right(run, condition):
    """``[n]`` mean over repeats, and subjects."""
    rows = run.predictions[run.predictions["condition"] == condition]
    told = (rows["label"] == rows["predicted"]).groupby(rows["id"]).mean()
    return told, rows.drop_duplicates("id").set_index("id")["subject"].loc[told.index]


def row(rows, **wanted):
    (found,) = [one for one in rows if all(getattr(one, key) == value for key, value in wanted.items())]
    return found


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("three"), people(40), 4, ce=BAD, cl=GOOD, kd=BAD)


@pytest.fixture(scope="module")
def declared(three):
    return compare(three, primary=FAMILY)


def test_differences_and_their_tests_again_by_scipy_and_statsmodels(three, declared):
    made = []
    for name, run in (("cl", three[1]), ("kd", three[2])):
        for condition in ("nm", "m"):
            (ours, subject), (theirs, _) = right(run, condition), right(three[0], condition)
            apart = (ours - theirs).groupby(subject).sum()
            found = row(declared.differences, method=name, condition=condition, metric="accuracy")
            assert found.difference == pytest.approx((ours - theirs).mean())
            assert (found.n, found.subjects, found.family, found.adjustment) == (280, 40, "primary", "holm")
            low, high = found.ci95
            assert low < found.difference < high
            asked = stats.permutation_test(
                (apart.to_numpy(),), np.sum, permutation_type="samples", n_resamples=4999, random_state=0
            )
            assert found.p == pytest.approx(asked.pvalue, abs=0.03)
            made.append(found)
            obuchowski = row(declared.beside, method=name, condition=condition, test="obuchowski")
            expected = 39 / 40 * apart.sum() ** 2 / (apart**2).sum()
            assert obuchowski.statistic == pytest.approx(expected)
            by_fold = (ours - theirs).groupby(subject.map(lambda word: int(word[1:]) % 2)).mean()
            resampled = row(declared.beside, method=name, condition=condition, test="resampled_t")
            assert resampled.statistic == pytest.approx(by_fold.mean() / np.sqrt((1 / 2 + 1) * by_fold.var()))
            assert resampled.detectable > 0
    adjusted = multipletests([one.p for one in made], method="holm")[1]
    assert [one.p_adjusted for one in made] == pytest.approx(adjusted)
    clear = row(declared.differences, method="cl", condition="m", metric="accuracy")
    assert clear.p_adjusted < 0.01
    assert clear.verdict == "better"
    assert row(declared.differences, method="kd", condition="m", metric="accuracy").verdict == "undecided"


def test_everything_outside_the_family_is_exploratory_with_bh(declared):
    rest = [one for one in declared.differences if one.family == "exploratory"]
    changes = [one for one in declared.gaps if one.p is not None]
    assert {one.adjustment for one in rest} == {"bh"}
    assert {(one.metric, one.condition) for one in rest if one.metric == "accuracy"} == {("accuracy", "average")}
    expected = multipletests([one.p for one in (*rest, *changes)], method="fdr_bh")[1]
    assert [one.p_adjusted for one in (*rest, *changes)] == pytest.approx(expected)


def test_scores_are_those_of_scikit_learn(three, declared):
    from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

    rows = three[1].predictions
    rows = rows[rows["condition"] == "m"]
    truth, said = rows["label"], rows["predicted"]
    for metric, expected in (
        ("accuracy", (truth == said).mean()),
        ("balanced_accuracy", balanced_accuracy_score(truth, said)),
        ("macro_f1", f1_score(truth, said, average="macro")),
    ):
        found = row(declared.scores, method="cl", condition="m", metric=metric)
        assert found.value == pytest.approx(expected)
        assert found.ci95[0] < found.value < found.ci95[1]
    recalls = recall_score(truth, said, average=None)
    for label, expected in zip(three[1].classes, recalls, strict=True):
        assert row(declared.scores, method="cl", condition="m", label=label).value == pytest.approx(expected)
    average = row(declared.scores, method="cl", condition="average", metric="accuracy")
    assert average.value == pytest.approx(np.mean([right(three[1], word)[0].mean() for word in ("nm", "m")]))


def test_who_closes_the_gap_and_who_maintains_nm(three, declared):
    closing = row(declared.gaps, method="cl", over="complete pairs", labels="given", weighing="images")
    gaps = [right(run, "nm")[0].mean() - right(run, "m")[0].mean() for run in three[:2]]
    assert closing.gap == pytest.approx(gaps[1])
    assert closing.change == pytest.approx(gaps[1] - gaps[0])
    assert closing.verdict == "closes"
    same = row(declared.gaps, method="kd", over="complete pairs", labels="given", weighing="images")
    assert same.verdict == "undecided"
    base = row(declared.gaps, method="ce", over="complete pairs", labels="given", weighing="images")
    assert (base.change, base.verdict) == (None, None)
    assert {(one.method, one.verdict, one.declared) for one in declared.maintains} == {
        ("cl", "maintained", True), ("kd", "maintained", True),
    }  # fmt: skip


def test_a_loss_is_called_lost_and_a_margin_given_later_says_so(tmp_path):
    runs = opened(tmp_path, repeats=1, ce=GOOD, worse={"nm": 0.4, "m": 0.75})
    found = compare(runs, margin=0.05)
    (kept,) = found.maintains
    assert (kept.verdict, kept.declared) == ("lost", False)
    assert any("not declared before" in note for note in found.notes)
    assert compare(runs).maintains == ()
    loss = row(found.differences, method="worse", condition="nm", metric="accuracy")
    assert loss.verdict == "worse"
    widening = compare(runs, baseline="worse")
    assert widening.methods[0].name == "worse"
    assert row(widening.gaps, method="ce", over="complete pairs", weighing="classes").verdict == "widens"


def test_bare_runs_have_no_primary_family(three):
    found = compare(three)
    assert found.declared is None
    assert {one.family for one in found.differences} == {"exploratory"}
    assert any("nothing was declared before" in note for note in found.notes)


def test_a_declared_method_that_is_missing_keeps_its_place(three, declared):
    alone = compare(three[:2], primary=FAMILY)
    found = row(alone.differences, method="cl", condition="m", metric="accuracy")
    assert found.p_adjusted == pytest.approx(min(1, 4 * found.p))
    assert any("not there yet: kd" in note for note in alone.notes)


def test_one_repeat_speaks_of_these_models_and_two_of_the_method(tmp_path, declared):
    once = compare(opened(tmp_path, repeats=1, ce=BAD, cl=GOOD))
    assert once.estimand == "these trained models on further subjects"
    assert declared.estimand.startswith("this method")
    several = compare(opened(tmp_path / "b", ce=BAD, cl=(GOOD, {"repeats": 3})))
    assert any("repeats differ (ce 2, cl 3)" in note for note in several.notes)
    assert row(several.differences, method="cl", condition="m", metric="accuracy").p < 0.01


def test_the_comparison_is_plain_data(declared):
    document = json.loads(json.dumps(declared.as_dict(), allow_nan=False))
    assert document["schema"] == 1
    assert document["declared"]["margin"] == 0.1
    assert document["differences"][0].keys() >= {"method", "condition", "difference", "ci95", "p", "p_adjusted"}
    assert document["data"] == {
        "dataset": "drawn", "synthetic": True, "images": 560, "subjects": 40, "unit": "subject",
        "identity": "independent",
    }  # fmt: skip


# What is not there


def test_one_condition_has_no_gap_and_says_so(tmp_path):
    found = compare(opened(tmp_path, people(12, conditions=("m",)), ce=BAD, cl=GOOD))
    assert {one.condition for one in found.scores} == {"m"}
    assert found.gaps == ()
    assert "only condition m: there is no gap" in found.notes
    family = compare(opened(tmp_path / "b", people(12, conditions=("m",)), ce=BAD, cl=GOOD), primary=FAMILY)
    assert any("no images of condition nm" in note for note in family.notes)


def test_without_pairs_the_gap_is_of_all_images(tmp_path):
    found = compare(opened(tmp_path, people(30).drop(columns="pair"), 1, ce={"nm": 0.8, "m": 0.3}, cl=GOOD))
    assert {one.over for one in found.gaps} == {"all images"}
    assert row(found.gaps, method="cl", weighing="images").verdict == "closes"
    assert any(note.startswith("no complete pairs") for note in found.notes)


def test_a_pair_that_lost_a_side_counts_in_all_images_only(tmp_path):
    found = compare(opened(tmp_path, people(12).iloc[1:], 1, ce=BAD, cl=GOOD))
    counts = {one.over: one.n for one in found.gaps}
    assert counts == {"all images": 167, "complete pairs": 166}
    assert any(note.startswith("1 image is not of a complete pair") for note in found.notes)


def test_requested_labels_have_a_gap_of_their_own(tmp_path):
    """Masked fear was seen as surprise and relabelled: by the given labels the masked set is another task."""
    frame = people(12)
    frame["requested_label"] = frame["label"]
    frame.loc[(frame["condition"] == "m") & (frame["label"] == 1), "label"] = 0
    run, other = opened(tmp_path, frame, ce=BAD, cl=GOOD)
    found = compare([run, other])
    rows = run.predictions.merge(frame[["id", "requested_label"]], on="id")
    hit = (rows["predicted"] == rows["requested_label"]).groupby(rows["condition"]).mean()
    requested = row(found.gaps, method="ce", labels="requested", weighing="images")
    assert requested.gap == pytest.approx(hit["nm"] - hit["m"])
    recall = (rows["predicted"] == rows["requested_label"]).groupby([rows["condition"], rows["requested_label"]]).mean()
    by_class = row(found.gaps, method="ce", labels="requested", weighing="classes")
    assert by_class.gap == pytest.approx((recall["nm"] - recall["m"]).mean())
    given = row(found.gaps, method="ce", labels="given", over="complete pairs", weighing="classes")
    assert given.gap != pytest.approx(by_class.gap)


def test_unknown_subjects_get_the_plain_test_with_its_label(tmp_path):
    frame = people(12).drop(columns=["subject", "pair"])
    runs = opened(tmp_path, frame, repeats=1, ce=BAD, cl=GOOD)
    found = compare(runs)
    assert {one.test for one in found.beside} <= {"plain", "exact"}
    (ours, _), (theirs, _) = (right(run, "m") for run in (runs[1], runs[0]))
    table = [[0, int(((ours == 1) & (theirs == 0)).sum())], [int(((ours == 0) & (theirs == 1)).sum()), 0]]
    plain = row(found.beside, condition="m")
    assert plain.p == pytest.approx(mcnemar(table, exact=False, correction=False).pvalue)
    assert "subjects unknown" in plain.note
    assert any("likely too narrow" in note for note in found.notes)


def test_several_models_that_tested_an_image_count_as_its_mean(tmp_path):
    """As in an evaluation: every fold's model answers every image."""
    import pandas as pd

    runs = opened(tmp_path, ce=BAD, cl=GOOD)
    for run in runs:
        files = sorted(run.directory.rglob("predictions.parquet"))
        for repeat in (0, 1):
            mine = [file for file in files if ("repeats" in file.parts) == bool(repeat)]
            whole = pd.concat([pd.read_parquet(file) for file in mine], ignore_index=True)
            for file in mine:
                whole.assign(fold=file.parent.name).to_parquet(file)
    found = compare([msde.open_run(run.directory) for run in runs])
    score = row(found.scores, method="cl", condition="m", metric="accuracy")
    assert score.value == pytest.approx(right(msde.open_run(runs[1].directory), "m")[0].mean())
    assert score.n == 210
    assert {one.test for one in found.beside} == {"obuchowski", "durkalski"}
