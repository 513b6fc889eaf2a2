"""Whose weights a file holds, and what of it a real model takes."""

import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from small_network import Small, pretrained
from torch import nn
from torchvision.models import resnet18, resnet34, resnet50

from msde_toolkit import create_model
from msde_toolkit.errors import InputError
from msde_toolkit.weights import fit_state, layout, load_into
from msde_toolkit.weights.convert import convert

FEATURE = {"feature.weight": torch.rand(256, 4), "feature.bias": torch.rand(256)}
IJBA = pretrained(0) | FEATURE | {"fc.weight": torch.rand(90, 256), "fc.bias": torch.rand(90)}


@pytest.mark.parametrize(
    ("state", "name", "expected"),
    [
        (pretrained(1000), "resnet18-f37072fd.pth", "torchvision"),
        (pretrained(0), "trunk.pth", "torchvision"),
        (IJBA, "weights.pth", "msceleb"),
        (pretrained(1000), "resnet18_msceleb.pth", "msceleb"),
        (pretrained(1000), "IJBA_res18_naive.pth.tar", "msceleb"),
        (pretrained(8631), "weights.pkl", "vggface2"),
        (pretrained(8631), "vgg_msceleb_resnet50_ft_weight.pkl", "vggface2"),
        (pretrained(0), "vggface2.safetensors", "vggface2"),
        (pretrained(7) | {"alpha.0.weight": torch.ones(1)}, "ran.pth", "other"),
        ({"stem.weight": torch.ones(1)}, "msceleb.pth", "other"),
        (Small().state_dict(), "own.pth", "other"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"state_dict": state, "best": torch.ones(())}])
def test_layouts_without_a_model(state, name, expected, wrap):
    assert layout(wrap(state), name=name).name == expected


def test_a_model_tells_its_own_and_its_authors():
    model = Small()
    assert layout(Small(8).state_dict(), model).name == "ours"
    authors = layout(pretrained(7) | {"extra": torch.ones(1)}, model)
    assert (authors.name, authors.whole) == ("authors", True)
    assert "head.weight" in authors.state
    many = layout(pretrained(60), Small(60))
    assert (many.name, many.whole) == ("torchvision", True)
    assert not layout(pretrained(60), model).whole


def test_the_pickle_of_vggface2_and_what_must_be_known_of_it(tmp_path):
    state = pretrained(8631)
    arrays = {key: value.numpy() for key, value in state.items() if not key.endswith("tracked")}
    file = tmp_path / "weights.pkl"
    file.write_bytes(pickle.dumps(arrays, protocol=2))
    model = Small()
    report = load_into(model, file)
    assert report.layout == "vggface2"
    assert report.notes == ("turned to RGB",)
    assert report.summary() == "vggface2 layout: 10 of 10 backbone keys; head new (fc.weight, fc.bias left out)"
    assert torch.equal(model.backbone.conv1.weight, state["conv1.weight"].flip(1))


def test_a_converted_file_is_what_it_was_whatever_it_is_called(tmp_path):
    torch.save({"state_dict": {f"module.{key}": value for key, value in IJBA.items()}}, tmp_path / "a.pth")
    torch.save({"state_dict": pretrained(1000)}, tmp_path / "resnet18_msceleb.pth")
    for name in ("a.pth", "resnet18_msceleb.pth"):
        assert convert(tmp_path / name, tmp_path / f"{name}.safetensors") == "msceleb"
        (tmp_path / f"{name}.safetensors").rename(tmp_path / "b.safetensors")
        before, after = Small(), Small()
        first, second = load_into(before, tmp_path / name), load_into(after, tmp_path / "b.safetensors")
        assert (first.layout, set(first.dropped)) == (second.layout, set(second.dropped))
        assert first.layout == "msceleb"
        assert torch.equal(before.backbone.conv1.weight, after.backbone.conv1.weight)


