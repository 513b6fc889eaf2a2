"""One sample from plan to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from msde_synthetic.camera import blurred, develop, draw_exposure, draw_street_exposure
from msde_synthetic.draw_background import draw_background
from msde_synthetic.draw_creases import draw_beard, draw_creases
from msde_synthetic.draw_eyes import draw_brows, draw_eyes
from msde_synthetic.draw_head import draw_body, draw_hair, draw_skin, head_outline
from msde_synthetic.draw_mask import draw_glasses, draw_mask
from msde_synthetic.draw_mouth import draw_mouth, draw_nose
from msde_synthetic.facs import Units, activate, mean_units
from msde_synthetic.geometry import Face
from msde_synthetic.mask_design import MaskDesign
from msde_synthetic.pen import Pen, Pose, pose_of
from msde_synthetic.plan import SampleSpec, check_pairing, seen_by
from msde_synthetic.randomness import stream
from msde_synthetic.scene import Scene, draw_scene
from msde_synthetic.shading import NEUTRAL, face_bumps, mask_bumps, shade
from msde_synthetic.subjects import Subject, subject

Pixels = NDArray[np.uint8]
SIZES = (64, 512)


@dataclass(frozen=True)
class Rendered:
    """A drawn sample and the truth about it.

    Attributes:
        image: RGB, uint8 [size, size, 3].
        mask_alpha: How much of each pixel is mask, uint8 [size, size]; all 0 without a mask.
        landmarks: 68 iBUG landmarks in pixels (x, y), float64 [68, 2]; pixel centres lie at whole numbers + 0.5.
            Under a mask they are where the hidden features are.
        action_units: Mean activation of both sides by name (``"AU4"``), 0 to 1.
    """

    image: Pixels
    mask_alpha: Pixels
    landmarks: NDArray[np.float64]
    action_units: dict[str, float]


def render(
    spec: SampleSpec, *, seed: int = 0, size: int = 128, pairing: str = "reshot", domain: str = "studio"
) -> Rendered:
    """Draw a sample.

    Args:
        spec: The sample, as listed by ``plan.samples`` under the same seed.
        seed: Seed of the whole data set.
        size: Width and height in pixels, 64 to 512.
        pairing: ``reshot`` or ``overlay``, see ``plan.samples``.
        domain: ``studio`` or ``street``: camera, light, background and how heads are held.

    Raises:
        ValueError: Size or pairing is out of range.
    """
    check_pairing(pairing)
    if not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"size must be between {SIZES[0]} and {SIZES[1]} pixels, not {size}")
    spec = seen_by(spec, seed, pairing)
    person = subject(seed, spec.subject)
    scene = draw_scene(seed, spec.shot, domain)
    face = _face(spec, person, seed)
    pose = pose_of(scene, person.anatomy, size)
    design = None if spec.mask is None else person.masks[spec.mask]
    exposure = (
        draw_exposure(seed, spec.shot, spec.camera) if domain == "studio" else draw_street_exposure(seed, spec.shot)
    )
    bare, masked, alpha = (
        None if layer is None else blurred(layer, exposure) for layer in _painted(pose, person, face, scene, design)
    )
    assert bare is not None
    image = np.asarray(bare)
    region = np.zeros((size, size), np.uint8)
    if masked is not None and alpha is not None:
        region = np.asarray(alpha).copy()
        # Pixels without any mask are those of the bare photograph, to the last bit.
        image = np.where(region[..., None] > 0, np.asarray(masked), image)
    image = develop(image, exposure, seed, spec.shot)
    return Rendered(image, region, pose.project(face.landmarks), mean_units(face.units))


def landmarks(spec: SampleSpec, *, seed: int = 0, size: int = 128, domain: str = "studio") -> NDArray[np.float64]:
    """Return the landmarks that ``render`` would give, without drawing: about 0.5 ms.

    ``spec`` must come from ``plan.samples`` under the pairing that is meant.
    """
    person = subject(seed, spec.subject)
    pose = pose_of(draw_scene(seed, spec.shot, domain), person.anatomy, size)
    return pose.project(_face(spec, person, seed).landmarks)


def _face(spec: SampleSpec, person: Subject, seed: int) -> Face:
    units: Units = activate(spec.blend, person.style, stream(seed, "units", spec.shot))
    return Face(person.anatomy, units)


def _painted(
    pose: Pose, person: Subject, face: Face, scene: Scene, design: MaskDesign | None
) -> tuple[Image.Image, Image.Image | None, Image.Image | None]:
    """Return the lit picture without mask, with mask, and the mask's region, before the lens."""
    zoom = 4 if pose.size <= 128 else 3 if pose.size <= 256 else 2
    canvas = pose.size * zoom
    pen = Pen(pose, zoom, draw_background(scene, pose.size).resize((canvas, canvas), Image.Resampling.NEAREST))
    draw_body(pen, person, scene)
    draw_skin(pen, person, face)
    draw_nose(pen, person, face)
    draw_mouth(pen, person, face)
    draw_eyes(pen, person, face, scene)
    draw_brows(pen, person, face)
    draw_hair(pen, person, scene)
    covered = pen.image.copy() if design is not None else None
    draw_glasses(pen, None, person)
    soft = _soft_layers(pose, person, face)
    light = _on_head(np.asarray(shade(pose, face_bumps(face))), pose, person, face)
    bare = _lit(_reduced(pen.image, zoom), light, soft, person)
    if covered is None or design is None:
        return Image.fromarray(bare), None, None
    mask_pen, alpha_pen = Pen(pose, zoom, covered), Pen.blank(pose, zoom)
    draw_mask(mask_pen, alpha_pen, person, design, scene)
    draw_glasses(mask_pen, alpha_pen, person)
    alpha = alpha_pen.image.reduce(zoom)
    cloth_light = np.asarray(shade(pose, mask_bumps(design.kind, scene.wear[2])))
    cloth = _lit(_reduced(mask_pen.image, zoom), cloth_light, None, person).astype(np.int32)
    share = np.asarray(alpha).astype(np.int32)[..., None]
    masked = ((cloth * share + bare * (255 - share) + 127) // 255).astype(np.uint8)
    return Image.fromarray(bare), Image.fromarray(masked), alpha


def _reduced(image: Image.Image, zoom: int) -> Pixels:
    return np.asarray(image.reduce(zoom))


def _on_head(light: Pixels, pose: Pose, person: Subject, face: Face) -> Pixels:
    """Keep the light on the head; the backdrop and the clothes have their own."""
    pen = Pen.blank(pose, 2)
    for outline in head_outline(person, face):
        pen.fill(outline, 255)
    head = np.asarray(pen.image.reduce(2)).astype(np.int32)
    return ((light * head + NEUTRAL * (255 - head) + 127) // 255).astype(np.uint8)


def _soft_layers(pose: Pose, person: Subject, face: Face) -> tuple[Pixels, Pixels | None]:
    """Return creases and beard cover (None if shaven), 0-255, [size, size] each."""
    soft = pose.size / 128.0
    creases = Pen.blank(pose, 2)
    draw_creases(creases, person, face)
    crease = np.asarray(creases.image.reduce(2).filter(ImageFilter.GaussianBlur(0.8 * soft)))
    if person.hair.beard == 0 and person.hair.moustache == 0:
        return crease, None
    beard = Pen.blank(pose, 2)
    draw_beard(beard, person, face)
    return crease, np.asarray(beard.image.reduce(2).filter(ImageFilter.GaussianBlur(1.3 * soft)))


CREASE_TINT = np.array([100, 128, 136], dtype=np.int32)
"""How strongly a crease takes red, green and blue away (of 256): folds of skin look reddish."""


def _lit(colours: Pixels, light: Pixels, soft: tuple[Pixels, Pixels | None] | None, person: Subject) -> Pixels:
    """Combine colours with beard, creases and light, in integers."""
    image = colours.astype(np.int32)
    if soft is not None:
        crease = soft[0].astype(np.int32)[..., None]
        if soft[1] is not None:
            beard = soft[1].astype(np.int32)[..., None]
            image = (image * (256 - beard) + np.array(person.hair.colour, np.int32) * beard + 128) >> 8
        image = (image * (65536 - crease * CREASE_TINT)) >> 16
    image = (image * light.astype(np.int32)[..., None] + NEUTRAL // 2) // NEUTRAL
    return np.minimum(image, 255).astype(np.uint8)
