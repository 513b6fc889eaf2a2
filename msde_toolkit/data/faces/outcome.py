"""What was found in each photo, kept in the cache so that no photo is searched twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from msde_toolkit.files import cache_directory
from msde_toolkit.interfaces import Face

DIGITS = 3
"""Coordinates are kept to a thousandth of a pixel."""


@dataclass(frozen=True)
class Outcome:
    """What became of the search in a photo.

    Attributes:
        faces: all that were found, the surest first.
        size: width and height of the photo; 0, 0 where it cannot be read.
        reason: why nothing could be looked for; empty otherwise.
        unreadable: the reason is that the photo cannot be decoded.
        photo: names the photo's pixels; another one where they may have changed.
    """

    faces: tuple[Face, ...] = ()
    size: tuple[int, int] = (0, 0)
    reason: str = ""
    unreadable: bool = False
    photo: str = ""


def rounded(face: Face) -> Face:
    """As it comes back from the cache, so that a second run cuts the same pixels."""
    return _face(_plain(face))


def _plain(face: Face) -> dict[str, Any]:
    return {
        "eyes": np.round(face.eyes, DIGITS).tolist(),
        "landmarks": None if face.landmarks is None else np.round(face.landmarks, DIGITS).tolist(),
        "box": None if face.box is None else [round(float(side), DIGITS) for side in face.box],
        "score": face.score,
    }


def _face(plain: Mapping[str, Any]) -> Face:
    landmarks, box = plain["landmarks"], plain["box"]
    return Face(
        np.array(plain["eyes"], dtype=np.float64),
        None if landmarks is None else np.array(landmarks, dtype=np.float64),
        None if box is None else (box[0], box[1], box[2], box[3]),
        float(plain["score"]),
    )


@dataclass(frozen=True)
class Journal:
    """Outcomes by key, a line each: a kill costs at most the line that was being written."""

    file: Path

    @classmethod
    def of(cls, dataset: str, key: str) -> Journal:
        """That of a dataset, and of one way to search; ``key`` names both."""
        file = cache_directory("faces") / f"{key}.jsonl"
        # What the cache's other parts have too: of whom it is, for whoever withdraws.
        beside = file.with_suffix(".json")
        if not beside.exists():
            beside.touch(mode=0o600)
            beside.write_text(json.dumps({"dataset": dataset}), encoding="utf-8")
        return cls(file)

    def read(self) -> dict[str, Outcome]:
        """Everything in it."""
        if not self.file.exists():
            return {}
        with self.file.open(encoding="utf-8", errors="replace") as lines:
            return dict(self._parsed(lines))

    @staticmethod
    def _parsed(lines: Iterable[str]) -> Iterator[tuple[str, Outcome]]:
        for line in lines:
            try:
                entry = json.loads(line)
                faces = tuple(_face(face) for face in entry["faces"])
                yield str(entry["key"]), Outcome(faces, (int(entry["size"][0]), int(entry["size"][1])))
            except (ValueError, KeyError, TypeError, IndexError):
                continue  # the end of a run that was killed

    def add(self, outcomes: Mapping[str, Outcome]) -> None:
        """What can be different next time (an unreadable file, a hint that is missing) is not kept."""
        lines = [
            json.dumps({"key": key, "size": outcome.size, "faces": [_plain(face) for face in outcome.faces]})
            for key, outcome in outcomes.items()
            if not outcome.reason
        ]
        self.file.touch(mode=0o600)
        with self.file.open("a", encoding="utf-8") as file:
            # It starts with a new line, for the one before may be half.
            file.write("".join(f"\n{line}" for line in lines) + "\n")
