"""The recipe and the pixels that it makes: eyes at their places whatever the photo, antialiased, edges going on."""

import numpy as np
import pytest
from bead_photos import draw
from hypothesis import given
from hypothesis import strategies as st

from msde_toolkit.data.faces.cut import cut
from msde_toolkit.data.faces.recipe import Recipe, carried, inverse, scale_of, share_inside
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.landmarks import canonical_landmarks, eye_centres
from msde_toolkit.options import validated

numbers = st.floats(-500, 500)


@given(st.floats(0, 3), st.integers(32, 2048))
def test_the_text_is_read_back(margin, size):
    recipe = Recipe(margin=margin, size=size)
    assert Recipe.parse(str(recipe)) == recipe


@pytest.mark.parametrize(
    "text",
    ["", "eyes", "eyes v2, margin 0.0, size 224", "eyes v1, margin 9.0, size 224", "nose v1, margin 0.0, size 224"],
)
def test_another_text_is_no_recipe(text):
    with pytest.raises(InputError, match="is no face recipe that this version knows"):
        Recipe.parse(text)


@pytest.mark.parametrize(("key", "value"), [("margin", "-0.1"), ("size", "8"), ("rule", "nose"), ("colour", "1")])
def test_options_out_of_range(key, value):
    with pytest.raises(InputError, match=f"recipe.{key}"):
        validated(Recipe, {key: value}, "recipe.")


@given(st.tuples(numbers, numbers), st.tuples(numbers, numbers), st.floats(0, 1))
def test_eyes_come_to_their_places_without_distortion(first, second, margin):
    eyes = np.array([first, second])
    if np.hypot(*(eyes[1] - eyes[0])) < 1:
        return
    recipe = Recipe(margin=margin, size=100)
    matrix = recipe.to_crop(eyes)
    expected = 50 + (eye_centres(canonical_landmarks(100, 100)) - 50) / (1 + margin)
    np.testing.assert_allclose(carried(eyes, matrix), expected, atol=1e-6)
    np.testing.assert_allclose(matrix[:, :2].T @ matrix[:, :2], scale_of(matrix) ** 2 * np.eye(2), atol=1e-9)
    assert np.linalg.det(matrix[:, :2]) > 0
    np.testing.assert_allclose(carried(carried(eyes, matrix), inverse(matrix)), eyes, atol=1e-6)


def test_a_margin_shows_so_much_more():
    eyes = np.array([[40.0, 50.0], [60.0, 50.0]])
    tight, wide = (inverse(Recipe(margin=margin).to_crop(eyes)) for margin in (0.0, 0.5))
    corners = np.array([[0.0, 0.0], [224.0, 224.0]])
    tight_field, wide_field = carried(corners, tight), carried(corners, wide)
    np.testing.assert_allclose(np.ptp(wide_field, axis=0), 1.5 * np.ptp(tight_field, axis=0))
    np.testing.assert_allclose(wide_field.mean(axis=0), tight_field.mean(axis=0))


def bead(crop, channel):
    pixels = crop.astype(float)
    weight = (pixels[..., channel] - pixels[..., 1 - channel]).clip(60) - 60
    rows, columns = np.mgrid[: crop.shape[0], : crop.shape[1]] + 0.5
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize(
    ("eyes", "size"),
    [
        (((140, 120), (220, 120)), (400, 300)),  # about the crop's own scale
        (((140, 150), (215, 123)), (400, 300)),  # turned by 20 degrees
        (((200, 120), (228, 120)), (400, 300)),  # enlarged
        (((450, 400), (750, 350)), (1200, 900)),  # reduced
        (((15, 40), (95, 40)), (200, 150)),  # at the photo's corner
    ],
)
def test_pixels_are_where_the_matrix_says(eyes, size):
    recipe = Recipe(size=224)
    radius = np.hypot(eyes[1][0] - eyes[0][0], eyes[1][1] - eyes[0][1]) / 12
    crop = cut(draw(eyes, size=size, radius=radius), recipe.to_crop(np.array(eyes, float)), 224)
    assert (crop.shape, crop.dtype) == ((224, 224, 3), np.uint8)
    for channel, place in enumerate(eye_centres(recipe.average_landmarks())):
        np.testing.assert_allclose(bead(crop, channel), place, atol=0.5)


def test_a_large_photo_does_not_alias():
    """Stripes finer than the crop's pixels become grey, not other stripes."""
    photo = np.zeros((2000, 2000, 3), np.uint8)
    photo[:, ::2] = 255
    for turn in (0.0, 130.0):
        crop = cut(photo, Recipe(size=64).to_crop(np.array([[700.0, 900.0], [1300.0, 900.0 + turn]])), 64)
        assert abs(crop.astype(float).mean() - 127.5) < 2
        assert crop.std() < 6


def test_beyond_the_photo_its_edge_goes_on_and_a_mask_does_not():
    photo = np.full((100, 100, 3), 50, np.uint8)
    photo[:, 90:] = (10, 200, 30)
    matrix = Recipe(size=64).to_crop(np.array([[70.0, 50.0], [95.0, 50.0]]))
    crop = cut(photo, matrix, 64)
    np.testing.assert_array_equal(crop[:, -3:], np.broadcast_to(np.uint8([10, 200, 30]), (64, 3, 3)))
    alpha = cut(np.full((100, 100), 255, np.uint8), matrix, 64, edges=False)
    assert alpha[:, -3:].max() == 0
    assert alpha[32, 10] == 255
    assert 0.3 < share_inside(matrix, 64, (100, 100)) < 0.9
    assert share_inside(Recipe(size=64).to_crop(np.array([[45.0, 50.0], [55.0, 50.0]])), 64, (100, 100)) == 1


def test_a_face_outside_the_photo():
    with pytest.raises(DataError, match="outside the photo"):
        cut(draw(), Recipe().to_crop(np.array([[4000.0, 10.0], [4020.0, 10.0]])), 224)
