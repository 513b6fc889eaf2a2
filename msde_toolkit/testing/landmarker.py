"""What is asked of a landmarker: what it says of a face, whom a box means, that a photo always has the same faces."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import torch

from msde_toolkit.create import create_landmarker
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Box, Face, Hint, Image, Landmarker, Landmarks
from msde_toolkit.landmarks import eye_centres
from msde_toolkit.testing.checks import Checklist, in_one_line, require, skip
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.reference import drawn_faces, picture
from msde_toolkit.testing.report import Finding

LANDMARKER: Checklist[LandmarkerUnderTest] = Checklist()
NEAR = 0.5
"""Of its width and height, what a face's eyes may lie beyond the photo: a face may be cut off."""
TINY = ((1, 1), (2, 3), (9, 9), (1, 40), (24, 16), (40, 300))
"""Height and width in pixels."""


@dataclass(frozen=True)
class LandmarkerUnderTest:
    """A landmarker plugin with the options of the preset ``quick``."""

    plugin: PluginUnderTest

    @cached_property
    def landmarker(self) -> Landmarker:
        """A fresh one."""
        return create_landmarker(self.plugin.name, self.plugin.options)

    def find(self, image: Image, landmarks: Landmarks | None = None, box: Box | None = None) -> list[Face]:
        """What it finds in a photo that may not be written to; nothing where it says that there is none."""
        image = image.copy()
        image.flags.writeable = False
        try:
            faces = self.landmarker.find(image, Hint(box, None if landmarks is None else landmarks.copy()))
        except DataError:
            return []
        require(isinstance(faces, list), f"find returns {type(faces).__name__}, not a list")
        return faces


@dataclass(frozen=True, eq=False)
class _Photo:
    """A photo of the two drawn faces, side by side."""

    image: Image
    points: tuple[Landmarks, Landmarks]
    boxes: tuple[Box, Box]


