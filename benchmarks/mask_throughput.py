"""How fast ``msde data mask`` draws, as a ratio to a plain OpenCV loop over the same faces.

    python benchmarks/mask_throughput.py --root RAF-DB --mask surgical
    python benchmarks/mask_throughput.py                       # faces of the synthetic twin

The plain loop does for each image what mask tools do once landmarks are known: one template, warped by a homography to
four points of the face (``cv2.warpPerspective``), blended by its alpha; no fit to the head, no light, no registration
check, no record. Both run in one process and thread, from decoded pixels to masked pixels in memory; then the whole
command's work on an image is timed too (decode, draw, hash, three PNG files) against decode, warp, one PNG file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from msde_toolkit.create import create_masker
from msde_toolkit.data.faces.file_names import file_names
from msde_toolkit.data.masking import MaskDrawer, points_on
from msde_toolkit.data.masks import place
from msde_toolkit.data.masks.open_set import open_set
from msde_toolkit.data.masks.paint import MASKED, Painter, Store
from msde_toolkit.types import Manifest

CORNERS = [1, 15, 11, 5]
"""Landmarks that the corners of the plain loop's template are put on."""


def template(side: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """A light-blue pleated rectangle ``[side, side, 3]``, and its alpha in [0, 1]."""
    cloth = np.full((side, side, 3), (164, 205, 228), dtype=np.uint8)
    cloth[:: side // 8] = (120, 160, 190)
    alpha = np.zeros((side, side), dtype=np.float32)
    alpha[4:-4, 4:-4] = 1
    return cloth, cv2.GaussianBlur(alpha, (0, 0), 2)


def plainly(image: np.ndarray, points: np.ndarray, cloth: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The template on a face."""
    side, (height, width) = len(cloth), image.shape[:2]
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(square, points[CORNERS].astype(np.float32))
    mask = cv2.warpPerspective(cloth, matrix, (width, height))
    share = cv2.warpPerspective(alpha, matrix, (width, height))[..., None]
    return np.rint(share * mask + (1 - share) * image).astype(np.uint8)


def milliseconds(work: Callable[[int], object], count: int, rounds: int) -> float:
    """Median CPU time per image of some rounds, after one that does not count."""
    work(0)
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for number in range(count):
            work(number)
        times.append((time.process_time() - start) / count * 1000)
    return statistics.median(times)


def measure(rows: Manifest, painter: Painter, rounds: int, folder: Path) -> dict[str, float]:
    """Milliseconds per image."""
    names = list(file_names(rows.ids).values())
    images = painter.dataset.read(rows)
    points = [
        points_on(image, cell, aligned=painter.dataset.aligned)
        for image, cell in zip(images, rows.frame["landmarks"], strict=True)
    ]
    single = [rows.take([number]) for number in range(len(rows))]
    cloth, alpha = template()
    store = Store(folder)

    def whole(number: int) -> None:
        painting = painter.paint(single[number])
        if not hasattr(painting, "drawn"):
            message = f"{rows.ids[number]}: {painting}"
            raise SystemExit(message)
        store.write(names[number], painting)

    def whole_plainly(number: int) -> None:
        (image,) = painter.dataset.read(single[number])
        masked = plainly(image, points[number], cloth, alpha)
        cv2.imwrite(str(store.file(MASKED, f"plain-{names[number]}")), masked[..., ::-1])

    return {
        "drawing": milliseconds(
            lambda number: painter.drawer.draw(images[number], rows.ids[number], points[number]), len(rows), rounds
        ),
        "plain drawing": milliseconds(
            lambda number: plainly(images[number], points[number], cloth, alpha), len(rows), rounds
        ),
        "command": milliseconds(whole, len(rows), rounds),
        "plain loop": milliseconds(whole_plainly, len(rows), rounds),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the times and ratios, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="RAF-DB; without it, the synthetic twin")
    parser.add_argument("--mask", nargs="+", default=["surgical"])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    name, data = ("synthetic", {"subjects": 30, "size": 100}) if options.root is None else ("rafdb", {})
    found = open_set(name, options.root, data, None)
    placing = place(found.dataset, found.manifest)
    rows = placing.manifest.take(np.arange(min(options.images, len(placing.manifest))))
    results = {"data": name, "images": len(rows), "rounds": options.rounds, "milliseconds": {}, "ratio": {}}
    for mask in options.mask:
        painter = Painter.of(found.dataset, MaskDrawer(create_masker(mask), mask, 0), rows)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / MASKED).mkdir()
            times = measure(rows, painter, options.rounds, Path(folder))
        results["milliseconds"][mask] = {key: round(value, 2) for key, value in times.items()}
        results["ratio"][mask] = {
            "drawing": round(times["plain drawing"] / times["drawing"], 3),
            "command": round(times["plain loop"] / times["command"], 3),
        }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
