"""Augmentation: nothing when off, exact flips, the affine of torchvision, parameters that depend on the id alone."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as reference

from msde_toolkit.data.augmentation import AugmentationOptions, apply, draw

OFF = AugmentationOptions(flip=0, rotation=0, shift=0, zoom=0, brightness=0, contrast=0, saturation=0)
SIDE = 48
few = settings(max_examples=40, deadline=None)


def noise(batch=4, side=SIDE, seed=0):
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(seed))


def smooth(batch=1):
    """Images without sharp edges, so that two bilinear samplers can be compared."""
    return torch.nn.functional.interpolate(noise(batch, 6), size=SIDE, mode="bicubic", align_corners=False).clamp(0, 1)


def parameters(flip=1.0, angle=0.0, dx=0.0, dy=0.0, scale=1.0, brightness=1.0, contrast=1.0, saturation=1.0):
    return torch.tensor([[flip, angle, dx, dy, scale, brightness, contrast, saturation]])


def test_nothing_is_changed_when_all_is_off():
    images = noise()
    torch.testing.assert_close(apply(images, draw(list("abcd"), OFF, 0)), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [31, 48])
def test_a_flip_mirrors_exactly(side):
    images = noise(side=side)
    always = OFF.model_copy(update={"flip": 1.0})
    torch.testing.assert_close(apply(images, draw(list("abcd"), always, 0)), images.flip(-1), atol=1e-5, rtol=0)


@few
@given(st.floats(-30, 30), st.integers(-5, 5), st.integers(-5, 5), st.floats(0.8, 1.25), st.booleans())
def test_geometry_is_that_of_torchvision_away_from_the_edges(degrees, right, down, scale, flip):
    image = smooth()
    # Ours says where a pixel comes from, in half sides; torchvision where it goes to, in pixels.
    angle, half = math.radians(degrees), SIDE / 2
    dx = -(math.cos(angle) * right + math.sin(angle) * down) / scale / half
    dy = (math.sin(angle) * right - math.cos(angle) * down) / scale / half
    ours = apply(image, parameters(-1.0 if flip else 1.0, -angle, dx, dy, scale))
    ours = ours.flip(-1) if flip else ours
    expected = reference.affine(image, degrees, [right, down], scale, [0.0], interpolation=InterpolationMode.BILINEAR)
    middle = slice(16, 32)
    torch.testing.assert_close(ours[..., middle, middle], expected[..., middle, middle], atol=1e-4, rtol=0)


def test_edges_are_continued_where_the_face_moved_away():
    image = torch.zeros(1, 3, SIDE, SIDE)
    image[..., 0] = 1.0  # all that a shift by half the side brings in from the left
    moved = apply(image, parameters(dx=-1.0))
    torch.testing.assert_close(moved[..., : SIDE // 2], torch.ones(1, 3, SIDE, SIDE // 2))
    torch.testing.assert_close(moved[..., SIDE // 2 + 1 :], torch.zeros(1, 3, SIDE, SIDE // 2 - 1))


@pytest.mark.parametrize("factor", [0.8, 0.5])
def test_colour_is_that_of_torchvision(factor):
    image = smooth() * 0.5 + 0.1  # far enough from 0 and 1 that nothing is cut off
    for name, change in [
        ("brightness", reference.adjust_brightness),
        ("contrast", reference.adjust_contrast),
        ("saturation", reference.adjust_saturation),
    ]:
        # torchvision's grey is rounded to four digits, 0.2989, 0.587, 0.114
        torch.testing.assert_close(
            apply(image, parameters(**{name: factor})), change(image, factor), atol=5e-4, rtol=0, msg=name
        )


def test_colour_changes_are_made_one_after_the_other():
    image = smooth() * 0.5 + 0.1
    expected = reference.adjust_brightness(image, 0.8)
    expected = reference.adjust_contrast(expected, 1.3)
    expected = reference.adjust_saturation(expected, 0.6)
    ours = apply(image, parameters(brightness=0.8, contrast=1.3, saturation=0.6))
    torch.testing.assert_close(ours, expected, atol=5e-4, rtol=0)


@few
@given(st.integers(0, 2**32), st.floats(0, 180), st.floats(0, 1), st.floats(0, 0.99), st.floats(0, 0.99))
def test_pixels_stay_in_range(seed, rotation, shift, zoom, colour):
    options = AugmentationOptions(
        rotation=rotation, shift=shift, zoom=zoom, brightness=colour, contrast=colour, saturation=colour
    )
    changed = apply(noise(3, 16), draw(list("abc"), options, seed))
    assert changed.shape == (3, 3, 16, 16)
    assert torch.isfinite(changed).all()
    assert changed.min() >= 0
    assert changed.max() <= 1


@few
@given(st.permutations([f"s{number}" for number in range(12)]), st.integers(1, 12))
def test_an_images_change_depends_on_its_id_not_on_the_batch(ids, size):
    options = AugmentationOptions()
    together = dict(zip(ids, draw(ids, options, 0, "fold", 3), strict=True))
    part = ids[:size]
    for sample, row in zip(part, draw(part, options, 0, "fold", 3), strict=True):
        assert torch.equal(row, together[sample])
    assert len({tuple(row.tolist()) for row in together.values()}) == 12


def test_another_epoch_is_another_change():
    one, other = (draw(["a"], AugmentationOptions(), 0, "fold", 0, epoch) for epoch in (0, 1))
    assert not torch.equal(one, other)


def test_changes_fill_their_ranges_evenly():
    options = AugmentationOptions(
        flip=0.3, rotation=10, shift=0.25, zoom=0.2, brightness=0.1, contrast=0.3, saturation=0.4
    )
    found = draw([str(number) for number in range(4000)], options, 0).double()
    assert set(found[:, 0].tolist()) == {-1.0, 1.0}
    assert (found[:, 0] < 0).double().mean().item() == pytest.approx(0.3, abs=0.03)
    centres = [0, 0, 0, 1, 1, 1, 1]
    widths = [math.radians(10), 0.5, 0.5, 0.2, 0.1, 0.3, 0.4]
    for column, (centre, width) in enumerate(zip(centres, widths, strict=True), start=1):
        share = (found[:, column] - (centre - width)) / (2 * width)
        assert -1e-6 <= share.min() < 0.01
        assert 0.99 < share.max() <= 1 + 1e-6
        assert share.mean().item() == pytest.approx(0.5, abs=0.02)
    independent = torch.corrcoef(found.T) - torch.eye(8)
    assert independent.abs().max() < 0.07


@pytest.mark.parametrize(
    "wrong", [{"flip": 1.5}, {"rotation": -1}, {"zoom": 1}, {"brightness": 1}, {"shift": float("nan")}, {"hue": 0.1}]
)
def test_changes_that_make_no_image_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        AugmentationOptions(**wrong)
