"""Vectors that no file stores: weights and inputs by the shared rule, outputs worked out here from the formulas.

Nothing of the toolkit computes what is expected: convolutions and batch norms are called one by one in double
precision, on the keys of the authors' checkpoints.
"""

import pickle
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from reference_vectors import image, needs_vectors, rule

from msde_toolkit import create_model
from msde_toolkit.errors import InputError
from msde_toolkit.weights import load_into

pytestmark = needs_vectors

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
PATCHES = (
    *((6 * row, 6 * column, 6, 6) for row, column in product(range(4), range(4))),
    *((6 * row, 24, 6, 4) for row in range(4)),
    *((24, 6 * column, 4, 6) for column in range(4)),
    (24, 24, 4, 4),
)
"""Top, left, height, width on a map of 28 x 28 cells."""


class Weights(dict):
    """A state_dict that is written layer by layer, by the rule."""

    def __init__(self, tag):
        super().__init__()
        self.tag = tag

    def put(self, key, kind, shape, **more):
        entry = {"key": key, "kind": kind, "shape": shape, **more}
        self[key] = torch.from_numpy(np.asarray(rule().weight(entry, self.tag)))

    def conv(self, key, given, taken, side):
        self.put(f"{key}.weight", "conv", (given, taken, side, side), fan_in=taken * side * side)

    def norm(self, key, channels):
        kinds = {"weight": "bn_weight", "bias": "bn_bias", "running_mean": "bn_mean", "running_var": "bn_var"}
        for name, kind in kinds.items():
            self.put(f"{key}.{name}", kind, (channels,))
        self.put(f"{key}.num_batches_tracked", "count", ())

    def linear(self, key, given, taken, shared_with=None):
        for name, kind, shape in (("weight", "linear", (given, taken)), ("bias", "bias", (given,))):
            alias = f"{shared_with}.{name}" if shared_with else None
            self.put(f"{key}.{name}", kind, shape, fan_in=taken, alias_of=alias)

    def mask(self, key, channels):
        self.conv(f"{key}.attention.0", channels, channels, 3)
        self.put(f"{key}.attention.1.weight", "prelu", (channels,))
        self.norm(f"{key}.attention.2", channels)

    def trunk(self, name, layers=4):
        self.conv("conv1", 64, 3, 7)
        self.norm("bn1", 64)
        taken = 64
        for layer in range(1, layers + 1):
            for block in range(BLOCKS[name][layer - 1]):
                taken = self._block(f"layer{layer}.{block}", taken, 32 << layer, deep=name == "resnet50")

    def _block(self, key, taken, inner, *, deep):
        given = inner * 4 if deep else inner
        shapes = (
            ((inner, taken, 1), (inner, inner, 3), (given, inner, 1))
            if deep
            else ((inner, taken, 3), (inner, inner, 3))
        )
        for number, shape in enumerate(shapes, 1):
            self.conv(f"{key}.conv{number}", *shape)
            self.norm(f"{key}.bn{number}", shape[0])
        if key.endswith(".0") and (given != taken or not key.startswith("layer1")):
            self.conv(f"{key}.downsample.0", given, taken, 1)
            self.norm(f"{key}.downsample.1", given)
        return given

    def normed(self, maps, key):
        statistics = (self[f"{key}.{name}"].double() for name in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(maps, *statistics, training=False, eps=1e-5)

    def after(self, maps, conv, norm, stride=1):
        kernel = self[f"{conv}.weight"].double()
        return self.normed(F.conv2d(maps, kernel, stride=stride, padding=kernel.shape[2] // 2), norm)

    def maps(self, images, name, layer, *, caffe=False):
        """Of a layer; ``caffe``: with the strides and the pooling that VGGFace2's were trained with."""
        maps = self.after(images.double(), "conv1", "bn1", 2).relu()
        maps = F.max_pool2d(maps, 3, 2, ceil_mode=True) if caffe else F.max_pool2d(maps, 3, 2, 1)
        strided = 2 if name == "resnet50" and not caffe else 1
        keys = [f"layer{stage}.{block}" for stage in range(1, layer + 1) for block in range(BLOCKS[name][stage - 1])]
        for key in keys:
            stride = 2 if key.endswith(".0") and key != "layer1.0" else 1
            way, last = maps, 3 if name == "resnet50" else 2
            for number in range(1, last + 1):
                way = self.after(way, f"{key}.conv{number}", f"{key}.bn{number}", stride if number == strided else 1)
                way = way.relu() if number < last else way
            if f"{key}.downsample.0.weight" in self:
                maps = self.after(maps, f"{key}.downsample.0", f"{key}.downsample.1", stride)
            maps = (way + maps).relu()
        return maps

    def apply(self, vectors, key):
        return vectors @ self[f"{key}.weight"].double().T + self[f"{key}.bias"].double()

    def masked(self, maps, key):
        responses = F.conv2d(maps, self[f"{key}.attention.0.weight"].double(), padding=1)
        slopes = self[f"{key}.attention.1.weight"].double().view(1, -1, 1, 1)
        responses = torch.where(responses > 0, responses, slopes * responses)
        return maps * torch.sigmoid(self.normed(responses, f"{key}.attention.2"))


def close(got, wanted, atol):
    torch.testing.assert_close(got.double(), wanted, atol=atol, rtol=0)


def saved(path, **parts):
    """As the authors save: ``module.`` before each key, beside what their optimiser keeps."""
    prefixed = {part: {f"module.{key}": value for key, value in state.items()} for part, state in parts.items()}
    torch.save({"epoch": 1, "best_prec1": torch.tensor(1.0), "optimizer": {"state": {}}, **prefixed}, path)
    return path


def ran(tag, backbone, classes):
    weights = Weights(tag)
    weights.trunk(backbone)
    for name, shape in (("alpha.0", (1, 512)), ("beta.0", (1, 1024)), ("fc", (classes, 1024))):
        weights.linear(name, *shape)
    return weights


@pytest.mark.parametrize(
    ("tag", "backbone", "classes", "regions", "variant"),
    [
        ("unseen1:", "resnet18", 8, 8, "code"),
        ("unseen2:", "resnet18", 7, 8, "paper"),
        ("unseen3:", "resnet34", 7, 6, "code"),
        ("faint:", "resnet18", 7, 6, "paper"),
    ],
)
def test_ran(tmp_path, tag, backbone, classes, regions, variant):
    weights = ran(tag, backbone, classes)
    if tag == "faint:":  # all products of the two sigmoids are zero in single precision, as rule-made ones can be
        for name in ("alpha.0.bias", "beta.0.bias"):
            weights[name] -= 60
    file = saved(tmp_path / "ran.pth.tar", state_dict=weights)
    options = {"backbone": backbone, "regions": regions, "variant": variant}
    model = create_model("ran", classes=classes, options=options, weights=file).eval()
    shown = torch.stack([image(f"unseen:{tag}{region}", 1)[..., :64, :64] for region in range(regions)], dim=1)
    with torch.no_grad():
        output = model.forward_regions(shown)

    features = weights.maps(shown[0], backbone, 4).mean(dim=(2, 3))
    mu = torch.sigmoid(weights.apply(features, "alpha.0"))
    mu = torch.softmax(mu, dim=0) if variant == "code" else mu
    view = (mu * features).sum(dim=0) / mu.sum()
    joined = torch.cat([features, view.expand_as(features)], dim=1)
    nu = torch.sigmoid(weights.apply(joined, "beta.0"))
    nu = torch.softmax(nu, dim=0) if variant == "code" else nu
    fused = (mu * nu * joined).sum(dim=0) / (mu * nu).sum()
    assert ((mu * nu).float().max() == 0) == (tag == "faint:")
    close(output.extras["mu"][0], mu[:, 0], 1e-6)
    close(output.extras["nu"][0], nu[:, 0], 1e-6)
    close(output.features[0], fused, 1e-4)
    close(output.logits[0], weights.apply(fused, "fc"), 1e-4)


def scan(backbone, classes):
    base, attention, region = (Weights(f"unseen{classes}:") for _ in range(3))
    base.trunk(backbone, layers=3)
    for index in range(len(PATCHES)):
        attention.mask(f"local_attention_masks.{index}", 128)
    attention.mask("global_attention_mask", 128)
    attention.linear("fc", classes, 256)
    region.put("eca.conv.weight", "conv", (1, 1, 5), fan_in=5)
    for name in ("region_net", *(f"classifiers.{index}" for index in range(4))):
        region.linear(f"{name}.0", 256, 256, shared_with="region_net.0")
        region.linear(f"{name}.2", classes, 256, shared_with="region_net.2")
    return {"base_state_dict": base, "attention_state_dict": attention, "region_state_dict": region}


@pytest.mark.parametrize(("classes", "legacy"), [(7, True), (8, False)])
def test_scan_with_a_mask_net_a_patch(tmp_path, classes, legacy):
    parts = scan("resnet18", classes)
    base, attention, region = parts.values()
    file, options = saved(tmp_path / "scan.pth.tar", **parts), {"backbone": "resnet18", "legacy_patches": legacy}
    model, images = create_model("scan", classes=classes, options=options, weights=file).eval(), image("unseen:scan", 1)
    with torch.no_grad():
        output = model(images)

    maps, local = base.maps(images, "resnet18", 2), []
    for index, (top, left, height, width) in enumerate(PATCHES):
        patch = maps[:, :, top : top + height, left : left + width]
        if legacy and 20 <= index < 24:
            patch = maps[:, :, 4 + index, :24].reshape(1, 128, 4, 6)
        local.append(attention.masked(patch, f"local_attention_masks.{index}").mean(dim=(2, 3)))
    whole = attention.masked(maps, "global_attention_mask").mean(dim=(2, 3))
    features = torch.cat([torch.stack(local).amax(dim=0), whole], dim=1)
    logits = attention.apply(features / features.norm(), "fc")
    deep = base.maps(images, "resnet18", 3)
    scale = torch.sigmoid(F.conv1d(deep.mean(dim=(2, 3))[:, None], region["eca.conv.weight"].double(), padding=2))
    deep = deep * scale.transpose(1, 2).unsqueeze(3)
    quadrants = [deep[:, :, top : top + 7, left : left + 7].mean(dim=(2, 3)) for top in (0, 7) for left in (0, 7)]
    regions = [region.apply(region.apply(pooled, "region_net.0").relu(), "region_net.2") for pooled in quadrants]
    close(output.extras["attention_logits"], logits, 1e-6)
    close(output.extras["region_logits"], torch.stack(regions, dim=1), 1e-4)
    close(output.features, features, 1e-4)
    close(output.logits, (logits + sum(regions)) / 5, 1e-4)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("region_state_dict", "classifiers.1.0.weight", torch.zeros(256, 256)),
        ("region_state_dict", "classifiers.3.2.bias", [0.0] * 7),
        ("region_state_dict", "region_net.2.bias", torch.zeros(7)),
        ("attention_state_dict", 3, torch.zeros(1)),
        ("attention_state_dict", "fc.bias", None),
        ("region_state_dict", None, [torch.zeros(1)]),
    ],
)
def test_a_scan_checkpoint_that_contradicts_itself_or_is_none_is_refused(part, key, value):
    parts = scan("resnet18", 7)
    parts[part] = value if key is None else {**parts[part], key: value}
    model = create_model("scan", classes=7, options={"backbone": "resnet18"})
    with pytest.raises(InputError):
        load_into(model, parts)


@cache
def resnet(name):
    weights = Weights("unseen:")
    weights.trunk(name)
    weights.linear("fc", 7, 2048 if name == "resnet50" else 512)
    return weights


@pytest.mark.parametrize("name", list(BLOCKS))
def test_resnets_with_their_head_for_seven_classes(tmp_path, name):
    weights, images = resnet(name), image("unseen:face", 1)[..., :96, :96]
    file = saved(tmp_path / "model_best.pth.tar", state_dict=weights)
    with torch.no_grad():
        output = create_model(name, classes=7, weights=file).eval()(images)
    features = weights.maps(images, name, 4).mean(dim=(2, 3))
    close(output.features, features, 1e-4)
    close(output.logits, weights.apply(features, "fc"), 1e-4)


@pytest.mark.parametrize(("name", "left_out"), [("weights.pkl", "fc."), ("resnet50_ft_weight.pkl", "no key")])
def test_vggface2s_pickle_computes_what_caffe_did(tmp_path, name, left_out):
    """Without a head it is known by being a pickle; with one of any size by its name."""
    weights = resnet("resnet50")
    dropped = (left_out, "num_batches_tracked")
    arrays = {key: value.numpy() for key, value in weights.items() if not any(word in key for word in dropped)}
    (tmp_path / name).write_bytes(pickle.dumps(arrays, protocol=2))
    faces = torch.rand(1, 3, 96, 80, generator=torch.Generator().manual_seed(0))
    shown = 255 * faces.flip(1).double() - torch.tensor([91.4953, 103.8827, 131.0912]).view(3, 1, 1)
    wanted = weights.maps(shown, "resnet50", 4, caffe=True).mean(dim=(2, 3))
    model = create_model("resnet50", classes=7, options={"trunk": "vggface2"})
    assert load_into(model, tmp_path / name).layout == "vggface2"
    with torch.no_grad():
        output = model.eval()(model.input_spec.normalise(faces))
    torch.testing.assert_close(output.features.double(), wanted, rtol=1e-4, atol=1e-4 * wanted.max().item())
    (note,) = load_into(create_model("resnet50", classes=7), tmp_path / name).notes
    assert "model.trunk=vggface2" in note


def test_a_whole_resnet50_of_torchvisions_is_refused_on_the_other_trunk(tmp_path):
    file = saved(tmp_path / "torchvision.pth", state_dict=resnet("resnet50"))
    with pytest.raises(InputError, match=r"set model\.trunk=torchvision"):
        create_model("resnet50", classes=7, options={"trunk": "vggface2"}, weights=file)
