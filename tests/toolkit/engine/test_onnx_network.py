"""Networks as ONNX: each kind of model is the same there, and what is not the same is no file."""

import pytest
import torch
import torch.nn.functional as F
from in_memory_run import TinyNet

from msde_toolkit import create_model
from msde_toolkit.engine.export.facts import _without_paths
from msde_toolkit.engine.export.network import write_onnx
from msde_toolkit.engine.export.products import AsProducts
from msde_toolkit.errors import MsdeError
from msde_toolkit.types import ModelOutput

pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    ("name", "options", "side"),
    [
        ("resnet18", {}, 48),
        ("ran", {"backbone": "resnet18"}, 90),  # regions that are smoothed as they shrink
        ("scan", {"backbone": "resnet18"}, 112),  # a pool from 7 cells to 2
    ],
)
def test_every_architecture_gives_what_torch_gives(name, options, side, tmp_path):
    torch.manual_seed(0)
    model = create_model(name, options=options).eval()
    file = tmp_path / "net.onnx"
    assert write_onnx(model, torch.rand(3, 3, side, side), file, {"synthetic": "true"}) < 1e-4
    assert file.stat().st_size > 1_000_000


def test_products_are_what_torch_resizes_and_pools():
    image = torch.rand(2, 3, 21, 17)
    plain = F.interpolate(image, (9, 30), mode="bilinear", antialias=True), F.adaptive_avg_pool2d(image, 4)
    with AsProducts():
        found = F.interpolate(image, (9, 30), mode="bilinear", antialias=True), F.adaptive_avg_pool2d(image, 4)
    for one, other in zip(plain, found, strict=True):
        torch.testing.assert_close(one, other)


class Remembers(TinyNet):
    """Another answer at every call: no graph can hold that."""

    calls = 0

    def forward(self, images):
        Remembers.calls += 1
        output = super().forward(images)
        return ModelOutput(output.logits + Remembers.calls, output.features)


def test_a_network_that_comes_out_different_leaves_no_file(tmp_path):
    with pytest.raises(MsdeError, match="differ from torch's"):
        write_onnx(Remembers().eval(), torch.rand(2, 3, 16, 16), tmp_path / "net.onnx", {})
    assert list(tmp_path.iterdir()) == []


def test_paths_do_not_leave_the_machine():
    told = {"file": "/home/someone/weights.pth", "list": ["C:\\\\Users\\\\x\\\\a.csv", "plain/part", "RGB in [0, 1]"]}
    assert _without_paths(told) == {"file": "weights.pth", "list": ["a.csv", "plain/part", "RGB in [0, 1]"]}
