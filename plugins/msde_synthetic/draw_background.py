"""What is behind the person: walls, shelves, curtains, a window; slightly out of focus."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter

from msde_synthetic.colours import Colour, mixed, scaled
from msde_synthetic.randomness import between, stream
from msde_synthetic.scene import Scene


def draw_background(scene: Scene, size: int) -> Image.Image:
    """Return the backdrop, RGB, ``size`` pixels square."""
    image = Image.new("RGB", (size, size), scene.wall)
    if scene.backdrop == "gradient":
        return _gradient(scene, size)
    if scene.backdrop == "shelves":
        _shelves(image, scene)
    elif scene.backdrop == "curtain":
        _curtain(image, scene)
    elif scene.backdrop == "window":
        _window(image, scene)
    elif scene.backdrop in STREET:
        STREET[scene.backdrop](image, scene)
    if scene.backdrop == "plain":
        return image
    return image.filter(ImageFilter.GaussianBlur(size / 90))


def _gradient(scene: Scene, size: int) -> Image.Image:
    rng = stream(scene.backdrop_key, "gradient")
    corners = np.array(
        [scene.wall, scene.wall_second, scaled(scene.wall, 0.8), mixed(scene.wall, scene.wall_second, 0.5)]
    )
    small = corners[rng.permutation(4)].reshape(2, 2, 3).astype(np.uint8)
    return Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)


def _shelves(image: Image.Image, scene: Scene) -> None:
    rng = stream(scene.backdrop_key, "shelves")
    pen, size = ImageDraw.Draw(image), image.width
    height = int(between(rng, 0.22, 0.34) * size)
    for top in range(int(-between(rng, 0, 0.2) * size), size, height):
        x = 0
        while x < size:
            width = int(between(rng, 0.03, 0.09) * size) + 1
            book = int(height * between(rng, 0.5, 0.85))
            ink = mixed(scene.wall, _book(rng), 0.6)
            if rng.random() < 0.75:
                pen.rectangle((x, top + height - book, x + width - 1, top + height), fill=ink)
            x += width
        pen.rectangle((0, top + height - size // 40, size, top + height), fill=scaled(scene.wall_second, 0.6))


def _book(rng: Generator) -> Colour:
    return int(between(rng, 40, 200)), int(between(rng, 40, 180)), int(between(rng, 40, 180))


def _curtain(image: Image.Image, scene: Scene) -> None:
    rng = stream(scene.backdrop_key, "curtain")
    pen, size = ImageDraw.Draw(image), image.width
    x = 0
    while x < size:
        width = int(between(rng, 0.02, 0.08) * size) + 1
        pen.rectangle((x, 0, x + width, size), fill=scaled(scene.wall_second, between(rng, 0.6, 1.05)))
        x += width


def _window(image: Image.Image, scene: Scene) -> None:
    rng = stream(scene.backdrop_key, "window")
    pen, size = ImageDraw.Draw(image), image.width
    left, top = int(between(rng, -0.2, 0.6) * size), int(between(rng, -0.2, 0.1) * size)
    right, bottom = left + int(between(rng, 0.35, 0.6) * size), top + int(between(rng, 0.5, 0.9) * size)
    pen.rectangle((left, top, right, bottom), fill=mixed(scene.wall_second, (235, 242, 250), 0.7))
    frame, bar = scaled(scene.wall, 0.65), max(2, size // 40)
    pen.rectangle((left, top, right, bottom), outline=frame, width=bar)
    pen.line(((left + right) // 2, top, (left + right) // 2, bottom), fill=frame, width=bar)
    pen.line((left, (top + bottom) // 2, right, (top + bottom) // 2), fill=frame, width=bar)


def _facade(image: Image.Image, scene: Scene) -> None:
    """Courses of stone or brick with rows of windows."""
    rng = stream(scene.backdrop_key, "facade")
    pen, size = ImageDraw.Draw(image), image.width
    course = int(between(rng, 0.03, 0.07) * size) + 1
    for top in range(0, size, course):
        pen.rectangle((0, top, size, top + course), fill=scaled(scene.wall, between(rng, 0.82, 1.08)))
    width, height = int(between(rng, 0.14, 0.24) * size), int(between(rng, 0.2, 0.34) * size)
    for top in range(int(-between(rng, 0, 0.2) * size), size, int(height * 1.6)):
        for left in range(int(-between(rng, 0, 0.2) * size), size, int(width * 1.7)):
            pane = mixed(scene.wall_second, (60, 72, 88), between(rng, 0.3, 0.9))
            pen.rectangle((left, top, left + width, top + height), fill=pane, outline=scaled(scene.wall, 0.6))


def _foliage(image: Image.Image, scene: Scene) -> None:
    """Leaves in the light and in the shade."""
    rng = stream(scene.backdrop_key, "foliage")
    pen, size = ImageDraw.Draw(image), image.width
    pen.rectangle((0, 0, size, size), fill=(58, 78, 50))
    for _ in range(260):
        x, y, radius = rng.random() * size, rng.random() * size, between(rng, 0.015, 0.06) * size
        leaf = mixed((52, 84, 40), (168, 190, 92), float(rng.random()))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=leaf)


def _skyline(image: Image.Image, scene: Scene) -> None:
    """A bright sky over houses."""
    rng = stream(scene.backdrop_key, "skyline")
    pen, size = ImageDraw.Draw(image), image.width
    sky = mixed((236, 240, 246), (150, 186, 226), float(rng.random()))
    pen.rectangle((0, 0, size, size), fill=sky)
    x = 0
    while x < size:
        width, top = int(between(rng, 0.08, 0.24) * size) + 1, int(between(rng, 0.3, 0.7) * size)
        colour = mixed(scene.wall, scene.wall_second, float(rng.random()))
        pen.rectangle((x, top, x + width, size), fill=scaled(colour, between(rng, 0.6, 1.0)))
        x += width


STREET = {"facade": _facade, "foliage": _foliage, "skyline": _skyline}
