"""SCAN's shapes, sizes, branches and parameters, on the small backbone."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tiny_batches import tiny_batch, tiny_pairs
from torchvision import models

from msde_toolkit import create_model
from msde_toolkit.backbones import VGGFACE2_INPUT
from msde_toolkit.types import InputError

VARIANTS = [{"shared_attention": shared, "context": context} for shared in (False, True) for context in (False, True)]


def small(**options):
    torch.manual_seed(0)
    return create_model("scan", options={"backbone": "resnet18", **options})


@pytest.mark.parametrize(
    ("options", "total"),
    [
        ({}, 70_196_307),
        ({"shared_attention": True}, 13_536_339),
        ({"context": False}, 69_932_103),
        ({"shared_attention": True, "context": False}, 13_272_135),
    ],
)
def test_parameters_are_the_published_codes(options, total):
    with torch.device("meta"):
        model = create_model("scan", classes=7, options=options)
    assert sum(parameter.numel() for parameter in model.parameters()) == total
    assert sum(parameter.numel() for parameter in model.backbone.parameters()) == 8_543_296


@pytest.mark.parametrize(
    ("backbone", "shared", "context", "total"),
    [
        ("resnet50", False, True, 70_197_589),
        ("resnet50", True, True, 13_537_621),
        ("resnet50", False, False, 69_933_128),
        ("resnet50", True, False, 13_273_160),
        ("resnet34", False, True, 12_084_053),
        ("resnet34", True, False, 8_468_040),
    ],
)
def test_parameters_at_eight_classes_are_counted_by_hand(backbone, shared, context, total):
    """The published counts at 7 classes with heads of 8, or the sum of the parts as the paper's authors build them."""
    k2, k3, base = (512, 1024, 8_543_296) if backbone == "resnet50" else (128, 256, 8_170_304)
    net = 9 * k2 * k2 + 3 * k2
    branch = net * (2 if shared else 26) + 2 * k2 * 8 + 8
    cci = 5 + k3 * 256 + 256 + 256 * 8 + 8
    assert total == base + branch + context * cci
    with torch.device("meta"):
        model = create_model(
            "scan", classes=8, options={"backbone": backbone, "shared_attention": shared, "context": context}
        )
    assert sum(parameter.numel() for parameter in model.parameters()) == total


@pytest.mark.parametrize("size", [(40, 40), (48, 48), (64, 64), (96, 112), (101, 75), (128, 128), (224, 224)])
def test_every_input_size_gives_the_same_shapes(size):
    model = small(shared_attention=True).eval()
    with torch.no_grad():
        output = model(torch.randn(2, 3, *size))
    assert output.logits.shape == (2, 7)
    assert output.features.shape == (2, 256)
    assert output.extras["region_logits"].shape == (2, 4, 7)
    five = torch.cat([output.extras["attention_logits"].unsqueeze(1), output.extras["region_logits"]], dim=1)
    torch.testing.assert_close(output.logits, five.mean(dim=1))


def test_inputs_that_are_too_small_are_refused():
    with pytest.raises(InputError, match="40 px or more"):
        small(shared_attention=True)(torch.zeros(1, 3, 39, 64))


def test_legacy_patches_need_the_authors_input_size():
    with pytest.raises(InputError, match="224 px"):
        small(legacy_patches=True, shared_attention=True)(torch.zeros(1, 3, 96, 96))


@pytest.mark.parametrize("options", VARIANTS)
def test_gradient_reaches_every_trainable_parameter(options):
    model = small(**options)
    batch = tiny_batch(6, 64)
    terms = model.classification_loss(model(batch.images), batch.targets, F.cross_entropy)
    sum(terms.values()).backward()
    groups = model.parameter_groups()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert len(groups["backbone"]) + len(groups["head"]) == len(trainable)
    assert all(parameter.grad.abs().sum() > 0 for group in groups.values() for parameter in group)


def test_25_nets_with_the_same_weights_are_the_shared_net():
    shared, apart = small(shared_attention=True), small()
    shared(tiny_batch(6, 96).images)  # running statistics that are not the identity
    net = shared.attention.local.net.state_dict()
    for own in apart.attention.local.nets:
        own.load_state_dict(net)
    local = {key for key in shared.state_dict() if key.startswith("attention.local.")}
    rest = {key: value for key, value in shared.state_dict().items() if key not in local}
    apart.load_state_dict(rest, strict=False)
    images = tiny_batch(2, 101).images
    with torch.no_grad():
        torch.testing.assert_close(shared.eval()(images).features, apart.eval()(images).features)


def test_attention_logits_see_normalised_features_but_features_are_not():
    model = small().eval()
    with torch.no_grad():
        output = model(tiny_batch(2, 64).images)
        logits = model.attention.fc(F.normalize(output.features))
    torch.testing.assert_close(output.extras["attention_logits"], logits)
    assert (output.features.norm(dim=1) - 1).abs().min() > 0.01


def test_without_context_there_is_one_classifier_and_layer_3_is_frozen():
    model = small(context=False, shared_attention=True)
    batch = tiny_batch(2, 64)
    output = model(batch.images)
    terms = model.classification_loss(output, batch.targets, F.cross_entropy)
    assert terms == {"attention": F.cross_entropy(output.logits, batch.targets)}
    assert not any(parameter.requires_grad for parameter in model.backbone.layer3.parameters())
    assert [target.name for target in model.cam_targets()] == ["layer2"]


