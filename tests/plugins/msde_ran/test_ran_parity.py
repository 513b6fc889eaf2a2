"""RAN against the numbers of its authors' code, on weights in their file layout."""

import pytest
import torch
from reference_vectors import arrays, document, image, needs_vectors, state
from torchvision import models

from msde_ran.attention import region_biased_loss
from msde_ran.model import Ran
from msde_toolkit import create_model
from msde_toolkit.types import InputError

FERPLUS = {"backbone": "resnet18", "variant": "code"}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A checkpoint as the authors save it, from a DataParallel model."""
    prefixed = {f"module.{key}": value for key, value in state("ran_r18_ferplus")["state_dict"].items()}
    optimizer = {"state": {}, "param_groups": []}
    path = tmp_path_factory.mktemp("ran") / "ferplus.pth.tar"
    released = {"epoch": 59, "arch": "resnet18", "state_dict": prefixed, "best_prec1": torch.tensor(89.0)}
    torch.save(released | {"optimizer": optimizer}, path)
    return path


@needs_vectors
def test_outputs_and_loss_match_the_reference(file):
    expected, meta = arrays("ran_r18_ferplus"), document("ran_r18_ferplus.meta")
    regions = torch.stack([image(name, 2) for name in meta["inputs"]], dim=1)
    model = create_model("ran", classes=8, options=FERPLUS, weights=file).eval()
    with torch.no_grad():
        output = model.forward_regions(regions)

    def same(got, wanted, atol):
        torch.testing.assert_close(got, wanted, atol=atol, rtol=0)

    same(output.extras["mu"], expected["mu"], 1e-6)
    same(output.extras["nu"], expected["nu"], 1e-6)
    same(output.features, expected["fused"], 1e-4)
    same(output.logits, expected["logits"], 1e-4)
    for margin, loss in meta["rb_loss_by_margin"].items():
        assert region_biased_loss(output.extras["mu"], float(margin)).item() == pytest.approx(loss, rel=1e-5)


@needs_vectors
def test_the_paper_variant_stops_at_the_sigmoid(file):
    expected, meta = arrays("ran_r18_ferplus"), document("ran_r18_ferplus.meta")
    regions = torch.stack([image(name, 2)[:1] for name in meta["inputs"]], dim=1)
    model = create_model("ran", classes=8, options=FERPLUS | {"variant": "paper"}, weights=file).eval()
    with torch.no_grad():
        mu = model.forward_regions(regions).extras["mu"]
    torch.testing.assert_close(mu, expected["alpha_sigmoid"][:1], atol=1e-6, rtol=0)


@needs_vectors
def test_region_biased_loss_matches_the_reference():
    cases = document("rb_loss")["cases"]
    assert len(cases) == 5
    for case in cases:
        mu = torch.tensor(case["mu"])
        for margin, expected in case["loss_by_margin"].items():
            assert region_biased_loss(mu, float(margin)).item() == pytest.approx(expected, rel=1e-5), case["how"]


@needs_vectors
def test_a_head_for_other_classes_is_refused_and_named(file):
    with pytest.raises(InputError, match=r"(?s)ferplus.*2 of another shape: fc\.weight \[8, 1024\] instead"):
        create_model("ran", classes=7, options=FERPLUS, weights=file)


@needs_vectors
@pytest.mark.parametrize("backbone", ["resnet34", "resnet50"])
def test_a_backbone_of_another_depth_is_refused_and_named(file, backbone):
    with pytest.raises(InputError, match=r"set model\.backbone=resnet18"):
        create_model("ran", classes=8, options={"backbone": backbone}, weights=file)


@pytest.mark.parametrize("backbone", ["resnet34", "resnet50"])
def test_eight_regions_of_other_backbones_one_after_the_other(tmp_path, backbone):
    """What the authors' loop over regions computes, from torchvision's own network and their keys."""
    torch.manual_seed(0)
    network = getattr(models, backbone)(num_classes=1)
    width = network.fc.in_features
    network.fc = torch.nn.Identity()
    alpha, beta, fc = torch.nn.Linear(width, 1), torch.nn.Linear(2 * width, 1), torch.nn.Linear(2 * width, 8)
    network(torch.rand(4, 3, 32, 32))  # running statistics that are not the identity
    state = network.eval().state_dict() | {
        f"{name}.{key}": value
        for name, layer in (("alpha.0", alpha), ("beta.0", beta), ("fc", fc))
        for key, value in layer.state_dict().items()
    }
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "eight.pth.tar")
    regions = torch.rand(2, 8, 3, 40, 32)
    with torch.no_grad():
        features = torch.stack([network(regions[:, region]) for region in range(8)], dim=1)
        mu = torch.softmax(torch.sigmoid(alpha(features)), dim=1)
        view = (mu * features).sum(dim=1, keepdim=True).expand_as(features)
        joined = torch.cat([features, view], dim=2)
        nu = torch.softmax(torch.sigmoid(beta(joined)), dim=1)
        fused = (mu * nu * joined).sum(dim=1) / (mu * nu).sum(dim=1)

    options = {"backbone": backbone, "regions": 8, "variant": "code"}
    model = create_model("ran", classes=8, options=options, weights=tmp_path / "eight.pth.tar").eval()
    with torch.no_grad():
        output = model.forward_regions(regions)
        logits = fc(fused)
    torch.testing.assert_close(output.extras["mu"], mu.squeeze(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(output.extras["nu"], nu.squeeze(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(output.logits, logits, atol=1e-4, rtol=0)


def test_the_authors_files_are_of_torchvisions_trunk_and_others_are_not_theirs():
    weight = torch.zeros(1)
    theirs = {"conv1.weight": weight, "layer1.0.conv3.weight": weight, "alpha.0.weight": weight, "fc.bias": weight}
    converted = Ran.convert_checkpoint({"epoch": 1, "state_dict": theirs}, Ran.Options())
    assert set(converted) == {
        "backbone.conv1.weight",
        "backbone.layer1.0.conv3.weight",
        "attention.alpha.weight",
        "fc.bias",
    }
    with pytest.raises(InputError, match=r"set model\.trunk=torchvision"):
        Ran.convert_checkpoint(theirs, Ran.Options(trunk="vggface2"))
    del theirs["alpha.0.weight"]  # a plain ResNet
    assert Ran.convert_checkpoint(theirs, Ran.Options()) is None
