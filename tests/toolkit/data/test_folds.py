"""Folds: nobody on both sides, classes spread evenly, the same on every machine and in every row order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from msde_toolkit.create import create_dataset
from msde_toolkit.data.folds import assign, inner_split, load_folds, make_folds
from msde_toolkit.errors import InputError
from msde_toolkit.types import Manifest

few = settings(max_examples=40, deadline=None)
GOLDEN = Path(__file__).with_name("golden_folds.json")


@st.composite
def people(draw, least=2):
    """Groups and labels of up to 60 samples, in any order, and a number of folds that fits."""
    rows = draw(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 4)), min_size=least, max_size=60))
    rows += [(group, 0) for group in range(least) if group not in {group for group, _ in rows}]
    groups, labels = [f"s{group}" for group, _ in rows], [label for _, label in rows]
    return groups, labels, draw(st.integers(2, len(set(groups))))


def class_counts(groups, labels, chosen, folds):
    counts = np.zeros((folds, max(labels) + 1), dtype=int)
    np.add.at(counts, ([chosen[group] for group in groups], labels), 1)
    return counts


def manifest(groups, labels, **columns):
    ids = [f"i{row}" for row in range(len(labels))]
    return Manifest.from_frame(pd.DataFrame({"id": ids, "label": labels, "subject": groups, **columns}), "some")


@pytest.fixture(scope="module")
def twin():
    dataset = create_dataset("synthetic")
    return dataset.load(None, dataset.Options())


# The rule


@few
@given(people(), st.integers(0, 9))
def test_every_group_is_in_one_fold_and_no_fold_is_empty(case, seed):
    groups, labels, folds = case
    chosen = assign(groups, labels, folds, seed)
    assert set(chosen) == set(groups)
    assert set(chosen.values()) == set(range(folds))


@few
@given(people(), st.integers(0, 9))
def test_unevenness_is_at_most_that_of_an_average_division(case, seed):
    """The bound in the docstring: in expectation, a division by lot reaches exactly this."""
    groups, labels, folds = case
    scale = np.maximum(1, 1_000_000 // np.maximum(np.bincount(labels), 1)).astype(object)
    by_fold = class_counts(groups, labels, assign(groups, labels, folds, seed), folds).astype(object) * scale
    everyone = {group: number for number, group in enumerate(sorted(set(groups)))}
    by_group = class_counts(groups, labels, everyone, len(everyone)).astype(object) * scale
    # All multiplied by the number of folds, so that integers stay exact.
    distance = ((by_fold * folds - by_fold.sum(axis=0)) ** 2).sum()
    assert distance <= folds * (folds - 1) * (by_group**2).sum()


@few
@given(people(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_row_order_does_not_matter(case, random, seed):
    groups, labels, folds = case
    order = list(range(len(groups)))
    random.shuffle(order)
    shuffled = assign([groups[row] for row in order], [labels[row] for row in order], folds, seed)
    assert shuffled == assign(groups, labels, folds, seed)


def test_the_seed_decides_between_equals():
    groups, labels = [f"s{n}" for n in range(20)], [0] * 20
    chosen = [assign(groups, labels, 4, seed) for seed in range(5)]
    divisions = {tuple(one[group] for group in groups) for one in chosen}
    assert len(divisions) == 5
    assert all(np.bincount(division).tolist() == [5, 5, 5, 5] for division in divisions)


def test_a_class_of_millions_still_counts():
    groups = ["c"] * 750_000 + ["a"] * 700_000 + ["b"] * 600_000
    chosen = assign(groups, [1] * 750_000 + [0] * 1_300_000, 2, 0)
    assert chosen["a"] != chosen["b"], "size alone would put them together"


def test_as_even_as_scikit_learn_s():
    """Root of the squared distances from an equal share, each class as a share of its total."""
    rng = np.random.default_rng(0)

    def unevenness(labels, fold_of, folds):
        shares = np.zeros((folds, 5))
        np.add.at(shares, (fold_of, labels), 1 / np.bincount(labels, minlength=5)[labels])
        return np.sqrt(((shares - 1 / folds) ** 2).sum())

    ratios = []
    for seed in range(25):
        people, folds = int(rng.integers(12, 60)), int(rng.integers(2, 6))
        index = np.repeat(np.arange(people), rng.integers(1, 20, people))
        habits = rng.dirichlet(np.full(5, 2.0), size=people)
        labels = np.array([rng.choice(5, p=habits[person]) for person in index])
        groups = [f"s{person}" for person in index]
        chosen = assign(groups, labels.tolist(), folds, seed)
        theirs = np.empty(len(labels), dtype=int)
        divided = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, groups)
        for number, (_, test) in enumerate(divided):
            theirs[test] = number
        ours = unevenness(labels, [chosen[group] for group in groups], folds)
        ratios.append(ours / unevenness(labels, theirs, folds))
    assert np.mean(ratios) < 1
    assert max(ratios) < 2.5


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (1, r"^--folds 1: cross-validation needs at least 2 folds\.$"),
        (0, "at least 2 folds"),
        (-3, "at least 2 folds"),
        (4, r"^--folds 4: there are only 3 subjects"),
    ],
)
def test_impossible_numbers_of_folds(folds, message):
    with pytest.raises(InputError, match=message):
        make_folds(manifest(["a", "b", "c"], [0, 1, 2]), folds, 0, default=2)


# A manifest's folds


@few
@given(people(), st.randoms(use_true_random=False))
def test_folds_are_a_partition_by_subject(case, random):
    groups, labels, number = case
    some = manifest(groups, labels)
    folds = make_folds(some, number, 0, default=99)
    tested = np.concatenate([fold.test for fold in folds.folds])
    assert sorted(tested) == list(range(len(some)))
    for fold in folds.folds:
        assert sorted([*fold.train, *fold.test]) == list(range(len(some)))
        assert not set(some.groups()[fold.train]) & set(some.groups()[fold.test])
    assert (folds.unit, folds.source, folds.shared) == ("subject", "assigned", 0)
    order = list(range(len(some)))
    random.shuffle(order)
    assert make_folds(some.take(order), number, 0, default=99).as_dict() == folds.as_dict()


def test_names_sort_in_order():
    some = manifest([f"s{n}" for n in range(101)], [0] * 101)
    assert [fold.name for fold in make_folds(some, None, 0, default=3).folds] == ["00", "01", "02"]
    names = [fold.name for fold in make_folds(some, 101, 0, default=3).folds]
    assert (names[0], names[-1], names == sorted(names)) == ("000", "100", True)


@pytest.mark.parametrize("folds", [10, 3])
def test_the_twin_s_folds_stand_still(twin, folds):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[str(folds)]
    made = make_folds(twin, folds, 0, default=2)
    assert made.as_dict()["folds"] == [{"fold": f"{n:02d}", "test": tests} for n, tests in enumerate(golden)]
    counts = np.stack([np.bincount(twin.labels[fold.test], minlength=7) for fold in made.folds])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 7, "images a class, between the fullest and emptiest fold"


def test_pairs_stay_whole_where_subjects_are_unknown():
    rows = 40
    columns = {"pair": [f"p{n // 2}" for n in range(rows)], "condition": ["nm", "m"] * (rows // 2)}
    some = manifest([None] * rows, [n // 2 % 7 for n in range(rows)], **columns)
    folds = make_folds(some, 4, 0, default=2)
    assert folds.unit == "sample"
    for fold in folds.folds:
        assert len(some.take(fold.test).pairs()) * 2 == len(fold.test)


def test_a_partner_without_subject_goes_where_its_pair_is():
    subjects = [name for n in range(12) for name in (f"s{n}", None)]
    columns = {"pair": [f"p{n // 2}" for n in range(24)], "condition": ["nm", "m"] * 12}
    some = manifest(subjects, [0] * 24, **columns)
    for fold in make_folds(some, 3, 0, default=2).folds:
        assert len(some.take(fold.test).pairs()) == 4


# The dataset's own split


def test_an_own_split_is_one_fold():
    some = manifest(list("abcde"), [0] * 5, split=["train", "test", "val", "train", None])
    folds = make_folds(some, None, 0, default=10)
    (fold,) = folds.folds
    assert (fold.name, fold.train.tolist(), fold.test.tolist()) == ("00", [0, 3], [1])
    assert (folds.source, folds.unit, folds.shared, folds.held_out) == ("split", "subject", 0, None)
    assert folds.as_dict()["folds"] == [{"fold": "00", "test": None}]
    with pytest.raises(InputError, match=r"^--folds 3: some comes with its own train/test split; leave --folds out\.$"):
        make_folds(some, 3, 0, default=10)


def test_people_on_both_sides_of_an_own_split_are_counted():
    some = manifest(list("aabbc"), [0] * 5, split=["train", "test", "test", "train", "test"])
    assert make_folds(some, None, 0, default=10).shared == 2


@pytest.mark.parametrize("split", [["train", "val"], ["test", "test"], ["a", "b"]])
def test_an_own_split_needs_both_sides(split):
    with pytest.raises(InputError, match=r"its own split needs 'train' and 'test' \(it has "):
        make_folds(manifest(list("ab"), [0, 0], split=split), None, 0, default=10)


# Files


@few
@given(people(), st.integers(0, 5))
def test_folds_come_back_from_their_file(tmp_path_factory, case, seed):
    groups, labels, number = case
    some = manifest(groups, labels)
    made = make_folds(some, number, seed, default=2)
    file = tmp_path_factory.getbasetemp() / "folds.json"
    file.write_text(json.dumps(made.as_dict()), encoding="utf-8")
    read = load_folds(file, some)
    assert read.source == "file"
    for one, other in zip(made.folds, read.folds, strict=True):
        assert one.name == other.name
        assert (one.test == other.test).all()
        assert (one.train == other.train).all()


def test_an_own_split_comes_back_from_its_file(tmp_path):
    some = manifest(list("abcd"), [0] * 4, split=["train", "test", "train", "train"])
    file = tmp_path / "folds.json"
    file.write_text(json.dumps(make_folds(some, None, 0, default=2).as_dict()), encoding="utf-8")
    assert load_folds(file, some).folds[0].test.tolist() == [1]
    with pytest.raises(InputError, match="says no subjects to hold out, and some has no such split of its own"):
        load_folds(file, manifest(list("abcd"), [0] * 4))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not a folds file"),
        ("[]", "not a folds file"),
        ('{"folds": 3}', "not a folds file"),
        ('{"folds": [{"fold": "00"}]}', "not a folds file"),
        ('{"folds": [{"fold": "00", "test": "ab"}, {"fold": "01", "test": ["c"]}]}', "not a folds file"),
        ('{"folds": [{"fold": "00", "test": 3}]}', "not a folds file"),
        (b"\xff\xfe", "not a folds file"),
        ([["a", "b", "c"]], "needs at least 2 folds"),
        ([], "needs at least 2 folds"),
        ([["a", "b"], []], "fold 01 holds out nobody"),
        ([["a", "b"], ["z"]], "fold 01 holds out 'z', who is not in some"),
        ([["a", "b"], ["b", "c"]], "'b' is held out in fold 00 and again in fold 01"),
        ([["a"], ["c"]], r"'b' is never held out \(1 subjects missing\)"),
        ([["a", "b"], None], "says no subjects to hold out"),
        ({"00": ["a", "b"], "../x": ["c"]}, r"fold name '\.\./x' is not letters and digits"),
        ({"00": ["a", "b"], "": ["c"]}, "fold name '' is not letters and digits"),
        ('{"folds": [{"fold": "1", "test": ["a", "b"]}, {"fold": 1, "test": ["c"]}]}', "two folds of the name 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, document, message):
    file = tmp_path / "mine.json"
    if isinstance(document, list):
        document = {f"{number:02d}": tests for number, tests in enumerate(document)}
    if isinstance(document, dict):
        document = json.dumps({"folds": [{"fold": name, "test": tests} for name, tests in document.items()]})
    file.write_bytes(document if isinstance(document, bytes) else document.encode())
    with pytest.raises(InputError, match=rf"^--folds .*mine\.json: .*{message}"):
        load_folds(file, manifest(["a", "b", "c"], [0, 1, 2]))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: no such file"):
        load_folds(tmp_path / "none.json", manifest(["a", "b"], [0, 1]))


def test_subjects_that_are_numbers_in_the_file(tmp_path):
    (tmp_path / "f.json").write_text('{"folds": [{"fold": "x", "test": [1]}, {"fold": "y", "test": [2]}]}')
    assert [fold.name for fold in load_folds(tmp_path / "f.json", manifest([1, 2], [0, 1])).folds] == ["x", "y"]


# Inner validation


@few
@given(people(least=4), st.integers(0, 5))
def test_inner_validation_is_of_other_training_subjects(case, seed):
    groups, labels, number = case
    some = manifest(groups, labels)
    for fold in make_folds(some, min(number, 3), 0, default=2).folds:
        if len(set(some.groups()[fold.train])) < 2:
            continue
        fit, validation = inner_split(some, fold.train, seed)
        assert len(fit)
        assert len(validation)
        assert sorted([*fit, *validation]) == sorted(fold.train)
        assert not set(some.groups()[fit]) & set(some.groups()[validation])


def test_inner_validation_is_about_an_eighth_and_keeps_pairs_whole(twin):
    train = make_folds(twin, 3, 0, default=2).folds[0].train
    fit, validation = inner_split(twin, train, 1)
    assert len(validation) / len(train) == pytest.approx(1 / 8, abs=0.02)
    whole = len(twin.take(train).pairs())
    assert len(twin.take(fit).pairs()) + len(twin.take(validation).pairs()) == whole
    assert set(inner_split(twin, train, 2)[1]) != set(validation)


def test_a_single_training_subject_cannot_be_divided():
    some = manifest(["a", "a", "b"], [0, 1, 2])
    with pytest.raises(InputError, match="--select inner: some has too few training subjects"):
        inner_split(some, np.array([0, 1]), 0)
