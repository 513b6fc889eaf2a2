"""ResNets of every depth: starting weights, maps and their normalisation, and the trunk of VGGFace2's weights."""

import pytest
import torch
import torch.nn.functional as F
from tiny_batches import tiny_batch
from torch import nn
from torchvision import models

from msde_toolkit import create_model
from msde_toolkit.backbones import VGGFACE2_INPUT
from msde_toolkit.types import InputError, InputSpec

NAMES = ["resnet18", "resnet34", "resnet50"]


@pytest.mark.parametrize(("name", "total"), [*zip(NAMES, [11_180_103, 21_288_263, 23_522_375], strict=True)])
def test_parameters_for_seven_classes(name, total):
    with torch.device("meta"):
        model = create_model(name)
        plain = getattr(models, name)(num_classes=7)
    assert sum(parameter.numel() for parameter in model.parameters()) == total
    assert sum(parameter.numel() for parameter in plain.parameters()) == total


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_seed_gives_torchvisions_weights_and_then_the_heads(name):
    torch.manual_seed(3)
    model = create_model(name, classes=5)
    after = torch.rand(1)
    torch.manual_seed(3)
    network = getattr(models, name)()
    head = nn.Linear(512, 5)
    assert torch.equal(torch.rand(1), after)
    expected = network.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in model.backbone.state_dict().items())
    assert torch.equal(model.head.weight, head.weight)


@pytest.mark.parametrize("normalise", [False, True])
def test_features_are_means_of_the_maps_in_extras(normalise):
    torch.manual_seed(0)
    model = create_model("resnet18", options={"normalise_maps": normalise}).eval()
    images = tiny_batch(2, 96).images
    with torch.no_grad():
        output = model(images)
        last = model.backbone(images)
    length = last.pow(2).sum(dim=1, keepdim=True).sqrt()
    torch.testing.assert_close(output.extras["maps"], last / length if normalise else last)
    torch.testing.assert_close(output.features, output.extras["maps"].mean(dim=(2, 3)))
    torch.testing.assert_close(output.logits, model.head(output.features))


def test_normalised_maps_stay_single_precision_under_bf16():
    model = create_model("resnet18", options={"normalise_maps": True}).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = model(tiny_batch(2, 64).images)
    assert output.extras["maps"].dtype == output.features.dtype == torch.float32


def test_the_code_profile_normalises_maps_and_says_where_that_stands():
    for name in NAMES:
        (switch,) = type(create_model(name)).profiles["code"]
        key = switch.key.removeprefix("model.")
        assert create_model(name, options={key: switch.value}).options.normalise_maps
        assert "released code, resnet.py" in switch.source


def test_the_vggface2_trunk_has_its_strides_first_and_pools_without_padding():
    torch.manual_seed(0)
    model = create_model("resnet50", options={"trunk": "vggface2"}).eval()
    trunk = model.backbone
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        x = F.relu(trunk.bn1(trunk.conv1(images)))
        x = trunk.layer1(F.max_pool2d(x, 3, 2, padding=0, ceil_mode=True))
        for layer in (trunk.layer2, trunk.layer3, trunk.layer4):
            first = layer[0]
            seen = F.relu(first.bn1(F.conv2d(x, first.conv1.weight, stride=2)))
            seen = F.relu(first.bn2(F.conv2d(seen, first.conv2.weight, padding=1)))
            x = F.relu(first.bn3(F.conv2d(seen, first.conv3.weight)) + first.downsample(x))
            x = layer[1:](x)
        torch.testing.assert_close(model(images).extras["maps"], x)
    assert model.input_spec == VGGFACE2_INPUT
    assert create_model("resnet50").input_spec == InputSpec()


def test_vggface2_weights_turn_to_rgb_on_their_trunk_and_warn_on_torchvisions():
    state = {"conv1.weight": torch.randn(64, 3, 7, 7), "bn1.weight": torch.ones(64)}
    fitted, warnings = create_model("resnet50", options={"trunk": "vggface2"}).fit_backbone(state, "vggface2")
    assert torch.equal(fitted["conv1.weight"], state["conv1.weight"][:, [2, 1, 0]])
    assert fitted["bn1.weight"] is state["bn1.weight"]
    assert not warnings
    plain, (warning,) = create_model("resnet50").fit_backbone(state, "vggface2")
    assert torch.equal(plain["conv1.weight"], state["conv1.weight"])
    assert "model.trunk=vggface2" in warning


def test_torchvisions_weights_are_refused_on_the_vggface2_trunk():
    model = create_model("resnet50", options={"trunk": "vggface2"})
    with pytest.raises(InputError, match=r"set model\.trunk=torchvision"):
        model.fit_backbone({"conv1.weight": torch.zeros(64, 3, 7, 7)}, "torchvision")
    assert model.pretrained_url() == ""


def test_vggface2_is_no_trunk_of_the_others():
    with pytest.raises(InputError, match="trunk"):
        create_model("resnet34", options={"trunk": "vggface2"})


@pytest.mark.parametrize("name", NAMES)
def test_imagenet_weights_of_the_same_depth_are_known_with_their_hash(name):
    url = create_model(name).pretrained_url()
    assert url == getattr(models, f"{name.replace('resnet', 'ResNet')}_Weights").IMAGENET1K_V1.url
