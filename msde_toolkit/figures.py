"""Figures that a paper can print: one style, colours that colour-blind readers can tell apart, true print sizes.

Figures are ``matplotlib.figure.Figure`` objects and never touch pyplot, so that no display, no global state and no
backend is involved. Matplotlib is imported by the functions here, not by this module. A figure of an analysis:

    with figures.paper_style():
        figure = figures.new_figure(figures.SINGLE_COLUMN_MM, 60)
        axes = figure.subplots()
        axes.plot(...)
        figures.add_note(figure, "Held-out predictions of 10 folds.")
        if run.synthetic:
            figures.mark_synthetic(figure)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msde_toolkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

SINGLE_COLUMN_MM = 88.0
DOUBLE_COLUMN_MM = 180.0
_MM_PER_INCH = 25.4

SMALLEST_FONT_PT = 7.0
PNG_DPI = 200

# Okabe and Ito 2008, "Color Universal Design": eight colours told apart under every common colour-vision deficiency.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""One a class next to ``PALETTE``, so that no reading depends on colour alone."""
SEQUENTIAL_MAP = "Blues"
"""Light to dark in one hue, monotonic in luminance: for shares and counts with numbers printed on them."""
HEAT_MAP = "inferno"
"""Perceptually uniform: for maps laid over an image."""
_MAP_OPACITY = 0.5

_NO_DATES: Any = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What each format must not say of its making, so that the same figure gives the same bytes."""

_CONDITION_COLOURS = {"nm": PALETTE[0], "m": PALETTE[5]}
_CONDITION_TITLES = {"nm": "NM (no mask)", "m": "M (mask)"}

_STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": SMALLEST_FONT_PT,
    "axes.titlesize": 8.0,
    "axes.labelsize": 7.5,
    "xtick.labelsize": SMALLEST_FONT_PT,
    "ytick.labelsize": SMALLEST_FONT_PT,
    "legend.fontsize": SMALLEST_FONT_PT,
    "figure.titlesize": 9.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


@contextmanager
def paper_style() -> Iterator[None]:
    """The toolkit's matplotlib settings while a figure is drawn; what was set before comes back."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width_mm: float = DOUBLE_COLUMN_MM, height_mm: float = 90.0) -> Figure:
    """An empty figure of this print size whose parts are laid out without overlap ("constrained" layout)."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_mm / _MM_PER_INCH, height_mm / _MM_PER_INCH), layout="constrained", facecolor="white")


def class_colours(classes: int) -> list[str]:
    """One colour a class in label order; from the ninth on they repeat, so give each its marker too."""
    return [PALETTE[index % len(PALETTE)] for index in range(classes)]


def series_style(number: int) -> dict[str, Any]:
    """Colour and marker of the series of this number (a run among several), for ``axes.plot``."""
    return {"color": PALETTE[number % len(PALETTE)], "marker": MARKERS[number % len(MARKERS)]}


def legend_of_series(figure: Figure, titles: Sequence[str], *, lines: bool = True) -> None:
    """A legend above the figure: a row a series, in the style that its number has.

    Args:
        figure: of ``new_figure``.
        titles: of the series; long ones are wrapped.
        lines: whether points are joined by lines, and so here.
    """
    from matplotlib.lines import Line2D

    letters = int(figure.get_figwidth() * 72 / (0.6 * SMALLEST_FONT_PT)) - 8
    handles = [
        Line2D(
            [],
            [],
            markersize=4,
            linestyle="-" if lines else "none",
            label=textwrap.fill(title, letters),
            **series_style(number),
        )
        for number, title in enumerate(titles)
    ]
    figure.legend(handles=handles, loc="outside upper left", handletextpad=0.6 if lines else 0.2)


def condition_colour(condition: str) -> str:
    """Blue for unmasked, vermilion for masked, another colour of the palette for any other word."""
    return _CONDITION_COLOURS.get(condition, PALETTE[2])


def condition_title(condition: str) -> str:
    """The condition in words: "NM (no mask)", "M (mask)"; any other word as it is."""
    return _CONDITION_TITLES.get(condition, condition)


def text_colour_on(background: Any) -> str:
    """Black or white, whichever has the higher contrast (WCAG 2 relative luminance) on a matplotlib colour."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(background)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "white"


