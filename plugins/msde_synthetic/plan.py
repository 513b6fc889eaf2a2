"""The plan of the data set: every sample with its labels, before a pixel is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from msde_synthetic.facs import Blend
from msde_synthetic.randomness import around, between, stream
from msde_synthetic.subjects import SUBJECTS, Subject, subject
from msde_synthetic.verification import CONFUSION_COST, Outcome, outcomes

SUBSETS = ("verified", "all", "requested")
PAIRINGS = ("reshot", "overlay")
CAMERAS = ("dslr", "phone")
EMOTERS = 13


@dataclass(frozen=True)
class SampleSpec:
    """One image to draw.

    Attributes:
        id: Sample id such as ``s017-p05-m``. The number of the pair is shuffled per subject and tells no label.
        subject: Subject number, 1 to 142.
        pair_key: Id of the requested pair, shared by its non-masked and masked image.
        condition: ``nm`` or ``m``.
        requested_label: What the subject was asked to show, 0-6.
        label: Verified label, 0-6, which is what is drawn; None if verification removed the image.
        pair: ``pair_key`` if both images were kept under the same label, else None (MSD-PE of the paper).
        shot: Names the photograph: all that varies from shot to shot is drawn from it.
        camera: ``dslr`` or ``phone``.
        session: Day on which the subject was recorded.
        age: Years.
        glasses: Whether the subject wears glasses (in all of their images).
        mask: Index into the subject's masks; None without mask.
        mask_kind: Such as ``n95-black``; None without mask.
        blend: The expression to be shown.
    """

    id: str
    subject: int
    pair_key: str
    condition: str
    requested_label: int
    label: int | None
    pair: str | None
    shot: str
    camera: str
    session: str
    age: int
    glasses: bool
    mask: int | None
    mask_kind: str | None
    blend: Blend


def samples(
    seed: int = 0, subjects: int = SUBJECTS, subset: str = "verified", pairing: str = "reshot"
) -> list[SampleSpec]:
    """List the samples in id order.

    Args:
        seed: Seed of the whole data set.
        subjects: How many subjects, 1 to 142: the first ones of the full plan.
        subset: ``verified`` (1,960 images at 142 subjects: Table 2); ``all`` or ``requested`` (2,014 images).
        pairing: ``reshot``: the masked image of a pair is another photograph. ``overlay``: in pairs that agree it is
            the non-masked photograph with the mask drawn on.

    Raises:
        ValueError: An argument is out of range; the message names it.
    """
    if not 1 <= subjects <= SUBJECTS:
        raise ValueError(f"subjects must be between 1 and {SUBJECTS}, not {subjects}")
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {', '.join(SUBSETS)}, not {subset!r}")
    check_pairing(pairing)
    rows = [spec for spec in _everything(int(seed)) if spec.subject <= subjects]
    if subset == "verified":
        rows = [spec for spec in rows if spec.label is not None]
    return [seen_by(spec, seed, pairing) for spec in rows]


def check_pairing(pairing: str) -> None:
    """Raise ValueError unless ``pairing`` is known."""
    if pairing not in PAIRINGS:
        raise ValueError(f"pairing must be one of {', '.join(PAIRINGS)}, not {pairing!r}")


def seen_by(spec: SampleSpec, seed: int, pairing: str) -> SampleSpec:
    """Return the sample as photographed under a pairing: an overlay has shot, camera and face of its partner."""
    if pairing == "overlay" and spec.pair is not None and spec.condition == "m":
        bare = _bare_partners(int(seed))[spec.pair]
        return replace(spec, shot=bare.shot, camera=bare.camera, blend=bare.blend)
    return spec


@lru_cache(maxsize=8)
def _bare_partners(seed: int) -> dict[str, SampleSpec]:
    return {spec.pair: spec for spec in _everything(seed) if spec.pair is not None and spec.condition == "nm"}


@lru_cache(maxsize=8)
def _everything(seed: int) -> tuple[SampleSpec, ...]:
    rows = outcomes(seed)
    people = [subject(seed, number) for number in range(1, SUBJECTS + 1)]
    mine: dict[int, list[Outcome]] = {person.number: [] for person in people}
    for requested in range(7):
        same = [row for row in rows if row.requested == requested and not row.extra]
        for person, row in zip(people, _by_skill(same, people, stream(seed, "actors", requested)), strict=True):
            mine[person.number].append(row)
    best = sorted(people, key=lambda person: -person.skill)[:EMOTERS]
    extras = [row for row in rows if row.extra]
    for person, index in zip(best, stream(seed, "extras").permutation(len(extras)), strict=True):
        mine[person.number].append(extras[int(index)])
    return tuple(spec for person in people for spec in _of_subject(seed, person, mine[person.number]))


def _by_skill(rows: list[Outcome], people: list[Subject], rng: Generator) -> list[Outcome]:
    """Order outcomes so that clean ones tend to go to people who emote well."""
    clean = sorted(rows, key=lambda row: (not row.agrees) + (row.nm != row.requested) + 0.9 * rng.random())
    ranks = np.argsort([-person.skill + 0.8 * rng.random() for person in people])
    ordered: list[Outcome | None] = [None] * len(people)
    for rank, row in zip(ranks, clean, strict=True):
        ordered[int(rank)] = row
    return [row for row in ordered if row is not None]


def _of_subject(seed: int, person: Subject, rows: list[Outcome]) -> Iterator[SampleSpec]:
    order = stream(seed, "subject", person.number, "order").permutation(len(rows))
    for place, index in enumerate(order, start=1):
        yield from _pair(seed, person, rows[int(index)], f"{person.id}-p{place:02d}")


def _pair(seed: int, person: Subject, row: Outcome, key: str) -> Iterator[SampleSpec]:
    rng = stream(seed, "pair", key)
    blends = _blends(row, person.skill, rng)
    mask = int(rng.random() * len(person.masks))
    for condition, label, blend in (("m", row.m, blends[1]), ("nm", row.nm, blends[0])):
        shot = f"{key}-{condition}"
        yield SampleSpec(
            id=shot,
            subject=person.number,
            pair_key=key,
            condition=condition,
            requested_label=row.requested,
            label=label,
            pair=key if row.agrees else None,
            shot=shot,
            camera=_camera(seed, shot),
            session=person.session,
            age=person.age,
            glasses=person.glasses is not None,
            mask=mask if condition == "m" else None,
            mask_kind=person.masks[mask].variety if condition == "m" else None,
            blend=blend,
        )


def _camera(seed: int, shot: str) -> str:
    return CAMERAS[int(stream(seed, "camera", shot).random() < 0.5)]


def _blends(row: Outcome, skill: float, rng: Generator) -> tuple[Blend, Blend]:
    """Plan the expressions of a pair's two images from what verification made of them."""
    intensity = _intensity(row, skill, rng)
    confused = _confusion(row.requested, rng)
    removed = Blend(row.requested, confused, between(rng, 0.44, 0.5), intensity * 0.7)
    if row.agrees and row.nm is not None:
        mixed = rng.random()
        other = row.requested if row.requested != row.nm else _confusion(row.nm, rng)
        share = between(rng, 0.1, 0.3) if mixed < 0.28 else between(rng, 0.3, 0.42) if mixed < 0.35 else 0.0
        blend = Blend(row.nm, other if share else row.nm, share, intensity)
        return blend, replace(blend, intensity=min(1.0, intensity * between(rng, 0.92, 1.08)))
    share = between(rng, 0.15, 0.38)
    nm = removed if row.nm is None else Blend(row.nm, row.m if row.m is not None else row.requested, share, intensity)
    m = removed if row.m is None else Blend(row.m, row.nm if row.nm is not None else row.requested, share, intensity)
    return nm, m


def _intensity(row: Outcome, skill: float, rng: Generator) -> float:
    subtle = rng.random() < 0.14
    value = between(rng, 0.38, 0.6) if subtle else around(rng, 0.88 + 0.1 * (skill - 0.5), 0.1)
    return float(np.clip(value + 0.08 * row.extra, 0.3, 1.0))


def _confusion(label: int, rng: Generator) -> int:
    """Draw another label that is easily taken for this one."""
    weight = np.exp(-CONFUSION_COST[label])
    weight[label] = 0.0
    return int(np.searchsorted(np.cumsum(weight), rng.random() * weight.sum(), side="right"))
