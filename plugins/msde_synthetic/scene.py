"""One photograph's circumstances: pose, gaze, light, background, clothes, camera. None depends on the label."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from msde_synthetic.randomness import around, between, pick, stream

Colour = tuple[int, int, int]

WALLS: tuple[Colour, ...] = (
    (222, 218, 208), (198, 206, 212), (208, 196, 172), (176, 190, 178), (160, 172, 190), (214, 190, 180),
    (120, 128, 136), (236, 234, 230), (180, 160, 138), (140, 156, 150),
)  # fmt: skip
FACADES: tuple[Colour, ...] = (
    (150, 92, 72), (176, 160, 132), (110, 112, 108), (196, 188, 176), (92, 78, 70), (128, 138, 150), (170, 128, 92),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (34, 40, 60), (200, 204, 210), (120, 32, 40), (40, 84, 70), (70, 70, 76), (158, 170, 190), (206, 176, 90),
    (24, 24, 28), (96, 120, 170), (150, 96, 70), (222, 216, 206), (84, 50, 96),
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """What varies between photographs, apart from the expression.

    Attributes:
        yaw, pitch, roll: Head rotation, radians.
        zoom: Image width in face units (see ``subjects``).
        shift: Position of the face's centre relative to the image's, face units (x, y).
        gaze: Direction of the eyes, -1 to 1 (x, y).
        light: Unit vector towards the light (x right, y down, z to the viewer).
        ambient: Share of light without direction, 0 to 1.
        backdrop: ``plain``, ``gradient``, ``shelves``, ``curtain`` or ``window``; in the street
            ``facade``, ``foliage`` or ``skyline``.
        backdrop_key: Seed of the backdrop's shapes.
        wall, wall_second, clothes: Colours, sRGB.
        collar: Whether the clothes have a collar.
        wear: How the mask sits: (slip down, tilt, puff), face units and radians, small.
        jitter_key: Seed of loose hair strands and of mask folds.
    """

    yaw: float
    pitch: float
    roll: float
    zoom: float
    shift: tuple[float, float]
    gaze: tuple[float, float]
    light: tuple[float, float, float]
    ambient: float
    backdrop: str
    backdrop_key: int
    wall: Colour
    wall_second: Colour
    clothes: Colour
    collar: bool
    wear: tuple[float, float, float]
    jitter_key: int


def draw_scene(seed: int, shot: str, domain: str = "studio") -> Scene:
    """Return the circumstances of a photograph."""
    scene = _indoors(seed, shot)
    return scene if domain == "studio" else _outdoors(scene, stream(seed, "street scene", shot))


def _outdoors(scene: Scene, rng: Generator) -> Scene:
    """The same moment in a street: passers-by turn their heads, and the sun or the clouds are the lamp."""
    sunny = rng.random() < 0.55
    azimuth, height = around(rng, 0.0, 1.0), around(rng, 0.75 if sunny else 1.0, 0.22)
    light = np.array([np.sin(azimuth) * np.cos(height), -np.sin(height), np.cos(azimuth) * np.cos(height)])
    return replace(
        scene,
        yaw=around(rng, 0.0, 0.17),
        pitch=around(rng, 0.05, 0.08),
        roll=around(rng, 0.0, 0.06),
        zoom=around(rng, 2.8, 0.16),
        light=(float(light[0]), float(light[1]), float(light[2])),
        ambient=between(rng, 0.3, 0.5) if sunny else between(rng, 0.78, 0.92),
        backdrop=pick(rng, {"facade": 0.4, "foliage": 0.35, "skyline": 0.25}),
        wall=_pick(FACADES, rng),
        wall_second=_pick(FACADES, rng),
    )


def _indoors(seed: int, shot: str) -> Scene:
    rng = stream(seed, "scene", shot)
    azimuth, height = around(rng, 0.0, 0.6), around(rng, 0.55, 0.22)
    light = np.array([np.sin(azimuth) * np.cos(height), -np.sin(height), np.cos(azimuth) * np.cos(height)])
    wall = _pick(WALLS, rng)
    backdrop = pick(rng, {"plain": 0.3, "gradient": 0.25, "shelves": 0.17, "curtain": 0.16, "window": 0.12})
    return Scene(
        yaw=around(rng, 0.0, 0.1),
        pitch=around(rng, 0.02, 0.05),
        roll=around(rng, 0.0, 0.045),
        zoom=around(rng, 2.95, 0.09),
        shift=(around(rng, 0.0, 0.04), around(rng, 0.0, 0.04)),
        gaze=(around(rng, 0.0, 0.22), around(rng, 0.05, 0.15)),
        light=(float(light[0]), float(light[1]), float(light[2])),
        ambient=between(rng, 0.52, 0.8),
        backdrop=backdrop,
        backdrop_key=int(rng.integers(2**31)),
        wall=wall,
        wall_second=_pick(WALLS, rng),
        clothes=_pick(CLOTHES, rng),
        collar=bool(rng.random() < 0.5),
        wear=(around(rng, 0.0, 0.03), around(rng, 0.0, 0.03), around(rng, 0.0, 1.0)),
        jitter_key=int(rng.integers(2**31)),
    )


def _pick(colours: tuple[Colour, ...], rng: Generator) -> Colour:
    base = colours[int(rng.random() * len(colours))]
    red, green, blue = (int(np.clip(value + (rng.random() - 0.5) * 24, 0, 255)) for value in base)
    return red, green, blue
