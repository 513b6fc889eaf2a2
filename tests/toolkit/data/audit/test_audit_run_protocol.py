"""Who a run held out how often, and what its folds let through."""

import pandas as pd
import pytest

from msde_toolkit.data.audit import RunFacts, audit


def run(folds, summary=None):
    """Predictions: sample number to the folds that predict it, in two repeats."""
    rows = [
        {"id": f"i{sample:03d}", "fold": fold, "repeat": repeat}
        for sample, tested in folds.items()
        for fold in tested
        for repeat in range(2)
    ]
    return RunFacts(pd.DataFrame(rows), summary or {"select": "last"})


WHOLE = {0: ["00"], 1: ["00"], 2: ["01"], 3: ["01"]}


def test_a_sound_run(material):
    done = audit(material(run=run(WHOLE), subject=["a", "a", "b", "b"]))
    assert not done.findings
    assert {"validated_twice", "never_validated", "selected_on_test", "subject_overlap"} <= set(done.passed)


def test_twice_and_never(material, found):
    findings = found(material(run=run({0: ["00"], 1: ["00", "01"], 2: ["01"]}), subject=["a", "b", "c", "d"]))
    assert set(findings) == {"validated_twice", "never_validated"}
    twice, never = findings["validated_twice"], findings["never_validated"]
    assert (twice.severity, twice.rows, twice.examples) == ("severe", 1, ("i001",))
    assert (never.severity, never.rows, never.examples) == ("warning", 1, ("i003",))


def test_training_rows_of_an_own_split_need_not_be_validated(material, found):
    split = ["train", "train", "test", "test"]
    assert not found(material(run=run({2: ["00"], 3: ["00"]}), split=split))
    assert found(material(run=run({2: ["00"]}), split=split))["never_validated"].examples == ("i003",)


def test_on_other_data_every_model_sees_every_sample(material):
    summary = {"select": "last", "evaluates": {"run": "A", "dataset": "drawn"}}
    done = audit(
        material(run=run({sample: ["00", "01"] for sample in range(4)}, summary), subject=["a", "a", "b", "b"])
    )
    assert not done.findings
    assert "other data" in done.not_applicable["validated_twice"]


def test_folds_that_divide_a_subject_or_a_pair(material, found):
    pairs = {"pair": ["p", "q", "p", "q"], "condition": ["nm", "nm", "m", "m"]}
    findings = found(material(run=run(WHOLE), subject=["a", "b", "a", "c"], **pairs))
    assert findings["subject_overlap"].rows == 2
    assert findings["subject_overlap"].counts == {"00": 1, "01": 1}
    assert findings["pair_split"].rows == 4
    assert "sides of the fold" in findings["subject_overlap"].message


def test_identical_images_of_two_folds(material, found, show):
    images = [show(0), show(1), show(0), show(2)]
    across = found(material(images, run=run(WHOLE), subject=["a", "a", "b", "b"]))["duplicates_across_splits"]
    assert (across.rows, across.counts) == (2, {"00": 1, "01": 1})


def test_a_copy_that_no_fold_holds_out_is_trained_on_in_all(material, found, show):
    images = [show(0), show(1), show(2), show(0)]
    folds = {0: ["00"], 1: ["00"], 2: ["01"]}
    across = found(material(images, run=run(folds), subject=["a", "b", "c", "d"]))["duplicates_across_splits"]
    assert across.counts == {"00": 1, "never held out": 1}


@pytest.mark.parametrize(
    ("summary", "fires"),
    [
        ({"select": "test"}, True),
        ({"select": "last", "unsound": ["train.shared_teacher = true: the teacher has seen the test subjects"]}, True),
        ({"select": "inner", "unsound": ["train.released_folds = true: some subjects are tested twice"]}, False),
        ({"select": "inner"}, False),
    ],
)
def test_test_data_that_had_a_say(material, found, summary, fires):
    findings = found(material(run=run(WHOLE, summary), subject=["a", "a", "b", "b"]))
    assert set(findings) == ({"selected_on_test"} if fires else set())
    if fires:
        assert (findings["selected_on_test"].severity, findings["selected_on_test"].rows) == ("severe", 4)
