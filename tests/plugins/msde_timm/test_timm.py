"""timm's networks as backbones: two convolutional ones and a transformer, random weights, no network."""

import sys

import pytest
import torch
import torch.nn.functional as F
from tiny_batches import tiny_batch

from msde_toolkit import create_model
from msde_toolkit.types import InputError

timm = pytest.importorskip("timm")

RESNET, MOBILE, VIT = "test_resnet", "mobilenetv3_small_050", "test_vit"
CASES = [(RESNET, 32, {}), (MOBILE, 32, {}), (VIT, 32, {"image_size": 32})]


def made(name, **options):
    torch.manual_seed(0)
    return create_model(f"timm:{name}", options=options)


@pytest.mark.parametrize(("name", "side", "options"), CASES)
def test_features_and_logits_are_timms_own_network_and_a_linear_head(name, side, options):
    model = made(name, **options).eval()
    own = timm.create_model(name, num_classes=0, **({"img_size": side} if options else {})).eval()
    own.load_state_dict(model.backbone.state_dict())
    images = tiny_batch(3, side).images
    with torch.no_grad():
        output = model(images)
        expected = own(images)
    torch.testing.assert_close(output.features, expected)
    torch.testing.assert_close(output.logits, F.linear(expected, model.head.weight, model.head.bias))
    assert output.logits.shape == (3, 7)


@pytest.mark.parametrize(("name", "side", "options"), CASES)
def test_gradient_reaches_every_parameter_of_both_groups(name, side, options):
    model = made(name, **options)
    batch = tiny_batch(4, side)
    model.classification_loss(model(batch.images), batch.targets, F.cross_entropy)["ce"].backward()
    groups = model.parameter_groups()
    assert {name for name, _ in model.head.named_parameters()} == {"weight", "bias"}
    assert len(groups["head"]) == 2
    assert len(groups["backbone"]) + 2 == len(list(model.parameters()))
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_the_input_is_what_the_pretrained_weights_saw():
    spec, known = made(RESNET).input_spec, timm.get_pretrained_cfg(RESNET)
    assert (spec.mean, spec.std, spec.size) == (known.mean, known.std, known.input_size[-1])


def test_the_smallest_input_is_tried_and_enough():
    for name in (RESNET, MOBILE):
        model = made(name).eval()
        assert model.smallest_input == 32
        assert model(torch.zeros(1, 3, 32, 32)).logits.shape == (1, 7)
    deep = made("inception_v3")
    assert deep.smallest_input == 96
    with torch.no_grad(), pytest.raises(RuntimeError):
        deep.eval()(torch.zeros(1, 3, 64, 64))


def test_a_network_that_is_built_for_one_size_takes_no_other():
    model = made(VIT, image_size=48).eval()
    assert (model.smallest_input, model.input_spec.size) == (48, 48)
    with pytest.raises(InputError, match=r"built for images of 48 px and got 64 x 64: set train\.image_size=48"):
        model(torch.zeros(1, 3, 64, 64))
    assert made(VIT).smallest_input == timm.get_pretrained_cfg(VIT).input_size[-1]


def test_a_size_for_a_network_that_is_not_built_for_one_is_refused():
    with pytest.raises(InputError, match=r"leave model\.image_size out"):
        made(RESNET, image_size=64)


def test_unknown_names_and_tags_are_refused_with_close_ones():
    with pytest.raises(InputError, match=r"no such network. Did you mean .*resnet18d"):
        made("resnet18dd")
    with pytest.raises(InputError, match=r"test_resnet\.bogus cannot be built: Invalid pretrained tag"):
        made("test_resnet.bogus")
    with pytest.raises(InputError, match="no such network"):
        made("hf-hub:timm/test_resnet.r160_in1k")  # would ask the network


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r'pip install "msde-toolkit\[timm\]"'):
        made(RESNET)


@pytest.mark.parametrize("name", [RESNET, MOBILE])
def test_grad_cam_reads_the_last_maps_on_the_way_to_the_logits(name):
    model = made(name).eval()
    (target,) = model.cam_targets()
    maps = []
    target.layer.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    logits = model(tiny_batch(2, 96).images).logits
    (gradient,) = torch.autograd.grad(logits.max(), maps)
    assert len(maps) == 1
    assert maps[0].shape[2:] == (3, 3)
    assert gradient.abs().sum() > 0


def test_tokens_have_no_maps():
    model = made(VIT, image_size=32).eval()
    assert model.cam_targets() == []
    assert not model(torch.zeros(1, 3, 32, 32)).extras


def test_maps_are_given_where_features_are_their_means_and_only_there():
    images = tiny_batch(2, 64).images
    output = made(RESNET).eval()(images)
    torch.testing.assert_close(output.extras["maps"].mean(dim=(2, 3)), output.features)
    assert not made(MOBILE).eval()(images).extras


def test_the_trial_leaves_nothing_behind():
    model = made(RESNET)
    assert model.training
    assert all(module.training for module in model.modules())
    torch.manual_seed(0)
    expected = timm.create_model(RESNET, num_classes=0)
    assert all(torch.equal(value, expected.state_dict()[key]) for key, value in model.backbone.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_pretrained_weights_are_those_of_the_names_tag_in_timms_own_layout():
    assert (
        made("test_resnet.r160_in1k")
        .pretrained_url()
        .endswith("timm/test_resnet.r160_in1k/resolve/main/model.safetensors")
    )
    assert made("mixer_s32_224").pretrained_url() == ""


def test_a_whole_network_of_timm_fits_without_its_classifier():
    whole = timm.create_model(RESNET)
    model = made(RESNET)
    state, notes = model.fit_backbone(whole.state_dict(), "other")
    model.backbone.load_state_dict(state, strict=True)
    assert not notes
    assert not [key for key in state if key.startswith("fc.")]


def test_positions_are_resized_to_the_input_as_timm_does_and_said():
    whole, model = timm.create_model(VIT), made(VIT, image_size=64).eval()
    state, (note,) = model.fit_backbone(whole.state_dict(), "other")
    model.backbone.load_state_dict(state, strict=True)
    assert note == "resized to images of 64 px: pos_embed"
    resized = timm.create_model(VIT, num_classes=0, img_size=64).eval()
    resized.load_state_dict(
        timm.models.vision_transformer.checkpoint_filter_fn(whole.state_dict(), resized), strict=False
    )
    images = tiny_batch(2, 64).images
    with torch.no_grad():
        torch.testing.assert_close(model(images).features, resized(images))


def test_features_are_single_precision_under_bf16():
    model = made(RESNET).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert model(tiny_batch(2, 64).images).features.dtype == torch.float32


def test_it_overfits_32_pairs():
    model = made(RESNET)
    batch = tiny_batch(64, 32)
    images = model.input_spec.normalise(batch.images)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(30):
        optimiser.zero_grad()
        F.cross_entropy(model(images).logits, batch.targets).backward()
        optimiser.step()
    assert (model(images).logits.argmax(1) == batch.labels).all()
