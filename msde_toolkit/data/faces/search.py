"""Faces in photos, each photo looked at once: what was found is remembered in the cache, photo by photo."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from msde_toolkit.create import create_landmarker, parse_options
from msde_toolkit.data.faces.outcome import Journal, Outcome, rounded
from msde_toolkit.data.image_cache import Progress, chunked, read_each
from msde_toolkit.errors import DataError, PluginError
from msde_toolkit.interfaces import Dataset, Face, Hint, Image, Landmarker
from msde_toolkit.registry import Registry, shown_name
from msde_toolkit.types import Manifest

CHUNK = 4
"""Photos that are searched before the answer is kept."""


@dataclass(frozen=True)
class Finder:
    """A landmarker by name, checked; unlike the landmarker itself it can be sent to another process.

    Attributes:
        name: as in ``msde list landmarkers``.
        options: in full, as JSON.
    """

    name: str
    options: str

    @classmethod
    def create(cls, name: str, options: Mapping[str, Any] | None = None) -> Finder:
        """Check name and options.

        Raises:
            InputError: unknown option or wrong value; a model of the landmarker that is missing.
            PluginError: unknown name, or a plugin that cannot be imported.
        """
        checked = parse_options(Registry("landmarkers").get(name), options, "faces", name)
        finder = cls(name, json.dumps(checked.model_dump(mode="json"), sort_keys=True))
        finder.landmarker()
        return finder

    def landmarker(self) -> Landmarker:
        """The plugin; made once a process, for its models take seconds to load."""
        return _landmarker(self.name, self.options)

    def __str__(self) -> str:
        """Name, version and what was set, as it stands in a manifest's column ``landmarker``."""
        made = self.landmarker()
        usual = type(made).Options().model_dump(mode="json") if _has_defaults(type(made)) else {}
        options = json.loads(self.options)
        # A manifest goes to others: a model's file is named in it, the folder that it lies in is not.
        options.pop(type(made).argument, None)
        changed = [f"{key}={value}" for key, value in options.items() if usual.get(key) != value]
        return f"{shown_name(self.name)} {made.version}" + (f" ({', '.join(changed)})" if changed else "")

    def as_dict(self) -> dict[str, Any]:
        """For JSON: which plugin, of which version, with which options."""
        info = Registry("landmarkers").info(self.name).as_dict()
        return {**info, "method": self.landmarker().version, "options": json.loads(self.options)}


@lru_cache(maxsize=2)
def _landmarker(name: str, options: str) -> Landmarker:
    return create_landmarker(name, json.loads(options))


def _has_defaults(plugin: type[Landmarker]) -> bool:
    return not any(option.is_required() for option in plugin.Options.model_fields.values())


