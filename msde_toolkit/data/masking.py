"""Overlay pairs: any set of unmasked, aligned faces, with a mask drawn on a copy of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.errors import DataError, InputError, PluginError
from msde_toolkit.interfaces import Dataset, Image, Landmarks, Masker
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.randomness import generator
from msde_toolkit.types import NM, M, Manifest

FOLLOWED = (
    *("synthetic", "version", "classes", "root_hint", "aligned"),
    *("Options", "summary", "reference", "licence", "presets"),
)

Parameter = str | bool | int | float | None


@dataclass(frozen=True)
class MaskDrawer:
    """A masker with its name and seed; together with a sample's id they say all that a mask looks like.

    Attributes:
        masker: draws the mask.
        name: the masker's, as of ``registry.shown_name``.
        seed: of all masks.
    """

    masker: Masker
    name: str
    seed: int

    def draw(self, image: Image, sample: str, points: Landmarks) -> tuple[Image, npt.NDArray[np.uint8]]:
        """The masked image ``[H, W, 3]`` and alpha ``[H, W]``, both uint8; where alpha is 0 the image is unchanged.

        Args:
            image: uint8 ``[H, W, 3]``.
            sample: id of the unmasked sample.
            points: ``[68, 2]`` pixels.

        Raises:
            DataError: the face cannot be masked; the message says why.
            PluginError: the masker breaks its contract.
        """
        drawn, alpha = self.masker.apply(image, points, self._generator(sample))
        if drawn.shape != image.shape or alpha.shape != image.shape[:2] or {drawn.dtype, alpha.dtype} != {image.dtype}:
            message = (
                f"The masker {self.name!r} must return uint8 {list(image.shape)} and alpha {list(image.shape[:2])}; it "
                f"gave {drawn.dtype} {list(drawn.shape)} and {alpha.dtype} {list(alpha.shape)}."
            )
            raise PluginError(message)
        bare = alpha == 0
        if not np.array_equal(drawn[bare], image[bare]):
            message = (
                f"The masker {self.name!r} changes sample {sample} where its alpha is 0: the pair is not registered."
            )
            raise PluginError(message)
        return drawn, alpha

    def parameters(self, image: Image, sample: str, points: Landmarks) -> dict[str, Parameter]:
        """What the masker says of the mask that ``draw`` draws, as plain values.

        Raises:
            PluginError: a value that is no text, number or truth value, or whose name a manifest has already.
        """
        said: Mapping[str, Any] = self.masker.parameters(image, points, self._generator(sample))
        return {str(key): self._plain(str(key), value) for key, value in said.items()}

    def _generator(self, sample: str) -> np.random.Generator:
        return generator(self.seed, "mask", self.name, sample)

    def _plain(self, key: str, value: Any) -> Parameter:
        value = value.item() if isinstance(value, np.generic) else value
        finite = not isinstance(value, float) or np.isfinite(value)
        if key == "path" or not finite or not isinstance(value, str | bool | int | float | None):
            message = (
                f"The masker {self.name!r} gives the parameter {key!r} = {value!r}; it must be text, a finite number "
                "or a truth value, under another name than 'path'."
            )
            raise PluginError(message)
        return value


def points_on(image: Image, landmarks: list[float] | None, *, aligned: bool) -> Landmarks:
    """``[68, 2]`` pixels: a sample's own landmarks, else the average face's where faces are aligned.

    Raises:
        DataError: if there are neither, or others than 68.
    """
    if landmarks is None:
        if not aligned:
            message = "it has no landmarks and its dataset is not aligned."
            raise DataError(message)
        return canonical_landmarks(image.shape[1], image.shape[0])
    points: Landmarks = np.asarray(landmarks, dtype=np.float64)
    if points.size != canonical_landmarks(1, 1).size:
        message = f"it has {points.size} landmark numbers, expected 136 (68 points)."
        raise DataError(message)
    return points.reshape(-1, 2)


def overlay_notes(manifest: Manifest) -> tuple[str, ...]:
    """What every table made of overlay pairs must say; nothing for a set without them."""
    overlays = manifest.frame["pairing"].to_numpy(dtype=object)[manifest.pairs()["m"].to_numpy(dtype=int)] == "overlay"
    count = int(overlays.sum())
    if not count:
        return ()
    some = "pairs are" if count == len(overlays) else f"{count} of {len(overlays)} pairs are"
    return (
        f"overlay: {some} one photo with a mask drawn on; equal pixels outside the mask flatter CL, KD and any "
        "comparison of NM with M",
    )


def average_notes(count: int) -> list[str]:
    """What a set must say of so many masks that were placed without landmarks."""
    return [f"{count} masks placed by the average face, for want of landmarks: off on turned heads"] if count else []


class MaskedDataset(Dataset):
    """A dataset's unmasked samples, each followed by a masked copy: the same photo with a mask drawn on.

    The copy's id is the sample's with ``-NAME``; the two are a pair, ``pairing`` is "overlay". A mask is a function of
    seed, masker and sample id, so the same sample always wears the same one.

    Args:
        base: a dataset without masked samples. Its faces are aligned, or its manifest has landmarks.
        masker: draws the mask.
        name: the masker's name.
        seed: of the masks.
        bare_only: masked samples of the base are left aside, instead of being an error.
    """

    def __init__(self, base: Dataset, masker: Masker, name: str, seed: int, *, bare_only: bool = False) -> None:
        self.base = base
        self.masker = masker
        self.name = name
        self.seed = seed
        self.bare_only = bare_only
        # To everyone else this is the base dataset: what it declares holds for the masked copies too.
        for attribute in FOLLOWED:
            setattr(self, attribute, getattr(base, attribute))

    def load(self, root: Path | None, options: Any) -> Manifest:
        """The base's manifest with a masked partner after each unmasked sample.

        Raises:
            InputError: if the base has masked samples, or faces that are neither aligned nor have landmarks.
            DataError: as the base does.
        """
        manifest = self.base.load(root, options)
        if self.bare_only:
            manifest = _bare(manifest)
        frame = manifest.frame
        self._check(manifest)
        bare = frame["condition"] == NM
        first = frame.assign(pair=frame["pair"].where(frame["pair"].notna() | ~bare, frame["id"]))
        first["pairing"] = first["pairing"].where(~bare, "overlay")
        second = first[bare].assign(condition=M, mask_path=None)
        second["id"] = second["id"] + self._suffix
        doubled = pd.concat([first, second]).sort_index(kind="stable")
        return manifest.with_frame(doubled, self._notes(frame[bare]))

    def read(self, rows: Manifest) -> list[Image]:
        """Pixels as the base reads them, with the mask on masked samples.

        Raises:
            DataError: as the base does; or naming the sample that cannot be masked.
            PluginError: if the masker breaks its contract.
        """
        return [image if drawn is None else drawn[0] for image, drawn in self._drawn(rows)]

    def mask_regions(self, rows: Manifest) -> list[npt.NDArray[np.uint8] | None]:
        """uint8 ``[H, W]`` alpha of masked samples, None for the others. Raises as ``read`` does."""
        return [None if drawn is None else drawn[1] for _, drawn in self._drawn(rows)]

    def fingerprint(self, rows: Manifest) -> str:
        """Changes with the base's pixels, the masker and what it reads, its options, seed and canonical landmarks."""
        facts = [
            f"{type(self.base).__module__}.{type(self.base).__qualname__}",
            self.base.fingerprint(rows),
            f"{type(self.masker).__module__}.{type(self.masker).__qualname__}",
            self.masker.fingerprint(),
            self.masker.options.model_dump(mode="json"),
            self.name,
            self.seed,
            canonical_landmarks(1, 1).tolist(),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def _suffix(self) -> str:
        return f"-{self.name}"

    def _notes(self, bare: pd.DataFrame) -> list[str]:
        notes = [f"masks are drawn on the photos ({self.name})"]
        return notes + average_notes(int(bare["landmarks"].isna().sum()))

    def _check(self, manifest: Manifest) -> None:
        frame = manifest.frame
        if (frame["condition"] == M).any():
            message = f"{manifest.name} already has masked images; --mask is for unmasked sets. Leave it out."
            raise InputError(message)
        without = int(frame.loc[frame["condition"] == NM, "landmarks"].isna().sum())
        if without and not self.base.aligned:
            message = (
                f"{manifest.name}: --mask needs aligned faces or landmarks; these faces are not aligned and {without} "
                f"of {len(frame)} have no landmarks."
            )
            raise InputError(message)

    def _drawn(self, rows: Manifest) -> list[tuple[Image, tuple[Image, npt.NDArray[np.uint8]] | None]]:
        """Each row's bare image and, where the row is masked, what the masker makes of it."""
        frame = rows.frame
        masked = (frame["condition"] == M).to_numpy()
        sources = [
            sample.removesuffix(self._suffix) if is_masked else sample
            for sample, is_masked in zip(frame["id"], masked, strict=True)
        ]
        # A photo whose two rows are both asked for is decoded once.
        order = {source: place for place, source in enumerate(dict.fromkeys(sources))}
        bare = frame.assign(id=sources, condition=NM).drop_duplicates("id").reset_index(drop=True)
        images = self.base.read(replace(rows, frame=bare))
        return [
            (image, self._apply(image, source, landmarks) if is_masked else None)
            for source, landmarks, is_masked in zip(sources, frame["landmarks"], masked, strict=True)
            for image in (images[order[source]],)
        ]

    def _apply(self, image: Image, source: str, landmarks: list[float] | None) -> tuple[Image, npt.NDArray[np.uint8]]:
        try:
            points = points_on(image, landmarks, aligned=self.base.aligned)
            return MaskDrawer(self.masker, self.name, self.seed).draw(image, source, points)
        except DataError as error:
            message = f"sample {source} cannot be masked: {error}"
            raise DataError(message) from error


def _bare(manifest: Manifest) -> Manifest:
    """The unmasked samples, with a note of how many others were left aside."""
    bare = (manifest.frame["condition"] == NM).to_numpy()
    aside = int((~bare).sum())
    note = (f"{aside} masked images of the set left aside",) if aside else ()
    return replace(manifest.take(bare), notes=(*manifest.notes, *note))
