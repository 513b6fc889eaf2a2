"""Whether masks drawn here are those of a file of hashes, pixel by pixel; and if not, by how much they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from msde_toolkit.data.faces.file_names import file_names
from msde_toolkit.data.image_cache import Progress, chunked
from msde_toolkit.data.masking import MaskDrawer
from msde_toolkit.data.masks.hashes import Expected, Hashes
from msde_toolkit.data.masks.outcome import Drawn, Unmasked, distance, sha_of
from msde_toolkit.data.masks.paint import ALPHA, FACES, MASKED, NAME, Painter, Painting, Store, picture, with_names
from msde_toolkit.data.masks.placing import Placing
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset, Image, decode
from msde_toolkit.types import Manifest

What = Literal["size", "source", "mask"]
CHUNK = 16


@dataclass(frozen=True)
class Difference:
    """A sample whose masked pixels are others than expected.

    Attributes:
        what: what differs first: the images' size, the unmasked pixels, or the mask alone.
        largest: of all absolute differences of masked pixels, 0 to 255; None where the expected ones are not there.
        mean: of the same.
        estimated: root-mean-square difference guessed from sketches; None where the file has none, or sizes differ.
    """

    what: What
    largest: int | None = None
    mean: float | None = None
    estimated: float | None = None


@dataclass(frozen=True)
class Comparison:
    """What a check says.

    Attributes:
        hashes: what was expected.
        equal: samples whose source, masked image and alpha are equal in every pixel.
        different: the others that were drawn here, by id.
        missing: expected samples that the set does not have, or that could not be masked here, with the reason.
        surplus: samples that were masked here and are not expected.
        not_as_drawn: samples whose pictures in the folder are not what was drawn now.
        made_by: how masks were made here.
    """

    hashes: Hashes
    equal: tuple[str, ...]
    different: Mapping[str, Difference]
    missing: Mapping[str, str]
    surplus: tuple[str, ...]
    not_as_drawn: tuple[str, ...]
    made_by: str

    @property
    def passed(self) -> bool:
        """Whether the twin is the expected one."""
        return not (self.different or self.missing or self.surplus or self.not_as_drawn)

    def count(self, what: What) -> int:
        """How many samples differ in this first."""
        return sum(one.what == what for one in self.different.values())

    def summary(self) -> dict[str, Any]:
        """The differences in numbers, for JSON; None where there is nothing to measure."""
        exact = [one for one in self.different.values() if one.largest is not None and one.mean is not None]
        guessed = [one.estimated for one in self.different.values() if one.estimated is not None]
        return {
            "passed": self.passed,
            "equal": len(self.equal),
            "different": {what: self.count(what) for what in ("size", "source", "mask")},
            "missing": dict(self.missing),
            "surplus": list(self.surplus),
            "not_as_drawn": list(self.not_as_drawn),
            "measured": len(exact),
            "largest_difference": max((one.largest or 0 for one in exact), default=None),
            "mean_difference": float(np.mean([one.mean for one in exact])) if exact else None,
            "estimated_rms": float(np.mean(guessed)) if guessed else None,
            "made_by": {"expected": self.hashes.made_by, "here": self.made_by},
        }


def check_twin(
    dataset: Dataset,
    placing: Placing,
    drawer: MaskDrawer,
    hashes: Hashes,
    made_by: str,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Draw every mask anew, and compare decoded pixels with a file of hashes.

    Args:
        dataset: reads the unmasked images.
        placing: its faces.
        drawer: puts the masks on.
        hashes: what is expected. Pictures beside the file, if it lies in the folder of its twin, tell how far apart
            pixels are exactly; without, sketches tell it approximately.
        made_by: how masks are made here, in words.
        folder: of a twin made here, whose pictures are compared with what is drawn now.
        progress: told how many faces have been compared.
    """
    names = file_names(placing.all.ids)
    sources = with_names(placing.manifest, names)
    comparer = _Comparer(
        Painter(dataset, drawer, ""), Store(hashes.file.parent), None if folder is None else Store(folder)
    )
    seen: dict[str, _Seen | Unmasked] = {**placing.lost}
    for found in chunked(sources, comparer, CHUNK):
        seen.update(found)
        if progress is not None:
            progress(len(seen) - len(placing.lost), len(sources))
    return _compared(seen, hashes, made_by)


