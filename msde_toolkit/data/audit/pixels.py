"""One pass over all images at their own size: what identifies each, and which cannot be used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.audit.perceptual_hash import perceptual_hash
from msde_toolkit.data.image_cache import Progress, chunked, read_each
from msde_toolkit.data.usable import check_some_are_left
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset, Image
from msde_toolkit.types import Manifest


@dataclass(frozen=True)
class Pixels:
    """What ``n`` images show.

    Attributes:
        content: ``[n]`` number of each image's content: equal for images of equal pixels and size, -1 where unreadable.
        looks: uint64 ``[n]`` perceptual hash, 0 where there is none.
        constant: ``[n]`` whether an image is of one colour.
        unreadable: sample id to the reason why it cannot be decoded.
    """

    content: npt.NDArray[np.int64]
    looks: npt.NDArray[np.uint64]
    constant: npt.NDArray[np.bool_]
    unreadable: dict[str, str]

    @property
    def comparable(self) -> npt.NDArray[np.bool_]:
        """``[n]`` whether an image can be told from others: it is readable and shows something."""
        return (self.content >= 0) & ~self.constant


def look_at(dataset: Dataset, manifest: Manifest, progress: Progress | None = None) -> Pixels:
    """Decode every image once, in chunks.

    Raises:
        DataError: if not one image can be decoded.
    """
    found: list[tuple[bytes, int, bool] | str] = []
    for part in chunked(manifest, partial(_seen, dataset)):
        found += part
        if progress is not None:
            progress(len(found), len(manifest))
    unreadable = {sample: one for sample, one in zip(manifest.ids, found, strict=True) if isinstance(one, str)}
    check_some_are_left(manifest, unreadable)
    numbers: dict[bytes, int] = {}
    seen = [(b"", 0, False) if isinstance(one, str) else one for one in found]
    content = [numbers.setdefault(digest, len(numbers)) if digest else -1 for digest, _, _ in seen]
    return Pixels(
        content=np.array(content, dtype=np.int64),
        looks=np.array([looks for _, looks, _ in seen], dtype=np.uint64),
        constant=np.array([constant for _, _, constant in seen], dtype=bool),
        unreadable=unreadable,
    )


def _seen(dataset: Dataset, rows: Manifest) -> list[tuple[bytes, int, bool] | str]:
    return [str(image) if isinstance(image, DataError) else _identity(image) for image in read_each(dataset, rows)]


def _identity(image: Image) -> tuple[bytes, int, bool]:
    """sha256 of size and pixels, perceptual hash, whether all pixels are equal."""
    sha = hashlib.sha256(str(image.shape).encode())
    sha.update(np.ascontiguousarray(image).tobytes())
    constant = bool((image == image[:1, :1]).all())
    return sha.digest(), 0 if constant else perceptual_hash(image), constant
