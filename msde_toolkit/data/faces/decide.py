"""Which face is cut from each photo, and which samples are lost, with their partners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from msde_toolkit.data.faces.outcome import Outcome
from msde_toolkit.data.faces.overrides import Choice
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Face
from msde_toolkit.types import LeftOut, Manifest

Why = Literal["no_face", "several_faces", "unreadable", "by_hand", "partner"]
WHYS: tuple[Why, ...] = ("no_face", "several_faces", "unreadable", "by_hand", "partner")
"""Why a sample is lost, the columns of the failure table: the last because the other image of its pair is."""


@dataclass(frozen=True)
class Lost:
    """A sample that is not cut: why, in one word and in several."""

    why: Why
    reason: str


@dataclass(frozen=True)
class Decided:
    """The outcome of a set.

    Attributes:
        manifest: all samples.
        faces: what is cut, by sample id.
        lost: the others, by sample id.
        reasons: what a review list says of each sample that is not plain, by id.
    """

    manifest: Manifest
    faces: Mapping[str, Face]
    lost: Mapping[str, Lost]
    reasons: Mapping[str, str]

    @property
    def unsettled(self) -> int:
        """Samples that wait for a choice by hand."""
        return sum(lost.why not in ("partner", "by_hand") for lost in self.lost.values())

    def left_out(self) -> list[LeftOut]:
        """A record of what is lost, in the manifest's order."""
        return self.manifest.records(
            {sample: lost.reason for sample, lost in self.lost.items()},
            lambda sample: "unreadable" if self.lost[sample].why == "unreadable" else "crop_failures",
            {sample for sample, lost in self.lost.items() if lost.why == "partner"},
        )

    def by_condition(self) -> dict[str, dict[str, int]]:
        """Of each condition how many samples there are, and how many were lost, by reason."""
        table = self.failures().drop(columns=["class", "subject"]).groupby("condition").sum()
        counts: dict[str, dict[str, int]] = table.to_dict(orient="index")  # type: ignore[assignment]
        return {word: counts[word] for word in self.manifest.conditions}

    def failures(self) -> pd.DataFrame:
        """A row for each condition, class and subject: ``samples, cut`` and the reasons of ``WHYS``, as counts."""
        frame = self.manifest.frame
        whys = [self.lost[sample].why if sample in self.lost else "cut" for sample in frame["id"]]
        names = list(self.manifest.classes)
        classes = pd.Categorical([names[label] for label in self.manifest.labels], names)
        table = pd.DataFrame({"condition": frame["condition"], "class": classes, "subject": frame["subject"]})
        counts = pd.get_dummies(pd.Series(whys)).astype(int).reindex(columns=["cut", *WHYS], fill_value=0)
        table = pd.concat([table, pd.DataFrame({"samples": 1}, index=table.index), counts], axis=1)
        keys = ["condition", "class", "subject"]
        return table.groupby(keys, observed=True, dropna=False).sum().reset_index()


def decide(manifest: Manifest, outcomes: Mapping[str, Outcome], choices: Mapping[str, Choice]) -> Decided:
    """The one face of each photo, or the one that was chosen; the others are lost, and so is the rest of their pairs.

    Raises:
        InputError: naming the line of a choice that does not fit the photo.
    """
    faces: dict[str, Face] = {}
    lost: dict[str, Lost] = {}
    reasons: dict[str, str] = {}
    crowded = _pairs_of(manifest, [sample for sample, outcome in outcomes.items() if len(outcome.faces) > 1])
    for sample, pair in zip(manifest.ids, manifest.frame["pair"], strict=True):
        outcome = outcomes.get(sample, Outcome())
        choice = None if outcome.unreadable else choices.get(sample)
        found = _plain(outcome, in_company=pair in crowded) if choice is None else _chosen(outcome, choice)
        if isinstance(found, Lost):
            lost[sample] = found
            reasons[sample] = found.reason
        else:
            faces[sample] = found
            if choice is not None:
                reasons[sample] = _told(choice, outcome)
    partners = _partners(manifest, lost)
    kept = {sample: face for sample, face in faces.items() if sample not in partners}
    return Decided(manifest, kept, {**lost, **partners}, reasons)


def check_readable(outcomes: Mapping[str, Outcome]) -> None:
    """Whether every photo could be decoded.

    Raises:
        DataError: naming the first that could not.
    """
    for sample, outcome in outcomes.items():
        if outcome.unreadable:
            message = f"sample {sample}: {outcome.reason}"
            raise DataError(message)


def check_some_are_left(decided: Decided, more: str = "") -> None:
    """Whether there is a face.

    Raises:
        DataError: if there is none, with the first reason and ``more``.
    """
    if not decided.faces:
        sample, first = next(iter(decided.lost.items()))
        count = len(decided.manifest)
        name = decided.manifest.name
        message = f"{name}: not one of its {count} photos has a face to cut ({sample}: {first.reason}).{more}"
        raise DataError(message)


def _plain(outcome: Outcome, *, in_company: bool) -> Face | Lost:
    if outcome.unreadable:
        return Lost("unreadable", outcome.reason)
    if outcome.reason:
        return Lost("no_face", outcome.reason)
    if not outcome.faces:
        return Lost("no_face", "no face found")
    if len(outcome.faces) > 1:
        return Lost("several_faces", f"{len(outcome.faces)} faces found")
    if in_company:
        # A detector that misses the masked face finds the bystander alone.
        return Lost("several_faces", "one face found, but several in the other photo of its pair")
    return outcome.faces[0]


def _chosen(outcome: Outcome, choice: Choice) -> Face | Lost:
    face = choice.face(outcome)
    if face is not None:
        return face
    if choice.kind == "drop":
        return Lost("by_hand", "left out by hand")
    return Lost("no_face", outcome.reason or "no face found in the box given by hand")


def _told(choice: Choice, outcome: Outcome) -> str:
    given = {"box": "box given by hand", "eyes": "eyes given by hand"}
    return given.get(choice.kind, f"face {choice.text.strip()} of {len(outcome.faces)} chosen by hand")


def _partners(manifest: Manifest, lost: Mapping[str, Lost]) -> dict[str, Lost]:
    """Samples of which nothing is wrong but that the other image of their pair is lost."""
    frame = manifest.frame
    theirs = frame["pair"].isin(list(_pairs_of(manifest, list(lost)))) & ~frame["id"].isin(list(lost))
    why = Lost("partner", "the other image of its pair has no face crop")
    return dict.fromkeys(frame.loc[theirs, "id"], why)


def _pairs_of(manifest: Manifest, samples: Sequence[str]) -> set[str]:
    """Pairs that these samples are of."""
    frame = manifest.frame
    return set(frame.loc[frame["id"].isin(samples), "pair"].dropna())