def test_grad_cam_layers_are_on_the_way_to_the_logits():
    model = small(shared_attention=True).eval()
    targets = model.cam_targets()
    maps = {}
    for target in targets:
        target.layer.register_forward_hook(lambda _m, _i, output, name=target.name: maps.update({name: output}))
    logits = model(tiny_batch(1, 96).images).logits
    gradients = torch.autograd.grad(logits.max(), [maps["layer3"], maps["layer2"]])
    assert [target.name for target in targets] == ["layer3", "layer2"]
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_features_stay_single_precision_under_bf16():
    model = small().eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert model(tiny_batch(2, 64).images).features.dtype == torch.float32


@pytest.mark.parametrize("options", VARIANTS)
def test_own_weights_come_back_bit_for_bit(tmp_path, options):
    model = small(**options).eval()
    save_file(model.state_dict(), tmp_path / "own.safetensors")
    again = create_model("scan", options={"backbone": "resnet18", **options}, weights=tmp_path / "own.safetensors")
    images = tiny_batch(2, 48).images
    with torch.no_grad():
        assert torch.equal(model(images).logits, again.eval()(images).logits)


def test_a_checkpoint_with_25_nets_in_the_authors_layout(tmp_path):
    model = small(context=False).eval()
    places = {"conv": "attention.0", "prelu": "attention.1", "norm": "attention.2"}
    parts = {"base_state_dict": {}, "attention_state_dict": {}}
    for key, value in model.state_dict().items():
        part, _, rest = key.partition(".")
        if part == "backbone":
            parts["base_state_dict"][f"module.{rest}"] = value
            continue
        rest = rest.replace("local.nets.", "local_attention_masks.").replace("whole.", "global_attention_mask.")
        for layer, place in places.items():
            rest = rest.replace(f".{layer}.", f".{place}.")
        parts["attention_state_dict"][f"module.{rest}"] = value
    torch.save(parts, tmp_path / "apart.pth")
    options = {"backbone": "resnet18", "context": False}
    again = create_model("scan", options=options, weights=tmp_path / "apart.pth").eval()
    images = tiny_batch(2, 48).images
    with torch.no_grad():
        assert torch.equal(model(images).logits, again(images).logits)
    with pytest.raises(InputError, match=r"set model\.shared_attention=false"):
        create_model("scan", options=options | {"shared_attention": True}, weights=tmp_path / "apart.pth")


def test_a_seed_gives_torchvisions_trunk_and_the_draws_that_follow():
    model = small(shared_attention=True)
    torch.manual_seed(0)
    expected = models.resnet18().state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in model.backbone.state_dict().items())
    first = torch.nn.init.kaiming_normal_(_drawn_conv(128).weight, mode="fan_out", nonlinearity="relu")
    assert torch.equal(model.attention.local.net.conv.weight, first)


def _drawn_conv(channels):
    return torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)


def test_the_vggface2_trunk_is_resnet_50s_and_takes_its_input_and_weights():
    model = create_model("scan", options={"trunk": "vggface2", "shared_attention": True})
    assert model.input_spec == VGGFACE2_INPUT
    assert [model.backbone.layer2[0].conv1.stride, model.backbone.layer2[0].conv2.stride] == [(2, 2), (1, 1)]
    assert model.pretrained_url() == ""
    state = {"conv1.weight": torch.randn(64, 3, 7, 7)}
    fitted, warnings = model.fit_backbone(state, "vggface2")
    assert torch.equal(fitted["conv1.weight"], state["conv1.weight"].flip(1))
    assert not warnings
    with pytest.raises(InputError, match=r"set model\.trunk=torchvision"):
        model.fit_backbone(state, "torchvision")
    with pytest.raises(InputError, match=r"set model\.backbone=resnet50"):
        small(trunk="vggface2")


def test_vggface2_weights_on_torchvisions_trunk_are_what_the_authors_did_and_are_warned_of():
    state = {"conv1.weight": torch.randn(64, 3, 7, 7)}
    fitted, (warning,) = small(shared_attention=True).fit_backbone(state, "vggface2")
    assert torch.equal(fitted["conv1.weight"], state["conv1.weight"])
    assert "trunk=vggface2" in warning


def test_imagenet_weights_are_those_of_the_backbone():
    assert "resnet18-" in small(shared_attention=True).pretrained_url()


def test_the_code_profile_repeats_what_the_released_code_does():
    switches = type(small()).profiles["code"]
    assert {switch.key: switch.value for switch in switches} == {
        "model.legacy_patches": True,
        "train.eval_after_first_epoch": True,
    }
    assert all("released code" in switch.source for switch in switches)


def test_it_overfits_32_pairs():
    torch.manual_seed(0)
    model = small(shared_attention=True)
    pairs = tiny_pairs(32, 40)
    images, targets = model.input_spec.normalise(pairs.joined().images), pairs.joined().targets
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(6):
        optimiser.zero_grad()
        terms = model.classification_loss(model(images), targets, F.cross_entropy)
        sum(terms.values()).backward()
        optimiser.step()
    output = model(images)
    assert (output.logits.argmax(1) == targets.argmax(1)).all()
