"""Raw maps against reference vectors, a constructed case, one image at a time, and finite differences."""

import numpy as np
import pytest
import reference_vectors
import torch
from in_memory_run import TinyNet
from torch import nn

from msde_toolkit import create_model
from msde_toolkit.cams import METHODS, maps_by_method, raw_maps
from msde_toolkit.interfaces import Model
from msde_toolkit.types import CamTarget, ModelOutput, PluginError


@reference_vectors.needs_vectors
def test_reference_vectors_of_resnet18(tmp_path):
    torch.save(reference_vectors.state("gradcam_r18")["state_dict"], tmp_path / "resnet18.pt")
    model = create_model("resnet18", weights=tmp_path / "resnet18.pt").eval()
    expected = reference_vectors.arrays("gradcam_r18_input0")["cam"].numpy()
    images = reference_vectors.image("input:cam:0", 1)
    found = raw_maps(model, model.cam_targets()[0], images, torch.tensor([2]))
    assert found.predicted.tolist() == [2]
    assert found.maps.shape == (1, 7, 7)
    assert np.abs(found.maps - expected).max() < 1e-6
    batch = raw_maps(model, model.cam_targets()[0], images.repeat(3, 1, 1, 1), torch.tensor([2, 2, 2]))
    assert np.abs(batch.maps - expected).max() < 1e-6


class TwoCorners(Model):
    """Class 0 is the brightness top left, class 1 that bottom right; the map of each is known by hand."""

    def __init__(self):
        super().__init__(2, self.Options())
        self.layer = nn.Conv2d(3, 2, 1, bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None])

    def forward(self, images):
        maps = self.layer(images)
        logits = torch.stack([maps[:, 0].sum(dim=(1, 2)), 3 * maps[:, 1].sum(dim=(1, 2)) - maps[:, 0].sum(dim=(1, 2))])
        return ModelOutput(logits.T, maps.mean(dim=(2, 3)))


def test_constructed_case():
    images = torch.zeros(2, 3, 4, 4)
    images[:, 0, 0, 0], images[:, 1, 3, 3] = 5.0, 2.0
    model = TwoCorners().eval()
    maps = raw_maps(model, CamTarget("layer", model.layer), images, torch.tensor([0, 1])).maps
    expected = np.zeros((2, 4, 4), dtype=np.float32)
    expected[0, 0, 0] = 5.0  # weight 1 x activation 5
    expected[1, 3, 3] = 6.0  # weight 3 x activation 2; the top left has weight -1 and is cut by the ReLU
    assert np.array_equal(maps, expected)


