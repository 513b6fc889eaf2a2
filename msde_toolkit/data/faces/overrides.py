"""Which face is meant, said by hand: the column ``choice`` of a review list."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.faces.outcome import Outcome
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Face, Hint

FORMS = "a face's number, a box x,y,w,h, eyes x,y,x,y, or drop"
_NUMBER = r"-?\d+(?:\.\d+)?"
_FOUR = re.compile(rf"(?P<eyes>eyes\s*)?({_NUMBER})[,;\s]+({_NUMBER})[,;\s]+({_NUMBER})[,;\s]+({_NUMBER})")


@dataclass(frozen=True)
class Choice:
    """What was said of a sample.

    Attributes:
        kind: how.
        numbers: the face's number from 1; or left, top, width and height of a box; or x, y of both eyes; in pixels of
            the photo.
        text: as it was written.
        where: file and line, for messages.
    """

    kind: Literal["number", "box", "eyes", "drop"]
    numbers: tuple[float, ...]
    text: str
    where: str

    @classmethod
    def parse(cls, text: str, where: str) -> Choice:
        """Read what was written.

        Raises:
            InputError: if it is none of the four forms.
        """
        plain = text.strip().lower()
        if plain == "drop":
            return cls("drop", (), text, where)
        # A table program makes 2.0 of a 2 in a column with empty cells.
        if found := re.fullmatch(r"(\d+)(?:\.0)?", plain):
            return cls("number", (int(found[1]),), text, where)
        if four := _FOUR.fullmatch(plain):
            numbers = tuple(float(four[place]) for place in range(2, 6))
            choice = cls("eyes" if four["eyes"] else "box", numbers, text, where)
            if choice.kind == "eyes" or min(numbers[2:]) > 0:
                return choice
        message = f"{where}: choice {text!r} is not {FORMS}."
        raise InputError(message)

    @property
    def hint(self) -> Hint | None:
        """What the landmarker is told; None where it is not asked again."""
        if self.kind != "box":
            return None
        left, top, width, height = self.numbers
        return Hint(box=(left, top, width, height))

    def face(self, outcome: Outcome) -> Face | None:
        """The face that is meant; None where there is none.

        Raises:
            InputError: if the photo has no face of that number, or the eyes are not in it.
        """
        if self.kind == "drop":
            return None
        if self.kind == "box":
            return outcome.faces[0] if outcome.faces else None
        if self.kind == "eyes":
            return Face(self._eyes(outcome))
        number, there = int(self.numbers[0]), len(outcome.faces)
        if not 1 <= number <= there:
            message = f"{self.where}: choice {number}: the photo has {_count(there)}. Give {FORMS}."
            raise InputError(message)
        return outcome.faces[number - 1]

    def _eyes(self, outcome: Outcome) -> npt.NDArray[np.float64]:
        eyes = np.array(self.numbers).reshape(2, 2)
        inside = (eyes >= 0).all() and (eyes <= outcome.size).all()
        if not inside or np.hypot(*(eyes[1] - eyes[0])) < 1:
            message = (
                f"{self.where}: choice {self.text!r}: two points are needed, both in the photo of "
                f"{outcome.size[0]} x {outcome.size[1]} pixels."
            )
            raise InputError(message)
        # The eye on the left of the picture comes first, in whatever order they were clicked.
        return eyes if eyes[0, 0] <= eyes[1, 0] else eyes[::-1]


def _count(faces: int) -> str:
    return {0: "no face", 1: "one face"}.get(faces, f"{faces} faces")


def read_choices(file: Path, known: frozenset[str]) -> dict[str, Choice]:
    """The choices of a review list by sample id. Lines without a choice say nothing.

    Args:
        file: a CSV with the columns ``id`` and ``choice``; commas or semicolons between them.
        known: all ids there are.

    Raises:
        InputError: not such a file; or naming the line: an id that is unknown or there twice, a choice that is none.
    """
    choices: dict[str, Choice] = {}
    for line, row in _rows(file):
        text, sample = (row.get("choice") or "").strip(), row.get("id") or ""
        if not text:
            continue
        where = f"{file}, line {line}"
        if sample not in known:
            message = f"{where}: the dataset has no sample {sample!r}."
            raise InputError(message)
        if sample in choices:
            message = f"{where}: sample {sample!r} has a choice already ({choices[sample].where})."
            raise InputError(message)
        choices[sample] = Choice.parse(text, where)
    return choices


def check_none_is_lost(review: Path, given: Mapping[str, Choice], known: frozenset[str]) -> None:
    """Whether a review list that is about to be written anew holds choices that were not given back.

    Raises:
        InputError: if so; they are somebody's work.
    """
    if not review.is_file():
        return
    try:
        lost = [sample for sample in read_choices(review, known) if sample not in given]
    except InputError:
        lost = ["of a form that cannot be read"]
    if lost:
        message = (
            f"{review} has choices made by hand that would be lost (the first: {lost[0]}).\n"
            f"Give them back with --overrides {review}, or move the file away."
        )
        raise InputError(message)


def _rows(file: Path) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Line number and cells of every row."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read as a review list ({type(error).__name__})."
        raise InputError(message) from error
    header = lines[0] if lines else ""
    separator = ";" if header.count(";") > header.count(",") else ","
    table = csv.DictReader(lines, delimiter=separator)
    table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
    missing = [name for name in ("id", "choice") if name not in table.fieldnames]
    if missing:
        message = f"{file}: has no column {missing[0]}; it must be a review list of msde data faces."
        raise InputError(message)
    for row in table:
        yield table.line_num, row
