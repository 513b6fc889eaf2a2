"""What is asked of a model in training and evaluation, on other devices, in bf16, and under Grad-CAM."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from msde_toolkit.interfaces import Model
from msde_toolkit.testing.checks import Checklist, require, skip
from msde_toolkit.testing.model_under_test import ModelUnderTest, classification_total, distance
from msde_toolkit.types import CamTarget

MODES: Checklist[ModelUnderTest] = Checklist()
DEVICE_TOLERANCE = 1e-3
"""Largest difference between two devices in fp32, as a share of the largest value."""


@MODES.check(
    "evaluation does not leak into training",
    remedy="Leave train() and eval() as torch has them; a frozen model keeps its backbone in evaluation mode.",
)
def modes_do_not_leak(model: ModelUnderTest) -> str:
    """Batch norm keeps its statistics in evaluation, and updates them again in training afterwards."""
    network = model.make().train()
    stages = [_statistics(network)]
    if not stages[0]:
        skip("it has no running statistics")
    if network.frozen:
        with torch.no_grad():
            network.embed(model.images(4))
        moved = _moved(stages[0], _statistics(network))
        require(not moved, f"it is frozen, yet embed in training changes {_named(moved)}")
    for training in (True, False, True):
        network.train(training)
        with torch.no_grad():
            network(model.images(4))
        stages.append(_statistics(network))
    first, evaluated, second = (_moved(before, after) for before, after in pairwise(stages))
    require(not evaluated, f"evaluation changes {_named(evaluated)}")
    require(first or not _trainable_norms(network), "training never updates the running statistics")
    require(first <= second, f"after an evaluation, training no longer updates {_named(first - second)}")
    return f"{len(first)} of {len(stages[0])} running statistics move in training"


def _statistics(network: nn.Module) -> dict[str, Tensor]:
    norms = {name: part for name, part in network.named_modules() if isinstance(part, nn.modules.batchnorm._NormBase)}
    return {
        f"{name}.{buffer}": value.clone()
        for name, part in norms.items()
        for buffer, value in part.named_buffers(recurse=False)
        if buffer in ("running_mean", "running_var")
    }


def _moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


def _named(names: set[str]) -> str:
    return f"{min(names)} ({len(names)} in all)" if names else ""


def _trainable_norms(network: nn.Module) -> bool:
    norms = (part for part in network.modules() if isinstance(part, nn.modules.batchnorm._NormBase))
    return any(value.requires_grad for norm in norms for value in norm.parameters())


@MODES.check(
    "CPU and GPU agree", remedy="Keep every tensor of the model in parameters or buffers, and in the images' dtype."
)
def devices_agree(model: ModelUnderTest) -> str:
    """The same weights and images on the accelerator, without TF32."""
    if torch.cuda.is_available():
        device = torch.device("cuda")
    elif torch.backends.mps.is_available():
        device = torch.device("mps")
    else:
        skip("there is no GPU here")
    gap = difference_on(device, model)
    require(gap <= DEVICE_TOLERANCE, f"logits on {device.type} differ by {gap:.1e} of the largest")
    return f"largest difference on {device.type} {gap:.0e}"


def difference_on(device: torch.device, model: ModelUnderTest) -> float:
    """How far logits or features on a device are from the CPU's, as a share of the largest."""
    images = model.images(3)
    tf32 = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        with torch.no_grad():
            here, there = model.evaluating(images), model.make().to(device).eval()(images.to(device))
    finally:
        torch.backends.cudnn.allow_tf32 = tf32
    require(there.logits.device.type == device.type, f"logits of images on {device.type} are on {there.logits.device}")
    return max(distance(here.logits, there.logits), distance(here.features, there.features))


@MODES.check(
    "bf16 gives finite numbers",
    remedy="Under autocast, do divisions, exponentials and norms in float32: x.float().",
)
def bfloat16(model: ModelUnderTest) -> None:
    """One training step under autocast on the CPU, as ``--precision bf16`` does."""
    network = model.make().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total = classification_total(network, model.images(4))
    total.backward()  # type: ignore[no-untyped-call]
    bad = [
        name
        for name, value in network.named_parameters()
        if value.grad is not None and not bool(torch.isfinite(value.grad).all())
    ]
    require(not bad, f"gradients that are not finite: {', '.join(bad[:3])}")


@MODES.check(
    "Grad-CAM's layers",
    remedy="A CamTarget's layer runs once a pass, leads to the logits and gives maps; to_face lays them on the image.",
)
def cam_targets(model: ModelUnderTest) -> str:
    """Each target's layer runs once, reaches the logits, and its maps land on every face."""
    network = model.evaluating
    targets = network.cam_targets()
    if not targets:
        skip("cam_targets() names none: Grad-CAM cannot explain this model")
    names = [target.name for target in targets]
    require(len(names) == len(set(names)), f"two layers have the same name: {', '.join(names)}")
    return "; ".join(_explain(network, target, model.images(2)) for target in targets)


def _explain(network: Model, target: CamTarget, images: Tensor) -> str:
    require(any(part is target.layer for part in network.modules()), f"{target.name}: the layer is none of the model's")
    calls: list[Tensor] = []
    handle = target.layer.register_forward_hook(lambda _module, _inputs, output: calls.append(output))
    try:
        logits = network(images.clone().requires_grad_()).logits
    finally:
        handle.remove()
    require(len(calls) == 1, f"{target.name}: the layer runs {len(calls)} times in one pass")
    maps = calls[0]
    require(isinstance(maps, Tensor) and maps.ndim == 4, f"{target.name}: its output is no [B, K, h, w]")
    require(maps.requires_grad, f"{target.name}: no gradient comes to it, not even when the images ask for one")
    (gradient,) = torch.autograd.grad(logits.max(dim=1).values.sum(), maps, allow_unused=True)
    reaches = gradient is not None and bool(gradient.any())
    require(reaches, f"{target.name}: the logits do not depend on it")
    landed = target.to_face(maps.detach().mean(dim=1))
    fits = landed.ndim == 3 and len(landed) == len(images)
    require(fits, f"{target.name}: to_face of {list(maps[:, 0].shape)} is {list(landed.shape)}, expected [B, h, w]")
    return f"{target.name} {list(landed.shape[1:])}"