def overlay(image: npt.NDArray[np.uint8], cam: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """``[S, S, 3]`` in [0, 1]: the face in grey under its map, which is divided by its own maximum."""
    import matplotlib
    import numpy as np
    import torch
    from torch.nn import functional as F

    top = float(cam.max())
    scaled = torch.from_numpy(cam / top if top > 0 else cam)[None, None]
    fine = F.interpolate(scaled, size=image.shape[:2], mode="bilinear", align_corners=False)[0, 0].numpy()
    grey = (image @ np.array([0.299, 0.587, 0.114]) / 255.0)[..., None]
    heat = np.asarray(matplotlib.colormaps[HEAT_MAP](fine))[..., :3]
    blended: npt.NDArray[np.float64] = (1 - _MAP_OPACITY) * grey + _MAP_OPACITY * heat
    return blended


def add_note(figure: Figure, text: str) -> None:
    """A line or more of small print under the figure: n, folds, how samples were chosen."""
    points_per_character = 0.54 * SMALLEST_FONT_PT  # mean advance of DejaVu Sans
    width = int(figure.get_figwidth() * 72 / points_per_character) - 2
    lines = [line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, width)]
    style = {"ha": "left", "fontsize": SMALLEST_FONT_PT, "color": "#333333", "gid": "note"}
    _write_at_foot(figure, "\n".join(lines), 0.01 * figure.get_figwidth(), len(lines) * 1.35 * SMALLEST_FONT_PT, style)


def mark_synthetic(figure: Figure) -> None:
    """Write "synthetic faces" across the foot of the figure, for data that shows no real person."""
    text = "synthetic faces: no real person, no result about people"
    size = SMALLEST_FONT_PT + 0.5
    style = {"ha": "right", "fontsize": size, "fontweight": "bold", "color": "#A23B00", "gid": "synthetic"}
    _write_at_foot(figure, text, 0.99 * figure.get_figwidth(), 1.35 * size, style)


def place_by_hand(figure: Figure) -> float:
    """Turn the automatic layout off, once notes are written; returns the height they take at the foot, millimetres.

    The figure's height may be changed afterwards: the foot stays where it is.
    """
    engine: Any = figure.get_layout_engine()
    figure.set_layout_engine("none")
    return float(engine.get()["rect"][1] * figure.get_figheight() * _MM_PER_INCH)


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write ``<stem>.png`` (200 dpi) and ``<stem>.svg``; the same figure gives the same bytes (no date, fixed ids).

    Each file appears whole: it is written beside its place and renamed.
    """
    png, svg = (stem.parent / f"{stem.name}.{kind}" for kind in ("png", "svg"))
    write_figure(figure, png)
    write_figure(figure, svg)
    return png, svg


def write_figure(figure: Figure, path: Path) -> None:
    """Write one file, as ``save_figure`` does, in the format that its name ends in.

    Raises:
        InputError: as ``figure_format``.
    """
    import matplotlib

    kind = figure_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": "msde-toolkit", "svg.fonttype": "path"}):
        beside = path.with_name(f".{path.name}.part")
        figure.savefig(beside, format=kind, dpi=PNG_DPI, metadata=_NO_DATES[kind])
        beside.replace(path)


def figure_format(path: Path) -> str:
    """``png``, ``svg`` or ``pdf``, as a file's name ends.

    Raises:
        InputError: if it ends otherwise.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _NO_DATES:
        message = f"{path}: a figure's name must end in .png, .svg or .pdf."
        raise InputError(message)
    return kind


def _write_at_foot(figure: Figure, text: str, x_inches: float, points: float, style: dict[str, Any]) -> None:
    """Write above what stands at the foot already, and keep axes off that strip."""
    engine: Any = figure.get_layout_engine()
    left, bottom, width, height = engine.get()["rect"]
    strip = (points + 4) / 72 / figure.get_figheight()
    engine.set(rect=(left, bottom + strip, width, height - strip))
    y_inches = bottom * figure.get_figheight() + 3 / 72
    figure.text(x_inches, y_inches, text, va="bottom", transform=figure.dpi_scale_trans, **style)
