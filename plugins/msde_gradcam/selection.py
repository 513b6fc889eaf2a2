"""Which samples are shown: balanced over classes, drawn by seed, blind to whether the model was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

import pandas as pd

from msde_toolkit.randomness import uniform
from msde_toolkit.types import NM, M


@dataclass(frozen=True)
class Shown:
    """What a figure shows.

    Attributes:
        conditions: of an entry, in order: ``("nm", "m")`` for pairs, else the one condition.
        entries: ids of each entry, one a condition; sorted by class.
    """

    conditions: tuple[str, ...]
    entries: tuple[tuple[str, ...], ...]

    @property
    def ids(self) -> list[str]:
        """All ids that are shown."""
        return [sample for entry in self.entries for sample in entry]

    @property
    def paired(self) -> bool:
        """Whether an entry is a person without and with mask."""
        return len(self.conditions) > 1


def choose(held_out: pd.DataFrame, samples: int, seed: int) -> list[Shown]:
    """Complete pairs where there are any; else single images, a group for each condition.

    A pair's turn depends on the seed and its name alone, so runs over the same pairs show the same ones.

    Args:
        held_out: columns ``id, pair, condition, label``, each id once.
        samples: entries of each group.
        seed: of the draw.
    """
    wide = _complete_pairs(held_out)
    if len(wide):
        labels = held_out.set_index("id")["label"].loc[wide[NM]].to_numpy()
        picked = _balanced(list(wide.index), list(labels), samples, seed)
        rows = wide.loc[picked]
        return [Shown((NM, M), tuple(zip(map(str, rows[NM]), map(str, rows[M]), strict=True)))]
    groups = []
    for condition, part in held_out.groupby("condition", sort=False):
        picked = _balanced(list(part["id"]), list(part["label"]), samples, seed)
        groups.append(Shown((str(condition),), tuple((sample,) for sample in picked)))
    return groups


def measured(held_out: pd.DataFrame, groups: Mapping[str, str], count: int, seed: int) -> list[str]:
    """Ids whose mask energy is measured: complete pairs where there are any, else single images of each condition.

    Subjects come in turn, so that as many as possible stand behind the numbers; which of a subject's pairs, and whose
    turn is first, is drawn by the seed and the names alone.

    Args:
        held_out: columns ``id, pair, condition``, each id once.
        groups: id to subject.
        count: pairs (or images of each condition); 0: all.
        seed: of the draw.
    """
    wide = _complete_pairs(held_out)
    if len(wide):
        subjects = [groups[sample] for sample in wide[NM]]
        rows = wide.loc[_in_turn(list(map(str, wide.index)), subjects, count, seed)]
        return [*map(str, rows[NM]), *map(str, rows[M])]
    found: list[str] = []
    for _, part in held_out.groupby("condition", sort=False):
        names = list(map(str, part["id"]))
        found += _in_turn(names, [groups[sample] for sample in names], count, seed)
    return found


def _complete_pairs(held_out: pd.DataFrame) -> pd.DataFrame:
    """Index ``pair``, columns ``nm`` and ``m`` with the ids; empty if no pair is complete."""
    pairs = held_out[held_out["pair"].notna() & held_out["condition"].isin([NM, M])]
    wide = pairs.pivot_table(index="pair", columns="condition", values="id", aggfunc="first")
    return wide.dropna() if {NM, M} <= set(wide.columns) else wide.iloc[:0]


def _in_turn(names: list[str], subjects: list[str], count: int, seed: int) -> list[str]:
    if not count:
        return names
    drawn = uniform(1, names, seed, "mask energy")[:, 0]
    rounds: dict[str, int] = {}
    order = []
    for turn, name, subject in sorted(zip(drawn, names, subjects, strict=True)):
        rounds[subject] = rounds.get(subject, 0) + 1
        order.append((rounds[subject], turn, name))
    return [name for _, _, name in sorted(order)[:count]]


def _balanced(names: list[str], labels: list[int], samples: int, seed: int) -> list[str]:
    """``samples`` names, taken from the classes in turn; in the order of the labels."""
    turn = uniform(1, list(map(str, names)), seed, "gradcam")[:, 0]
    queues: dict[int, list[tuple[float, str, int]]] = {}
    for row in sorted(zip(turn, names, labels, strict=True)):
        queues.setdefault(row[2], []).append(row)
    rounds = zip_longest(*(queues[label] for label in sorted(queues)))
    taken = [row for each in rounds for row in each if row is not None][:samples]
    return [name for _, name, _ in sorted(taken, key=lambda row: row[2])]
