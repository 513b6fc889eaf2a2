"""Features of a frozen backbone: computed once for every image, kept in the cache, whatever the number of folds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from msde_toolkit.data.image_cache import CachedImages, Progress
from msde_toolkit.files import cache_directory, whole
from msde_toolkit.interfaces import Model

BATCH = 64


def embedded(
    model: Model, images: CachedImages, device: torch.device, progress: Progress | None = None
) -> npt.NDArray[np.float32]:
    """``[n, F]`` of all images, unchanged by augmentation, in single precision; read-only.

    Args:
        model: ``frozen``.
        images: of the run's manifest.
        device: where to compute.
        progress: called with (images done, images in all) where they are not in the cache yet.
    """
    file = cache_directory("features") / f"{_key(model, images.sha256)}.npy"
    if not file.exists():
        # First what it is of: an array in the cache must never be without.
        with whole(file.with_suffix(".json")) as partial:
            partial.write_text(json.dumps({"dataset": images.dataset, "pixels_sha256": images.sha256}))
        _build(model, images.pixels, device, file, progress or (lambda _done, _all: None))
    features: npt.NDArray[np.float32] = np.load(file, mmap_mode="r", allow_pickle=False)
    return features


def _key(model: Model, pixels_sha256: str) -> str:
    """Of pixels, class, input and every frozen number."""
    sha = hashlib.sha256(f"{pixels_sha256}:{type(model).__qualname__}:{model.input_spec}".encode())
    head = {f"{name}" for name, parameter in model.named_parameters() if parameter.requires_grad}
    for name, value in sorted(model.state_dict().items()):
        if name not in head and name.startswith("backbone."):
            sha.update(name.encode())
            sha.update(value.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()[:32]


@torch.no_grad()
def _build(model: Model, pixels: npt.NDArray[np.uint8], device: torch.device, file: Path, progress: Progress) -> None:
    model.to(device).eval()
    parts = []
    for start in range(0, len(pixels), BATCH):
        batch = torch.from_numpy(pixels[start : start + BATCH].copy()).to(device)
        images = model.input_spec.normalise(batch.permute(0, 3, 1, 2).float().div_(255.0))
        parts.append(model.embed(images).float().cpu().numpy())
        progress(min(start + BATCH, len(pixels)), len(pixels))
    with whole(file) as partial, partial.open("wb") as stream:
        np.save(stream, np.concatenate(parts), allow_pickle=False)
