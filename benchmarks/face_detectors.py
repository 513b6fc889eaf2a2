"""How many faces dlib's two detectors find, without and with a mask drawn on the same photos.

    python benchmarks/face_detectors.py rafdb --root RAF-DB --count 200 --upsample 0 1

Every photo of the dataset must show one face. "found": photos with one face or more; "several": with more than one.
"eyes moved": where both photos of a face are found, how far the mask moves an eye, in percent of the eyes' distance
(median and 95th percentile): an alignment that the mask moves is a difference between conditions.
Another landmarker: ``--landmarker yunet:FILE``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.create import create_landmarker
from msde_toolkit.data.source import open_source
from msde_toolkit.interfaces import Face, Hint, Image

DETECTORS = ("hog", "cnn")


def photos(name: str, root: Path | None, mask: str, count: int) -> tuple[list[Image], list[Image]]:
    """Evenly spread samples without a mask, and the same with it."""
    source = open_source(name, root, {}, mask=mask)
    frame = source.manifest.frame
    bare = frame[frame["condition"] == "nm"]
    chosen = bare["pair"].iloc[np.linspace(0, len(bare) - 1, min(count, len(bare))).astype(int)]
    sides = []
    for condition in ("nm", "m"):
        rows = frame[frame["condition"] == condition].reset_index().set_index("pair").loc[list(chosen), "index"]
        sides.append(source.dataset.read(source.manifest.take(rows.to_numpy())))
    return sides[0], sides[1]


def search(landmarker: str, options: Mapping[str, Any], images: Sequence[Image]) -> tuple[list[list[Face]], float]:
    """Faces of each photo, and seconds a photo."""
    finder = create_landmarker(landmarker, options)
    finder.find(images[0], Hint())  # loads the models
    begin = time.perf_counter()
    faces = [finder.find(image, Hint()) for image in images]
    return faces, (time.perf_counter() - begin) / len(images)


def moved(bare: list[list[Face]], masked: list[list[Face]]) -> npt.NDArray[np.float64]:
    """Of each face found in both photos, how far the mask moves the eye that it moves more, in eyes' distances."""
    both = [(one[0].eyes, other[0].eyes) for one, other in zip(bare, masked, strict=True) if one and other]
    return np.array([np.linalg.norm(m - nm, axis=1).max() / np.linalg.norm(nm[1] - nm[0]) for nm, m in both])


def line(word: str, landmarker: str, options: Mapping[str, Any], bare: list[Image], masked: list[Image]) -> str:
    """A row of the table."""
    (faces, seconds), (faces_masked, seconds_masked) = (search(landmarker, options, side) for side in (bare, masked))
    cells = []
    for found in (faces, faces_masked):
        several = sum(len(one) > 1 for one in found)
        cells += [f"{100 * sum(map(bool, found)) / len(found):7.1f} %", f"{100 * several / len(found):7.1f} %"]
    shift = moved(faces, faces_masked)
    told = f"{100 * np.median(shift):5.1f} {100 * np.quantile(shift, 0.95):6.1f}" if len(shift) else "    -      -"
    return f"{word:24s} {' '.join(cells)} {told} {(seconds + seconds_masked) / 2:8.3f}"


def main() -> None:
    """Print a row a detector and upsampling."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="as in 'msde list datasets'")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--mask", default="surgical")
    parser.add_argument("--count", type=int, default=200, help="photos")
    parser.add_argument("--upsample", type=int, nargs="*", default=[0, 1], help="of dlib; none: without dlib")
    parser.add_argument("--landmarker", nargs="*", default=[], help="others than dlib, as in 'msde list landmarkers'")
    given = parser.parse_args()
    bare, masked = photos(given.dataset, given.root, given.mask, given.count)
    size = " x ".join(map(str, bare[0].shape[1::-1]))
    print(f"{len(bare)} photos of {given.dataset}, the first of {size} px; mask: {given.mask}")
    print(f"{'':24s} {'NM found':>9s} {'several':>9s} {'M found':>9s} {'several':>9s}   eyes moved % s/photo")
    for detector in DETECTORS:
        for upsample in given.upsample:
            options = {"detector": detector, "upsample": upsample}
            print(line(f"{detector}, upsample {upsample}", "dlib", options, bare, masked), flush=True)
    for name in given.landmarker:
        print(line(name.partition(":")[0], name, {}, bare, masked), flush=True)


if __name__ == "__main__":
    main()
