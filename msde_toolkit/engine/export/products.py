"""Resizing and pooling as products of matrices, for what the ONNX exporter has no node for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class AsProducts(TorchFunctionMode):
    """While it is on, smoothed resizing and pooling to sizes that do not divide are done row by row, column by column.

    Both are linear and separable: ``rows @ x @ columns.T``, where each matrix is what torch itself makes of the unit
    matrix. A matrix is made once; a pass before a trace makes them all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._matrices: dict[tuple[str, int, int], Tensor] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Called for every function of torch."""
        del types
        given = dict(kwargs or {})
        if func is F.interpolate and given.get("antialias") and given.get("mode") == "bilinear":
            size = given.get("size", args[1] if len(args) > 1 else None)
            if size is not None and not given.get("align_corners"):
                return self._resized(args[0] if args else given["input"], _pair(size), "smoothed", _smoothed)
        if func is F.adaptive_avg_pool2d:
            image = args[0] if args else given["input"]
            size = _pair(given.get("output_size", args[1] if len(args) > 1 else None))
            if any(int(side) % wanted for side, wanted in zip(image.shape[-2:], size, strict=True)):
                return self._resized(image, size, "pooled", F.adaptive_avg_pool2d)
        return func(*args, **given)

    def _resized(self, image: Tensor, size: tuple[int, int], kind: str, resize: Callable[..., Tensor]) -> Tensor:
        height, width = (int(side) for side in image.shape[-2:])
        rows = self._matrix(kind, height, size[0], resize)
        columns = self._matrix(kind, width, size[1], resize)
        return rows @ image @ columns.T

    def _matrix(self, kind: str, side: int, wanted: int, resize: Callable[..., Tensor]) -> Tensor:
        key = (kind, side, wanted)
        if key not in self._matrices:
            self._matrices[key] = resize(torch.eye(side)[None, None], (wanted, side))[0, 0]
        return self._matrices[key]


def _smoothed(image: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(image, size, mode="bilinear", antialias=True)


def _pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)
