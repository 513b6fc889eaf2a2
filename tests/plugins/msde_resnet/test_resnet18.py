"""ResNet-18: torchvision's network, its published layout, and the layer that Grad-CAM reads."""

import pytest
import torch
from reference_vectors import arrays, image, needs_vectors, state
from safetensors.torch import save_file
from tiny_batches import tiny_batch
from torchvision.models import resnet18

from msde_toolkit import create_model
from msde_toolkit.types import InputError


def test_it_has_the_papers_number_of_parameters():
    with torch.device("meta"):
        model = create_model("resnet18", classes=7)
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_180_103


@needs_vectors
def test_logits_and_grad_cam_match_the_reference(tmp_path):
    torch.save(state("gradcam_r18")["state_dict"], tmp_path / "plain.pth")
    model = create_model("resnet18", weights=tmp_path / "plain.pth").eval()
    expected = arrays("gradcam_r18_input0")
    maps = []
    target = model.cam_targets()[0]
    target.layer.register_forward_hook(lambda _module, _inputs, output: maps.append(output))

    logits = model(image("input:cam:0", 1)).logits
    (gradient,) = torch.autograd.grad(logits.max(), maps[0])
    alpha = gradient.mean(dim=(2, 3))
    cam = target.to_face((alpha[:, :, None, None] * maps[0]).sum(dim=1))

    torch.testing.assert_close(logits, expected["logits"], atol=1e-4, rtol=0)
    torch.testing.assert_close(alpha, expected["alpha"], atol=1e-7, rtol=0)
    torch.testing.assert_close(cam, expected["cam_pre_relu"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"epoch": 3, "state_dict": state}])
def test_a_torchvision_state_dict_gives_torchvisions_logits(tmp_path, wrap):
    network = resnet18(num_classes=5).eval()
    torch.save(wrap({f"module.{key}": value for key, value in network.state_dict().items()}), tmp_path / "tv.pth")
    model = create_model("resnet18", classes=5, weights=tmp_path / "tv.pth").eval()
    images = tiny_batch(2, 96).images
    with torch.no_grad():
        assert torch.allclose(model(images).logits, network(images), atol=1e-5)


def test_a_head_for_other_classes_is_refused_and_named(tmp_path):
    torch.save(resnet18(num_classes=8).state_dict(), tmp_path / "eight.pth")
    with pytest.raises(InputError, match=r"(?s)eight\.pth.*2 of another shape: head\.weight \[8, 512\] instead"):
        create_model("resnet18", classes=7, weights=str(tmp_path / "eight.pth"))


def test_own_weights_come_back_bit_for_bit(tmp_path):
    model = create_model("resnet18").eval()
    save_file(model.state_dict(), tmp_path / "own.safetensors")
    again = create_model("resnet18", weights=tmp_path / "own.safetensors").eval()
    images = tiny_batch(2).images
    with torch.no_grad():
        assert torch.equal(model(images).logits, again(images).logits)


def test_gradient_reaches_every_parameter_of_both_groups():
    torch.manual_seed(0)
    model = create_model("resnet18")
    batch = tiny_batch(4, 32)
    model.classification_loss(model(batch.images), batch.targets, torch.nn.functional.cross_entropy)["ce"].backward()
    groups = model.parameter_groups()
    assert sum(parameter.numel() for parameter in groups["head"]) == 512 * 7 + 7
    assert len(groups["head"]) + len(groups["backbone"]) == len(list(model.parameters()))
    assert all(parameter.grad.abs().sum() > 0 for group in groups.values() for parameter in group)


def test_features_are_what_the_head_sees_and_single_precision_under_bf16():
    model = create_model("resnet18").eval()
    images = tiny_batch(2, 49).images
    with torch.no_grad():
        output = model(images)
        assert torch.allclose(model.head(output.features), output.logits)
        with torch.autocast("cpu", torch.bfloat16):
            assert model(images).features.dtype == torch.float32
    assert output.features.shape == (2, 512)