@pytest.mark.parametrize("name", ["resnet18_msceleb.pth", "ijba_res18_naive.pth.tar"])
def test_both_files_of_ms_celeb_fill_a_resnet18(tmp_path, name):
    network = resnet18(num_classes=1000).state_dict()
    state = {key: value for key, value in network.items() if not key.endswith("tracked")}
    if "ijba" in name:
        head = {
            "feature.weight": torch.rand(256, 512),
            "feature.bias": torch.rand(256),
            "fc.weight": torch.rand(99, 256),
        }
        state = {f"module.{key}": value for key, value in ({**state, **head}).items()}
    torch.save({"state_dict": state, "epoch": 3, "best_prec1": np.float64(1)}, tmp_path / name)
    model = create_model("resnet18", classes=7)
    report = load_into(model, tmp_path / name)
    assert report.layout == "msceleb"
    assert report.summary().startswith("msceleb layout: 100 of 100 backbone keys; head new (f")
    assert torch.equal(model.backbone.layer4[1].conv2.weight, network["layer4.1.conv2.weight"])


def test_a_network_of_another_depth_is_refused_with_how_much_would_be_random(tmp_path):
    torch.save({key: value.half() for key, value in resnet50().state_dict().items()}, tmp_path / "r50.pth")
    with pytest.raises(InputError, match=r"r50\.pth: .*backbone of ResNet18 with 120 keys: 44 % of its weights"):
        create_model("resnet18", weights=tmp_path / "r50.pth")


def test_a_deeper_network_whose_first_blocks_fit_is_refused(tmp_path):
    torch.save(resnet34().state_dict(), tmp_path / "r34.pth")
    with pytest.raises(
        InputError, match=r"of a deeper network than the backbone of ResNet18: 96 keys more .*layer1\.2"
    ):
        create_model("resnet18", weights=tmp_path / "r34.pth")


def test_scan_takes_a_trunk_without_its_last_layer_and_a_run_with_another_number_of_classes(tmp_path):
    options = {"backbone": "resnet18", "shared_attention": True}
    network = resnet18().state_dict()
    torch.save(network, tmp_path / "r18.pth")
    scan = create_model("scan", classes=8, options=options, weights=tmp_path / "r18.pth")
    assert torch.equal(scan.backbone.layer3[1].conv2.weight, network["layer3.1.conv2.weight"])
    report = load_into(scan, tmp_path / "r18.pth")
    assert all(key.startswith("layer4") for key in report.unexpected)
    assert len(report.unexpected) == 30

    smaller = create_model("scan", classes=7, options=options)
    run = fit_state(smaller, scan.state_dict())
    assert [key for key, _, _ in run.reshaped] == [
        "attention.fc.weight",
        "attention.fc.bias",
        "context.classifier.2.weight",
        "context.classifier.2.bias",
    ]
    assert all(given[0] == 8 and own[0] == 7 for _, given, own in run.reshaped)
    assert torch.equal(smaller.context.classifier[0].weight, scan.context.classifier[0].weight)
    with pytest.raises(InputError, match="do not fit Scan"):
        fit_state(create_model("scan", options=options | {"context": False}), scan.state_dict())


def test_a_trunk_whose_own_layers_are_called_head():
    class Norm(Small):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Sequential(OrderedDict(stem=nn.Linear(3, 4), head=nn.LayerNorm(4)))

    state = {"stem.weight": torch.rand(4, 3), "stem.bias": torch.rand(4), "head.weight": torch.rand(4)}
    model = Norm()
    more = {"head.bias": torch.rand(4), "head.fc.weight": torch.rand(1000, 4), "x": torch.ones(1)}
    report = load_into(model, state | more)
    assert torch.equal(model.backbone.head.weight, state["head.weight"])
    assert (report.layout, report.dropped, report.unexpected) == ("other", ("head.fc.weight",), ("x",))


@pytest.mark.parametrize("name", ["resnet18", "scan"])
def test_all_that_a_model_saves_comes_back(tmp_path, name):
    options = {"backbone": "resnet18", "shared_attention": True} if name == "scan" else None
    model = create_model(name, options=options)
    torch.save(model.state_dict(), tmp_path / "own.pth")
    report = load_into(create_model(name, options=options), tmp_path / "own.pth")
    assert (report.layout, report.complete) == ("ours", True)
