"""Every image is decoded once: uint8, one size, one file per set, named by what is in it.

The cache (``MSDE_CACHE``) is write-once and private to the user; a file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from msde_toolkit.errors import DataError, MsdeError
from msde_toolkit.files import cache_directory
from msde_toolkit.interfaces import Dataset, Image
from msde_toolkit.types import Manifest

CHUNK = 64
PARALLEL_FROM_SECONDS = 6.0
"""Worker processes pay only where the rest takes longer than this; they take seconds to start."""

Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""


@dataclass(frozen=True)
class CachedImages:
    """All images of a manifest.

    Attributes:
        pixels: uint8 ``[n, S, S, 3]``, read-only, in the manifest's order.
        sha256: of the pixels.
        dataset: name of the set that they were decoded for.
    """

    pixels: npt.NDArray[np.uint8]
    sha256: str
    dataset: str


OF_FACES = ("images", "features", "teachers", "faces")
"""Parts of the cache that are made of faces; downloaded weights are not."""


def purge() -> tuple[int, int]:
    """Empty the cache of everything made of faces. Returns the number of files and bytes removed."""
    folders = [cache_directory(part) for part in OF_FACES]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    for folder in folders:
        shutil.rmtree(folder)
        cache_directory(folder.name)
    return len(files), size


@dataclass(frozen=True)
class Entry:
    """What stands in the cache under one name.

    Attributes:
        files: an array and what is noted of it, or one of the two.
        facts: what is noted; None where nothing is that says of which dataset it is.
    """

    files: tuple[Path, ...]
    facts: Mapping[str, Any] | None


def entries(part: str) -> list[Entry]:
    """Everything in ``images``, ``features`` or ``faces``, also what a kill in the middle of a write has left."""
    files: dict[str, list[Path]] = {}
    for file in sorted(cache_directory(part).iterdir()):
        if file.is_file():
            files.setdefault(file.name.partition(".")[0], []).append(file)
    return [Entry(tuple(together), _noted(together)) for together in files.values()]


def _noted(files: Sequence[Path]) -> Mapping[str, Any] | None:
    for file in files:
        if file.suffix == ".json":
            with suppress(OSError, ValueError):
                facts = json.loads(file.read_text(encoding="utf-8"))
                if isinstance(facts, dict) and isinstance(facts.get("dataset"), str):
                    return facts
    return None


def load_images(dataset: Dataset, manifest: Manifest, size: int, progress: Progress | None = None) -> CachedImages:
    """The manifest's images at ``size`` x ``size`` (the whole image, squashed as in the paper's protocol).

    Raises:
        DataError: naming the image that cannot be used.
        MsdeError: if the cache cannot be written, as on a full disk.
    """
    key = cache_key(dataset, manifest, size)
    folder = cache_directory("images")
    array, facts = folder / f"{key}.npy", folder / f"{key}.json"
    shape = (len(manifest), size, size, 3)
    found = _open(array, facts, shape)
    if found is None:
        _build(dataset, manifest, size, array, facts, progress or (lambda _done, _all: None))
        found = _open(array, facts, shape)
    if found is None:
        message = f"The image cache {folder} does not give back what was written; set MSDE_CACHE to another folder."
        raise MsdeError(message)
    return found


def _open(array: Path, facts: Path, shape: tuple[int, ...]) -> CachedImages | None:
    """What is in the cache; None where nothing is, or a crash of the machine left only a part."""
    try:
        told = json.loads(facts.read_text())
        sha, dataset = str(told["sha256"]), str(told["dataset"])
        pixels = np.load(array, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    return CachedImages(pixels, sha, dataset) if pixels.shape == shape and pixels.dtype == np.uint8 else None


def cache_key(dataset: Dataset, manifest: Manifest, more: int | str) -> str:
    """A name for what is made of these images: another one where they, their reader or ``more`` are others."""
    # Two distributions may use one class name, and a drawn set has no files in its fingerprint.
    reader = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
    parts = [reader, dataset.fingerprint(manifest), manifest.content_hash(), more]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _build(dataset: Dataset, manifest: Manifest, size: int, array: Path, facts: Path, progress: Progress) -> None:
    n = len(manifest)
    handle, name = tempfile.mkstemp(dir=array.parent, suffix=".partial")
    partial = Path(name)
    header = {"descr": "|u1", "fortran_order": False, "shape": (n, size, size, 3)}
    sha, done = hashlib.sha256(), 0
    try:
        # Written, not mapped: on a full disk a write is an error with a reason, a mapped page ends the process.
        with os.fdopen(handle, "wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in _decoded(dataset, manifest, size):
                with _disk(array.parent):
                    file.write(chunk.tobytes())
                    file.flush()
                sha.update(chunk.tobytes())
                done += len(chunk)
                progress(done, n)
        with _disk(array.parent):
            # The array first: facts beside it mean that it is whole.
            partial.replace(array)
            partial.touch(mode=0o600)
            partial.write_text(json.dumps({"sha256": sha.hexdigest(), "images": n, "dataset": manifest.name}))
            partial.replace(facts)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"The image cache {folder} cannot be written ({error.strerror}); set MSDE_CACHE to another folder."
        raise MsdeError(message) from error


def _decoded(dataset: Dataset, manifest: Manifest, size: int) -> Iterator[npt.NDArray[np.uint8]]:
    return chunked(manifest, partial(decode_rows, dataset, size=size))


def chunked(manifest: Manifest, work: Callable[[Manifest], Result], size: int = CHUNK) -> Iterator[Result]:
    """``work`` on chunks of rows, in order; worker processes join in where the first shows that it is worth it."""
    starts = range(0, len(manifest), size)
    chunks = [manifest.take(np.arange(start, min(start + size, len(manifest)))) for start in starts]
    begin = time.perf_counter()
    yield work(chunks[0])
    remaining = (time.perf_counter() - begin) * (len(chunks) - 1)
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if workers == 1 or remaining < PARALLEL_FROM_SECONDS:
        yield from map(work, chunks[1:])
        return
    from joblib import Parallel, delayed

    # loky starts fresh interpreters: safe after torch's threads, and needs no __main__ guard in a user's script.
    parallel = Parallel(n_jobs=workers, return_as="generator", pre_dispatch=4 * workers)
    yield from parallel(delayed(work)(chunk) for chunk in chunks[1:])


def decode_rows(dataset: Dataset, rows: Manifest, size: int) -> npt.NDArray[np.uint8]:
    """uint8 ``[n, size, size, 3]`` of these rows."""
    return np.stack(
        [squash(image, size, sample) for image, sample in zip(read_all(dataset, rows), rows.ids, strict=True)]
    )


def read_all(dataset: Dataset, rows: Manifest) -> list[Image]:
    """The dataset's images of these rows, uint8 ``[H, W, 3]`` at their own size.

    Raises:
        DataError: as the dataset does; or it gives another number of images, or something else than images.
    """
    images = dataset.read(rows)
    if len(images) != len(rows):
        message = f"{rows.name}: the dataset returned {len(images)} images for {len(rows)} samples."
        raise DataError(message)
    for image, sample in zip(images, rows.ids, strict=True):
        _check_image(image, sample)
    return images


def read_each(dataset: Dataset, rows: Manifest) -> list[Image | DataError]:
    """Each row's image (uint8 ``[H, W, 3]``), or why there is none; the rows around a bad one are not lost."""
    try:
        return list(read_all(dataset, rows))
    except DataError as error:
        if len(rows) == 1:
            return [error]
        half = len(rows) // 2
        parts = (np.arange(half), np.arange(half, len(rows)))
        return [found for part in parts for found in read_each(dataset, rows.take(part))]


def _check_image(image: Image, sample: str) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        message = f"sample {sample}: expected uint8 [H, W, 3], the dataset gave {image.dtype} {list(image.shape)}."
        raise DataError(message)


def squash(image: Image, size: int, sample: str) -> Image:
    """A uint8 RGB image at ``size`` x ``size``, antialiased.

    Raises:
        DataError: if it is not uint8 ``[H, W, 3]``.
    """
    from PIL import Image as Pillow

    _check_image(image, sample)
    if image.shape[:2] == (size, size):
        return image
    resized = Pillow.fromarray(image).resize((size, size), Pillow.Resampling.BILINEAR)
    return np.asarray(resized)
