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
@given(st.floats(-30, 30), st.floats(-6, 6), st.floats(-6, 6), st.floats(0.8, 1.25), st.booleans())
def test_geometry_is_that_of_torchvision_away_from_the_edges(degrees, right, down, scale, flip):
    image = smooth()
    # Ours says where a pixel comes from, in half sides; torchvision where it goes to: rotate and scale, then shift.
    theta = math.radians(degrees)
    back_x = -(math.cos(theta) * right + math.sin(theta) * down) / scale
    back_y = (math.sin(theta) * right - math.cos(theta) * down) / scale
    half = SIDE / 2
    ours = apply(image, parameters(1.0, -theta, back_x / half, back_y / half, scale))
    expected = reference.affine(
        image, angle=degrees, translate=[0, 0], scale=scale, shear=[0.0], interpolation=InterpolationMode.BILINEAR
    )
    if flip:
        ours = apply(image, parameters(-1.0, -theta, 0.0, 0.0, scale))
        middle = slice(15, 33)
        torch.testing.assert_close(ours.flip(-1)[..., middle, middle], expected[..., middle, middle], atol=2e-3, rtol=0)
        return
    whole = [round(right), round(down)]
    back_x = -(math.cos(theta) * whole[0] + math.sin(theta) * whole[1]) / scale
    back_y = (math.sin(theta) * whole[0] - math.cos(theta) * whole[1]) / scale
    ours = apply(image, parameters(1.0, -theta, back_x / half, back_y / half, scale))
    expected = reference.affine(
        image, angle=degrees, translate=whole, scale=scale, shear=[0.0], interpolation=InterpolationMode.BILINEAR
    )
    middle = slice(18, 30)
    torch.testing.assert_close(ours[..., middle, middle], expected[..., middle, middle], atol=2e-3, rtol=0)
