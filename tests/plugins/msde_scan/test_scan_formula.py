"""SCAN against its formulas, patch by patch, on random checkpoints in the authors' layout: 8 classes, 25 mask nets."""

import pytest
import torch
import torch.nn.functional as F
from torchvision import models

from msde_toolkit import create_model

CLASSES, K2, K3 = 8, 128, 256
PATCHES = [
    *((6 * (k // 4), 6 * (k % 4), 6, 6) for k in range(16)),
    *((6 * j, 24, 6, 4) for j in range(4)),
    *((24, 6 * j, 4, 6) for j in range(4)),
    (24, 24, 4, 4),
]


def random_mask_net(prefix, draw):
    return {
        f"{prefix}attention.0.weight": draw(K2, K2, 3, 3) * (1.5 / (9 * K2)) ** 0.5,
        f"{prefix}attention.1.weight": 0.25 + 0.01 * draw(K2),
        f"{prefix}attention.2.weight": 1 + 0.1 * draw(K2),
        f"{prefix}attention.2.bias": 0.1 * draw(K2),
        f"{prefix}attention.2.running_mean": 0.1 * draw(K2),
        f"{prefix}attention.2.running_var": 1 + 0.1 * draw(K2).abs(),
        f"{prefix}attention.2.num_batches_tracked": torch.tensor(0),
    }


@pytest.fixture(scope="module")
def parts():
    random = torch.Generator().manual_seed(7)

    def draw(*shape):
        return torch.randn(*shape, generator=random)

    torch.manual_seed(7)
    trunk = models.resnet34()
    base = {key: value for key, value in trunk.state_dict().items() if not key.startswith(("layer4", "fc"))}
    for key, value in base.items():
        if key.endswith("running_mean"):
            base[key] = 0.1 * draw(*value.shape)
    attention = {}
    for k in range(25):
        attention |= random_mask_net(f"local_attention_masks.{k}.", draw)
    attention |= random_mask_net("global_attention_mask.", draw)
    attention |= {"fc.weight": draw(CLASSES, 2 * K2) * (2 / (2 * K2)) ** 0.5, "fc.bias": 0.01 * draw(CLASSES)}
    net = {
        "0.weight": draw(256, K3) * (2 / K3) ** 0.5,
        "0.bias": 0.01 * draw(256),
        "2.weight": draw(CLASSES, 256) * (2 / 256) ** 0.5,
        "2.bias": 0.01 * draw(CLASSES),
    }
    region = {"eca.conv.weight": draw(1, 1, 5)} | {f"region_net.{key}": value for key, value in net.items()}
    region |= {f"classifiers.{quadrant}.{key}": value for quadrant in range(4) for key, value in net.items()}
    return {"base_state_dict": base, "attention_state_dict": attention, "region_state_dict": region}


@pytest.fixture(scope="module")
def images():
    coarse = 4 * torch.rand(2, 3, 14, 14, generator=torch.Generator().manual_seed(8)) - 1
    return coarse.repeat_interleave(16, dim=2).repeat_interleave(16, dim=3)


@pytest.fixture(scope="module")
def maps(parts, images):
    """Layer 2 ``[2, 128, 28, 28]`` and layer 3 ``[2, 256, 14, 14]`` of torchvision's ResNet-34."""
    trunk = models.resnet34()
    trunk.load_state_dict(parts["base_state_dict"], strict=False)
    trunk.eval()
    with torch.no_grad():
        x = trunk.maxpool(F.relu(trunk.bn1(trunk.conv1(images))))
        layer2 = trunk.layer2(trunk.layer1(x))
        return layer2, trunk.layer3(layer2)


def masked_mean(maps, weights, prefix):
    def of(name):
        return weights[f"{prefix}attention.{name}"]

    response = F.conv2d(maps, of("0.weight"), padding=1)
    response = torch.where(response > 0, response, of("1.weight")[:, None, None] * response)
    scale = of("2.weight") / (of("2.running_var") + 1e-5).sqrt()
    shift = of("2.bias") - of("2.running_mean") * scale
    mask = 1 / (1 + torch.exp(-(response * scale[:, None, None] + shift[:, None, None])))
    return (maps * mask).flatten(2).mean(dim=2)


def patch(maps, k, legacy):
    top, left, height, width = PATCHES[k]
    if legacy and 20 <= k < 24:
        return maps[:, :, 24 + k - 20, :24].reshape(2, K2, 4, 6)
    return maps[:, :, top : top + height, left : left + width]


def by_formula(parts, maps, legacy):
    """Attention logits ``[2, 8]`` and region logits ``[2, 4, 8]``."""
    layer2, layer3 = maps
    attention, region = parts["attention_state_dict"], parts["region_state_dict"]
    local = [masked_mean(patch(layer2, k, legacy), attention, f"local_attention_masks.{k}.") for k in range(25)]
    strongest = torch.stack(local).max(dim=0).values
    features = torch.cat([strongest, masked_mean(layer2, attention, "global_attention_mask.")], dim=1)
    unit = features / features.pow(2).sum(dim=1, keepdim=True).sqrt()
    pooled = F.pad(layer3.flatten(2).mean(dim=2), (2, 2))
    neighbours = sum(region["eca.conv.weight"][0, 0, step] * pooled[:, step : step + K3] for step in range(5))
    scaled = layer3 * (1 / (1 + torch.exp(-neighbours)))[:, :, None, None]
    logits = []
    for top, left in ((0, 0), (0, 7), (7, 0), (7, 7)):
        quadrant = scaled[:, :, top : top + 7, left : left + 7].flatten(2).mean(dim=2)
        hidden = (quadrant @ region["region_net.0.weight"].T + region["region_net.0.bias"]).clamp(min=0)
        logits.append(hidden @ region["region_net.2.weight"].T + region["region_net.2.bias"])
    return unit @ attention["fc.weight"].T + attention["fc.bias"], torch.stack(logits, dim=1)


@pytest.mark.parametrize("legacy", [False, True])
def test_unshared_attention_and_eight_classes_equal_the_formulas(tmp_path, parts, images, maps, legacy):
    prefixed = {part: {f"module.{key}": value for key, value in state.items()} for part, state in parts.items()}
    torch.save({"epoch": 3, **prefixed, "best_prec1": 60.0}, tmp_path / "affectnet.pth.tar")
    options = {"backbone": "resnet34", "legacy_patches": legacy}
    model = create_model("scan", classes=CLASSES, options=options, weights=tmp_path / "affectnet.pth.tar").eval()
    with torch.no_grad():
        output = model(images)
    attention, regions = by_formula(parts, maps, legacy)
    torch.testing.assert_close(output.extras["attention_logits"], attention, atol=1e-5, rtol=0)
    torch.testing.assert_close(output.extras["region_logits"], regions, atol=1e-4, rtol=1e-4)
    five = [attention, *regions.unbind(dim=1)]
    torch.testing.assert_close(output.logits, sum(five) / 5, atol=1e-4, rtol=1e-4)


def test_the_two_cuts_of_the_bottom_strip_differ_by_formula(parts, maps):
    fixed, legacy = (by_formula(parts, maps, cut)[0] for cut in (False, True))
    assert (fixed - legacy).abs().max() > 1e-3


def test_without_the_context_branch_the_attention_logits_are_the_models(tmp_path, parts, images, maps):
    alone = {part: parts[part] for part in ("base_state_dict", "attention_state_dict")}
    torch.save(alone, tmp_path / "scan.pth")
    options = {"backbone": "resnet34", "context": False}
    model = create_model("scan", classes=CLASSES, options=options, weights=tmp_path / "scan.pth").eval()
    with torch.no_grad():
        logits = model(images).logits
    torch.testing.assert_close(logits, by_formula(parts, maps, legacy=False)[0], atol=1e-5, rtol=0)
