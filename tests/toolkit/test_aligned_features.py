"""What losses compare: plain features, or maps of which every place is a unit vector."""

import math

import pytest
import torch
import torch.nn.functional as F

from msde_toolkit.alignment import aligned, ceiling_note
from msde_toolkit.types import InputError, ModelOutput


def output(maps, classes=7):
    return ModelOutput(torch.zeros(len(maps), classes), maps.mean(dim=(2, 3)), {"maps": maps})


def test_features_stay_as_they_are_and_maps_become_unit_vectors_at_each_place():
    maps = torch.rand(2, 8, 3, 4, generator=torch.Generator().manual_seed(0)) * 9
    maps[0, :, 0, 0] = 0  # a place where every channel is dead stays zero
    found = output(maps.bfloat16())
    assert aligned(found, "features") is found.features
    unit = aligned(found, "maps")
    assert (unit.shape, unit.dtype) == (maps.shape, torch.float32)
    lengths = unit.norm(dim=1)
    assert lengths[0, 0, 0] == 0
    assert torch.allclose(lengths.flatten()[1:], torch.ones(23))
    assert torch.allclose(F.cosine_similarity(unit, found.extras["maps"].float(), dim=1).flatten()[1:], torch.ones(23))


def test_a_model_without_maps_is_refused_in_one_line():
    with pytest.raises(InputError) as refusal:
        aligned(ModelOutput(torch.zeros(2, 7), torch.zeros(2, 8)), "maps")
    assert "loss.align=features" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("sign", "square"), [(1, 2), (-1, 4)])
def test_the_ceiling_is_reached_by_the_farthest_maps_and_is_the_one_that_is_told(sign, square):
    channels = 16
    one, other = torch.zeros(2, 1, channels, 2, 2)
    one[:, 0] = 3.0
    other[:, 0 if sign < 0 else 1] = sign * 0.1
    distance = F.mse_loss(aligned(output(one), "maps"), aligned(output(other), "maps")).item()
    assert distance == pytest.approx(square / channels)
    note = ceiling_note(output(torch.cat([one, other])), 0.2)
    assert f"{square}/{channels} = {distance:.4f}" in note
    assert f"weight 0.2 that is {0.2 * distance:.4f}" in note
    assert f"{0.2 * distance / math.log(7):.2%} of" in note
    assert "\n" not in note
