"""One person under two ids: told by faces, where that was asked for."""

from dataclasses import replace

import numpy as np
import pytest

from msde_toolkit.data.audit import audit
from msde_toolkit.data.audit.identities import BLOCK, near
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Face, Landmarker

EYES = np.array([[2.0, 3.0], [6.0, 3.0]])


class ByColour(Landmarker):
    """Who has the same colour is one person; the first pixel's blue says how many faces there are."""

    same_person_below = 10.0

    def find(self, image, hint):
        if image[0, 0, 2] == 99:
            message = "nothing is to be seen."
            raise DataError(message)
        return [Face(EYES)] * int(image[0, 0, 2])

    def descriptor(self, image, face):
        return image[0, 0, :2].astype(np.float64)


class Stranger(ByColour):
    same_person_below = None


def faces(*people, counts=None):
    """Images of people, whose numbers are 0 to 255; some show no face or several."""
    images = []
    for person, count in zip(people, counts or [1] * len(people), strict=True):
        image = np.zeros((8, 8, 3), np.uint8)
        image[:] = (person, person, count)
        images.append(image)
    return images


def compared(there, landmarker=None):
    return replace(there, landmarker=landmarker or ByColour(None))


def identities(there):
    done = audit(compared(there))
    return [finding for finding in done.findings if finding.check == "same_identity"], done


def test_faces_are_compared_only_where_that_was_asked_for(material):
    there = material(faces(50, 50), subject=["a", "b"])
    assert "--identities" in audit(there).not_applicable["same_identity"]
    assert audit(compared(replace(there, dataset=None))).not_applicable["same_identity"].endswith("(--metadata)")
    with pytest.raises(InputError, match="does not tell people apart; dlib does"):
        audit(compared(there, Stranger(None)))


def test_two_ids_of_one_person_are_named_and_severe_on_two_sides(material):
    there = material(
        faces(50, 52, 51, 120, 200, 53),
        subject=["a", "a", "b", "c", "d", "b"],
        split=["train", "train", "test", "train", "test", "test"],
    )
    (pair,), _ = identities(there)
    assert (pair.severity, pair.rows, dict(pair.counts)) == ("severe", 4, {"a": 2, "b": 2})
    assert pair.examples == ("i000", "i001", "i002", "i005")
    # Distances 1, 3, 1, 1, each times the square root of two.
    assert "a and b look like one person: the distance of their faces in 4 images is 1.41 (median)" in pair.message
    assert "stand on several sides of the split" in pair.message


def test_on_one_side_it_is_a_warning(material):
    (pair,), done = identities(material(faces(50, 51, 200), subject=["a", "b", "c"]))
    assert pair.severity == "warning"
    assert not done.severe
    both = material(faces(50, 51), subject=["a", "b"], split=["train", "train"])
    assert identities(both)[0][0].severity == "warning"


def test_one_image_that_is_like_another_does_not_make_two_people_one(material):
    there = material(faces(50, 90, 100, 52, 200, 210), subject=["a", "a", "a", "b", "b", "b"])
    found, done = identities(there)
    assert found == []
    assert "same_identity" in done.passed


def test_masked_faces_and_photos_without_one_face_are_left_out_and_counted(material):
    there = material(
        faces(50, 51, 52, 53, 54, 55, counts=[1, 1, 1, 0, 3, 99]),
        subject=["a", "b", "c", "d", "e", "f"],
        condition=["nm", "nm", "m", "nm", "nm", "nm"],
    )
    (pair,), _ = identities(there)
    assert pair.examples == ("i000", "i001")
    assert (
        "2 unmasked faces were compared; 2 photos with no face found, 1 with several, and faces under" in pair.message
    )
    alone = material(faces(50, 51, counts=[1, 0]), subject=["a", "b"])
    assert identities(alone)[1].not_applicable["same_identity"] == "1 of 2 unmasked photos show one face"


def test_where_nothing_is_found_it_is_said_of_whom_that_cannot_be_said(material):
    (finding,), done = identities(material(faces(50, 90, 130, counts=[1, 1, 0]), subject=["a", "b", "c"]))
    assert (finding.severity, finding.rows, finding.examples) == ("info", 1, ("i002",))
    assert "No two look like one person, but 1 unmasked photos could not be compared: 2 unmasked" in finding.message
    assert not done.severe


def test_an_image_that_cannot_be_read_is_no_face(material):
    there = material([*faces(50, 51), "broken.png: cannot be decoded"], subject=["a", "b", "c"])
    (pair,), _ = identities(there)
    assert "1 photos with no face found" in pair.message


def test_without_subjects_people_on_both_sides_are_a_warning(material):
    there = material(faces(50, 51, 120, 121, 200), subject=[None] * 5, split=["train", "test", "train", "train", None])
    (across,), done = identities(there)
    assert (across.severity, across.rows, dict(across.counts)) == ("warning", 2, {"test": 1, "train": 1})
    assert not done.severe
    unsplit = material(faces(50, 51), subject=[None, None])
    assert "no split" in identities(unsplit)[1].not_applicable["same_identity"]


def test_neighbours_are_those_of_all_distances_whatever_the_block():
    points = np.random.default_rng(0).normal(size=(2 * BLOCK + 7, 3))
    found = np.concatenate([np.stack(part, axis=1) for part in near(points, 0.3)])
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    left, right = np.nonzero(np.triu(distances < 0.3, 1))
    order = np.lexsort(found[:, 1::-1].T)
    assert len(left) > 50
    assert np.array_equal(found[order, :2].astype(int), np.stack([left, right], axis=1))
    assert np.allclose(found[order, 2], distances[left, right])
