"""The plan: Table 2 exactly, ids that tell nothing, options that are checked."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from msde_synthetic.plan import SampleSpec, samples
from msde_synthetic.subjects import subject
from msde_synthetic.verification import outcomes

NM = [128, 121, 114, 193, 123, 104, 181]
M = [121, 128, 127, 164, 142, 143, 171]
PAIRS = [113, 108, 106, 155, 119, 100, 156]


def counts(rows: list[SampleSpec]) -> list[int]:
    return np.bincount([row.label for row in rows], minlength=7).tolist()


@pytest.mark.parametrize("seed", [0, 1, 7, 123_456_789])
def test_verified_subset_is_table_2(seed: int) -> None:
    rows = samples(seed)
    assert counts([row for row in rows if row.condition == "nm"]) == NM
    assert counts([row for row in rows if row.condition == "m"]) == M
    for condition in ("nm", "m"):
        assert counts([row for row in rows if row.condition == condition and row.pair]) == PAIRS
    assert len(rows) == 1960
    assert len({row.subject for row in rows}) == 142


@pytest.mark.parametrize("seed", range(20))
def test_outcomes_are_table_2_for_any_seed(seed: int) -> None:
    rows = outcomes(seed)
    assert [sum(row.nm == label for row in rows) for label in range(7)] == NM
    assert [sum(row.m == label for row in rows) for label in range(7)] == M
    assert [sum(row.agrees and row.nm == label for row in rows) for label in range(7)] == PAIRS
    assert sum(row.nm is None for row in rows) == 43
    assert sum(row.m is None for row in rows) == 11
    assert not any(row.nm is None and row.m is None for row in rows)
    assert Counter(row.requested for row in rows if not row.extra) == dict.fromkeys(range(7), 142)
    assert Counter(row.requested for row in rows if row.extra) == {1: 5, 2: 4, 5: 4}


def test_all_holds_the_removed_images_too() -> None:
    rows = samples(subset="all")
    assert len(rows) == 2014
    assert sum(row.label is None for row in rows) == 54
    per_subject = Counter(row.subject for row in rows)
    assert sorted(set(per_subject.values())) == [14, 16]
    assert sum(count == 16 for count in per_subject.values()) == 13


def test_pairs_agree_and_share_the_subject() -> None:
    pairs: dict[str, list[SampleSpec]] = {}
    for row in samples():
        if row.pair:
            pairs.setdefault(row.pair, []).append(row)
    for both in pairs.values():
        assert [row.condition for row in both] == ["m", "nm"]
        assert len({(row.subject, row.label, row.pair_key) for row in both}) == 1


def test_happy_and_neutral_were_mostly_meant() -> None:
    rows = [row for row in samples() if row.requested_label in (3, 6)]
    assert np.mean([row.label == row.requested_label for row in rows]) > 0.9


def test_the_first_subjects_are_the_same_in_a_smaller_set() -> None:
    assert samples(subjects=10) == [row for row in samples() if row.subject <= 10]


def test_ids_and_order_tell_no_label() -> None:
    rows = samples()
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    place = np.array([int(row.id[6:8]) for row in rows if "-p08" not in row.id])
    label = np.array([row.label for row in rows if "-p08" not in row.id])
    table = np.zeros((7, 7))
    np.add.at(table, (place - 1, label), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    # 36 degrees of freedom; both images of a pair count, hence twice the usual bound.
    assert ((table - expected) ** 2 / expected).sum() < 2 * 68
    following = label[1:] == label[:-1]
    within_pair = place[1:] == place[:-1]
    assert following[~within_pair].mean() < 0.2


def test_people_are_as_the_paper_says() -> None:
    people = [subject(0, number) for number in range(1, 143)]
    assert sum(person.female for person in people) == 2
    assert all(10 <= person.age <= 40 for person in people)
    kinds = {mask.kind for person in people for mask in person.masks}
    assert kinds == {"surgical", "n95", "cloth"}
    assert 20 < sum(person.glasses is not None for person in people) < 70


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"subjects": 0}, "subjects"),
        ({"subjects": 143}, "subjects"),
        ({"subset": "some"}, "subset"),
        ({"pairing": "twin"}, "pairing"),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        samples(**options)  # type: ignore[arg-type]
