"""Raw class-activation maps of a whole batch, with the methods of the grad-cam package (Gildenblat et al., 2021)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from msde_toolkit.errors import InputError, PluginError
from msde_toolkit.interfaces import Model
from msde_toolkit.types import CamTarget

Array = npt.NDArray[np.float32]

METHODS = {
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "gradcamelementwise": "Grad-CAM element-wise",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "xgradcam": "XGrad-CAM",
}
"""Name to title of the methods whose map of an image depends on that image's activations and gradients alone.

Of the package's others, EigenCAM explains no class and its sign before the ReLU is arbitrary, as is EigenGradCAM's;
AblationCAM and ScoreCAM take a pass a channel (512 for each image), ShapleyCAM second derivatives; RandomCAM is noise.
"""

_CLASSES = {
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "gradcamelementwise": "GradCAMElementWise",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "xgradcam": "XGradCAM",
}


@dataclass(frozen=True)
class RawMaps:
    """Maps of B images.

    Attributes:
        maps: float32 ``[B, h, w]``, at least 0, unscaled, in the geometry of the face: for Grad-CAM
            relu(sum over channels of (spatial mean of the gradient) x activation).
        predicted: ``[B]`` argmax of the logits of this pass.
        cells: along a side, of the layer itself: a model that puts maps of regions together on a finer grid knows
            nothing finer than its layer does.
    """

    maps: npt.NDArray[np.float32]
    predicted: npt.NDArray[np.int64]
    cells: int


def cam_target(model: Model, layer: str) -> CamTarget:
    """The model's CAM layer of this name, its first for an empty name.

    Raises:
        InputError: if there is none.
    """
    targets = {target.name: target for target in model.cam_targets()}
    if not targets:
        message = f"{type(model).__name__} names no layer for Grad-CAM (its cam_targets() is empty)."
        raise InputError(message)
    if layer and layer not in targets:
        message = f"No CAM layer {layer!r}: {type(model).__name__} has {', '.join(map(repr, targets))}."
        raise InputError(message)
    return targets[layer or next(iter(targets))]


class _Logits(nn.Module):
    """The model as the grad-cam package wants it: a tensor of logits comes out."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(images).logits
        return logits


def raw_maps(model: Model, target: CamTarget, images: Tensor, classes: Tensor, method: str = "gradcam") -> RawMaps:
    """Explain one class of each image.

    Args:
        model: in evaluation mode.
        target: the layer.
        images: ``[B, 3, H, W]`` normalised, on the model's device.
        classes: ``[B]`` class index explained for each image.
        method: a key of ``METHODS``.

    Raises:
        PluginError: if the layer does not run exactly once a pass or does not reach the logits.
    """
    return maps_by_method(model, target, images, classes, [method])[method]


def maps_by_method(
    model: Model, target: CamTarget, images: Tensor, classes: Tensor, methods: Sequence[str]
) -> dict[str, RawMaps]:
    """As ``raw_maps``, for several methods by one pass.

    The package's own call scales every map to [0, 1] and enlarges it; energies and comparisons need the map itself, so
    its activations, gradients and weights are used here and its scaling is not. Single precision throughout.
    """
    activations, gradients, logits = _passed(model, target, images, classes)
    predicted = logits.argmax(dim=1).cpu().numpy()
    found = {}
    for method in methods:
        weighted = _weighted(method, activations, gradients)
        on_face = target.to_face(torch.from_numpy(np.maximum(weighted, 0)))
        found[method] = RawMaps(on_face.numpy().astype(np.float32), predicted, min(weighted.shape[1:]))
    return found


def _weighted(method: str, activations: Array, gradients: Array) -> Array:
    """``[B', h, w]``: the package's weighting of these recordings; nothing of it needs the model again."""
    import pytorch_grad_cam

    has_a_parameter = nn.LayerNorm(1)  # whose device the package asks for
    cam = getattr(pytorch_grad_cam, _CLASSES[method])(has_a_parameter, [])
    weighted: Array = cam.get_cam_image(None, None, [], activations, gradients, False)
    return weighted


def _passed(model: Model, target: CamTarget, images: Tensor, classes: Tensor) -> tuple[Array, Array, Tensor]:
    """Activations and gradients ``[B', K, h, w]`` of the layer, and the logits."""
    from pytorch_grad_cam.activations_and_gradients import ActivationsAndGradients

    recorded = ActivationsAndGradients(_Logits(model), [target.layer], torch.clone)
    try:
        with _only_gradients_of_maps(model), _single_precision(images.device.type):
            logits = recorded(images.detach().float().requires_grad_(True))
            logits.gather(1, classes.to(logits.device)[:, None]).sum().backward()
        activations, gradients = list(recorded.activations), list(recorded.gradients)
    finally:
        recorded.release()
    if len(activations) != 1 or len(gradients) != 1:
        message = (
            f"{type(model).__name__}: the CAM layer {target.name!r} ran {len(activations)} times and got "
            f"{len(gradients)} gradients in one pass.\ncam_targets() must name a layer that runs once, "
            "on the way to the logits."
        )
        raise PluginError(message)
    return activations[0].numpy(), gradients[0].numpy(), logits.detach()


@contextmanager
def _only_gradients_of_maps(model: nn.Module) -> Iterator[None]:
    """No gradient is computed for or left on the parameters, which come back as they were."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        with torch.enable_grad():
            yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)


@contextmanager
def _single_precision(device: str) -> Iterator[None]:
    """No autocast, and no TF32 in convolutions and products on CUDA."""
    # Not through allow_tf32: reading that raises once anyone has set fp32_precision.
    backends: Any = torch.backends  # whose stubs know no `conv`
    products = [backends.cudnn.conv, backends.cuda.matmul]
    before = [product.fp32_precision for product in products]
    for product in products:
        product.fp32_precision = "ieee"
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        for product, precision in zip(products, before, strict=True):
            product.fp32_precision = precision
