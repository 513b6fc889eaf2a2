"""A contact sheet: a few faces of every class and condition on one page, to see what a set really holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit import figures
from msde_toolkit.data.image_cache import read_all
from msde_toolkit.interfaces import Dataset, Image
from msde_toolkit.randomness import generator
from msde_toolkit.types import NM, M, Manifest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 6
"""About so many faces stand in a row."""
CELL_MM = 20.0
LABELS_MM = 26.0
GAP = 0.2
"""Between blocks of columns, in cells."""
LINE = 1.08
"""From row to row, in cells."""
THUMBNAIL = 160
"""Pixels of a face's longer side, what print needs for a cell."""
REAL_FACES = "Faces of real people: for local use only, not to be published or passed on."


@dataclass(frozen=True)
class Placed:
    """A sample on the sheet: its row number in the manifest; its column's left edge and its line, in cells."""

    row: int
    x: float
    line: int


@dataclass(frozen=True)
class Layout:
    """What stands where.

    Attributes:
        columns: left edge, in cells, and condition of each column.
        faces: all samples that are shown.
        pairs: left edge and line of the unmasked image of each pair; its masked image is to the right of it.
    """

    columns: tuple[tuple[float, str], ...]
    faces: tuple[Placed, ...]
    pairs: tuple[tuple[float, int], ...]

    @property
    def width(self) -> float:
        """In cells."""
        return self.columns[-1][0] + 1


def contact_sheet(dataset: Dataset, manifest: Manifest, *, seed: int = 0) -> Figure:
    """Draw the sheet: a line a class, columns by condition, the two images of a pair beside each other in a frame.

    Args:
        dataset: reads the images.
        manifest: the samples to choose from, at least one.
        seed: chooses them, over as many subjects as there are.

    Raises:
        DataError: if an image that was chosen cannot be read.
    """
    layout = choose(manifest, seed)
    chosen = manifest.take([face.row for face in layout.faces])
    images = read_all(dataset, chosen)
    lines = len(manifest.classes)
    with figures.paper_style():
        height = 16 + CELL_MM * LINE * lines
        figure = figures.new_figure(max(figures.SINGLE_COLUMN_MM, LABELS_MM + CELL_MM * layout.width), height)
        figure.suptitle(_title(manifest))
        axes = figure.subplots()
        for face, image in zip(layout.faces, images, strict=True):
            _draw(axes, image, face)
        _draw_frames(axes, layout)
        _label(axes, layout, manifest)
        figures.add_note(figure, _note(manifest, chosen, layout, seed))
        if manifest.synthetic:
            figures.mark_synthetic(figure)
    return figure


