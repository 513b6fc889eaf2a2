"""Landmarkers that each break one promise."""

import random

import numpy as np

from msde_toolkit.interfaces import Face, Hint, Landmarker
from msde_toolkit.landmarks import canonical_landmarks, eye_centres
from msde_toolkit.types import DataError, InputError


class Sound(Landmarker):
    """The average face, wherever something is to be seen."""

    summary = "The average face in the box, or in the whole photo"
    reference = "Own work"
    licence = "Apache-2.0"

    def find(self, image, hint):
        if not image.std():
            message = "the photo shows nothing."
            raise DataError(message)
        height, width = image.shape[:2]
        box = hint.box or (0.0, 0.0, float(width), float(height))
        points = canonical_landmarks(1, 1) * box[2:] + box[:2]
        return [self.face(points, box)]

    def face(self, points, box):
        return Face(eye_centres(points), points, box)


class Single(Sound):
    def find(self, image, hint):
        return super().find(image, hint)[0]


class FivePoints(Sound):
    def face(self, points, box):
        return Face(eye_centres(points), points[:5], box)


class EyesOfThePerson(Sound):
    def face(self, points, box):
        return Face(eye_centres(points)[::-1], points, box)


class InFractions(Sound):
    def face(self, points, box):
        return Face(eye_centres(points) * 1000, points, box)


class SurestLast(Sound):
    def find(self, image, hint):
        (face,) = super().find(image, hint)
        return [Face(face.eyes, score=0.5), Face(face.eyes, score=0.7)][hint.box is not None :]


class IgnoresTheBox(Sound):
    def find(self, image, hint):
        return super().find(image, Hint())


class AllInTheBox(Sound):
    def find(self, image, hint):
        return 2 * super().find(image, hint)


class Wavers(Sound):
    def face(self, points, box):
        return super().face(points + random.random(), box)


class Follows(Sound):
    """Takes the mean of this photo's place and the last one's."""

    last = 0.0

    def face(self, points, box):
        self.last = (self.last + box[2]) / 2
        return super().face(points + self.last / 100, box)


class Whitens(Sound):
    def find(self, image, hint):
        image = image if image.flags.writeable else image.copy()
        image[0] = 255
        return super().find(image, hint)


class GivesTheHintItself(Sound):
    def find(self, image, hint):
        if hint.landmarks is None:
            return []
        return [Face(eye_centres(hint.landmarks), hint.landmarks, hint.box)]


class NeedsSomePixels(Sound):
    def find(self, image, hint):
        np.unravel_index(image[8, 8].argmax(), image[2:-2, 2:-2].shape)
        return super().find(image, hint)


class CarriesItsModel(Sound):
    def find(self, image, hint):
        self.model = lambda: None
        return super().find(image, hint)


class LacksItsModel(Sound):
    """Sound: it says so."""

    def find(self, image, hint):
        message = "faces.model = model.onnx: no such file. Get it at the zoo."
        raise InputError(message)


class TellsApart(Sound):
    """Sound: by the mean colour."""

    same_person_below = 1.0

    def descriptor(self, image, face):
        mean = image.mean(axis=(0, 1))
        return mean / mean.sum()


class TellsByTheLight(TellsApart):
    def descriptor(self, image, face):
        return np.array([float(image.mean() // 20), 0.0])


class PromisesToTellApart(Sound):
    same_person_below = 0.6
