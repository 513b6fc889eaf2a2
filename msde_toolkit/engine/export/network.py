"""A model as ONNX: images in [0, 1] in, logits and probabilities out, checked against torch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from msde_toolkit.engine.export.products import AsProducts
from msde_toolkit.errors import InputError, MsdeError
from msde_toolkit.files import whole
from msde_toolkit.interfaces import Model

OPSET = 17
TOLERANCE = 1e-3
"""Largest difference of a logit, in units of the largest logit (or of 1, if that is smaller)."""


def require_onnx() -> None:
    """Whether ONNX files can be written and checked.

    Raises:
        InputError: naming the extra.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        message = f"ONNX needs the package {error.name}: pip install 'msde-toolkit[onnx]'."
        raise InputError(message) from error


def write_onnx(model: Model, images: Tensor, file: Path, facts: Mapping[str, str]) -> float:
    """Write the network, normalisation included; the file appears once it gives what torch gives.

    Args:
        model: in evaluation mode, on the CPU.
        images: ``[n, 3, S, S]`` in [0, 1], n at least 2, that both are asked about.
        file: to be.
        facts: for ``metadata_props``.

    Returns:
        the largest absolute difference of a logit.

    Raises:
        MsdeError: if the model cannot be exported, or the file gives something else than torch.
    """
    network = _FromPixels(model).eval()
    with whole(file) as partial:
        try:
            _export(network, images[:2], partial)
        except Exception as error:
            first = str(error).strip().splitlines()[:1]
            message = f"{type(model).__name__} cannot be written as ONNX ({type(error).__name__}: {' '.join(first)})."
            raise MsdeError(message) from error
        _describe(partial, facts)
        return _difference(network, images, partial)


class _FromPixels(nn.Module):
    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits: Tensor = self.model(self.model.input_spec.normalise(images)).logits
        return logits, logits.softmax(dim=1)


def _export(network: nn.Module, images: Tensor, file: Path) -> None:
    """By tracing: every model here is a fixed graph, and the other exporter needs one more package."""
    axes = {name: {0: "batch"} for name in ("images", "logits", "probabilities")}
    names: dict[str, Any] = {"input_names": ["images"], "output_names": ["logits", "probabilities"]}
    products = AsProducts()
    # The tracer warns of sizes that are fixed here, and prints the whole graph where it fails.
    with warnings.catch_warnings(), torch.no_grad(), redirect_stdout(StringIO()), products:
        warnings.simplefilter("ignore")
        network(images)  # makes the matrices, which the trace then meets as constants
        torch.onnx.export(network, (images,), str(file), dynamo=False, opset_version=OPSET, dynamic_axes=axes, **names)


def _describe(file: Path, facts: Mapping[str, str]) -> None:
    import onnx

    content = onnx.load(str(file))
    onnx.helper.set_model_props(content, dict(facts))
    content.doc_string = "Written by msde-toolkit; images [batch, 3, size, size], RGB in [0, 1]; see metadata_props."
    for node in content.graph.node:
        node.doc_string = ""  # where in the source each comes from: paths of this machine
        del node.metadata_props[:]
    onnx.checker.check_model(content)
    onnx.save(content, str(file))


def _difference(network: nn.Module, images: Tensor, file: Path) -> float:
    """Also for a batch of one: an export that has taken the batch for a constant fails there."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for part in (images, images[:1]):
        with torch.no_grad():
            expected: npt.NDArray[np.float32] = network(part)[0].numpy()
        found = session.run(["logits"], {"images": part.numpy()})[0]
        difference = float(np.abs(found - expected).max())
        allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
        if not difference <= allowed:
            message = (
                f"The ONNX file gives logits that differ from torch's by {difference:.2g} (allowed {allowed:.2g})."
            )
            raise MsdeError(message)
        worst = max(worst, difference)
    return worst
