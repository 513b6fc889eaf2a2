"""Who is held out when: identity-independent, class-balanced folds by our own seeded rule.

The rule is integer arithmetic over a seeded order, so it gives the same folds on every machine and version (a golden
file in the tests holds it still). scikit-learn's ``StratifiedGroupKFold`` makes no such promise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.errors import InputError
from msde_toolkit.randomness import digest
from msde_toolkit.types import Manifest

SCHEMA = 1
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """One division: row numbers of the manifest to train on and to test on."""

    name: str
    train: Rows
    test: Rows


@dataclass(frozen=True)
class Folds:
    """All divisions of a run.

    Attributes:
        folds: in order, named "00", "01", ...
        unit: what is never divided: "subject", or "sample" where subjects are unknown (pairs are kept whole even then).
        source: "assigned", "split" (the dataset's own), "file", or "released" (``released_folds``).
        held_out: fold name to the groups tested in it, sorted (None for a dataset's own split).
        shared: how many groups are on both sides of a dataset's own split; 0 for any other folds.
    """

    folds: tuple[Fold, ...]
    unit: str
    source: str
    held_out: dict[str, list[str]] | None
    shared: int = 0

    @property
    def independent(self) -> bool:
        """Whether nobody is known to be on both sides, every subject being known."""
        return self.unit == "subject" and self.shared == 0

    def as_dict(self) -> dict[str, Any]:
        """For ``folds.json``."""
        tests: dict[str, list[str] | None] = {fold.name: None for fold in self.folds}
        tests.update(self.held_out or {})
        return {
            "schema": SCHEMA,
            "source": self.source,
            "unit": self.unit,
            "folds": [{"fold": name, "test": groups} for name, groups in tests.items()],
        }


def assign(groups: Sequence[str], labels: Sequence[int], folds: int, seed: int) -> dict[str, int]:
    """Give each group (subject) a fold so that every class is spread evenly.

    Groups come largest first, ties in seeded order; each goes to the fold that then has the least unevenness: the sum
    of squared class counts, each class scaled by its total so that rare classes weigh as much; ties go to the smaller,
    then to the first fold. No fold stays empty, and the result is never less even than the average over all ways of
    dividing the groups: with x a group's scaled counts, the squared distances of the folds' sums from an equal share
    add up to at most (1 - 1/folds) times the sum of the groups' squared x.

    Args:
        groups: the group of each sample.
        labels: the class of each sample.
        folds: 2 or more.
        seed: of the tie order.

    Returns:
        group to fold number.

    Raises:
        InputError: fewer than two folds, or more folds than groups.
    """
    index, names = pd.factorize(np.array([str(group) for group in groups], dtype=object), sort=True)
    if folds < 2:
        message = f"--folds {folds}: cross-validation needs at least 2 folds."
        raise InputError(message)
    if folds > len(names):
        message = f"--folds {folds}: there are only {len(names)} subjects (or samples without subject) to hold out."
        raise InputError(message)
    classes = int(max(labels)) + 1
    counts = np.zeros((len(names), classes), dtype=np.int64)
    np.add.at(counts, (index, np.asarray(labels)), 1)
    # Scaling in integers keeps the choice free of rounding differences between machines.
    total = counts.sum(axis=0)
    scaled = counts * np.maximum(1, 1_000_000 // np.maximum(total, 1))
    order = sorted(range(len(names)), key=lambda i: (-int(counts[i].sum()), digest(seed, "fold order", str(names[i]))))
    filled = np.zeros((folds, classes), dtype=np.int64)
    size = np.zeros(folds, dtype=np.int64)
    out: dict[str, int] = {}
    for group in order:
        growth = ((2 * filled + scaled[group]) * scaled[group]).sum(axis=1)
        best = min(range(folds), key=lambda fold: (int(growth[fold]), int(size[fold]), fold))
        filled[best] += scaled[group]
        size[best] += counts[group].sum()
        out[str(names[group])] = best
    return out


def make_folds(manifest: Manifest, folds: int | None, seed: int, default: int) -> Folds:
    """The folds of a run: the dataset's own split where it has one, else ``folds`` (or ``default``) assigned ones.

    Raises:
        InputError: ``folds`` given for a dataset with its own split; or as ``assign``.
    """
    if manifest.split_names:
        if folds is not None:
            message = f"--folds {folds}: {manifest.name} comes with its own train/test split; leave --folds out."
            raise InputError(message)
        return _own_split(manifest)
    wanted = default if folds is None else folds
    groups = manifest.groups()
    chosen = assign(list(groups), manifest.labels.tolist(), wanted, seed)
    width = max(2, len(str(wanted - 1)))
    held_out: dict[str, list[str]] = {f"{number:0{width}d}": [] for number in range(wanted)}
    for group, number in chosen.items():
        held_out[f"{number:0{width}d}"].append(group)
    return _from_groups(manifest, {name: sorted(tests) for name, tests in held_out.items()}, "assigned")


def released_folds(manifest: Manifest, folds: int | None, default: int) -> Folds:
    """The folds of the paper's released code, for study: contiguous subjects, and each range one too long.

    Fold i holds out subjects i·s to i·s + s (s = subjects // folds), ends included: the first subject of every fold but
    the first is tested twice, and whoever comes after the last fold is never tested. With 142 subjects and ten folds
    these are nine subjects tested twice and one never. Training and test stay apart within a fold.

    Raises:
        InputError: subjects unknown; a dataset with its own split; fewer than two folds, or too many.
    """
    wanted = default if folds is None else folds
    if manifest.split_names or not manifest.has_subjects:
        what = "has its own split" if manifest.split_names else "does not know its subjects"
        message = f"train.released_folds: {manifest.name} {what}; the released code's folds are over numbered subjects."
        raise InputError(message)
    subjects = sorted({str(group) for group in manifest.groups()}, key=_natural)
    size = len(subjects) // wanted if wanted >= 2 else 0
    if size == 0:
        message = f"--folds {wanted}: needs 2 folds or more, and at most {len(subjects)} (one subject each)."
        raise InputError(message)
    held_out = {f"{number:02d}": subjects[number * size : (number + 1) * size + 1] for number in range(wanted)}
    return _from_groups(manifest, held_out, "released")


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Sorts s2 before s10."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name)]


def _unit(manifest: Manifest) -> str:
    return "subject" if manifest.has_subjects else "sample"


def _own_split(manifest: Manifest) -> Folds:
    split = manifest.frame["split"]
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    if len(train) == 0 or len(test) == 0:
        message = f"{manifest.name}: its own split needs 'train' and 'test' (it has {', '.join(manifest.split_names)})."
        raise InputError(message)
    groups = manifest.groups()
    shared = len(set(groups[train]) & set(groups[test]))
    return Folds((Fold("00", train, test),), _unit(manifest), "split", None, shared)


def _from_groups(manifest: Manifest, held_out: dict[str, list[str]], source: str) -> Folds:
    index, names = pd.factorize(np.array([str(group) for group in manifest.groups()], dtype=object))
    folds = []
    for name, tests in held_out.items():
        inside = pd.Index(names).isin(tests)[index]
        folds.append(Fold(name, np.flatnonzero(~inside), np.flatnonzero(inside)))
    return Folds(tuple(folds), _unit(manifest), source, held_out)


def load_folds(path: Path, manifest: Manifest) -> Folds:
    """Folds from a ``folds.json`` of an earlier run or of one's own: ``{"folds": [{"fold": "00", "test": [...]}]}``.

    Raises:
        InputError: unreadable; a subject unknown, held out twice, or never; a fold that tests nothing; folds of a
            dataset's own split, for a dataset without one.
    """
    listed = _read(path)
    if [tests for _, tests in listed] == [None] and manifest.split_names:
        return _own_split(manifest)
    if any(tests is None for _, tests in listed):
        message = f"--folds {path}: says no subjects to hold out, and {manifest.name} has no such split of its own."
        raise InputError(message)
    _check_file(path, manifest, listed)
    return _from_groups(manifest, {name: sorted(tests or []) for name, tests in listed}, "file")


def _read(path: Path) -> list[tuple[str, list[str] | None]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return [(str(entry["fold"]), _texts(entry["test"])) for entry in document["folds"]]
    except FileNotFoundError as error:
        message = f"--folds {path}: no such file."
        raise InputError(message) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = (
            f'--folds {path}: not a folds file; expected {{"folds": [{{"fold": "00", "test": ["subject", ...]}}]}}.'
        )
        raise InputError(message) from error


def _texts(tests: Any) -> list[str] | None:
    if tests is not None and not isinstance(tests, list):
        raise TypeError
    return None if tests is None else [str(group) for group in tests]


def _check_file(path: Path, manifest: Manifest, listed: Sequence[tuple[str, list[str] | None]]) -> None:
    known = {str(group) for group in manifest.groups()}
    seen: dict[str, str] = {}
    names: set[str] = set()
    for name, tests in listed:
        if name in names:
            message = f"--folds {path}: there are two folds of the name {name}."
            raise InputError(message)
        names.add(name)
        if not name.replace("-", "").isalnum():
            message = f"--folds {path}: fold name {name!r} is not letters and digits."
            raise InputError(message)
        if not tests:
            message = f"--folds {path}: fold {name} holds out nobody."
            raise InputError(message)
        for group in tests:
            if group not in known:
                message = f"--folds {path}: fold {name} holds out {group!r}, who is not in {manifest.name}."
                raise InputError(message)
            if group in seen:
                message = f"--folds {path}: {group!r} is held out in fold {seen[group]} and again in fold {name}."
                raise InputError(message)
            seen[group] = name
    if len(listed) < 2:
        message = f"--folds {path}: cross-validation needs at least 2 folds."
        raise InputError(message)
    if missing := sorted(known - set(seen)):
        message = f"--folds {path}: {missing[0]!r} is never held out ({len(missing)} subjects missing)."
        raise InputError(message)


def inner_split(manifest: Manifest, train: Rows, seed: int, share: int = 8) -> tuple[Rows, Rows]:
    """Divide training rows by subject into rows to fit on and rows to choose the epoch on (about one in ``share``).

    Raises:
        InputError: if all training rows are of one subject.
    """
    inside = manifest.take(train)
    groups = inside.groups()
    parts = min(share, len(set(groups)))
    if parts < 2:
        message = f"--select inner: {manifest.name} has too few training subjects to keep some back; use --select last."
        raise InputError(message)
    chosen = assign(list(groups), inside.labels.tolist(), parts, seed)
    validation = np.array([chosen[str(group)] == 0 for group in groups])
    return train[~validation], train[validation]
