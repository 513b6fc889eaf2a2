"""What is asked of a dataset: its table, its pixels, and that both are the same every time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from msde_toolkit.create import create_dataset
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset, Image
from msde_toolkit.testing.checks import Broken, Checklist, require, skip
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.report import Finding
from msde_toolkit.types import CLASSES, Manifest, load_manifest

DATASET: Checklist[DatasetUnderTest] = Checklist()
ROWS = 6
"""How many samples are read, spread over the whole set."""


@dataclass(frozen=True)
class DatasetUnderTest:
    """A dataset plugin with the options of the preset ``quick``, at ``--root`` where it needs one."""

    plugin: PluginUnderTest

    @cached_property
    def dataset(self) -> Dataset:
        """A fresh reader."""
        return create_dataset(self.plugin.name)

    @property
    def needs_root(self) -> bool:
        """Whether it reads files."""
        return bool(self.plugin.cls.root_hint)

    def load(self) -> Manifest:
        """The table, read anew; the check is left out where its files are not here."""
        if self.needs_root and self.plugin.root is None:
            skip("it needs files: give --root PATH")
        return create_dataset(self.plugin.name).load(self.plugin.root, self.plugin.options)

    @cached_property
    def manifest(self) -> Manifest:
        """The table."""
        manifest = self.load()
        require(isinstance(manifest, Manifest), f"load returns a {type(manifest).__name__}, no Manifest")
        require(len(manifest), "it has no samples")
        return manifest

    @cached_property
    def rows(self) -> Manifest:
        """A few samples."""
        places = np.linspace(0, len(self.manifest) - 1, min(ROWS, len(self.manifest))).round().astype(np.int64)
        return self.manifest.take(places)

    @cached_property
    def images(self) -> list[Image]:
        """Their pixels."""
        return self.dataset.read(self.rows)


def ask(plugin: PluginUnderTest) -> Iterator[Finding]:
    """All findings about a dataset."""
    yield from DATASET.ask(DatasetUnderTest(plugin))


@DATASET.check(
    "a missing root is said to be",
    remedy="Begin load with self.require_root(root); set root_hint empty if it reads no files.",
)
def missing_root(data: DatasetUnderTest) -> str:
    """No root, and one where nothing is, are refused in words."""
    if not data.needs_root:
        skip("it reads no files (root_hint is empty)")
    _refusal(data, Path(tempfile.gettempdir()) / "msde-no-such-folder")
    return _refusal(data, None)


def _refusal(data: DatasetUnderTest, root: Path | None) -> str:
    try:
        data.dataset.load(root, data.plugin.options)
    except InputError as error:
        return str(error).splitlines()[0]
    what = "without a root" if root is None else "with a root that does not exist"
    message = f"load {what} goes through"
    raise Broken(message)


@DATASET.check(
    "load gives a manifest", remedy="Return Manifest.from_frame(table, NAME, root=root, licence=..., classes=...)."
)
def gives_a_manifest(data: DatasetUnderTest) -> str:
    """With at least one sample, and with the facts that the class states."""
    manifest = data.manifest
    require(
        manifest.synthetic == data.dataset.synthetic, "the manifest and the class differ in whether it is synthetic"
    )
    require(manifest.licence not in ("", "unknown"), "the manifest does not say the licence of its images")
    if data.needs_root:
        require(manifest.root is not None, "the manifest has no root, from which its images would be read")
    return f"{len(manifest)} samples, conditions {', '.join(manifest.conditions)}"


@DATASET.check(
    "classes and labels",
    remedy=f"Labels are indices into classes; the seven expressions stand in the order {', '.join(CLASSES)}.",
)
def label_map(data: DatasetUnderTest) -> str:
    """The class order that everything else relies on."""
    classes = tuple(data.plugin.cls.classes)
    require(len(set(classes)) == len(classes) >= 2, f"its classes are {', '.join(classes)}")
    same_names = sorted(classes) == sorted(CLASSES)
    require(not same_names or classes == CLASSES, f"the seven expressions are in the order {', '.join(classes)}")
    require(data.manifest.classes == classes, "the manifest's classes are not those of the class")
    return f"{len(set(data.manifest.labels.tolist()))} of {len(classes)} classes occur"


@DATASET.check(
    "the table is the same every time", remedy="Sort what a folder lists; draw nothing that is not keyed by a seed."
)
def same_table(data: DatasetUnderTest) -> None:
    """Loaded twice it has the same content hash, so that folds and caches hold."""
    require(data.load().content_hash() == data.manifest.content_hash(), "loaded again, the table is another")


@DATASET.check("the table survives a file", remedy="Keep to columns of numbers, text and lists of numbers.")
def table_survives(data: DatasetUnderTest) -> None:
    """A run stores it and is opened with what it stored."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "manifest.parquet"
        data.rows.save(file)
        again = load_manifest(file, data.rows.root)
    require(again.content_hash() == data.rows.content_hash(), "written and read, the table is another")
    same = all(map(np.array_equal, data.images, data.dataset.read(again)))
    require(same, "the stored table gives other pixels")