def test_maps_of_regions_are_put_back_on_the_face():
    model = TwoCorners().eval()
    images = torch.rand(2, 3, 4, 4)
    target = CamTarget("mirrored", model.layer, to_face=lambda maps: maps.flip(-1))
    plain = raw_maps(model, CamTarget("layer", model.layer), images, torch.tensor([0, 0])).maps
    assert np.array_equal(raw_maps(model, target, images, torch.tensor([0, 0])).maps, plain[..., ::-1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["tiny", "resnet18", "scan"])
def test_a_batch_equals_its_images_one_by_one(name, method):
    torch.manual_seed(0)
    model = {
        "tiny": TinyNet,
        "resnet18": lambda: create_model("resnet18"),
        "scan": lambda: create_model("scan", options={"backbone": "resnet18"}),
    }[name]().eval()
    side = 96 if name == "scan" else 48
    images, classes = torch.randn(3, 3, side, side), torch.tensor([0, 4, 6])
    target = model.cam_targets()[0]
    batch = raw_maps(model, target, images, classes, method)
    single = [raw_maps(model, target, images[i : i + 1], classes[i : i + 1], method).maps for i in range(3)]
    assert batch.maps.dtype == np.float32
    assert batch.maps.min() >= 0
    assert batch.maps.max() > 0
    np.testing.assert_allclose(batch.maps, np.concatenate(single), rtol=2e-4, atol=1e-5 * batch.maps.max())
    with torch.no_grad():
        assert batch.predicted.tolist() == model(images).logits.argmax(dim=1).tolist()


def test_one_pass_serves_several_methods():
    model = TinyNet().eval()
    images, classes, target = torch.randn(3, 3, 16, 16), torch.tensor([0, 1, 2]), model.cam_targets()[0]
    together = maps_by_method(model, target, images, classes, list(METHODS))
    for method, found in together.items():
        assert np.array_equal(found.maps, raw_maps(model, target, images, classes, method).maps)
        assert found.cells == 4


def test_weights_agree_with_finite_differences():
    # Adding a constant to channel k changes the logit by the sum of its gradients: h w times Grad-CAM's weight.
    model = TinyNet().double().eval()
    target = model.cam_targets()[0]
    images, label, step = torch.randn(1, 3, 16, 16), 3, 1e-6
    with torch.no_grad():
        maps = model.backbone(images.double())
        base = model.head(maps.mean(dim=(2, 3)))[0, label]
        moved = [maps + step * torch.eye(16)[k][None, :, None, None] for k in range(16)]
        slope = torch.stack([(model.head(m.mean(dim=(2, 3)))[0, label] - base) / step for m in moved]) / (4 * 4)
    expected = (slope[:, None, None] * maps[0]).sum(dim=0).clamp(min=0)
    found = raw_maps(model.float(), target, images, torch.tensor([label])).maps[0]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_model_and_hooks_are_left_as_they_were():
    model = TinyNet().eval()
    model.head.bias.requires_grad_(False)
    target = model.cam_targets()[0]
    before = {name: p.requires_grad for name, p in model.named_parameters()}
    with torch.inference_mode(False), torch.no_grad():
        raw_maps(model, target, torch.randn(2, 3, 16, 16), torch.tensor([0, 1]))
    assert {name: p.requires_grad for name, p in model.named_parameters()} == before
    assert all(p.grad is None for p in model.parameters())
    assert not target.layer._forward_hooks


def test_maps_are_single_precision_whatever_the_run_used():
    model, images, classes = TinyNet().eval(), torch.randn(2, 3, 32, 32), torch.tensor([0, 1])
    plain = raw_maps(model, model.cam_targets()[0], images, classes).maps
    product = torch.backends.cuda.matmul
    before = product.fp32_precision
    try:
        product.fp32_precision = "tf32"
        with torch.autocast("cpu", torch.bfloat16):
            assert np.array_equal(raw_maps(model, model.cam_targets()[0], images, classes).maps, plain)
        assert product.fp32_precision == "tf32"
    finally:
        product.fp32_precision = before


class Twice(TinyNet):
    def forward(self, images):
        self.backbone[1](self.backbone[0](images))
        return super().forward(images)


class Unused(TinyNet):
    def __init__(self):
        super().__init__()
        self.aside = nn.Conv2d(3, 4, 1)

    def forward(self, images):
        if hasattr(self, "aside"):  # not yet while the head is made
            self.aside(images)
        return super().forward(images)


def test_a_layer_that_cannot_be_explained_is_named():
    twice, unused = Twice().eval(), Unused()
    images, classes = torch.randn(1, 3, 16, 16), torch.tensor([0])
    with pytest.raises(PluginError, match=r"first convolution' ran 2 times"):
        raw_maps(twice, twice.cam_targets()[1], images, classes)
    with pytest.raises(PluginError, match="0 gradients"):
        raw_maps(unused.eval(), CamTarget("aside", unused.aside), images, classes)
    assert not unused.aside._forward_hooks


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu():
    torch.manual_seed(0)
    model = create_model("resnet18").eval()
    images, classes = torch.randn(4, 3, 96, 96), torch.tensor([0, 1, 2, 3])
    cpu = raw_maps(model, model.cam_targets()[0], images, classes).maps
    model.cuda()
    cuda = raw_maps(model, model.cam_targets()[0], images.cuda(), classes.cuda()).maps
    np.testing.assert_allclose(cuda, cpu, rtol=1e-3, atol=1e-5 * cpu.max())