@dataclass(frozen=True)
class Search:
    """A search in the photos of a dataset.

    Attributes:
        dataset: reads the photos.
        finder: looks.
        hints: what is known better than the manifest knows it, by sample id.
    """

    dataset: Dataset
    finder: Finder
    hints: Mapping[str, Hint] = field(default_factory=dict)

    def run(self, manifest: Manifest, progress: Progress | None = None) -> dict[str, Outcome]:
        """Every sample's outcome by id. Photos that were searched before, and have not changed, are not read again.

        Raises:
            InputError: a model that the landmarker needs is missing or damaged.
            PluginError: the landmarker breaks its contract.
        """
        journal = Journal.of(manifest.name, self._key(manifest.name))
        known = journal.read()
        keys = self._keys(manifest)
        photo_of = {sample: photo for sample, photo, _ in keys}
        key_of = {sample: key for sample, _, key in keys}
        found = {sample: known[key] for sample, key in key_of.items() if key in known}
        rest = manifest.take(~manifest.frame["id"].isin(list(found)).to_numpy(dtype=bool))
        if progress is not None:
            progress(len(found), len(manifest))
        if len(rest):
            for outcomes in chunked(rest, self._of_rows, CHUNK):
                journal.add({key_of[sample]: outcome for sample, outcome in outcomes.items()})
                found.update(outcomes)
                if progress is not None:
                    progress(len(found), len(manifest))
        return {sample: replace(found[sample], photo=photo_of[sample]) for sample in manifest.ids}

    def _key(self, dataset: str) -> str:
        made = self.finder.landmarker()
        return _sha(dataset, _name_of(self.dataset), _name_of(made), made.version, self.finder.options)

    def _keys(self, manifest: Manifest) -> list[tuple[str, str, str]]:
        """Of each sample its id, a name of the photo's pixels, and one of the photo and what is known of its face."""
        keys = []
        for row, sample in enumerate(manifest.ids):
            rows = manifest.take([row])
            photo = _sha(self.dataset.fingerprint(rows), sample, rows.frame["path"].iat[0])
            hint = self._hint(rows)
            known = [hint.box, None if hint.landmarks is None else hint.landmarks.tolist()]
            keys.append((sample, photo, _sha(photo, known)))
        return keys

    def _hint(self, rows: Manifest) -> Hint:
        (sample,) = rows.ids
        return self.hints[sample] if sample in self.hints else known_hint(rows)

    def _of_rows(self, rows: Manifest) -> dict[str, Outcome]:
        # One photo at a time: sixteen of thirty megapixels are more than memory has to hold.
        parts = (rows.take([row]) for row in range(len(rows)))
        return {part.ids[0]: self._of_one(part) for part in parts}

    def _of_one(self, rows: Manifest) -> Outcome:
        (image,) = read_each(self.dataset, rows)
        if isinstance(image, DataError):
            return Outcome(reason=str(image), unreadable=True)
        size = (image.shape[1], image.shape[0])
        try:
            faces = self.finder.landmarker().find(image, self._hint(rows))
        except DataError as error:
            return Outcome(size=size, reason=str(error).rstrip("."))
        checked = [self._checked(face, rows.ids[0]) for face in faces]
        return Outcome(tuple(face for face in checked if _looks_into(face, image)), size)

    def _checked(self, face: Face, sample: str) -> Face:
        eyes = np.asarray(face.eyes, dtype=np.float64)
        points = None if face.landmarks is None else np.asarray(face.landmarks, dtype=np.float64)
        numbers = [eyes, *([] if points is None else [points])]
        right_shape = eyes.shape == (2, 2) and (points is None or points.shape == (68, 2))
        if not right_shape or not all(np.isfinite(part).all() for part in numbers) or np.ptp(eyes, axis=0).max() == 0:
            message = (
                f"The landmarker {self.finder.name!r} must give two eyes [2, 2] that are not the same, and landmarks "
                f"[68, 2] or None, all finite; of sample {sample} it gave eyes {eyes.tolist()}."
            )
            raise PluginError(message)
        return rounded(Face(eyes, points, face.box, float(face.score)))


def known_hint(rows: Manifest) -> Hint:
    """What a manifest knows of the face of one row.

    Raises:
        DataError: a box that is not 4 numbers, or landmarks that are not 136.
    """
    box, landmarks = (_numbers(rows, column, length) for column, length in (("box", 4), ("landmarks", 136)))
    return Hint(
        None if box is None else (box[0], box[1], box[2], box[3]),
        None if landmarks is None else np.array(landmarks).reshape(-1, 2),
    )


def _numbers(rows: Manifest, column: str, length: int) -> list[float] | None:
    """A cell of one row that holds a list.

    Raises:
        DataError: if it has another length.
    """
    cell: Any = rows.frame[column].iat[0]
    if cell is None:
        return None
    if len(cell) != length:
        message = f"sample {rows.ids[0]}: {column} has {len(cell)} numbers, expected {length}."
        raise DataError(message)
    return [float(number) for number in cell]


def _looks_into(face: Face, image: Image) -> bool:
    """Whether the point between the eyes is in the photo; what lies beyond its edge cannot be cut."""
    middle = face.eyes.mean(axis=0)
    return bool((middle >= 0).all() and middle[0] <= image.shape[1] and middle[1] <= image.shape[0])


def _name_of(plugin: object) -> str:
    return f"{type(plugin).__module__}.{type(plugin).__qualname__}"


def _sha(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