@DATASET.check(
    "images are uint8 RGB", remedy="read returns one uint8 array [H, W, 3] a row; msde_toolkit.interfaces.to_rgb helps."
)
def images_are_rgb(data: DatasetUnderTest) -> str:
    """One for each row asked for."""
    images = data.images
    require(len(images) == len(data.rows), f"{len(data.rows)} rows give {len(images)} images")
    for sample, image in zip(data.rows.ids, images, strict=True):
        require(isinstance(image, np.ndarray), f"{sample}: read gives a {type(image).__name__}")
        require(image.dtype == np.uint8, f"{sample}: the image is {image.dtype}")
        require(image.ndim == 3 and image.shape[2] == 3 and image.size, f"{sample}: the image is {list(image.shape)}")
    return f"{images[0].shape[1]} x {images[0].shape[0]} px"


@DATASET.check(
    "pixels do not depend on the order",
    remedy="read must give each row its own image, whatever was read before; key randomness by the sample's id.",
)
def order_is_free(data: DatasetUnderTest) -> None:
    """The same rows backwards, and one alone, in a fresh reader, give the same pixels."""
    other = create_dataset(data.plugin.name)
    backwards = other.read(data.rows.take(np.arange(len(data.rows))[::-1]))
    _check_same(data.images, backwards[::-1], "read backwards")
    _check_same(data.images[-1:], other.read(data.rows.take([len(data.rows) - 1])), "read alone")


def _check_same(expected: Sequence[Image], found: Sequence[Image], how: str) -> None:
    require(all(map(np.array_equal, expected, found)), f"{how}, a row has other pixels")


@DATASET.check("mask regions fit the images", remedy="mask_regions gives uint8 [H, W] in read's geometry, or None.")
def mask_regions(data: DatasetUnderTest) -> str:
    """One for each row, of the image's size; None where it is not known."""
    regions = data.dataset.mask_regions(data.rows)
    require(len(regions) == len(data.rows), f"{len(data.rows)} rows give {len(regions)} regions")
    for sample, image, region in zip(data.rows.ids, data.images, regions, strict=True):
        if region is not None:
            require(region.dtype == np.uint8, f"{sample}: the region is {region.dtype}")
            fits = region.shape == image.shape[:2]
            require(fits, f"{sample}: the region is {list(region.shape)}, the image {list(image.shape[:2])}")
    return f"known for {sum(region is not None for region in regions)} of {len(regions)}"


@DATASET.check("the fingerprint", remedy="fingerprint is text that changes when pixels may have: version, files, seed.")
def fingerprint(data: DatasetUnderTest) -> None:
    """The same for the same rows, whoever asks."""
    found: Any = data.dataset.fingerprint(data.rows)
    require(isinstance(found, str) and found, f"it is {found!r}")
    again = create_dataset(data.plugin.name).fingerprint(replace(data.rows))
    require(again == found, "the same rows have another fingerprint the second time")
