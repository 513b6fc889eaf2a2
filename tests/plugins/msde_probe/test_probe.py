"""The linear probe: what never changes, what trains, and weights that reach the frozen model."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tiny_batches import tiny_batch
from torchvision import models

from msde_toolkit import create_model
from msde_toolkit.types import InputError, PluginError
from msde_toolkit.weights import load_into

SMALL_SCAN = {"backbone": "resnet18", "shared_attention": True}
CASES = [
    ("resnet18", {}, 512),
    ("resnet18", {"normalise_maps": True}, 512),
    ("scan", SMALL_SCAN, 256),
    ("ran", {"backbone": "resnet18"}, 1024),
    ("timm:test_resnet", {}, 96),
    ("timm:test_vit", {"image_size": 32}, 64),
]


def probe(backbone, options=None, **more):
    if backbone.startswith("timm:"):
        pytest.importorskip("timm")
    return create_model("probe", options={"backbone": backbone, "backbone_options": options or {}, **more})


def side(model):
    return max(32, model.smallest_input)


@pytest.mark.parametrize(("backbone", "options", "width"), CASES)
def test_features_are_those_of_the_model_in_evaluation_mode(backbone, options, width):
    model = probe(backbone, options)
    own = create_model(backbone, options=options)
    own.load_state_dict(model.backbone.state_dict())
    images = tiny_batch(3, side(model)).images
    embedded = model.embed(images)
    assert embedded.shape == (3, width)
    torch.testing.assert_close(embedded, own.eval()(images).features.detach())
    assert (model.input_spec, model.smallest_input) == (own.input_spec, own.smallest_input)


@pytest.mark.parametrize(("backbone", "options", "width"), CASES)
def test_forward_is_classify_of_embed(backbone, options, width):
    model = probe(backbone, options)
    images = tiny_batch(4, side(model)).images
    for training in (True, False):
        whole = model.train(training)(images)
        parts = model.classify(model.embed(images))
        assert torch.equal(whole.features, parts.features)
        assert torch.equal(whole.logits, parts.logits)
        assert whole.logits.shape == (4, 7)


@pytest.mark.parametrize(("backbone", "options", "width"), CASES)
def test_training_moves_the_head_and_nothing_else(backbone, options, width):
    model = probe(backbone, options)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    batch = tiny_batch(6, side(model))
    optimiser = torch.optim.Adam(model.parameter_groups()["head"], lr=0.01, weight_decay=0.1)
    model.train()
    assert not any(module.training for module in model.backbone.modules())
    for _ in range(2):
        optimiser.zero_grad()
        model.classification_loss(model(batch.images), batch.targets, F.cross_entropy)["ce"].backward()
        optimiser.step()
    after = model.state_dict()
    changed = {key for key, value in before.items() if not torch.equal(value, after[key])}
    assert changed >= {"head.linear.weight", "head.linear.bias", "head.norm.running_mean"}
    assert all(key.startswith("head.") for key in changed)


def test_only_the_linear_head_trains():
    model = probe("resnet18")
    groups = model.parameter_groups()
    assert model.frozen
    assert groups["backbone"] == []
    assert sum(parameter.numel() for parameter in groups["head"]) == 512 * 7 + 7
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_head_sees_each_feature_with_mean_0_and_deviation_1():
    model = probe("resnet18").train()
    features = torch.randn(64, 512, generator=torch.Generator().manual_seed(0)) * 0.1 + 3
    seen = (features - features.mean(dim=0)) / features.std(dim=0, correction=0)
    torch.testing.assert_close(model.classify(features).logits, model.head.linear(seen), atol=1e-3, rtol=0)


def test_folds_see_the_same_random_backbone_under_another_head():
    torch.manual_seed(1)
    first, after = probe("resnet18"), torch.rand(1)
    torch.manual_seed(2)
    second, other = probe("resnet18"), probe("resnet18", backbone_seed=1)
    assert all(
        torch.equal(value, first.state_dict()[key]) for key, value in second.state_dict().items() if "back" in key
    )
    assert not torch.equal(first.head.linear.weight, second.head.linear.weight)
    assert not torch.equal(first.backbone.backbone.conv1.weight, other.backbone.backbone.conv1.weight)
    torch.manual_seed(1)
    torch.nn.Linear(512, 7)
    assert torch.equal(torch.rand(1), after), "the backbone draws nothing from the run's own seed"


@pytest.mark.parametrize("name", ["probe:scan", "probe:timm:test_resnet"])
def test_the_backbone_follows_the_colon(name):
    if "timm" in name:
        pytest.importorskip("timm")
    with torch.device("meta"):
        model = create_model(name)
    assert model.options.backbone == name.removeprefix("probe:")


@pytest.mark.parametrize("classes", [1000, 7])
def test_a_pretrained_network_fills_the_frozen_model(tmp_path, classes):
    network = models.resnet18(num_classes=classes).eval()
    torch.save(network.state_dict(), tmp_path / "tv.pth")
    model = create_model("probe", weights=tmp_path / "tv.pth").eval()
    images = tiny_batch(2, 64).images
    network.fc = torch.nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(model.embed(images), network(images))


def test_a_file_without_some_of_the_layers_is_refused(tmp_path):
    state = models.resnet18().state_dict()
    torch.save({key: value for key, value in state.items() if "layer4" not in key}, tmp_path / "cut.pth")
    with pytest.raises(InputError, match=r"(?s)cut\.pth: .*would stay random.*missing: backbone\.layer4"):
        create_model("probe", weights=tmp_path / "cut.pth")


def test_what_of_the_features_stays_random_is_said():
    state = models.resnet18().state_dict()
    model = probe("scan", SMALL_SCAN)
    before = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    report = load_into(model, state)
    assert report.notes == ("features of scan also pass its attention, which stays random",)
    trunk = {key for key in before if key.startswith("backbone.")}
    assert set(report.matched) == {f"backbone.{key}" for key in trunk}
    assert {key for key in report.missing if key.startswith("backbone.")} == {
        f"backbone.{key}" for key in before.keys() - trunk
    }
    assert f"torchvision layout: {len(trunk)} of {len(before)} backbone keys; " in report.summary()
    own = model.backbone.state_dict()
    assert all(torch.equal(own[key], state[key.removeprefix("backbone.")]) for key in trunk)
    assert all(torch.equal(own[key], before[key]) for key in before.keys() - trunk)
    _, notes = probe("resnet18").fit_backbone(state, "torchvision")
    assert notes == ()


@pytest.mark.parametrize("classes", [7, 8])
def test_a_trained_models_own_weights_fill_it_whatever_its_classes(tmp_path, classes):
    torch.manual_seed(5)
    trained = create_model("scan", classes=classes, options=SMALL_SCAN).eval()
    save_file(trained.state_dict(), tmp_path / "scan.safetensors")
    options = {"backbone": "scan", "backbone_options": SMALL_SCAN}
    model = create_model("probe", options=options, weights=tmp_path / "scan.safetensors").eval()
    report = load_into(create_model("probe", options=options), tmp_path / "scan.safetensors")
    own = trained.state_dict()
    if classes == 7:
        assert (set(report.matched), report.notes) == ({f"backbone.{key}" for key in own}, ())
    else:
        left_out = {key for key in report.missing if key.startswith("backbone.")}
        assert set(report.matched) == {f"backbone.{key}" for key in own} - left_out
        assert left_out
        assert all(8 in own[key.removeprefix("backbone.")].shape for key in left_out)
        assert report.notes == ("no feature passes what is left out of the scan's attention, context",)
    images = tiny_batch(2, 48).images
    with torch.no_grad():
        assert torch.equal(model.embed(images), trained(images).features)


def test_own_weights_come_back_bit_for_bit(tmp_path):
    model = probe("resnet18")
    model.train()(tiny_batch(4, 32).images)
    save_file(model.eval().state_dict(), tmp_path / "own.safetensors")
    again = create_model("probe", weights=tmp_path / "own.safetensors").eval()
    images = tiny_batch(2, 32).images
    with torch.no_grad():
        assert torch.equal(again(images).logits, model(images).logits)


def test_pretrained_weights_are_the_frozen_models():
    assert probe("resnet18").pretrained_url() == create_model("resnet18").pretrained_url() != ""


@pytest.mark.parametrize(("backbone", "options"), [("resnet18", {}), ("scan", SMALL_SCAN)])
def test_grad_cam_reaches_the_frozen_models_layers(backbone, options):
    model = probe(backbone, options).eval()
    (target,) = model.cam_targets()  # of SCAN's two, the context branch's is not on the way to the features
    maps = []
    target.layer.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    images = tiny_batch(1, 64).images.requires_grad_()
    (gradient,) = torch.autograd.grad(model(images).logits.max(), maps)
    assert gradient.abs().sum() > 0


def test_bad_backbones_are_refused():
    with pytest.raises(PluginError, match="resnet18"):
        probe("resnet1")
    with pytest.raises(InputError, match=r"model\.backbone_options: .*depth"):
        probe("resnet18", {"depth": 3})
    with pytest.raises(InputError, match="is a probe itself"):
        probe("probe")


def test_the_head_overfits_the_features_of_32_pairs():
    model = probe("resnet18").train()
    batch = tiny_batch(64, 32)
    features = model.embed(model.input_spec.normalise(batch.images))
    optimiser = torch.optim.Adam(model.parameter_groups()["head"], lr=0.01)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(model.classify(features).logits, batch.targets).backward()
        optimiser.step()
    assert (model.eval().classify(features).logits.argmax(1) == batch.labels).all()