@dataclass(frozen=True)
class _Seen:
    """A mask that was drawn now, and how it compares with pictures that are there.

    ``reference`` is the SHA-256 of the picture beside the hashes, with the largest and mean difference from it.
    """

    drawn: Drawn
    as_drawn: bool
    reference: tuple[str, int, float] | None


@dataclass(frozen=True)
class _Comparer:
    """Draws a chunk of samples and compares them; it can be sent to another process."""

    painter: Painter
    beside: Store
    folder: Store | None

    def __call__(self, rows: Manifest) -> dict[str, _Seen | Unmasked]:
        return {row.ids[0]: self._one(row) for row in (rows.take([place]) for place in range(len(rows)))}

    def _one(self, row: Manifest) -> _Seen | Unmasked:
        painting = self.painter.paint(row)
        if isinstance(painting, Unmasked):
            return painting
        name = str(row.frame[NAME].iat[0])
        expected = _there(self.beside, MASKED, name)
        reference = None
        if expected is not None and expected.shape == painting.masked.shape:
            difference = np.abs(expected.astype(np.int16) - painting.masked)
            reference = (sha_of(expected), int(difference.max()), float(difference.mean()))
        return _Seen(painting.drawn, self.folder is None or _holds(self.folder, name, painting), reference)


def _there(store: Store, part: str, name: str) -> Image | None:
    """A picture; None where there is none that can be read."""
    try:
        return decode(store.folder, picture(part, name))
    except DataError:
        return None


def _holds(store: Store, name: str, painting: Painting) -> bool:
    face, masked, alpha = (_there(store, part, name) for part in (FACES, MASKED, ALPHA))
    return (
        face is not None
        and masked is not None
        and alpha is not None
        and np.array_equal(face, painting.image)
        and np.array_equal(masked, painting.masked)
        and np.array_equal(alpha[..., 0], painting.alpha)
    )


def _compared(seen: Mapping[str, _Seen | Unmasked], hashes: Hashes, made_by: str) -> Comparison:
    drawn = {sample: one for sample, one in seen.items() if isinstance(one, _Seen)}
    missing = {}
    for sample in hashes.samples:
        one = seen.get(sample)
        if not isinstance(one, _Seen):
            missing[sample] = "not in the set" if one is None else one.reason
    common = [sample for sample in hashes.samples if sample in drawn]
    differences = {sample: _difference(drawn[sample], hashes.samples[sample]) for sample in common}
    return Comparison(
        hashes,
        tuple(sample for sample, difference in differences.items() if difference is None),
        {sample: difference for sample, difference in differences.items() if difference is not None},
        missing,
        tuple(sample for sample in drawn if sample not in hashes.samples),
        tuple(sample for sample, one in drawn.items() if not one.as_drawn),
        made_by,
    )


def _difference(seen: _Seen, expected: Expected) -> Difference | None:
    drawn = seen.drawn
    if (drawn.width, drawn.height) != (expected.width, expected.height):
        return Difference("size")
    if (drawn.source, drawn.masked, drawn.alpha) == (expected.source, expected.masked, expected.alpha):
        return None
    what: What = "mask" if drawn.source == expected.source else "source"
    largest = mean = estimated = None
    if seen.reference is not None and seen.reference[0] == expected.masked:
        _, largest, mean = seen.reference
    if expected.masked_sketch is not None:
        estimated = distance(drawn.masked_sketch, expected.masked_sketch, 3 * drawn.width * drawn.height)
    return Difference(what, largest, mean, estimated)
