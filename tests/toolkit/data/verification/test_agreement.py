"""Agreement among raters, against published examples and by hand."""

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.data.verification import Vote, Votes, alpha, human_agreement, rater_agreement
from msde_toolkit.types import CLASSES, Manifest


def counted(*images):
    """Votes from a list of class indices an image; -1 names no class."""
    counts = np.zeros((len(images), 8), dtype=np.int64)
    for row, labels in enumerate(images):
        for label in labels:
            counts[row, label] += 1
    return Votes(tuple(f"i{row}" for row in range(len(images))), CLASSES, counts)


def transposed(*raters):
    """Votes from a line of digits a rater; ``*`` is a missing vote."""
    return counted(*[[int(mark) for mark in image if mark != "*"] for image in zip(*raters, strict=True)])


def test_alpha_of_krippendorffs_example():
    """Krippendorff (2011), "Computing Krippendorff's alpha-reliability", example C: nominal alpha 0.743."""
    votes = transposed("123321412***", "1233224125*3", "*3332342251*", "12332441251*")
    value, interval = alpha(votes, votes.ids)
    assert value == pytest.approx(0.743, abs=5e-4)
    assert interval[0] < value < interval[1] <= 1


def test_full_agreement_and_none_to_be_had():
    assert alpha(counted([0, 0], [1, 1], [2, 2]), ["a", "b", "c"]) == (1.0, (1.0, 1.0))
    assert alpha(counted([0, 0], [0, 0]), ["a", "b"]) == (None, None), "one category only"
    assert alpha(counted([0], [1]), ["a", "b"]) == (None, None), "nobody to compare with"


def test_raters_at_random_agree_by_chance():
    rng = np.random.default_rng(0)
    votes = counted(*rng.integers(0, 7, (600, 5)).tolist())
    value, (low, high) = alpha(votes, votes.ids)
    assert abs(value) < 0.03
    assert low < 0 < high


def test_people_resampled_are_less_sure_than_images():
    rng = np.random.default_rng(1)
    images = [[k % 7] * 4 if person % 2 else rng.integers(0, 7, 4).tolist() for person in range(20) for k in range(20)]
    votes = counted(*images)
    of_images, of_people = (alpha(votes, groups)[1] for groups in (range(400), np.repeat(range(20), 20)))
    assert of_people[1] - of_people[0] > 2 * (of_images[1] - of_images[0])


def test_a_rater_against_most_of_the_others():
    votes = counted([3, 3, 3, 4], [3, 3, 4, 4], [4, 4, 4, -1])
    table = human_agreement(votes, ["nm", "nm", "m"], ["s1", "s1", "s2"]).set_index(["condition", "class"])
    # Image 0: three say happy and so do most of the others (3 of 3); the fourth does not. Image 1: for each voter two
    # others say one thing and one the other, never what the voter said.
    assert table.loc[("nm", "happy"), ["agreement", "votes"]].tolist() == [3 / 6, 6]
    assert table.loc[("nm", "sad"), ["agreement", "votes"]].tolist() == [0 / 2, 2]
    assert table.loc[("nm", "all"), ["agreement", "votes"]].tolist() == [3 / 8, 8]
    assert table.loc[("m", "all"), ["agreement", "votes"]].tolist() == [3 / 4, 4]
    assert table.loc[("m", "fear"), "votes"] == 0


def test_each_rater():
    frame = pd.DataFrame({"id": ["a", "b"], "label": [3, 4]})
    votes = Votes.of(
        [vote for image, labels in (("a", (3, 3, 4)), ("b", (4, 4, -1))) for vote in votes_on(image, labels)],
        Manifest.from_frame(frame, "faces"),
        "votes.csv",
    )
    table = rater_agreement(votes, ["s1", "s2"]).set_index("rater")
    # Rater r1 on a: the others say 3 and 4, a tie, which says nothing; on b they say 4 and nothing: 4.
    assert table.loc["r1", ["agreement", "votes"]].tolist() == [1.0, 1]
    assert table.loc["r3", ["agreement", "votes"]].tolist() == [0.0, 2]
    assert rater_agreement(counted([3, 3]), ["a"]) is None


def votes_on(image, labels):
    return [Vote(image, f"r{number}", label) for number, label in enumerate(labels, start=1)]
