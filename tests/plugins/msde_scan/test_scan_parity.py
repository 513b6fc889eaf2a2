"""SCAN against the numbers of its authors' code, on rule-made weights in their file layout."""

import pytest
import torch
import torch.nn.functional as F
from reference_vectors import arrays, document, image, needs_vectors, state

from msde_toolkit import create_model
from msde_toolkit.types import InputError

pytestmark = needs_vectors


@pytest.fixture(scope="module")
def released():
    """A checkpoint as the authors save it, from DataParallel models."""
    parts = state("scan_rafdb")
    prefixed = {part: {f"module.{key}": value for key, value in keys.items()} for part, keys in parts.items()}
    return prefixed | {"epoch": 12, "best_prec1": torch.tensor(88.0), "optimizer": {"state": {}, "param_groups": []}}


@pytest.fixture(scope="module")
def file(released, tmp_path_factory):
    path = tmp_path_factory.mktemp("scan") / "rafdb.pth.tar"
    torch.save(released, path)
    return path


@pytest.mark.parametrize(("legacy", "name"), [(False, "scan_rafdb_fixed"), (True, "scan_rafdb_legacy")])
def test_outputs_and_losses_match_the_reference(file, legacy, name):
    options = {"shared_attention": True, "legacy_patches": legacy}
    model = create_model("scan", classes=7, options=options, weights=file).eval()
    expected, meta = arrays(name), document(f"{name}.meta")
    with torch.no_grad():
        output = model(image("input:scan", 2))
    targets = F.one_hot(torch.tensor(meta["labels"]), 7).float()
    terms = model.classification_loss(output, targets, F.cross_entropy)

    def same(got, wanted, atol):
        torch.testing.assert_close(got, wanted, atol=atol, rtol=0)

    same(output.extras["attention_logits"], expected["attention_logits"], 1e-6)
    same(output.extras["region_logits"], expected["region_logits"].transpose(1, 2), 1e-4)
    same(output.logits, expected["mean_logits"], 1e-4)
    same(output.features, torch.cat([expected["local_max"], expected["global_feature"]], dim=1), 1e-4)
    assert terms["attention"].item() == pytest.approx(0.2 * expected["loss_attention"].item(), rel=1e-5)
    assert terms["regions"].item() == pytest.approx(0.8 * expected["loss_regions"].item(), rel=1e-5)
    assert sum(terms.values()).item() == pytest.approx(expected["loss_total"].item(), rel=1e-5)


def test_the_two_cuts_of_the_bottom_strip_differ():
    fixed, legacy = arrays("scan_rafdb_fixed"), arrays("scan_rafdb_legacy")
    assert (fixed["attention_logits"] - legacy["attention_logits"]).abs().max() > 1e-3


def test_copies_of_the_classifier_that_differ_are_refused(released, tmp_path):
    region = dict(released["region_state_dict"])
    region["module.classifiers.2.2.bias"] = region["module.classifiers.2.2.bias"] + 1
    torch.save(released | {"region_state_dict": region}, tmp_path / "odd.pth")
    with pytest.raises(InputError, match=r"classifiers\.2\.2\.bias differs from region_net"):
        create_model("scan", options={"shared_attention": True}, weights=tmp_path / "odd.pth")


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({}, r"set model\.shared_attention=true"),
        ({"shared_attention": True, "backbone": "resnet18"}, r"set model\.backbone=resnet50"),
        ({"shared_attention": True, "context": False}, r"set model\.context=true"),
        ({"shared_attention": True, "trunk": "vggface2"}, r"set model\.trunk=torchvision"),
    ],
)
def test_options_that_the_file_contradicts_are_named(file, options, advice):
    with pytest.raises(InputError, match=advice):
        create_model("scan", options=options, weights=file)
