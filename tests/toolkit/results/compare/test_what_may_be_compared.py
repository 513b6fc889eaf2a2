"""Other samples or labels are refused with the first difference; other folds, budgets and starts are told."""

from __future__ import annotations

import pytest
from handmade_run import TRAIN, answers, people, write_run

import msde_toolkit as msde
from msde_toolkit.errors import InputError
from msde_toolkit.results.compare.cautions import cautions
from msde_toolkit.results.compare.compare import compare
from msde_toolkit.results.study_files import Primary

FRAME = people(6)


def run(folder, frame=FRAME, seed=0, **more):
    return msde.open_run(write_run(folder, frame, answers(frame, {"nm": 0.7, "m": 0.6}, 1, seed), **more))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return run(tmp_path_factory.mktemp("first") / "first")


def changed(column, row, value):
    frame = FRAME.copy()
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "more", "message"),
    [
        (FRAME.iloc[:-2], {}, r"sample s005-6-m and 1 more, tested only by the first"),
        (people(7), {}, r"sample s006-0-m and 13 more, tested only by the second"),
        (changed("label", 0, 3), {}, r"label of sample s000-0-nm: 0 there, 3 here \(1 differ\)"),
        (changed("subject", 1, "s005"), {}, r"subject of sample s000-0-m: s000 there, s005 here"),
        (FRAME, {"name": "other"}, r"dataset: drawn there, other here"),
        (FRAME, {"mask": "cloth"}, r"mask drawn on: none there, cloth here"),
    ],
)
def test_other_samples_are_refused(first, tmp_path, frame, more, message):
    with pytest.raises(InputError, match=message):
        compare([first, run(tmp_path / "second", frame, **more)])


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        ({"folds": 3}, "differ in folds: 3 against 2"),
        ({"train": {"epochs": 9}}, "differ in budget: epochs 9 against 2"),
        ({"train": {"flip": 0.0}}, "differ in augmentation: flip 0.0 against 0.5"),
        ({"train": {"lr_head": 0.1}}, "differ in hyper-parameters: lr_head 0.1 against 0.001"),
        ({"pretraining": "imagenet"}, "differ in pretraining: pretraining imagenet against none"),
        ({"select": "test", "unsound": ["epochs"]}, "differ in protocol: select test against last"),
        ({"unsound": ["the epoch was chosen on the test fold"]}, "UNSOUND: second: the epoch was chosen"),
    ],
)
def test_what_is_not_equal_is_told(first, tmp_path, more, warning):
    told = cautions({"first": first, "second": run(tmp_path / "second", **more)})
    expected = warning if warning.startswith("UNSOUND") else f"second and first {warning}"
    assert any(line.startswith(expected) for line in told), told


def test_equal_runs_have_no_warning_and_few_subjects_are_said(first, tmp_path):
    found = compare([first, run(tmp_path / "second", seed=1, train=dict(TRAIN))])
    assert found.warnings == ()
    assert any("only 6 subjects" in note for note in found.notes)
    assert all(row.unreliable for row in found.differences)


def test_runs_of_one_name_say_their_folder(first, tmp_path):
    found = compare([first, run(tmp_path / "first", seed=1)])
    assert [method.name for method in found.methods] == [
        f"{place.parent.name}/first" for place in (first.directory, tmp_path / "first")
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"baseline": "secnd"}, "--baseline secnd: not one of the runs. Did you mean second"),
        ({"margin": 1.5}, "--margin 150"),
        ({"primary": Primary(baseline="third", methods=("first",), conditions=("m",))}, "third: the declared baseline"),
        (
            {"primary": Primary(baseline="first", methods=("second",), conditions=("m",)), "baseline": "second"},
            "the study declared first",
        ),
        (
            {"primary": Primary(baseline="first", methods=("second",), conditions=("m",), margin=0.1), "margin": 0.2},
            "the study declared 10 percent",
        ),
    ],
)
def test_wrong_questions_are_refused(first, tmp_path, words, message):
    with pytest.raises(InputError, match=message):
        compare([first, run(tmp_path / "second", seed=1)], **words)


def test_one_run_or_the_same_twice_is_no_comparison(first):
    with pytest.raises(InputError, match="two runs or more"):
        compare([first])
    with pytest.raises(InputError, match="first: the same run twice"):
        compare([first, msde.open_run(first.directory)])
