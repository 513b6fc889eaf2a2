import numpy as np
import pytest

from msde_masks.surgical import Surgical
from msde_toolkit.errors import DataError
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.randomness import generator

MOVED_BY_THE_JAW = [*range(3, 14), *range(31, 36), *range(48, 68)]
LIDS_AND_BROWS = [*range(17, 27), 37, 38, 40, 41, 43, 44, 46, 47]


def noise(height, width=None, *, grey=False, seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (height, width or height, 3), dtype=np.uint8)
    return np.repeat(image[..., :1], 3, axis=2) if grey else image


def masked(image, landmarks=None, seed=0, **options):
    if landmarks is None:
        landmarks = canonical_landmarks(image.shape[1], image.shape[0])
    return Surgical(Surgical.Options(**options)).apply(image, landmarks, generator(seed))


@pytest.mark.parametrize("shape", [(24, 24), (48, 48), (100, 100), (60, 90), (130, 70), (224, 224)])
def test_pixels_outside_alpha_are_the_photo(shape):
    image = noise(*shape)
    before = image.copy()
    out, alpha = masked(image)
    assert out.shape == image.shape
    assert alpha.shape == shape
    assert {out.dtype, alpha.dtype} == {np.dtype(np.uint8)}
    assert np.array_equal(out[alpha == 0], image[alpha == 0])
    assert np.array_equal(image, before)
    assert (0.2 if shape[0] == shape[1] else 0.15) < alpha.mean() / 255 < 0.4
    assert alpha.max() == 255
    assert alpha[: int(0.4 * shape[0])].max() == 0  # eyes stay free
    assert (alpha[int(0.77 * shape[0])] == 255)[int(0.35 * shape[1]) : int(0.65 * shape[1])].all()  # the mouth does not


def test_the_largest_size():
    out, alpha = masked(np.full((1024, 1024, 3), 128, np.uint8))
    _, small = masked(np.full((256, 256, 3), 128, np.uint8))
    assert out.shape == (1024, 1024, 3)
    assert abs(alpha.mean() - small.mean()) < 1.0


def test_the_edge_mixes_mask_and_photo_by_alpha():
    """Two photos that differ only where the mask's edge is half transparent tell the mask's own colour there."""
    image = np.full((48, 48, 3), 100, np.uint8)
    out, alpha = masked(image, colour="blue")
    edge = (alpha > 0) & (alpha < 255)
    assert edge.any()
    lighter = image.copy()
    lighter[edge] += 51
    out_lighter, alpha_lighter = masked(lighter, colour="blue")
    assert np.array_equal(alpha, alpha_lighter)
    gained = out_lighter[edge].astype(float) - out[edge]
    assert np.abs(gained - 51 * (1 - alpha[edge][:, None] / 255.0)).max() <= 1.0


def test_same_dice_same_mask_other_dice_another():
    image = noise(64)
    first, second, other = masked(image, seed=1), masked(image, seed=1), masked(image, seed=2)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[1], other[1])
    assert np.array_equal(masked(image, seed=1, jitter=0)[0], masked(image, seed=2, jitter=0)[0])


@pytest.mark.parametrize("indices", [MOVED_BY_THE_JAW, LIDS_AND_BROWS])
def test_expression_moves_nothing(indices):
    image = noise(96)
    landmarks = canonical_landmarks(96, 96)
    out, alpha = masked(image, landmarks)
    landmarks[indices] += np.random.default_rng(3).uniform(-9, 9, (len(indices), 2))
    out_moved, alpha_moved = masked(image, landmarks)
    assert np.array_equal(alpha, alpha_moved)
    assert np.array_equal(out, out_moved)


@pytest.mark.parametrize("colour", ["auto", "blue"])
def test_what_is_covered_does_not_shine_through(colour):
    image = noise(96)
    out, alpha = masked(image, colour=colour)
    changed = image.copy()
    changed[alpha == 255] = noise(96, seed=9)[alpha == 255] // 3
    assert np.array_equal(masked(changed, colour=colour)[0][alpha == 255], out[alpha == 255])


def test_a_grey_photo_gets_a_grey_mask_unless_blue_is_asked_for():
    image = noise(48, grey=True)
    grey, alpha = masked(image)
    assert (grey == grey[..., :1]).all()
    blue = masked(image, colour="blue")[0][alpha == 255].astype(int)
    assert (blue[:, 2] > blue[:, 0] + 15).all()
    colour = masked(noise(48))[0][alpha == 255].astype(int)
    assert (colour[:, 2] > colour[:, 0] + 15).all()


def test_a_dark_photo_gets_a_darker_mask_and_side_light_falls_on_it():
    bright, alpha = masked(np.full((64, 64, 3), 220, np.uint8))
    dark = masked(np.full((64, 64, 3), 50, np.uint8))[0]
    full = alpha == 255
    assert dark[full].mean() < 0.75 * bright[full].mean()
    lit = np.full((64, 64, 3), 200, np.uint8)
    lit[:, :32] = 90
    shaded = masked(lit, jitter=0)[0].astype(float)
    assert shaded[45:52, 40:50].mean() > shaded[45:52, 14:24].mean() + 10


def test_ear_loops_can_be_left_out():
    image = noise(100)
    with_loops, without = masked(image)[1], masked(image, ear_loops=False)[1]
    assert with_loops.sum() > without.sum()
    assert (with_loops >= without).all()


def test_the_mask_turns_with_the_head():
    landmarks = canonical_landmarks(200, 200)
    angle = np.deg2rad(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    image = np.full((200, 200, 3), 128, np.uint8)

    def centre(points):
        y, x = np.nonzero(masked(image, points, jitter=0, ear_loops=False)[1] > 127)
        return np.array([x.mean(), y.mean()])

    small = (landmarks - 100) * 0.6 + 100
    assert np.abs(turn @ (centre(small) - 100) - (centre((small - 100) @ turn.T + 100) - 100)).max() < 1.0


@pytest.mark.parametrize(
    ("landmarks", "words"),
    [
        (np.zeros((5, 2)), "68"),
        (np.full((68, 2), np.nan), "finite"),
        (np.full((68, 2), 20.0), "apart"),
        (canonical_landmarks(48, 48) + 500.0, "outside the image"),
        (canonical_landmarks(48, 48) * [-1, 1] + [48, 0], "do not show a face"),
    ],
)
def test_landmarks_that_fit_no_face(landmarks, words):
    with pytest.raises(DataError, match=words):
        masked(noise(48), landmarks)