@cache
def _two() -> _Photo:
    (left, left_points), (right, right_points) = drawn_faces()
    side = left.shape[0]
    canvas = np.full((2 * side, 4 * side, 3), 128, dtype=np.uint8)
    corners = np.array([[side // 3, side // 3], [2 * side + side // 2, side // 2]])
    for image, (x, y) in zip((left, right), corners, strict=True):
        canvas[y : y + side, x : x + side] = image
    boxes: list[Box] = [(float(x), float(y), float(side), float(side)) for x, y in corners]
    return _Photo(canvas, (left_points + corners[0], right_points + corners[1]), (boxes[0], boxes[1]))


def ask(plugin: PluginUnderTest) -> Iterator[Finding]:
    """All findings about a landmarker; one that lacks a model or a package is not asked what needs it."""
    subject = LandmarkerUnderTest(plugin)
    try:
        subject.find(*drawn_faces()[0])
    except InputError as error:
        yield Finding("what it needs is there", "skipped", in_one_line(error))
        return
    except Exception:  # noqa: S110 (the checks below say where it comes from)
        pass
    yield from LANDMARKER.ask(subject)


@LANDMARKER.check(
    "what it says of a face",
    remedy="Face(eyes [2, 2], the eye on the left first; landmarks [68, 2] or None; box or None; score), in float64.",
)
def faces_are_whole(landmarker: LandmarkerUnderTest) -> str:
    """Drawn faces in colour and in grey, and two in one photo: shapes, order of the eyes, the surest first."""
    found = []
    for image, points in drawn_faces():
        for photo in (image, np.repeat(image[..., :1], 3, axis=2)):
            faces = landmarker.find(photo, points)
            _check(faces, photo)
            found.append((faces, eye_centres(points)))
    two = _two()
    faces = landmarker.find(two.image, two.points[0])
    _check(faces, two.image)
    scores = [face.score for face in faces]
    require(scores == sorted(scores, reverse=True), "the surest face does not come first")
    return _told(found)


def _check(faces: list[Face], image: Image) -> None:
    for face in faces:
        require(isinstance(face, Face), f"find returns a list of {type(face).__name__}")
        _check_points(face.eyes, "eyes", 2)
        if face.landmarks is not None:
            _check_points(face.landmarks, "landmarks", 68)
        if face.box is not None:
            numbers = np.asarray(face.box, dtype=np.float64)
            good = numbers.shape == (4,) and np.isfinite(numbers).all() and (numbers[2:] > 0).all()
            require(good, f"a box is {face.box}, not left, top, width, height")
        require(np.isfinite(face.score), f"a score is {face.score}")
        require(face.eyes[0, 0] < face.eyes[1, 0], "the eye on the left of the picture does not come first")
        size = np.array(image.shape[1::-1])
        inside = (face.eyes >= -NEAR * size).all() and (face.eyes <= (1 + NEAR) * size).all()
        require(inside, f"eyes at {face.eyes.round().tolist()} in a photo of {size[0]} x {size[1]} px")


def _check_points(points: npt.NDArray[np.float64], word: str, count: int) -> None:
    right = isinstance(points, np.ndarray) and points.shape == (count, 2) and points.dtype == np.float64
    given = f"{points.dtype} {list(points.shape)}" if isinstance(points, np.ndarray) else type(points).__name__
    require(right, f"{word} are {given}, not float64 [{count}, 2]")
    require(np.isfinite(points).all(), f"{word} are not all finite")


def _told(found: list[tuple[list[Face], npt.NDArray[np.float64]]]) -> str:
    """How many drawn faces were found, and how far off the eyes are."""
    apart = [
        float(np.abs(faces[0].eyes - eyes).max() / (eyes[1, 0] - eyes[0, 0])) for faces, eyes in found if len(faces)
    ]
    if not apart:
        return f"0 of {len(found)} drawn faces found: try it on photos"
    return (
        f"{len(apart)} of {len(found)} drawn faces found, eyes off by {100 * np.median(apart):.0f} % of their distance"
    )


@LANDMARKER.check(
    "a box says which face is meant",
    remedy="With hint.box return the one face in it, or none: it is from the manifest, or a correction by hand.",
)
def boxes_are_kept(landmarker: LandmarkerUnderTest) -> str:
    """A photo of two faces and a box around each: one face at most, its eyes in the box."""
    two, count = _two(), 0
    for points, box in zip(two.points, two.boxes, strict=True):
        faces = landmarker.find(two.image, points, box)
        _check(faces, two.image)
        require(len(faces) <= 1, f"{len(faces)} faces for one box")
        for face in faces:
            count += 1
            left, top, width, height = box
            x, y = face.eyes.mean(axis=0)
            inside = left <= x <= left + width and top <= y <= top + height
            require(inside, f"the eyes of the box {box} are at {face.eyes.round().tolist()}")
    return f"{count} of 2 found"


@LANDMARKER.check(
    "the same photo has the same faces",
    remedy="Draw nothing at random and carry nothing over from photo to photo.",
)
def repeatable(landmarker: LandmarkerUnderTest) -> None:
    """Asked again after another photo, and by a fresh one, whatever the global generators hold."""
    (image, points), (other, other_points) = drawn_faces()
    kept = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        first = landmarker.find(image, points)
        landmarker.find(other, other_points)
        np.random.seed(1)  # noqa: NPY002
        random.seed(1)
        torch.manual_seed(1)
        again = landmarker.find(image, points)
        fresh = LandmarkerUnderTest(landmarker.plugin).find(image, points)
    finally:
        np.random.set_state(kept[0])  # noqa: NPY002
        random.setstate(kept[1])
    require(_same(first, again), "asked a second time it finds others")
    require(_same(first, fresh), "a fresh one finds others")


def _same(ones: list[Face], others: list[Face]) -> bool:
    return len(ones) == len(others) and all(
        np.array_equal(one.eyes, other.eyes)
        and one.box == other.box
        and one.score == other.score
        and np.array_equal(np.array(one.landmarks), np.array(other.landmarks))
        for one, other in zip(ones, others, strict=True)
    )


@LANDMARKER.check(
    "what it is given stays as it is", remedy="Copy the photo and the hint's landmarks before changing them."
)
def inputs_are_kept(landmarker: LandmarkerUnderTest) -> None:
    """Photo and landmarks."""
    image, points = drawn_faces()[0]
    given, hint = image.copy(), Hint(landmarks=points.copy())
    try:
        for face in landmarker.landmarker.find(given, hint):
            face.eyes[:] = -1
            if face.landmarks is not None:
                face.landmarks[:] = -1
    except DataError:
        skip("it refuses the drawn face")
    require(np.array_equal(given, image), "it changes the photo it was given")
    require(
        np.array_equal(np.array(hint.landmarks), points), "what it returns is the landmarks it was given, not a copy"
    )


@LANDMARKER.check(
    "tiny photos and photos of nobody",
    remedy="Return an empty list where no face can be, or raise DataError saying why.",
)
def nobody_there(landmarker: LandmarkerUnderTest) -> str:
    """Sizes down to one pixel, one colour, noise: faces that hold together, none, or a refusal in words."""
    photos = [picture(height, width) for height, width in TINY]
    photos += [np.full((120, 90, 3), 128, dtype=np.uint8), picture(120, 90, grey=True)]
    counts = []
    for photo in photos:
        faces = landmarker.find(photo)
        _check_shapes_only(faces)
        counts.append(len(faces))
    return f"{sum(counts)} faces in {len(photos)} photos of nobody"


def _check_shapes_only(faces: list[Face]) -> None:
    for face in faces:
        _check_points(face.eyes, "eyes", 2)
        if face.landmarks is not None:
            _check_points(face.landmarks, "landmarks", 68)


@LANDMARKER.check(
    "a copy in another process finds the same",
    remedy="Load models on first use into a module's cache, not into the plugin: worker processes get a pickled copy.",
)
def can_be_sent(landmarker: LandmarkerUnderTest) -> None:
    """Pickled after use, and unpickled."""
    image, points = drawn_faces()[0]
    first = landmarker.find(image, points)
    again = pickle.loads(pickle.dumps(landmarker.landmarker))  # noqa: S301 (what we have just pickled)
    try:
        faces = again.find(image, Hint(landmarks=points))
    except DataError:
        faces = []
    require(_same(first, faces), "the copy finds others")


@LANDMARKER.check(
    "it tells people apart",
    remedy="descriptor returns float64 [D], the same for the same face; same_person_below is a distance above 0.",
)
def descriptors(landmarker: LandmarkerUnderTest) -> str:
    """Where ``same_person_below`` is set: one length, finite, repeatable; a darker copy is nearer than a stranger."""
    limit = landmarker.landmarker.same_person_below
    if limit is None:
        skip("it does not claim to")
    require(limit > 0, f"same_person_below is {limit}")
    (one, points), (other, other_points) = drawn_faces()
    photos = [(one, points), (one, points), ((0.7 * one).astype(np.uint8), points), (other, other_points)]
    vectors = []
    for image, given in photos:
        faces = landmarker.find(image, given)
        if not faces:
            skip("it finds no drawn face")
        vectors.append(landmarker.landmarker.descriptor(image, faces[0]))
    shapes = {f"{vector.dtype} {list(vector.shape)}" for vector in vectors}
    require(len(shapes) == 1 and vectors[0].ndim == 1 and vectors[0].dtype == np.float64, f"they are {sorted(shapes)}")
    require(all(np.isfinite(vector).all() for vector in vectors), "they are not all finite")
    again, darker, stranger = (float(np.linalg.norm(vectors[0] - vector)) for vector in vectors[1:])
    require(again == 0, "the same face has another descriptor the second time")
    require(darker < stranger, f"a darker copy is {darker:.2f} away, a stranger {stranger:.2f}")
    return f"a darker copy is {darker:.2f} away, another drawn face {stranger:.2f}; one person below {limit:g}"