def choose(manifest: Manifest, seed: int) -> Layout:
    """Which samples are shown, and where: pairs first where there are pairs, then others to fill the row."""
    pairs = manifest.pairs()
    labels = manifest.labels
    pairs = pairs[labels[pairs["nm"]] == labels[pairs["m"]]]
    each = max(2, ACROSS // len(manifest.conditions))
    blocks = _blocks(manifest.conditions, each, paired=len(pairs) > 0)
    chooser = _Chooser(manifest, seed)
    partner = dict(zip(pairs["nm"], pairs["m"], strict=True))
    faces: list[Placed] = []
    framed: list[tuple[float, int]] = []
    for line in range(len(manifest.classes)):
        places = {word: [x for block in blocks for x, of in block if of == word] for word in manifest.conditions}
        bare = np.array([row for row in partner if labels[row] == line], dtype=np.int64)
        for row in chooser.choose(bare, each):
            left, right = places[NM].pop(0), places[M].pop(0)
            faces += [Placed(row, left, line), Placed(partner[row], right, line)]
            framed.append((left, line))
            chooser.shown[partner[row]] = True
        for word, free in places.items():
            rows = np.flatnonzero((labels == line) & (manifest.frame["condition"] == word).to_numpy())
            chosen = chooser.choose(rows, len(free))
            faces += [Placed(row, x, line) for row, x in zip(chosen, free, strict=False)]
    return Layout(tuple(column for block in blocks for column in block), tuple(faces), tuple(framed))


def _blocks(conditions: Sequence[str], each: int, *, paired: bool) -> list[list[tuple[float, str]]]:
    """Columns that stand together: a block for each pair, or for each condition."""
    words = [[NM, M]] * each if paired else []
    words += [[word] * each for word in conditions if not paired or word not in (NM, M)]
    blocks, x = [], 0.0
    for block in words:
        blocks.append([(x + place, word) for place, word in enumerate(block)])
        x += len(block) + GAP
    return blocks


class _Chooser:
    """Draws samples, none twice, of those first whose subject has been shown least."""

    def __init__(self, manifest: Manifest, seed: int) -> None:
        codes, names = pd.factorize(manifest.groups())
        self.subject: npt.NDArray[np.int64] = codes.astype(np.int64)
        self.seen = np.zeros(len(names), dtype=np.int64)
        self.shown = np.zeros(len(manifest), dtype=bool)
        self.rank = generator(seed, "contact sheet").permutation(len(manifest))

    def choose(self, rows: npt.NDArray[np.int64], count: int) -> list[int]:
        """At most ``count`` of these rows, of different subjects as far as there are."""
        here = np.zeros_like(self.seen)
        chosen: list[int] = []
        for _ in range(count):
            left = rows[~self.shown[rows]]
            if not len(left):
                break
            subject = self.subject[left]
            row = int(left[np.lexsort((self.rank[left], self.seen[subject], here[subject]))[0]])
            here[self.subject[row]] += 1
            self.seen[self.subject[row]] += 1
            self.shown[row] = True
            chosen.append(row)
        return chosen


def _draw(axes: Axes, image: Image, face: Placed) -> None:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Pillow.Resampling.LANCZOS)
    width, height = (side / max(picture.size) for side in picture.size)
    left, top = face.x + (1 - width) / 2, face.line * LINE + (1 - height) / 2
    extent = (left, left + width, top + height, top)
    axes.imshow(np.asarray(picture), extent=extent, interpolation="nearest" if max(picture.size) < 64 else "auto")


def _draw_frames(axes: Axes, layout: Layout) -> None:
    from matplotlib.patches import Rectangle

    for left, line in layout.pairs:
        axes.add_patch(Rectangle((left, line * LINE), 2, 1, fill=False, linewidth=1.0, edgecolor="#333333"))


def _label(axes: Axes, layout: Layout, manifest: Manifest) -> None:
    """Classes with their counts at the left, conditions above; "none" where there is no image of the kind."""
    lines = len(manifest.classes)
    counts = {
        word: np.bincount(manifest.labels[(manifest.frame["condition"] == word).to_numpy()], minlength=lines)
        for word in manifest.conditions
    }
    names = [
        "\n".join([name, *(f"{of_word[label]:,} {word.upper()}" for word, of_word in counts.items())])
        for label, name in enumerate(manifest.classes)
    ]
    axes.set_yticks([line * LINE + 0.5 for line in range(lines)], names)
    axes.set_xticks([x + 0.5 for x, _ in layout.columns], [word.upper() for _, word in layout.columns])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlim=(-0.02, layout.width + 0.02), ylim=((lines - 1) * LINE + 1.02, -0.02), aspect="equal")
    for x, word in layout.columns:
        for line in np.flatnonzero(counts[word] == 0):
            axes.text(x + 0.5, line * LINE + 0.5, "none", ha="center", va="center", color="#767676")


def _title(manifest: Manifest) -> str:
    name = manifest.name
    if manifest.synthetic:
        name = "synthetic faces" if name == "synthetic" else f"{name}, synthetic faces"
    return f"{name}: n = {len(manifest):,}"


def _note(manifest: Manifest, chosen: Manifest, layout: Layout, seed: int) -> str:
    subjects = chosen.frame["subject"].nunique()
    whose = f"of {subjects:,} subjects" if manifest.has_subjects else "subjects unknown"
    note = f"{len(chosen)} of {len(manifest):,} images, {whose}, chosen by seed {seed}."
    if layout.pairs:
        note += " Framed: a pair."
    drawn = (chosen.frame["pairing"] == "overlay") & (chosen.frame["condition"] == M)
    if drawn.any():
        note += " Masks are drawn on the photo of their pair."
    if not manifest.synthetic and (chosen.frame["consent"] != "publish").any():
        note += f"\n{REAL_FACES} Licence: {manifest.licence}."
    return note
