"""RAN's options, sizes, attention and parameters."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tiny_batches import tiny_batch, tiny_pairs

from msde_ran.model import Ran
from msde_ran.regions import GRID, on_face
from msde_toolkit import backbones, create_model
from msde_toolkit.cams import raw_maps
from msde_toolkit.types import InputError

VARIANTS = ["paper", "code"]


def small(classes=7, **options):
    torch.manual_seed(0)
    return create_model("ran", classes=classes, options={"backbone": "resnet18", "region_size": 0.5, **options})


@pytest.mark.parametrize("regions", [6, 8])
@pytest.mark.parametrize(("options", "total"), [({"backbone": "resnet18"}, 11_185_225), ({}, 23_542_857)])
def test_parameters_are_the_published_codes(options, total, regions):
    with torch.device("meta"):
        model = create_model("ran", classes=7, options={"regions": regions, **options})
    assert sum(parameter.numel() for parameter in model.parameters()) == total


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"regions": 7}, r"model\.regions = 7: expected 6 or 8"),
        ({"regions": 8, "boxes": "paper"}, r"has 6 regions, not 8: set model\.boxes=affectnet, or model\.regions=6"),
        ({"boxes": "affectnet"}, r"has 8 regions, not 6: set model\.boxes=paper, or model\.regions=8"),
        ({"trunk": "vggface2", "backbone": "resnet18"}, r"not resnet18: set model\.backbone=resnet50"),
        ({"margin": -0.1}, r"model\.margin"),
        ({"region_size": 1.5}, r"model\.region_size"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, told):
    with pytest.raises(InputError, match=told):
        create_model("ran", options=options)


@pytest.mark.parametrize("regions", ["6", "8"])
@pytest.mark.parametrize("size", [(64, 64), (96, 70)])
def test_outputs_have_the_faces_on_their_first_axis(size, regions):
    model = small(regions=regions).eval()
    images = torch.rand(3, 3, *size)
    with torch.no_grad():
        output = model(images)
        alone = model(images[1:2])
    assert output.logits.shape == (3, 7)
    assert output.features.shape == (3, 1024)
    assert output.extras["mu"].shape == output.extras["nu"].shape == (3, int(regions))
    torch.testing.assert_close(output.logits[1:2], alone.logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(output.extras["mu"][1:2], alone.extras["mu"], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_attention_is_the_formula(variant):
    model = small(variant=variant).double().eval()
    regions = torch.rand(2, 6, 3, 40, 40, dtype=torch.float64)
    with torch.no_grad():
        output = model.forward_regions(regions)
        pooled = [model.backbone(regions[:, region]).mean(dim=(2, 3)) for region in range(6)]
    (alpha, a), (beta, b), (fc, c) = (
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in (model.attention.alpha, model.attention.beta, model.fc)
    )

    def attention(scores):
        weights = [1 / (1 + math.exp(-score)) for score in scores]
        total = sum(math.exp(weight) for weight in weights)
        return [math.exp(weight) / total for weight in weights] if variant == "code" else weights

    for sample in range(2):
        f = [region[sample].numpy() for region in pooled]
        mu = attention([(alpha[0] @ vector + a[0]).item() for vector in f])
        view = sum(m * vector for m, vector in zip(mu, f, strict=True)) / sum(mu)
        joined = [np.concatenate([vector, view]) for vector in f]
        nu = attention([(beta[0] @ vector + b[0]).item() for vector in joined])
        weights = [m * n for m, n in zip(mu, nu, strict=True)]
        fused = sum(w * vector for w, vector in zip(weights, joined, strict=True)) / sum(weights)
        expected = {"mu": mu, "nu": nu, "features": fused, "logits": fc @ fused + c}
        got = {**output.extras, "features": output.features, "logits": output.logits}
        for name, values in expected.items():
            np.testing.assert_allclose(got[name][sample].numpy(), values, rtol=1e-9, atol=1e-12)


def test_the_order_of_the_crops_does_not_matter_but_the_whole_faces_place_does():
    model = small().eval()
    regions = torch.rand(2, 6, 3, 32, 32)
    with torch.no_grad():
        output, other = model.forward_regions(regions), model.forward_regions(regions[:, [3, 1, 4, 0, 2, 5]])
        moved = model.forward_regions(regions[:, [5, 0, 1, 2, 3, 4]])
    torch.testing.assert_close(output.features, other.features)
    batch = tiny_batch(2)
    losses = [
        model.classification_loss(found, batch.targets, F.cross_entropy)["rb"] for found in (output, other, moved)
    ]
    assert losses[0].item() == pytest.approx(losses[1].item())
    assert losses[0].item() != pytest.approx(losses[2].item())


def test_regions_already_cut_may_be_of_any_number():
    with torch.no_grad():
        output = small().eval().forward_regions(torch.rand(2, 4, 3, 32, 48))
    assert output.extras["nu"].shape == (2, 4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_region_biased_loss_is_a_term_of_its_own(variant):
    model = small(variant=variant, margin=0.5)
    batch = tiny_batch(4)
    output = model(batch.images)
    terms = model.classification_loss(output, batch.targets, lambda logits, targets: logits.new_tensor(7.0))
    mu = output.extras["mu"].tolist()
    assert set(terms) == {"ce", "rb"}
    assert terms["ce"].item() == 7.0
    hinges = [max(0.0, 0.5 - (max(row[:-1]) - row[-1])) for row in mu]
    assert terms["rb"].item() == pytest.approx(sum(hinges) / 4, rel=1e-5)
    assert [sum(row) == pytest.approx(1.0, abs=1e-5) for row in mu] == [variant == "code"] * 4


def test_the_region_biased_loss_alone_makes_the_best_crop_lead():
    model = small(margin=1)
    images, step = tiny_batch(2).images, torch.optim.SGD(model.parameters(), 0.1)
    losses = []
    for _ in range(4):
        output = model(images)
        loss = model.classification_loss(output, output.logits, lambda logits, targets: logits.new_zeros(()))["rb"]
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_reaches_every_trainable_parameter(variant):
    model = small(variant=variant)
    batch = tiny_batch(4)
    terms = model.classification_loss(model(batch.images), batch.targets, F.cross_entropy)
    sum(terms.values()).backward()
    groups = model.parameter_groups()
    assert len(groups["backbone"]) + len(groups["head"]) == len(list(model.parameters()))
    assert len(groups["head"]) == 6  # alpha, beta and fc
    assert all(parameter.grad.abs().sum() > 0 for group in groups.values() for parameter in group)


def test_it_overfits_32_pairs_and_a_second_epoch_still_moves_running_statistics():
    model, batch = small(), tiny_pairs(32).joined()
    step = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(4):
        output = model(batch.images)
        loss = sum(model.classification_loss(output, batch.targets, F.cross_entropy).values())
        step.zero_grad()
        loss.backward()
        step.step()
    assert torch.equal(output.logits.argmax(dim=1), batch.labels)
    assert loss.item() < 0.1

    images = batch.images[:2]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.eval()(images)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    model.train()(images)
    moved = [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])]
    statistics = [key for key, _ in model.named_buffers()]
    assert sorted(moved) == sorted(statistics)


def test_regions_that_are_too_small_are_refused():
    model = small()
    assert model.smallest_input == 64
    assert small(region_size=1.0).smallest_input == 32 == Ran.smallest_input
    with pytest.raises(InputError, match=r"32 px or more, got \(31, 31\): use larger images"):
        model(torch.zeros(1, 3, 62, 62))
    with pytest.raises(InputError, match="32 px or more"):
        model.forward_regions(torch.zeros(1, 6, 3, 40, 31))


def test_attention_and_features_stay_single_precision_under_bf16():
    model = small().eval()
    images = tiny_batch(2).images
    with torch.no_grad():
        exact = model(images)
        with torch.autocast("cpu", torch.bfloat16):
            output = model(images)
    for value in (output.features, output.extras["mu"], output.extras["nu"]):
        assert value.dtype == torch.float32
    torch.testing.assert_close(output.extras["mu"], exact.extras["mu"], atol=0.02, rtol=0)


def test_inputs_are_what_the_trunk_was_trained_on():
    images = torch.rand(1, 3, 4, 4)
    assert torch.equal(small().input_spec.normalise(images), images)
    with torch.device("meta"):
        model = create_model("ran", options={"trunk": "vggface2"})
    assert model.input_spec == backbones.VGGFACE2_INPUT
    assert model.backbone.layer2[0].conv1.stride == (2, 2)


def test_pretrained_backbones():
    with torch.device("meta"):
        plain, caffe = create_model("ran"), create_model("ran", options={"trunk": "vggface2"})
    state = {"conv1.weight": torch.arange(3.0).view(1, 3, 1, 1)}
    assert plain.pretrained_url() == backbones.imagenet_url("resnet50")
    assert small().pretrained_url() == backbones.imagenet_url("resnet18")
    assert plain.fit_backbone(state, "torchvision") == (state, ())
    assert "model.trunk=vggface2" in plain.fit_backbone(state, "vggface2")[1][0]
    turned, notes = caffe.fit_backbone(state, "vggface2")
    assert turned["conv1.weight"].flatten().tolist() == [2.0, 1.0, 0.0]
    assert notes == ()
    assert "model.trunk=torchvision" in caffe.fit_backbone(state, "torchvision")[1][0]


def test_the_code_profile_is_made_of_options():
    switches = {switch.key.removeprefix("model."): switch.value for switch in Ran.profiles["code"]}
    assert switches == {"variant": "code", "margin": 0.1}
    assert {name: getattr(Ran.Options(**switches), name) for name in switches} == switches


@pytest.mark.parametrize("variant", VARIANTS)
def test_own_weights_come_back_bit_for_bit(tmp_path, variant):
    model = small(variant=variant).eval()
    save_file(model.state_dict(), tmp_path / "own.safetensors")
    options = {"backbone": "resnet18", "region_size": 0.5, "variant": variant}
    again = create_model("ran", options=options, weights=tmp_path / "own.safetensors").eval()
    images = tiny_batch(2).images
    with torch.no_grad():
        assert torch.equal(model(images).logits, again(images).logits)


@pytest.mark.parametrize("regions", [6, 8])
def test_grad_cam_of_every_region_lands_on_the_face(regions):
    model = small(regions=regions, region_size=1.0).eval()
    images, (target, finer) = tiny_batch(2, 96).images, model.cam_targets()
    classes, maps = torch.tensor([1, 4]), []
    handle = target.layer.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    logits = model(images).logits
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[[0, 1], classes].sum(), maps)
    cam = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps[0]).sum(dim=1)).detach()

    found = raw_maps(model, target, images, classes)

    assert cam.shape == (2 * regions, 3, 3)
    assert found.maps.shape == raw_maps(model, finer, images, classes).maps.shape == (2, GRID, GRID)
    assert found.maps.max() > 0
    np.testing.assert_allclose(found.maps, on_face(cam, model.options.places).numpy(), rtol=1e-3, atol=1e-8)
    alone = raw_maps(model, target, images[1:], classes[1:])
    np.testing.assert_allclose(found.maps[1:], alone.maps, rtol=1e-3, atol=found.maps.max() * 1e-4)
